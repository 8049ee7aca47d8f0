"""Does the cluster's upgrade service still get through to the resource provider? Floor 3.

It signs in with the cluster certificate that it loaded, so a stale or unpinned one is refused while everything else
still runs. Only where health was captured. Source: service-fabric.md 7 row 23, 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.health_events import health_events
from sfcert.rules.reading import Missing, cannot_tell

_PROPERTIES = ("SFRPPoll", "SFRPStreamChannel")


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for event in health_events(observation):
        if event.about not in _PROPERTIES or not event.source.startswith("UpgradeService"):
            continue
        if event.is_bad and "not authorized" in event.said.lower():
            yield fail(
                event.subject,
                "NotAuthorized",
                f"The resource provider refuses the certificate of the upgrade service ({event.about}): "
                f"{event.said.rstrip('.')}.",
                "Compare the certificate that it names with the declaration and its pins; where the declaration is "
                "right, restart the upgrade service's primary replica so that it loads the present one.",
                HealthState=event.state,
                said=event.said,
            )
        elif event.is_bad:
            yield fail(
                event.subject,
                "PollFails",
                f"The upgrade service does not get through to the resource provider ({event.about}): "
                f"{event.said.rstrip('.') or 'it gives no reason'}.",
                "Look for a closed way out on port 443 first, then for a certificate that is refused.",
                HealthState=event.state,
                said=event.said,
            )
        elif not event.is_fine:
            what = f"The health state of {event.about} of {event.where}"
            missing = Missing(reason="ResourceUnread", what=what, why=f"is {event.state or 'not given'}")
            yield cannot_tell(event.subject, missing, "the upgrade service reaches the resource provider")


RULE = Rule(
    id="upgrade-service-refused",
    severity="error",
    reasons={
        "NotAuthorized": "The resource provider does not accept the upgrade service's certificate.",
        "PollFails": "The upgrade service does not reach the resource provider.",
    },
    severity_of={"PollFails": "warning"},
    check=check,
)
