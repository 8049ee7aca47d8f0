"""Which version does the platform have to install besides, so that nodes may be told of it by thumbprint? Floor 4.

A thumbprint names one version, and so does a vm secret; an extension would go on to the next one. Leaves out which vm
secrets may go afterwards (`secrets`). Source: reference 5 (shape, vault and scale set of one region and subscription,
`enabledForDeployment`, additions reach machines that exist), 3.2.
"""

from __future__ import annotations

from typing import Any

from sfcert.model.ids import parse_resource_id, same_id
from sfcert.model.observation import ScaleSet, Vault
from sfcert.planning.instances import is_manual
from sfcert.planning.provision import delivery_facts
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step, set_to, step_of_scale_set
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import AddSecrets

SECRETS = "properties.virtualMachineProfile.osProfile.secrets"


def add_secrets(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each scale set whose vm secrets do not list the goal's version, in canary order.

    Effects: adds to `reasons`, where the platform could not fetch from the vault.
    """
    steps = []
    for scale_set in situation.scale_sets:
        if lists_goal(situation, scale_set):
            continue
        vault = situation.observation.vault(situation.goal.reference(scale_set.id).vault_url)
        if not _can_deploy(situation, scale_set, vault, reasons):
            continue
        url = goal_secret_url(situation, scale_set)
        kept = [one.url for one in scale_set.secrets]
        steps.append(
            step_of_scale_set(
                definition,
                scale_set,
                names={
                    "scale_set": situation.labels[scale_set.id],
                    "goal_short": f"{situation.goal.thumbprint[:8]}…",
                    "certificate": situation.goal.reference(scale_set.id).name,
                },
                facts=delivery_facts(situation, scale_set, None) | {"urls": [*kept, url], "secret_url": url},
                edits=(set_to(SECRETS, listed_with_goal(situation, scale_set)),),
                owned=(SECRETS,),
                move=AddSecrets(
                    stage_id="",
                    deadline_s=0,
                    scale_set_id=scale_set.id,
                    secrets=((url, situation.goal.thumbprint),),
                    store=situation.store,
                    reaches_nodes=not is_manual(scale_set),
                ),
                undo={"urls": [url], "scale_set": scale_set.id},
            )
        )
    return steps


def goal_secret_url(situation: Situation, scale_set: ScaleSet) -> str:
    """The goal's version as a vm secret names it: `<vault>/secrets/<name>/<version>`."""
    reference = situation.goal.reference(scale_set.id)
    certificate = situation.observation.vault_certificate(reference)
    assert certificate is not None, "the goal was read from it"
    version = next(one.version for one in certificate.versions if one.thumbprint == situation.goal.thumbprint)
    return f"{reference.vault_url}/secrets/{reference.name}/{version}"


def lists_goal(situation: Situation, scale_set: ScaleSet) -> bool:
    """Whether the vm secrets bring the goal's version already."""
    wanted = goal_secret_url(situation, scale_set).lower()
    return any(one.url.lower() == wanted for one in scale_set.secrets)


def raw_secrets(situation: Situation, scale_set: ScaleSet) -> list[Any]:
    """The vm secrets as the resource provider sends them; empty where there are none."""
    profile = situation.raw(scale_set.id).body["properties"]["virtualMachineProfile"]
    return list((profile.get("osProfile") or {}).get("secrets") or [])


def listed_with_goal(situation: Situation, scale_set: ScaleSet) -> list[Any]:
    """The raw list with the goal's version: in its vault's own entry, because a vault may stand there only once."""
    before = raw_secrets(situation, scale_set)
    if lists_goal(situation, scale_set):
        return before
    vault = situation.observation.vault(situation.goal.reference(scale_set.id).vault_url)
    entry: dict[str, Any] = {"certificateUrl": goal_secret_url(situation, scale_set)}
    if situation.observation.cluster.os != "Linux":
        entry["certificateStore"] = situation.store
    after, found = [], False
    for group in before:
        source = str((group.get("sourceVault") or {}).get("id") or "")
        if vault is not None and vault.id is not None and not found and same_id(source, vault.id):
            found = True
            group = {**group, "vaultCertificates": [*(group.get("vaultCertificates") or []), entry]}
        after.append(group)
    if not found:
        after.append({"sourceVault": {"id": vault.id if vault else None}, "vaultCertificates": [entry]})
    return after


def _can_deploy(situation: Situation, scale_set: ScaleSet, vault: Vault | None, reasons: Reasons) -> bool:
    url = situation.goal.reference(scale_set.id).vault_url
    if vault is None or vault.id is None:
        why = situation.observation.why_unread(f"vaults/{url}") or "it is not in the capture"
        reasons.add(
            f"The vault {url} itself was not read ({why}), and a vm secret has to name it. Grant reading the vault "
            "resource and capture again."
        )
        return False
    where = f"The vault {vault.url} of the goal"
    if vault.enabled_for_deployment is not True:
        reasons.add(
            f"{where} is not enabled for deployment, so that the platform installs nothing from it on {scale_set.name}."
            " Set enabledForDeployment and capture again."
        )
    if parse_resource_id(vault.id).subscription.lower() != parse_resource_id(scale_set.id).subscription.lower():
        reasons.add(
            f"{where} lies in another subscription than {scale_set.name}, and vm secrets cannot come from there. "
            "Import the certificate into a vault of the scale set's own subscription and region."
        )
    if vault.location and scale_set.location and _plain(vault.location) != _plain(scale_set.location):
        reasons.add(
            f"{where} lies in {vault.location}, {scale_set.name} in {scale_set.location}; vm secrets need one region. "
            "Import the certificate into a vault of that region."
        )
    return True


def _plain(location: str) -> str:
    return location.replace(" ", "").lower()
