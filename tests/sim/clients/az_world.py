"""What the rows of the `az` table stand on: one world, a folder of files, and a look behind the answers.

Not a test. Everything here reaches the world in process, so that a row needs no other row, and what a command is said
to have done is read from the simulator and not from `az` again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from sfcert.sim import worlds
from sfcert.sim.compute.scale_sets import ScaleSet
from sfcert.sim.front.polling import is_operation_path
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.keyvault.state import CertificateObject
from sfcert.sim.worlds.build import operator_of, put
from tests.az import Desk
from tests.sim.clients.api_versions import kind_of

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PASSWORD = "of-a-test"
VERSION = "2024-07-01"
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


@dataclass
class At:
    """The desk of one row. `names` fill the braces of a row's words; `before` is what `ready` gave, `said` what the
    command has just printed."""

    running: Running
    desk: Desk
    names: dict[str, str]
    before: Any = None
    said: Any = None
    leaf: x509.Certificate | None = None
    asked: set[tuple[str, str]] = field(default_factory=set)

    # -- what the world has before -----------------------------------------------------------------------------------

    def put(self, provider_path: str, body: dict[str, Any], version: str = VERSION) -> dict[str, Any]:
        """A resource of the world's group, written as its operator would and waited for."""
        place = f"{self.names['group_id']}/providers/{provider_path}"
        return self.running.call(lambda azure: put(azure, place, version, body, operator_of(azure)))

    def group(self, name: str) -> None:
        def make(azure: Azure) -> None:
            azure.find_service("groups").put(azure.subscription_id, name, {"location": "westeurope"})

        self.running.call(make)

    def identity(self, name: str) -> dict[str, str]:
        """A user-assigned identity that the directory knows everywhere; its ids also fill `{client}`, `{principal}`."""
        path = f"Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        made: dict[str, str] = self.put(path, {"location": "westeurope"})["properties"]
        self.running.advance(61)
        self.names.update(client=made["clientId"], principal=made["principalId"])
        return made

    def vault(self, name: str, **properties: Any) -> None:
        given = {"tenantId": self.names["tenant"], "sku": {"family": "A", "name": "standard"}, "accessPolicies": []}
        body = {"location": "westeurope", "properties": {**given, "enableRbacAuthorization": False, **properties}}
        self.put(f"Microsoft.KeyVault/vaults/{name}", body, "2023-07-01")

    def certificate(self, name: str, issuer: str = "Self") -> None:
        """A certificate, or the request of one where nobody here signs it (`Unknown`)."""

        def make(azure: Azure) -> None:
            vaults = azure.find_service("vaults")
            content = vaults.content(self.names["vault"])
            policy = {"issuer": {"name": issuer}, "x509_props": {"subject": f"CN={name}"}}
            if issuer == "Unknown":
                policy["lifetime_actions"] = []
            vaults.lifecycle.create(content, name, policy, True, None)
            vaults.settle(content, name)

        self.running.call(make)

    def behind(self, scale_set: str) -> None:
        """The scale set waits for its machines to be asked, and all of them are behind its model."""
        body = self.resource(f"Microsoft.Compute/virtualMachineScaleSets/{scale_set}")
        body["properties"]["upgradePolicy"] = {"mode": "Manual"}
        profile = body["properties"]["virtualMachineProfile"]
        profile["priority"] = "Spot" if profile.get("priority") == "Regular" else "Regular"
        self.put(f"Microsoft.Compute/virtualMachineScaleSets/{scale_set}", body)
        assert set(self.current(scale_set)) == {False}

    def policy_file(self, subject: str, issuer: str = "Self") -> None:
        """A policy as `az keyvault certificate get-default-policy` prints it, for `@{folder}/policy.json`."""
        action = "AutoRenew" if issuer == "Self" else "EmailContacts"
        policy = {
            "issuerParameters": {"name": issuer},
            "keyProperties": {"exportable": True, "keySize": 2048, "keyType": "RSA", "reuseKey": False},
            "lifetimeActions": [{"action": {"actionType": action}, "trigger": {"lifetimePercentage": 80}}],
            "secretProperties": {"contentType": "application/x-pkcs12"},
            "x509CertificateProperties": {"subject": subject, "validityInMonths": 12},
        }
        self.file("policy.json", json.dumps(policy))

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.desk.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def pfx_file(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.leaf = signed(key.public_key(), key, "brought")
        locked = BestAvailableEncryption(PASSWORD.encode())
        self.file("brought.pfx", pkcs12.serialize_key_and_certificates(b"brought", key, self.leaf, None, locked))

    def pem_file(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.leaf = signed(key.public_key(), key, "brought")
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.file("brought.pem", private + self.leaf.public_bytes(Encoding.PEM))

    def answered_request(self, name: str) -> None:
        """A pending request of the vault, and in `{folder}/asked.crt` what some authority elsewhere made of it."""
        self.certificate(name, "Unknown")
        pending = self.running.call(lambda azure: _certificate(azure, self.names["vault"], name).pending)
        assert pending is not None
        request = x509.load_der_x509_csr(pending.csr)
        self.leaf = signed(request.public_key(), ec.generate_private_key(ec.SECP256R1()), name)
        self.file("asked.crt", self.leaf.public_bytes(Encoding.PEM))

    def deployed(self, name: str) -> None:
        """The template's file, and a deployment of it that has succeeded."""
        self.file("template.json", TEMPLATE)
        template = json.loads(re.sub(r"^\s*//.*$", "", TEMPLATE, flags=re.MULTILINE))
        order = {"mode": "Incremental", "template": template, "parameters": {"n": {"value": f"{name}-net"}}}
        self.put(f"Microsoft.Resources/deployments/{name}", {"properties": order}, "2024-03-01")

    # -- what the world has afterwards -------------------------------------------------------------------------------

    def resource(self, provider_path: str) -> dict[str, Any]:
        """A GET of a resource of the world's group, in process."""

        def read(azure: Azure) -> dict[str, Any]:
            rid = parse_id(f"{self.names['group_id']}/providers/{provider_path}")
            provider = azure.provider_of(rid.type)
            assert provider is not None
            return provider.get(rid, VERSION, {})

        return self.running.call(read)

    def groups(self) -> set[str]:
        return self.running.call(lambda azure: {one["name"] for one in azure.find_service("groups").list(_own(azure))})

    def has(self, resource_id: str) -> bool:
        return self.running.call(lambda azure: azure.resources.get(resource_id) is not None)

    def held(self, name: str) -> CertificateObject:
        """A certificate as the vault holds it."""
        return self.running.call(lambda azure: _certificate(azure, self.names["vault"], name))

    def latest(self, name: str) -> Any:
        found = self.held(name).latest
        assert found is not None
        return found

    def current(self, scale_set: str) -> list[bool]:
        """Of each machine in turn: has it taken the model that stands now?"""

        def read(azure: Azure) -> list[bool]:
            found = _scale_set(azure, self.names["group_id"], scale_set)
            return [found.is_current(machine) for machine in found.machines.values()]

        return self.running.call(read)

    def machines(self, scale_set: str) -> list[str]:
        return self.running.call(lambda azure: list(_scale_set(azure, self.names["group_id"], scale_set).machines))

    def node_up_since(self, name: str) -> datetime:
        return self.running.call(lambda azure: next(iter(azure.find_service("clusters").all())).nodes[name].up_at)


@contextmanager
def az_world(folder: Path) -> Iterator[At]:
    """A world with one cluster of three node types, and a desk that has signed in to it."""
    with start_in_thread(start=START, seed=7) as running:
        facts = running.call(lambda azure: worlds.load(azure, "three-node-types"))
        values = running.env()
        desk = Desk(values, folder)
        group_id = facts["cluster_id"].split("/providers/")[0]
        names = {
            "app": values["AZURE_CLIENT_ID"],
            "secret": values["AZURE_CLIENT_SECRET"],
            "tenant": values["AZURE_TENANT_ID"],
            "subscription": values["AZURE_SUBSCRIPTION_ID"],
            "group": facts["resource_group"],
            "group_id": group_id,
            "cluster": facts["cluster_id"].rsplit("/", 1)[1],
            "cluster_id": facts["cluster_id"],
            "vault": facts["vault_name"],
            "vault_id": facts["vault_id"],
            "certificate": facts["certificate_name"],
            "thumbprint": facts["thumbprint"],
            "folder": str(folder),
            "password": PASSWORD,
        }
        desk.sign_in()
        at = At(running, desk, names)
        running.call(lambda azure: _listen(azure, at.asked))
        yield at


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


def sha1(leaf: x509.Certificate | None) -> str:
    """A thumbprint as Azure writes it."""
    assert leaf is not None
    return leaf.fingerprint(hashes.SHA1()).hex().upper()


def _listen(azure: Azure, asked: set[tuple[str, str]]) -> None:
    """Note which api-version every request asks for, by kind; the journal keeps paths alone."""
    arm, vault = azure.find_service("arm"), azure.find_service("vault-http")
    by_arm, by_vault = arm.handle, vault.answer

    def handle(request: Any) -> Any:
        # A poll follows a link that the simulator wrote, its version included.
        if request.api_version and not is_operation_path(request.path):
            asked.add((kind_of(request.path), request.api_version))
        return by_arm(request)

    def answer(method: str, path: str, **more: Any) -> Any:
        if more["authorization"]:
            asked.add((f"vault/{path.strip('/').split('/')[0]}", more["query"].get("api-version", "")))
        return by_vault(method, path, **more)

    arm.handle, vault.answer = handle, answer


def _own(azure: Azure) -> str:
    return azure.subscription_id


def _certificate(azure: Azure, vault: str, name: str) -> CertificateObject:
    found: CertificateObject | None = azure.find_service("vaults").content(vault).certificate(name)
    assert found is not None, name
    return found


def _scale_set(azure: Azure, group_id: str, name: str) -> ScaleSet:
    found: ScaleSet | None = azure.find_service("compute").get(
        f"{group_id}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}"
    )
    assert found is not None, name
    return found
