"""The table of `az`: one row for each command that an operator of clusters and vaults types.

Not a test; `test_az.py` runs the rows one by one and the reference lists their commands. A row has the words of the
command, its arguments, what the world has before (`ready`), what is in the answer (`gives`, a part of it), and what
the world has afterwards (`then`). Words in braces are of `az_world`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

from tests.sim.clients.az_world import TEMPLATE, At, sha1

SCALE_SETS = "Microsoft.Compute/virtualMachineScaleSets"
NETWORK = "Microsoft.Network/virtualNetworks"
SECRETS_USER = "Key Vault Secrets User"


@dataclass(frozen=True)
class Row:
    """One command. `gives` is matched in part: keys of objects, members of lists in any order; None: not looked at."""

    command: str
    words: str = ""
    gives: Any = None
    ready: Callable[[At], Any] = lambda at: None
    then: Callable[[At], bool] = lambda at: True
    note: str = ""

    @property
    def name(self) -> str:
        return f"{self.command}, {self.note}" if self.note else self.command


def _sections(at: At) -> dict[str, list[Any]]:
    settings = at.resource("Microsoft.ServiceFabric/clusters/sf-demo")["properties"]["fabricSettings"]
    return {one["name"]: one["parameters"] for one in settings}


def _extensions(at: At, scale_set: str) -> set[str]:
    profile = at.resource(f"{SCALE_SETS}/{scale_set}")["properties"]["virtualMachineProfile"]
    return {one["name"] for one in profile["extensionProfile"]["extensions"]}


def _policies(at: At, vault: str) -> dict[str, list[str]]:
    listed = at.resource(f"Microsoft.KeyVault/vaults/{vault}")["properties"]["accessPolicies"]
    return {one["objectId"]: sorted(one["permissions"].get("secrets") or []) for one in listed}


def _vault(at: At, name: str) -> dict[str, Any]:
    found: dict[str, Any] = at.resource(f"Microsoft.KeyVault/vaults/{name}")["properties"]
    return found


def _certificate_within(value: str) -> str:
    """The thumbprint of what a secret holds with its key."""
    key, leaf, _ = load_key_and_certificates(base64.b64decode(value), None)
    assert key is not None
    return sha1(leaf)


def _granted(at: At) -> bool:
    assignments = at.running.call(lambda azure: azure.find_service("authorization").all())
    return at.said["id"] in {one.id for one in assignments if one.principal_id == at.names["principal"]}


def _assigned(at: At, name: str) -> None:
    """An identity with a role at the group."""
    at.identity(name)

    def grant(azure: Any) -> None:
        role = "4633458b-17de-408a-b874-0445c86b69e6"
        azure.find_service("authorization").grant(at.names["principal"], role, at.names["group_id"])

    at.running.call(grant)


def _back_again(at: At, node: str) -> bool:
    at.running.advance(3600)
    return at.node_up_since(node) > at.before


SIGN_IN = (
    Row(
        "login",
        "--service-principal -u {app} -p {secret} --tenant {tenant}",
        [{"id": "{subscription}", "tenantId": "{tenant}", "user": {"name": "{app}", "type": "servicePrincipal"}}],
    ),
    Row("account show", "", {"id": "{subscription}", "tenantId": "{tenant}", "state": "Enabled"}),
)

GROUPS = (
    Row("group list", "", [{"name": "{group}", "location": "westeurope"}]),
    Row(
        "group create",
        "-n rg-made -l westeurope",
        {"name": "rg-made", "properties": {"provisioningState": "Succeeded"}},
        then=lambda at: "rg-made" in at.groups(),
    ),
    Row("group exists", "-n {group}", True),
    Row(
        "group delete",
        "-n rg-short --yes",
        ready=lambda at: at.group("rg-short"),
        then=lambda at: "rg-short" not in at.groups(),
    ),
    Row("resource list", "-g {group}", [{"name": "{cluster}"}, {"name": "front"}, {"name": "{vault}"}]),
)

CLUSTERS = (
    Row("sf cluster list", "-g {group}", [{"name": "{cluster}", "clusterState": "Ready"}]),
    Row(
        "sf cluster show",
        "-g {group} -c {cluster}",
        {"clusterState": "Ready", "provisioningState": "Succeeded", "certificate": {"thumbprint": "{thumbprint}"}},
    ),
    Row(
        "sf cluster setting set",
        "-g {group} -c {cluster} --section X --parameter y --value 1",
        {"fabricSettings": [{"name": "X", "parameters": [{"name": "y", "value": "1"}]}]},
        then=lambda at: _sections(at).get("X") == [{"name": "y", "value": "1"}],
    ),
)

MACHINES = (
    Row("vmss list", "-g {group}", [{"name": "system"}, {"name": "front"}, {"name": "back"}]),
    Row("vmss show", "-g {group} -n system", {"sku": {"capacity": 5}, "provisioningState": "Succeeded"}),
    Row(
        "vmss list-instances",
        "-g {group} -n system",
        [{"instanceId": str(number), "latestModelApplied": True} for number in range(5)],
    ),
    Row(
        "vmss list-instances",
        "-g {group} -n system --expand instanceView",
        [{"instanceView": {"extensions": [{"statuses": [{"code": "ProvisioningState/succeeded"}]}]}}],
        note="with their views",
    ),
    Row(
        "vmss get-instance-view",
        "-g {group} -n system",
        {"virtualMachine": {"statusesSummary": [{"code": "ProvisioningState/succeeded", "count": 5}]}},
    ),
    Row(
        "vmss get-instance-view",
        "-g {group} -n system --instance-id 0",
        {
            "platformUpdateDomain": 0,
            "vmAgent": {"extensionHandlers": [{"type": "Microsoft.Azure.ServiceFabric.ServiceFabricNode"}]},
        },
        note="of one machine",
    ),
    Row(
        "vmss update",
        "-g {group} -n front --set tags.a=b",
        {"tags": {"a": "b"}, "provisioningState": "Succeeded"},
        then=lambda at: at.resource(f"{SCALE_SETS}/front")["tags"]["a"] == "b",
    ),
    Row(
        "vmss update-instances",
        "-g {group} -n back --instance-ids 0 1",
        ready=lambda at: at.behind("back"),
        then=lambda at: at.current("back")[:3] == [True, True, False],
    ),
    Row(
        "vmss update-instances",
        "-g {group} -n back --instance-ids '*'",
        ready=lambda at: at.behind("back"),
        then=lambda at: set(at.current("back")) == {True},
        note="all of them",
    ),
    Row(
        "vmss extension list",
        "-g {group} --vmss-name front",
        [{"publisher": "Microsoft.Azure.ServiceFabric", "type": "ServiceFabricNode"}],
    ),
    Row(
        "vmss extension set",
        "-g {group} --vmss-name front -n CustomScriptExtension --publisher Microsoft.Compute --version 1.10"
        """ --settings '{{"commandToExecute": "hostname"}}' """,
        then=lambda at: "CustomScriptExtension" in _extensions(at, "front"),
    ),
    Row(
        "vmss reimage",
        "-g {group} -n front --instance-ids 0",
        ready=lambda at: at.node_up_since("_front_0"),
        then=lambda at: _back_again(at, "_front_0"),
    ),
    Row(
        "vmss restart",
        "-g {group} -n front --instance-ids 1",
        ready=lambda at: at.node_up_since("_front_1"),
        then=lambda at: _back_again(at, "_front_1"),
    ),
    Row("vmss scale", "-g {group} -n front --new-capacity 4", then=lambda at: len(at.machines("front")) == 4),
    Row(
        "vmss delete-instances",
        "-g {group} -n back --instance-ids 2",
        then=lambda at: "2" not in at.machines("back"),
    ),
)

IDENTITIES = (
    Row(
        "identity create",
        "-g {group} -n id-made",
        {"name": "id-made", "tenantId": "{tenant}"},
        then=lambda at: (
            at.resource("Microsoft.ManagedIdentity/userAssignedIdentities/id-made")["properties"]["clientId"]
            == at.said["clientId"]
        ),
    ),
    Row(
        "identity show",
        "-g {group} -n id-shown",
        {"clientId": "{client}", "principalId": "{principal}"},
        ready=lambda at: at.identity("id-shown"),
    ),
    Row("identity list", "-g {group}", [{"name": "id-listed"}], ready=lambda at: at.identity("id-listed")),
    Row(
        "role assignment create",
        f"--assignee {{client}} --role '{SECRETS_USER}' --scope {{vault_id}}",
        {"principalId": "{principal}", "scope": "{vault_id}"},
        ready=lambda at: at.identity("id-granted"),
        then=_granted,
    ),
    Row(
        "role assignment list",
        "--scope {group_id} --include-inherited",
        [
            {"principalId": "{principal}", "roleDefinitionName": SECRETS_USER},
            {"principalName": "{app}", "roleDefinitionName": "Owner"},
        ],
        ready=lambda at: _assigned(at, "id-with-role"),
    ),
    Row(
        "role assignment list",
        "--assignee {client} --all",
        [{"principalId": "{principal}", "roleDefinitionName": SECRETS_USER}],
        ready=lambda at: _assigned(at, "id-of-its-own"),
        note="of one identity",
    ),
)

VAULTS = (
    Row("keyvault list", "-g {group}", [{"name": "{vault}"}]),
    Row(
        "keyvault show",
        "-n {vault}",
        {"properties": {"vaultUri": "https://{vault}.vault.azure.net/", "enabledForDeployment": True}},
    ),
    Row(
        "keyvault create",
        "-g {group} -n kv-made --enable-rbac-authorization false",
        {"name": "kv-made", "properties": {"enableRbacAuthorization": False}},
        then=lambda at: _vault(at, "kv-made")["enableRbacAuthorization"] is False,
    ),
    Row(
        "keyvault set-policy",
        "-n kv-policy --object-id {principal} --secret-permissions get list",
        {"name": "kv-policy"},
        ready=lambda at: (at.vault("kv-policy"), at.identity("id-let-in")),
        then=lambda at: _policies(at, "kv-policy")[at.names["principal"]] == ["get", "list"],
    ),
    Row(
        "keyvault update",
        "-n kv-closed --default-action Deny",
        {"properties": {"networkAcls": {"defaultAction": "Deny"}}},
        ready=lambda at: at.vault("kv-closed"),
        then=lambda at: _vault(at, "kv-closed")["networkAcls"]["defaultAction"] == "Deny",
    ),
    Row(
        "keyvault network-rule add",
        "-n kv-rules --ip-address 203.0.113.0/24",
        {"properties": {"networkAcls": {"ipRules": [{"value": "203.0.113.0/24"}]}}},
        ready=lambda at: at.vault("kv-rules"),
        then=lambda at: _vault(at, "kv-rules")["networkAcls"]["ipRules"] == [{"value": "203.0.113.0/24"}],
    ),
)

CERTIFICATES = (
    Row(
        "keyvault certificate get-default-policy",
        "",
        {"issuerParameters": {"name": "Self"}, "keyProperties": {"exportable": True}},
    ),
    Row(
        "keyvault certificate create",
        "--vault-name {vault} -n made -p @{folder}/policy.json",
        {"status": "completed"},
        ready=lambda at: at.policy_file("CN=of-az"),
        then=lambda at: at.held("made").policy["x509_props"]["subject"] == "CN=of-az",
    ),
    Row(
        "keyvault certificate show",
        "--vault-name {vault} -n {certificate}",
        {"x509ThumbprintHex": "{thumbprint}", "policy": {"issuerParameters": {"name": "ContosoCA"}}},
    ),
    Row(
        "keyvault certificate list",
        "--vault-name {vault}",
        [{"name": "{certificate}", "x509ThumbprintHex": "{thumbprint}"}],
    ),
    Row(
        "keyvault certificate list-versions",
        "--vault-name {vault} -n {certificate}",
        [{"x509ThumbprintHex": "{thumbprint}", "attributes": {"enabled": True}}],
    ),
    Row(
        "keyvault certificate import",
        "--vault-name {vault} -n brought -f {folder}/brought.pfx --password {password}",
        {"policy": {"secretProperties": {"contentType": "application/x-pkcs12"}}},
        ready=lambda at: at.pfx_file(),
        then=lambda at: at.latest("brought").thumbprint == sha1(at.leaf) == at.said["x509ThumbprintHex"],
    ),
    Row(
        "keyvault certificate import",
        # az tells the vault that a file is PEM where it is given a policy, and only there
        "--vault-name {vault} -n brought-as-pem -f {folder}/brought.pem -p '{{}}'",
        {"policy": {"secretProperties": {"contentType": "application/x-pem-file"}}},
        ready=lambda at: at.pem_file(),
        then=lambda at: at.latest("brought-as-pem").thumbprint == sha1(at.leaf),
        note="PEM",
    ),
    Row(
        "keyvault certificate set-attributes",
        "--vault-name {vault} -n changed --tags a=b --enabled false",
        {"tags": {"a": "b"}, "attributes": {"enabled": False}},
        ready=lambda at: at.certificate("changed"),
        then=lambda at: (at.latest("changed").enabled, at.latest("changed").tags) == (False, {"a": "b"}),
    ),
    Row(
        "keyvault certificate set-attributes",
        "--vault-name {vault} -n replaced -p @{folder}/policy.json --enabled true",
        {"attributes": {"enabled": True}},
        ready=lambda at: (at.certificate("replaced"), at.policy_file("CN=another")),
        then=lambda at: at.held("replaced").policy["x509_props"]["subject"] == "CN=another",
        note="with a policy",
    ),
    Row(
        "keyvault certificate pending show",
        "--vault-name {vault} -n waiting",
        {"status": "inProgress", "issuerParameters": {"name": "Unknown"}},
        ready=lambda at: at.certificate("waiting", "Unknown"),
    ),
    Row(
        "keyvault certificate pending merge",
        "--vault-name {vault} -n asked -f {folder}/asked.crt",
        {"attributes": {"enabled": True}},
        ready=lambda at: at.answered_request("asked"),
        then=lambda at: at.latest("asked").thumbprint == sha1(at.leaf) == at.said["x509ThumbprintHex"],
    ),
    Row(
        "keyvault certificate issuer create",
        "--vault-name {vault} --issuer-name digi --provider-name DigiCert --account-id a --password {password}",
        {"provider": "DigiCert", "credentials": {"accountId": "a", "password": None}},
    ),
    Row(
        "keyvault secret show",
        "--vault-name {vault} -n sent-out",
        {"contentType": "application/x-pkcs12", "managed": True},
        ready=lambda at: at.certificate("sent-out"),
        then=lambda at: _certificate_within(at.said["value"]) == at.latest("sent-out").thumbprint,
    ),
    Row(
        "keyvault secret list",
        "--vault-name {vault} --include-managed",
        [{"name": "{certificate}", "managed": True}],
    ),
)

DEPLOYMENTS = (
    Row(
        "deployment group validate",
        "-g {group} -n d-valid -f {folder}/template.json -p n=v-valid",
        {"properties": {"provisioningState": "Succeeded"}},
        ready=lambda at: at.file("template.json", TEMPLATE),
        then=lambda at: not at.has(f"{at.names['group_id']}/providers/{NETWORK}/v-valid"),
    ),
    Row(
        "deployment group create",
        "-g {group} -n d-made -f {folder}/template.json -p n=v-made",
        {
            "properties": {
                "provisioningState": "Succeeded",
                "outputs": {"made": {"value": f"{{group_id}}/providers/{NETWORK}/v-made"}},
            }
        },
        ready=lambda at: at.file("template.json", TEMPLATE),
        then=lambda at: at.has(f"{at.names['group_id']}/providers/{NETWORK}/v-made"),
    ),
    Row(
        "deployment group what-if",
        "-g {group} -n d-asked -f {folder}/template.json -p n=v-asked --no-pretty-print",
        {"changes": [{"changeType": "Create", "resourceId": f"{{group_id}}/providers/{NETWORK}/v-asked"}]},
        ready=lambda at: at.file("template.json", TEMPLATE),
        then=lambda at: not at.has(f"{at.names['group_id']}/providers/{NETWORK}/v-asked"),
    ),
    Row(
        "deployment group what-if",
        "-g {group} -n d-again -f {folder}/template.json -p n=d-again-net --no-pretty-print",
        {"changes": [{"changeType": "NoChange", "resourceId": f"{{group_id}}/providers/{NETWORK}/d-again-net"}]},
        ready=lambda at: at.deployed("d-again"),
        note="of what stands",
    ),
    Row(
        "deployment group show",
        "-g {group} -n d-shown",
        {"name": "d-shown", "properties": {"provisioningState": "Succeeded", "mode": "Incremental"}},
        ready=lambda at: at.deployed("d-shown"),
    ),
    Row("deployment group list", "-g {group}", [{"name": "d-listed"}], ready=lambda at: at.deployed("d-listed")),
    Row(
        "deployment operation group list",
        "-g {group} -n d-steps",
        [{"properties": {"provisioningState": "Succeeded", "targetResource": {"resourceName": "d-steps-net"}}}],
        ready=lambda at: at.deployed("d-steps"),
    ),
)

REST = (
    Row("rest", "--method get --url {cluster_id}?api-version=2021-06-01", {"properties": {"clusterState": "Ready"}}),
    Row(
        "rest",
        "--method get --url https://{vault}.vault.azure.net/certificates/{certificate}?api-version=7.4"
        " --resource https://vault.azure.net",
        {"attributes": {"enabled": True}, "policy": {"issuer": {"name": "ContosoCA"}}},
        note="of a vault",
    ),
    Row(
        "rest",
        "--method post --url"
        " /subscriptions/{subscription}/providers/Microsoft.KeyVault/checkNameAvailability?api-version=2023-07-01"
        """ --body '{{"name": "{vault}", "type": "Microsoft.KeyVault/vaults"}}' """,
        {"nameAvailable": False, "reason": "AlreadyExists"},
        note="with a body",
    ),
)

ROWS = (
    *SIGN_IN,
    *GROUPS,
    *CLUSTERS,
    *MACHINES,
    *IDENTITIES,
    *VAULTS,
    *CERTIFICATES,
    *DEPLOYMENTS,
    *REST,
)


def commands() -> list[str]:
    """Every command of the table once, in order of the alphabet."""
    return sorted({row.command for row in ROWS})
