"""May the platform put this vault's secrets on these machines? Floor 3. Source: service-fabric.md 5, 11 A30."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from sfcert.model.ids import parse_resource_id
from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import (
    Missing,
    cannot_tell,
    is_authored,
    is_open,
    not_in_template,
    profile_body,
    resource_body,
)


def _region(text: str) -> str:
    return text.replace(" ", "").lower()


def _subscription(resource_id: str) -> str:
    try:
        return parse_resource_id(resource_id).subscription.lower()
    except ValueError:
        return ""


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set in observation.scale_sets:
        profile = profile_body(observation, scale_set)
        groups = [(one.text("sourceVault", "id") or "").lower() for one in profile.items("osProfile", "secrets")]
        for vault_id in sorted(one for one, count in Counter(groups).items() if one and count > 1):
            yield fail(
                scale_set.id,
                "VaultRepeated",
                f"The vm secrets of {scale_set.name} list the vault {vault_id} more than once; "
                "the platform refuses that (InvalidParameter).",
                "Put all its certificates into one entry.",
                vault=vault_id,
            )
        for vault_id in dict.fromkeys(secret.vault_id for secret in scale_set.secrets if secret.vault_id):
            question = f"its secrets may be put on machines of {scale_set.name}"
            vault = observation.vault_by_id(vault_id)
            if vault is None or vault.id is None:
                what = f"The vault {vault_id}"
                missing = Missing(reason="ResourceUnread", what=what, why="was not captured")
                yield cannot_tell(vault_id, not_in_template(what) if is_authored(observation) else missing, question)
                continue
            if vault.enabled_for_deployment is False and not is_open(
                resource_body(observation, vault.id), "properties", "enabledForDeployment"
            ):
                yield fail(
                    vault.id,
                    "NotEnabledForDeployment",
                    f"{vault.url} is not enabled for deployment, so the platform cannot put its secrets on machines.",
                    'Set "enabledForDeployment": true on the vault.',
                    enabledForDeployment=False,
                )
            here, there = scale_set.location, vault.location
            if here and there and _region(here) != _region(there):
                yield fail(
                    vault.id,
                    "OtherRegion",
                    f"{vault.url} lies in {there}, {scale_set.name} in {here}; vm secrets need both in one region.",
                    "Bring the certificate by the Key Vault extension, which may reach over regions.",
                    vault=there,
                    scale_set=here,
                )
            if _subscription(vault.id) != _subscription(scale_set.id):
                yield fail(
                    vault.id,
                    "OtherSubscription",
                    f"{vault.url} belongs to another subscription than {scale_set.name}; vm secrets cannot cross it.",
                    "Bring the certificate by the Key Vault extension, which may.",
                    vault=vault.id,
                )


RULE = Rule(
    id="secret-vault-unfit",
    severity="error",
    reasons={
        "NotEnabledForDeployment": "The vault is not enabled for deployment.",
        "OtherRegion": "Vault and scale set lie in different regions.",
        "VaultRepeated": "A vault stands in more than one entry of the vm secrets.",
        "OtherSubscription": "Vault and scale set belong to different subscriptions.",
    },
    check=check,
)
