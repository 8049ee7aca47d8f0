"""Is there a way from the machines through the vault's firewall? Floor 3.

vm secrets come in as a trusted service; the Key Vault extension runs in the machine and is none. Source:
service-fabric.md 6.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.ids import same_id
from sfcert.model.observation import KeyVaultExtension, Observation, ScaleSet, Vault
from sfcert.rules.delivery import address, extensions, open_addresses
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import Missing, cannot_tell, resource_body, vault_resource_unread


def extension_works(scale_set: ScaleSet, extension: KeyVaultExtension) -> bool:
    """Whether every machine reports that the extension succeeded: then it has been through to its vaults.

    Only where success waits for the certificates (requireInitialSync, or version 4).
    """
    if not scale_set.instances or not (extension.require_initial_sync or (extension.major or 0) >= 4):
        return False
    name = extension.name.lower()
    return all(
        any(one.name.lower() == name and one.state == "succeeded" for one in instance.extensions)
        for instance in scale_set.instances
    )


def _has_private_endpoint(observation: Observation, vault: Vault) -> bool:
    assert vault.id is not None
    body = resource_body(observation, vault.id)
    return any(
        (one.text("properties", "privateLinkServiceConnectionState", "status") or "").lower() == "approved"
        for one in body.items("properties", "privateEndpointConnections")
    )


def _judge(
    observation: Observation, vault: Vault, scale_set: ScaleSet, extension: KeyVaultExtension
) -> Judgement | None:
    is_closed = (vault.public_network_access or "").lower() == "disabled"
    if not is_closed and (vault.firewall_default or "Allow").lower() == "allow":
        return None
    allowed = [one for one in scale_set.subnet_ids if any(same_id(one, rule) for rule in vault.firewall_subnets)]
    if not is_closed and scale_set.subnet_ids and len(allowed) == len(scale_set.subnet_ids):
        return None
    if extension_works(scale_set, extension):
        return None
    question = f"machines of {scale_set.name} get through the firewall of {vault.url}"
    if _has_private_endpoint(observation, vault):
        missing = Missing(
            reason="ResourceUnread", what=f"The private endpoint of {vault.url}", why="leads into a network not read"
        )
        return cannot_tell(vault.url, missing, question)
    if not is_closed and vault.firewall_ips:
        missing = Missing(
            reason="ResourceUnread", what=f"The outbound address of {scale_set.name}", why="was not captured"
        )
        return cannot_tell(vault.url, missing, question)
    return fail(
        vault.url,
        "NoPath" if not is_closed else "PublicAccessOff",
        f"The firewall of {vault.url} lets nothing of {scale_set.name} in, and the Key Vault extension is no trusted "
        "service.",
        "Allow the subnet of the scale set (with the Microsoft.KeyVault service endpoint) or give the vault a private "
        "endpoint in its network.",
        publicNetworkAccess=vault.public_network_access,
        defaultAction=vault.firewall_default,
        subnets=list(scale_set.subnet_ids),
    )


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        addresses = open_addresses(observation, scale_set, extension)
        if addresses is not None:
            yield cannot_tell(address(scale_set, extension), addresses, "those vaults let its machines in")
        for url in sorted({one.reference.vault_url for one in extension.observed if one.reference}):
            vault = observation.vault(url)
            if vault is None or vault.id is None:
                missing = vault_resource_unread(observation, url)
                if not extension_works(scale_set, extension):
                    yield cannot_tell(url, missing, f"its firewall lets machines of {scale_set.name} in")
                continue
            found = _judge(observation, vault, scale_set, extension)
            if found is not None:
                yield found


RULE = Rule(
    id="vault-firewall",
    severity="error",
    reasons={
        "NoPath": "The firewall denies by default and no rule allows the machines' subnet.",
        "PublicAccessOff": "Public access is off and there is no private endpoint.",
    },
    check=check,
)
