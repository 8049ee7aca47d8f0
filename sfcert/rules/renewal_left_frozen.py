"""Did a rollover end, or stop, with the vault's renewal switched off? Floor 3.

Stage 10 of a rollover writes the original lifetime actions into a tag and takes them from the policy; stage 90 puts
them back. The tag that is still there is the sign.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.frozen import ACTIONS_TAG, OWNER_TAG
from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, vault_unread


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for vault in observation.vaults:
        if vault.certificates is None:
            yield cannot_tell(vault.url, vault_unread(observation, vault.url), "a rollover left its renewal frozen")
        for certificate in vault.certificates or ():
            if ACTIONS_TAG not in certificate.tags and OWNER_TAG not in certificate.tags:
                continue
            newest = certificate.newest_enabled
            until = newest.not_after_utc.isoformat() if newest and newest.not_after_utc else "an unknown day"
            yield fail(
                certificate.url,
                "RenewsAgainButTagged" if certificate.renews_itself else "Frozen",
                f"{certificate.name} still carries the mark of a rollover that froze its renewal"
                + (
                    ", though its policy renews again."
                    if certificate.renews_itself
                    else f"; nothing renews it, and it expires on {until}."
                ),
                "Go on with the rollover (`sfcert apply` with its plan, or the next playbook where one ended frozen on "
                "purpose), or put the lifetime actions of the tag back into the policy and remove the tags.",
                original_lifetime_actions=certificate.tags.get(ACTIONS_TAG),
                frozen_by=certificate.tags.get(OWNER_TAG),
                expires_utc=until,
            )


RULE = Rule(
    id="renewal-left-frozen",
    severity="warning",
    reasons={
        "Frozen": "The tag of the freeze is there and the policy does not renew.",
        "RenewsAgainButTagged": "The tag is there, but somebody has switched renewal on again.",
    },
    severity_of={"RenewsAgainButTagged": "info"},
    check=check,
)
