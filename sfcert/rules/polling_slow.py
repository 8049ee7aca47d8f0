"""Does the extension look into the vault often enough? Floor 3. Source: service-fabric.md 4.2, 9."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import timing_s
from sfcert.model.observation import Observation
from sfcert.rules.delivery import address, extensions
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, extension_body, is_open, open_value

#: A day: renewal triggers are counted in days, and a person who fixes a version waits for the next look.
SLOWEST_S = 86400


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        polls = extension.polling_interval_s
        body = extension_body(observation, scale_set, extension.name)
        if is_open(body, "settings", "secretsManagementSettings", "pollingIntervalInS"):
            subject = address(scale_set, extension)
            yield cannot_tell(subject, open_value("pollingIntervalInS"), "it looks into the vault at least once a day")
        if polls is None or polls <= SLOWEST_S or (extension.major or 0) >= 4:
            continue
        yield fail(
            address(scale_set, extension),
            "SlowerThanADay",
            f"{extension.name} of {scale_set.name} looks into the vault every {polls // 3600} hours: "
            "a renewed or replaced certificate arrives that much later.",
            f'Set "pollingIntervalInS": "{timing_s("extension_polling_s")}".',
            pollingIntervalInS=polls,
        )


RULE = Rule(
    id="polling-slow",
    severity="warning",
    reasons={"SlowerThanADay": "More than a day passes between two looks."},
    check=check,
)
