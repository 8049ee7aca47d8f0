"""Would nodes take up the newest version at all? Floor 3.

Nodes present the newest NotBefore. A version that was issued later with an earlier NotBefore is never chosen while the
other is in the store. Source: service-fabric.md 2.1, 7 row 14.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import runtime_at_least
from sfcert.model.observation import Observation
from sfcert.rules.delivery import is_by_name, serving, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from undecided(observation, "nodes would choose it")
    if not is_by_name(observation):
        return
    if runtime_at_least(observation.cluster.runtime, "newest_not_before_since") is False:
        return  # older runtimes go by NotAfter
    yield from unread_deliveries(observation, "nodes would choose it")
    for delivery, certificate, version, leaf in serving(observation):
        if delivery.how != "extension" or certificate.latest is not version:
            continue
        later = [
            one
            for one in certificate.versions[1:]
            if one.certificate is not None
            and one.certificate.common_name == leaf.common_name
            and one.certificate.not_before_utc >= leaf.not_before_utc
            and one.certificate.not_after_utc > now
        ]
        if later and later[0].certificate is not None:
            yield fail(
                delivery.subject,
                "OlderNotBefore",
                f"The newest version of {certificate.name} begins on {leaf.not_before_utc:%Y-%m-%d %H:%M}, not after "
                f"the version before it: nodes that hold both go on presenting {later[0].thumbprint} until it expires.",
                "Issue a version whose NotBefore is later.",
                newest_not_before_utc=leaf.not_before_utc.isoformat(),
                other_not_before_utc=later[0].certificate.not_before_utc.isoformat(),
            )


RULE = Rule(
    id="renewal-back-dated",
    severity="error",
    reasons={"OlderNotBefore": "An older version of the same name has the same NotBefore or a later one."},
    check=check,
)
