"""How is the same stage done by hand, with `az`? Lines for a POSIX shell. Floor 4.

Source: learn.microsoft.com/cli/azure (deployment group create, keyvault certificate set-attributes, vmss
update-instances), read 2026-11-22.
"""

from __future__ import annotations

import json
import shlex

from sfcert.model.ids import parse_resource_id
from sfcert.model.plan import Deployment, InstanceUpgrade, VaultOperation


def deployment_lines(scope: str, stage_id: str, deployment: Deployment) -> tuple[str, ...]:
    """The template out of the saved plan, then the deployment under the very name that `apply` uses."""
    parts = scope.strip("/").split("/")
    file = f"{stage_id}.json"
    picked = f'.stages[] | select(.id == "{stage_id}") | .deployment.template'
    create = f"az deployment group create --subscription {parts[1]} --resource-group {shlex.quote(parts[3])}"
    return (
        f"jq {shlex.quote(picked)} PLAN.json > {shlex.quote(file)}",
        f"{create} --name {deployment.name} --mode {deployment.mode} --template-file {shlex.quote(file)}",
    )


def vault_lines(operation: VaultOperation) -> tuple[str, ...]:
    """The policy with these keys replaced, then the tags; `az` writes whole policies, so the rest is read first."""
    host = operation.vault_url.removeprefix("https://").split(".")[0]
    name = shlex.quote(operation.certificate)
    where = f"--vault-name {host} --name {name}"
    actions = [
        {"trigger": _camel(one.get("trigger") or {}), "action": _camel(one.get("action") or {})}
        for one in operation.sets.get("lifetime_actions") or []
    ]
    replaced = f".lifetimeActions = {json.dumps(actions, separators=(',', ':'))}"
    tags = " ".join(shlex.quote(f"{key}={value}") for key, value in operation.sets_tags.items() if value is not None)
    lines = (
        f"az keyvault certificate show {where} --query policy > policy.json",
        f"jq {shlex.quote(replaced)} policy.json > wanted.json",
        f"az keyvault certificate set-attributes {where} --policy @wanted.json",
    )
    note = "# --tags replaces all tags of the version: repeat those that are to stay"
    return (*lines, note, f"az keyvault certificate set-attributes {where} --tags {tags or chr(34) * 2}")


def instance_lines(upgrade: InstanceUpgrade) -> tuple[str, ...]:
    """One update domain a line; the next only after the cluster is healthy."""
    parsed = parse_resource_id(upgrade.scale_set_id)
    where = f"--subscription {parsed.subscription} --resource-group {shlex.quote(parsed.group)} --name {parsed.name}"
    return tuple(f"az vmss update-instances {where} --instance-ids {' '.join(ids)}" for ids in upgrade.batches)


def _camel(part: dict[str, object]) -> dict[str, object]:
    """The data plane's names as `az` spells them: `lifetime_percentage` is `lifetimePercentage`."""
    return {
        key.split("_")[0] + "".join(word.capitalize() for word in key.split("_")[1:]): value
        for key, value in part.items()
    }
