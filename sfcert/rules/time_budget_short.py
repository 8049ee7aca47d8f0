"""Is there time enough for the extension's tries when a machine is made? Floor 3.

25 tries with a growing pause must fit in the budget, else the machine is given up while it still tries [inferred].
Source: service-fabric.md 4.3, 4.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import timing_s
from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, is_open, open_value, profile_body

_DURATION = re.compile(r"PT(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?", re.IGNORECASE)


def seconds_of(text: str) -> int | None:
    """An ISO 8601 duration of hours, minutes and seconds as seconds; None where it is anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    return int(match["h"] or 0) * 3600 + int(match["m"] or 0) * 60 + int(match["s"] or 0)


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    usual = timing_s("extensions_time_budget_s")
    for scale_set in observation.scale_sets:
        waits = any(one.require_initial_sync or (one.major or 0) >= 4 for one in scale_set.key_vault_extensions)
        if waits and is_open(profile_body(observation, scale_set), "extensionProfile", "extensionsTimeBudget"):
            yield cannot_tell(scale_set.id, open_value("extensionsTimeBudget"), "its extensions have time enough")
        budget = seconds_of(scale_set.extensions_time_budget or "")
        if waits and budget is not None and budget < usual:
            yield fail(
                scale_set.id,
                "BelowTheDefault",
                f"Extensions of {scale_set.name} have {scale_set.extensions_time_budget} in all; while a vault or a "
                "role is slow, the Key Vault extension may still be trying when a new machine is given up.",
                'Leave extensionsTimeBudget at its default, "PT1H30M".',
                extensionsTimeBudget=scale_set.extensions_time_budget,
            )


RULE = Rule(
    id="time-budget-short",
    severity="warning",
    reasons={"BelowTheDefault": "The budget is shorter than the platform's default."},
    check=check,
)
