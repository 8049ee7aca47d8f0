"""How is the same stage done by hand, with `az`? Lines for a POSIX shell. Floor 4.

The lines need `az`, `sfcert show` and nothing that a bare machine lacks. They find the plan in the file that `PLAN`
names, `plan.json` where it is not set. A vault's policy and tags go through `az rest`: `set-attributes` writes the
policy whole, as `az` understands it, and all tags anew, which would lose what it does not know.

Source: learn.microsoft.com/cli/azure (deployment group create, keyvault certificate show, rest, vmss update-instances,
resource wait), read 2026-11-22. Measured: tests/e2e/test_by_hand_with_az.py.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from sfcert.converge.vault_gates import ENROLLED_TAG
from sfcert.model.ids import parse_resource_id
from sfcert.model.plan import Deployment, EnrolOperation, InstanceUpgrade, VaultOperation

#: The plan's file, as the lines name it.
PLAN = '"${PLAN:-plan.json}"'
_VAULT_API = "7.4"
_AT_REST = "properties.clusterState=='Ready' && properties.provisioningState=='Succeeded'"


def deployment_lines(
    scope: str, stage_id: str, deployment: Deployment, *, enrolled: tuple[str, str] | None = None
) -> tuple[str, ...]:
    """The template out of the saved plan, then the deployment under the very name that `apply` uses.

    Args:
        enrolled: URL and stand-in of the certificate that a stage before brings; where the template holds the stand-in,
            the real thumbprint is asked of the vault.
    """
    lines: tuple[str, ...] = ()
    more = ""
    if enrolled is not None and enrolled[1] in json.dumps(deployment.template):
        lines = (f'ENROLLED="$(az keyvault certificate show --id {enrolled[0]} --query x509ThumbprintHex -o tsv)"',)
        more = ' --enrolled "$ENROLLED"'
    parts = scope.strip("/").split("/")
    file = f"{stage_id}.json"
    create = f"az deployment group create --subscription {parts[1]} --resource-group {shlex.quote(parts[3])}"
    return (
        *lines,
        f"sfcert show {PLAN} --stage {shlex.quote(stage_id)} --format template{more} > {shlex.quote(file)}",
        f"{create} --name {deployment.name} --mode {deployment.mode} --template-file {shlex.quote(file)}",
    )


def vault_lines(operation: VaultOperation) -> tuple[str, ...]:
    """Tags that are added, then the policy, then tags that are removed: what `apply` writes, in its order.

    Other tags and the rest of the policy stay as they are found when the lines run.
    """
    host = operation.vault_url.removeprefix("https://")
    where = f"--vault-name {host.split('.')[0]} --name {shlex.quote(operation.certificate)}"
    added = {key: value for key, value in operation.sets_tags.items() if value is not None}
    removed = [key for key, value in operation.sets_tags.items() if value is None]
    policy_url = f"{operation.vault_url}/certificates/{operation.certificate}/policy?api-version={_VAULT_API}"
    lines: list[str] = []
    if added:
        body = f"{{tags: merge(tags || `{{}}`, `{_literal(added)}`)}}"
        lines += [
            f"az keyvault certificate show {where} --output json --query {shlex.quote(body)} > tags.json",
            _patch(host, _version_url(where), "@tags.json"),
        ]
    if operation.sets:
        body = json.dumps(operation.sets, separators=(",", ":"))
        lines.append(_patch(host, shlex.quote(policy_url), shlex.quote(body)))
    if removed:
        lines += [
            f"az keyvault certificate show {where} --output json --query 'tags || `{{}}`' > tags.json",
            # One tag a line: drop the lines of these, then the comma that may be left over before the last brace.
            f"""printf '{{"tags": %s}}' "$({_without(removed)})" > kept.json""",
            _patch(host, _version_url(where), "@kept.json"),
        ]
    return tuple(lines)


def enrol_lines(operation: EnrolOperation, stage_id: str, owner: str) -> tuple[str, ...]:
    """The request, its answer through the gate, and the mark by which later stages know the version.

    `az` has no gate and speaks no ACME: that part is `sfcert enrol` and `sfcert merge`, with the stage's own policy.
    They are held to this plan, because the cluster pins the issuers of before too, which the plan is about to forget.
    """
    file = shlex.quote(f"{stage_id}.policy.json")
    for_it = f"--vault {operation.vault_url} --for-plan {PLAN}"
    name = shlex.quote(operation.certificate)
    shown = f"sfcert show {PLAN} --stage {shlex.quote(stage_id)}"
    lines = [f"{shown} --format policy > {file}"]
    # the plan's own freeze is no reason to keep away
    ask = f"sfcert enrol {name} --policy {file} --renew --frozen-by {owner} {for_it}"
    if operation.policy.issuer.is_merged and not operation.policy.issuer.is_acme:
        request = shlex.quote(f"{stage_id}.csr.pem")
        signed = shlex.quote(f"{stage_id}.signed.pem")
        lines += [f"{ask} --csr {request}", f"# have {request} signed; leaf and issuers into {signed}"]
        lines.append(f"sfcert merge {name} --chain {signed} {for_it}")
    else:
        lines.append(ask)
    return (*lines, *_mark_lines(operation))


def cancel_lines(vault_url: str, certificate: str) -> list[str]:
    """End an open request, then take its remains away, so that the next one may begin."""
    where = f"--vault-name {vault_url.removeprefix('https://').split('.')[0]} --name {shlex.quote(certificate)}"
    url = shlex.quote(f"{vault_url}/certificates/{certificate}/pending?api-version={_VAULT_API}")
    body = shlex.quote('{"cancellation_requested":true}')
    return [
        _patch(vault_url.removeprefix("https://"), url, body),
        f"az keyvault certificate pending delete {where}",
    ]


def _mark_lines(operation: EnrolOperation) -> list[str]:
    """The tag of the newest version, others kept. Look at the version before: the mark says that somebody did."""
    host = operation.vault_url.removeprefix("https://")
    where = f"--vault-name {host.split('.')[0]} --name {shlex.quote(operation.certificate)}"
    body = f"{{tags: merge(tags || `{{}}`, `{_literal({ENROLLED_TAG: operation.mark})}`)}}"
    return [
        f"az keyvault certificate show {where} --output json --query {shlex.quote(body)} > tags.json",
        _patch(host, _version_url(where), "@tags.json"),
    ]


def instance_lines(upgrade: InstanceUpgrade, cluster_id: str) -> tuple[str, ...]:
    """One update domain after the other; the next only when Azure calls the cluster ready again."""
    parsed = parse_resource_id(upgrade.scale_set_id)
    where = f"--subscription {parsed.subscription} --resource-group {shlex.quote(parsed.group)} --name {parsed.name}"
    lines: list[str] = []
    for ids in upgrade.batches:
        lines += [f"az vmss update-instances {where} --instance-ids {' '.join(ids)}", _at_rest(cluster_id)]
    return tuple(lines)


def wait_lines(cluster_id: str, scale_set_ids: Sequence[str]) -> tuple[str, ...]:
    """What Azure itself can say: the cluster at rest, what it declares, which machines are current.

    What the nodes present is not in Azure Resource Manager; `sfcert watch PLAN --stage ID` looks at them.
    """
    cluster = parse_resource_id(cluster_id)
    where = f"--subscription {cluster.subscription} --resource-group {shlex.quote(cluster.group)}"
    lines = [
        _at_rest(cluster_id),
        f"az sf cluster show {where} --cluster-name {cluster.name} --query certificateCommonNames",
    ]
    for scale_set_id in scale_set_ids:
        parsed = parse_resource_id(scale_set_id)
        where = f"--subscription {parsed.subscription} --resource-group {shlex.quote(parsed.group)}"
        shown = shlex.quote("[].{instance: instanceId, current: latestModelApplied, state: provisioningState}")
        lines.append(f"az vmss list-instances {where} --name {parsed.name} --output table --query {shown}")
    return tuple(lines)


def _at_rest(cluster_id: str) -> str:
    return f'az resource wait --ids {shlex.quote(cluster_id)} --custom "{_AT_REST}"'


def _patch(host: str, url: str, body: str) -> str:
    """A write to a vault's data plane. The token's audience is the vaults' own domain, not this vault."""
    audience = f"https://{host.split('.', 1)[1]}"
    return f"az rest --method patch --resource {audience} --url {url} --body {body}"


def _version_url(where: str) -> str:
    """Tags belong to a version: the newest one, as the vault names it when the line runs."""
    return f'"$(az keyvault certificate show {where} --query id --output tsv)?api-version={_VAULT_API}"'


def _literal(tags: Mapping[str, str]) -> str:
    """A JMESPath literal; a backtick would end it."""
    return json.dumps(tags, separators=(",", ":"), sort_keys=True).replace("`", "\\`")


def _without(keys: Sequence[str]) -> str:
    """Reads tags.json, one tag a line, and prints it without these keys."""
    dropped = "|".join(key.replace(".", r"\.") for key in keys)
    return f"""sed -E '/^ *"({dropped})": /d' tags.json | tr -d '\\n' | sed -E 's/, *}}$/}}/'"""
