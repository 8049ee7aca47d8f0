"""Does the vault renew what the cluster would take up by itself? Floor 3. Source: service-fabric.md 6.2, 11 A20.

A certificate of the issuer "Unknown" is requested and merged by people or by `sfcert enrol`; the vault cannot renew it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.frozen import ACTIONS_TAG
from sfcert.model.observation import Observation
from sfcert.rules.delivery import is_by_name, policy_unread, serving, undecided, unread_deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    yield from undecided(observation, "the vault renews it")
    if not is_by_name(observation):
        return
    yield from unread_deliveries(observation, "the vault renews it")
    for delivery, certificate, _, _ in serving(observation):
        if delivery.how != "extension":
            continue
        if not certificate.has_policy:
            yield cannot_tell(delivery.subject, policy_unread(certificate), "the vault renews it")
            continue
        if certificate.renews_itself or ACTIONS_TAG in certificate.tags:
            continue  # a freeze has a rule of its own
        is_manual = (certificate.issuer_name or "Unknown").lower() == "unknown"
        yield fail(
            delivery.subject,
            "RenewedByPeople" if is_manual else "NoAutoRenew",
            f"{certificate.name} does not renew itself"
            + (": its issuer is not known to the vault." if is_manual else ", though its issuer could."),
            "Renew it before it expires, by hand, or by `sfcert enrol` and then `sfcert renew --due` on a timer."
            if is_manual
            else "Set a lifetime action AutoRenew.",
            issuer=certificate.issuer_name,
            lifetime_actions=[action.action for action in certificate.lifetime_actions],
        )


RULE = Rule(
    id="renewal-not-automatic",
    severity="warning",
    reasons={
        "NoAutoRenew": "The vault could renew it, and the policy does not ask for that.",
        "RenewedByPeople": "The vault cannot renew it.",
    },
    severity_of={"RenewedByPeople": "info"},
    check=check,
)
