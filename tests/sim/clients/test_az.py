"""The vendor's own command line, unmodified: each command that an operator of clusters and vaults needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from sfcert.sim import worlds
from sfcert.sim.host import Running, start_in_thread
from tests.az import Desk, needs_az

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
GROUP, VAULT, CERTIFICATE = "rg-sf-demo", "kv-sf-demo", "sf-cluster"
CLUSTER = ("-g", GROUP, "-c", "sf-demo")
SCALE_SET = ("-g", GROUP, "-n", "nt0")
TEMPLATE = """{
  // az sends this comment, and the key of the template without quotes
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"n": {"type": "string"}},
  "resources": [{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01", "name": "[parameters('n')]",
    "location": "[resourceGroup().location]", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}],
  "outputs": {"made": {"type": "string", "value": "[resourceId('Microsoft.Network/virtualNetworks', parameters('n'))]"}}
}
"""


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    """One world with one cluster for all of this file: signing in and starting az cost more than the calls."""
    with start_in_thread(start=START, seed=7) as running:
        running.call(lambda azure: worlds.load(azure, "one-node-type"))
        yield running


@pytest.fixture(scope="module")
def desk(sim: Running, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Signed in once, as `az login` remembers it."""
    made = Desk(sim.env(), tmp_path_factory.mktemp("desk"))
    made.sign_in()
    return made


@pytest.fixture(scope="module")
def group_id(sim: Running) -> str:
    return f"/subscriptions/{sim.env()['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{GROUP}"


def names(listed: list[dict[str, Any]]) -> set[str]:
    return {one["name"] for one in listed}


@needs_az
def test_who_am_i_and_what_is_there(desk: Desk, sim: Running) -> None:
    values = sim.env()
    shown = desk.az("account", "show")
    assert (shown["id"], shown["tenantId"]) == (values["AZURE_SUBSCRIPTION_ID"], values["AZURE_TENANT_ID"])
    assert shown["user"] == {"name": values["AZURE_CLIENT_ID"], "type": "servicePrincipal"}
    assert GROUP in names(desk.az("group", "list"))
    assert {"sf-demo", "nt0", VAULT} <= names(desk.az("resource", "list", "-g", GROUP))


@needs_az
def test_clusters_are_listed_shown_and_set(desk: Desk) -> None:
    assert desk.az("sf", "cluster", "show", *CLUSTER)["clusterState"] == "Ready"
    assert names(desk.az("sf", "cluster", "list", "-g", GROUP)) == {"sf-demo"}
    words = ("--section", "X", "--parameter", "y", "--value", "1")
    changed = desk.az("sf", "cluster", "setting", "set", *CLUSTER, *words)
    assert {"name": "X", "parameters": [{"name": "y", "value": "1"}]} in changed["fabricSettings"]
    assert "no-such" in desk.refused("sf", "cluster", "show", "-g", GROUP, "-c", "no-such")


@needs_az
def test_scale_sets_are_read_changed_and_brought_along(desk: Desk) -> None:
    assert names(desk.az("vmss", "list", "-g", GROUP)) == {"nt0"}
    assert desk.az("vmss", "show", *SCALE_SET)["sku"]["capacity"] == 5
    assert [one["instanceId"] for one in desk.az("vmss", "list-instances", *SCALE_SET)] == ["0", "1", "2", "3", "4"]
    view = desk.az("vmss", "get-instance-view", *SCALE_SET)
    assert {"code": "ProvisioningState/succeeded", "count": 5} in view["virtualMachine"]["statusesSummary"]
    one = desk.az("vmss", "get-instance-view", *SCALE_SET, "--instance-id", "0")
    assert one["vmAgent"]["extensionHandlers"]

    manual = desk.az("vmss", "update", *SCALE_SET, "--set", "upgradePolicy.mode=Manual", "tags.a=b")
    assert (manual["tags"]["a"], manual["upgradePolicy"]["mode"]) == ("b", "Manual")
    desk.az("vmss", "update", *SCALE_SET, "--set", "virtualMachineProfile.priority=Regular")
    before = {one["name"] for one in desk.az("vmss", "extension", "list", "-g", GROUP, "--vmss-name", "nt0")}
    words = ("-g", GROUP, "--vmss-name", "nt0", "-n", "CustomScriptExtension", "--publisher", "Microsoft.Compute")
    desk.az("vmss", "extension", "set", *words, "--version", "1.10", "--settings", '{"commandToExecute": "hostname"}')
    after = {one["name"] for one in desk.az("vmss", "extension", "list", "-g", GROUP, "--vmss-name", "nt0")}
    assert after - before == {"CustomScriptExtension"}

    def behind() -> list[str]:
        listed = desk.az("vmss", "list-instances", *SCALE_SET)
        return [one["instanceId"] for one in listed if not one["latestModelApplied"]]

    assert behind() == ["0", "1", "2", "3", "4"]
    desk.az("vmss", "update-instances", *SCALE_SET, "--instance-ids", "0", "1")
    assert behind() == ["2", "3", "4"]
    desk.az("vmss", "update-instances", *SCALE_SET, "--instance-ids", "*")
    assert behind() == []


@needs_az
def test_identities_vaults_and_who_may_what(desk: Desk, sim: Running, group_id: str) -> None:
    made = desk.az("identity", "create", "-g", GROUP, "-n", "id1")
    assert desk.az("identity", "show", "-g", GROUP, "-n", "id1") == made
    assert "id1" in names(desk.az("identity", "list", "-g", GROUP))

    assert VAULT in names(desk.az("keyvault", "list"))
    assert desk.az("keyvault", "show", "-n", VAULT)["properties"]["vaultUri"].startswith(f"https://{VAULT}.")
    created = desk.az("keyvault", "create", "-g", GROUP, "-n", "kv-of-az", "--enable-rbac-authorization", "false")
    assert created["properties"]["enableRbacAuthorization"] is False
    policy = ("--object-id", made["principalId"], "--secret-permissions", "get", "list")
    allowed = desk.az("keyvault", "set-policy", "-n", "kv-of-az", *policy)["properties"]["accessPolicies"]
    granted = {one["objectId"]: one["permissions"]["secrets"] for one in allowed}[made["principalId"]]
    assert sorted(granted) == ["get", "list"]  # az keeps them in a set

    words = ("--assignee", made["clientId"], "--role", "Key Vault Secrets User", "--scope", group_id)
    assigned = desk.az("role", "assignment", "create", *words)
    assert assigned["principalId"] == made["principalId"]
    listed = desk.az("role", "assignment", "list", "--scope", group_id, "--include-inherited")
    assert {made["principalId"], assigned["principalId"]} <= {one["principalId"] for one in listed}
    mine = desk.az("role", "assignment", "list", "--assignee", made["clientId"], "--all")
    assert [one["roleDefinitionName"] for one in mine] == ["Key Vault Secrets User"]


@needs_az
def test_certificates_are_made_listed_and_changed(desk: Desk) -> None:
    vault = ("--vault-name", VAULT)
    policy = desk.az("keyvault", "certificate", "get-default-policy")
    assert policy["issuerParameters"]["name"] == "Self"
    policy["x509CertificateProperties"]["subject"] = "CN=of-az"
    file = desk.folder / "policy.json"
    file.write_text(json.dumps(policy))
    made = desk.az("keyvault", "certificate", "create", *vault, "-n", "of-az", "-p", f"@{file}")
    assert made["status"] == "completed"
    shown = desk.az("keyvault", "certificate", "show", *vault, "-n", "of-az")
    assert shown["policy"]["x509CertificateProperties"]["subject"] == "CN=of-az"
    assert {CERTIFICATE, "of-az"} <= names(desk.az("keyvault", "certificate", "list", *vault))
    assert len(desk.az("keyvault", "certificate", "list-versions", *vault, "-n", "of-az")) == 1
    of_az = (*vault, "-n", "of-az")
    changed = desk.az("keyvault", "certificate", "set-attributes", *of_az, "--tags", "a=b", "--enabled", "false")
    assert (changed["tags"], changed["attributes"]["enabled"]) == ({"a": "b"}, False)
    more = ("--policy", f"@{file}", "--enabled", "true")
    changed = desk.az("keyvault", "certificate", "set-attributes", *of_az, *more)
    assert changed["attributes"]["enabled"] is True


@needs_az
def test_a_certificate_comes_in_from_a_file_and_its_secret_goes_out(desk: Desk) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    leaf = signed(key.public_key(), key, "brought")
    vault = ("--vault-name", VAULT)
    pfx = desk.folder / "brought.pfx"
    pfx.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"brought", key, leaf, None, serialization.BestAvailableEncryption(b"of-a-test")
        )
    )
    words = (*vault, "-n", "brought", "-f", str(pfx), "--password", "of-a-test")
    brought = desk.az("keyvault", "certificate", "import", *words)
    assert brought["x509ThumbprintHex"] == leaf.fingerprint(hashes.SHA1()).hex().upper()

    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = desk.folder / "brought.pem"
    pem.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))
    # az tells the vault that a file is PEM where it is given a policy, and only there
    desk.az("keyvault", "certificate", "import", *vault, "-n", "brought-as-pem", "-f", str(pem), "-p", "{}")
    listed = {one["name"] for one in desk.az("keyvault", "secret", "list", *vault, "--include-managed")}
    assert {"brought", "brought-as-pem"} <= listed
    secret = desk.az("keyvault", "secret", "show", *vault, "-n", "brought-as-pem")
    assert secret["contentType"] == "application/x-pem-file"
    assert "BEGIN CERTIFICATE" in secret["value"]


@needs_az
def test_a_request_is_signed_elsewhere_and_merged(desk: Desk) -> None:
    vault = ("--vault-name", VAULT)
    policy = desk.az("keyvault", "certificate", "get-default-policy")
    policy["issuerParameters"]["name"] = "Unknown"
    policy["lifetimeActions"] = [{"action": {"actionType": "EmailContacts"}, "trigger": {"lifetimePercentage": 80}}]
    file = desk.folder / "request.json"
    file.write_text(json.dumps(policy))
    made = desk.az("keyvault", "certificate", "create", *vault, "-n", "asked", "-p", f"@{file}")
    pending = desk.az("keyvault", "certificate", "pending", "show", *vault, "-n", "asked")
    assert (made["status"], pending["status"]) == ("inProgress", "inProgress")
    request = x509.load_pem_x509_csr(
        f"-----BEGIN CERTIFICATE REQUEST-----\n{pending['csr']}\n-----END CERTIFICATE REQUEST-----\n".encode()
    )
    leaf = signed(request.public_key(), ec.generate_private_key(ec.SECP256R1()), "asked")
    crt = desk.folder / "asked.crt"
    crt.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    merged = desk.az("keyvault", "certificate", "pending", "merge", *vault, "-n", "asked", "-f", str(crt))
    assert merged["x509ThumbprintHex"] == leaf.fingerprint(hashes.SHA1()).hex().upper()


@needs_az
def test_an_issuer_is_made_known(desk: Desk) -> None:
    words = ("--vault-name", VAULT, "--issuer-name", "digi", "--provider-name", "DigiCert")
    made = desk.az("keyvault", "certificate", "issuer", "create", *words, "--account-id", "a", "--password", "p")
    assert made["provider"] == "DigiCert"
    assert "p" not in json.dumps(made.get("credentials", {}).get("password") or "")


@needs_az
def test_a_deployment_is_validated_previewed_made_and_read(desk: Desk, group_id: str) -> None:
    file = desk.folder / "template.json"
    file.write_text(TEMPLATE, encoding="utf-8")
    given = ("-g", GROUP, "-n", "d1", "-f", str(file), "-p", "n=v1")
    assert desk.az("deployment", "group", "validate", *given)["properties"]["provisioningState"] == "Succeeded"
    before = desk.az("deployment", "group", "what-if", *given, "--no-pretty-print")["changes"]
    assert {one["changeType"] for one in before} == {"Create", "Ignore"}
    made = desk.az("deployment", "group", "create", *given)["properties"]
    assert made["provisioningState"] == "Succeeded"
    assert made["outputs"]["made"]["value"] == f"{group_id}/providers/Microsoft.Network/virtualNetworks/v1"
    after = desk.az("deployment", "group", "what-if", *given, "--no-pretty-print")["changes"]
    assert {one["changeType"] for one in after} == {"NoChange", "Ignore"}
    assert desk.az("deployment", "group", "show", "-g", GROUP, "-n", "d1")["properties"] == made
    assert "d1" in names(desk.az("deployment", "group", "list", "-g", GROUP))
    steps = desk.az("deployment", "operation", "group", "list", "-g", GROUP, "-n", "d1")
    targets = [(one["properties"].get("targetResource") or {}).get("resourceName") for one in steps]
    assert "v1" in targets
    assert {one["properties"]["provisioningState"] for one in steps} == {"Succeeded"}


@needs_az
def test_a_deployment_that_cannot_be_is_refused_with_the_vendors_code(desk: Desk) -> None:
    file = desk.folder / "broken.json"
    file.write_text(TEMPLATE.replace("parameters('n')", "parameters('m')"), encoding="utf-8")
    said = desk.refused("deployment", "group", "create", "-g", GROUP, "-n", "d2", "-f", str(file), "-p", "n=v1")
    assert "InvalidTemplate" in said


@needs_az
def test_rest_reaches_resource_manager_and_a_vault(desk: Desk, sim: Running, group_id: str) -> None:
    url = f"{sim.env()['SFCERT_CLUSTER_ID']}?api-version=2021-06-01"
    assert desk.az("rest", "--method", "get", "--url", url)["properties"]["clusterState"] == "Ready"
    url = f"https://{VAULT}.vault.azure.net/certificates/{CERTIFICATE}?api-version=7.4"
    found = desk.az("rest", "--method", "get", "--url", url, "--resource", "https://vault.azure.net")
    assert found["id"].startswith(f"https://{VAULT}.vault.azure.net/certificates/{CERTIFICATE}/")
    taken = desk.az(
        "rest",
        "--method",
        "post",
        "--url",
        f"{group_id.rsplit('/', 2)[0]}/providers/Microsoft.KeyVault/checkNameAvailability?api-version=2023-07-01",
        "--body",
        json.dumps({"name": VAULT, "type": "Microsoft.KeyVault/vaults"}),
    )
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")


@needs_az
def test_a_group_goes_with_all_that_is_in_it(desk: Desk) -> None:
    desk.az("group", "create", "-n", "rg-short", "-l", "westeurope")
    desk.az("identity", "create", "-g", "rg-short", "-n", "id2")
    desk.az("group", "delete", "-n", "rg-short", "--yes")
    assert desk.az("group", "exists", "-n", "rg-short") is False


@needs_az
def test_nobody_gets_in_with_a_wrong_secret(sim: Running, tmp_path: Path) -> None:
    """With a folder of its own: az would not ask again while it remembers a token."""
    values = {**sim.env(), "AZURE_CONFIG_DIR": str(tmp_path / "az"), "AZURE_CLIENT_SECRET": "wrong"}
    words = ("-u", values["AZURE_CLIENT_ID"], "-p", "wrong", "--tenant", values["AZURE_TENANT_ID"])
    assert "AADSTS7000215" in Desk(values, tmp_path).refused("login", "--service-principal", *words)


def signed(public: Any, by: Any, name: str) -> x509.Certificate:
    """A certificate over a public key, signed by some other key, or the same."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(7)
        .not_valid_before(START - timedelta(days=1))
        .not_valid_after(START + timedelta(days=300))
        .sign(by, hashes.SHA256())
    )
