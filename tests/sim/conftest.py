"""What the tests of the simulated world share: certificates on paper, and a standing world with a few hands to it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sfcert.sim.assemble import build
from sfcert.sim.authority.authorities import EKUS_BOTH, Authorities
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.provider import Answer, Caller
from sfcert.sim.nodes.certificate import Certificate, read
from sfcert.sim.nodes.store import Held
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.worlds import load
from sfcert.sim.worlds.build import operator_of, put, wait_until

START = datetime(2026, 11, 22, tzinfo=UTC)
SCALE_SET, CLUSTER = "Microsoft.Compute/virtualMachineScaleSets", "Microsoft.ServiceFabric/clusters"


class Paper:
    """Certificates for tests of pure rules, dated in days from `START`."""

    def __init__(self) -> None:
        self.now = START
        azure = Azure(start=START, seed=7, tenant_id="t", subscription_id="s")
        self._authorities = Authorities(azure)
        years = timedelta(days=3650)
        self._authorities.create("Root", not_before=START - years, not_after=START + years, key_type="EC")
        self.root = self._authorities.get("Root").thumbprint
        for name in ("Issuing 1", "Issuing 2"):
            self._authorities.create(
                name, not_before=START - years, not_after=START + years, parent="Root", key_type="EC"
            )

    def issuer(self, name: str = "Issuing 1") -> str:
        return self._authorities.get(name).thumbprint

    def certificate(
        self,
        name: str = "sf.example",
        *,
        issuer: str = "Issuing 1",
        begins: float = -10,
        ends: float = 90,
        sans: tuple[str, ...] = (),
        self_signed: bool = False,
        with_chain: bool = True,
        ekus: tuple[str, ...] = EKUS_BOTH,
    ) -> Certificate:
        dates = {"not_before": START + timedelta(days=begins), "not_after": START + timedelta(days=ends)}
        if self_signed:
            issued = self._authorities.self_signed(name, sans, key_type="EC", ekus=ekus, **dates)
        else:
            issued = self._authorities.get(issuer).issue(name, sans, key_type="EC", ekus=ekus, **dates)
        return read(issued.leaf, issued.chain if with_chain else ())

    def held(self, certificate: Certificate, *, provider: str = "CAPI", readable: bool = True) -> Held:
        return Held(certificate, None, True, provider, "test", START, readable=readable)


class World:
    """A standing world and what an operator does to it, in process."""

    def __init__(self, name: str, **options: Any) -> None:
        self.azure = build(start=START, seed=11)
        self.facts = load(self.azure, name, **options)
        self.caller: Caller = operator_of(self.azure)
        self.group = f"/subscriptions/{self.azure.subscription_id}/resourceGroups/{self.facts['resource_group']}"

    @property
    def cluster(self) -> Cluster:
        found = self.azure.service("clusters", Clusters).get(self.facts["cluster_id"])
        assert found is not None
        return found

    @property
    def scale_set_ids(self) -> list[str]:
        return list(self.facts["scale_set_ids"])

    @property
    def vaults(self) -> Any:
        return self.azure.find_service("vaults")

    def get(self, resource_id: str, **query: str) -> dict[str, Any]:
        rid = parse_id(resource_id)
        provider = self.azure.provider_of(rid.type)
        assert provider is not None
        return provider.get(rid, "2024-07-01", query)

    def send(self, resource_id: str, body: dict[str, Any]) -> Answer:
        rid = parse_id(resource_id)
        provider = self.azure.provider_of(rid.type)
        assert provider is not None
        return provider.put(rid, "2024-07-01", copy.deepcopy(body), self.caller)

    def put(self, resource_id: str, body: dict[str, Any]) -> dict[str, Any]:
        return put(self.azure, resource_id, "2024-07-01", copy.deepcopy(body), self.caller)

    def act(self, resource_id: str, action: str, body: Any = None) -> Answer:
        rid = parse_id(resource_id)
        provider = self.azure.provider_of(rid.type)
        assert provider is not None
        return provider.action(rid, action, "POST", "2024-07-01", body, {}, self.caller)

    def wait(self, answer: Answer) -> Any:
        operation = answer.operation
        assert operation is not None
        wait_until(self.azure, lambda: operation.done, operation.subject)
        return operation

    def pass_time(self, **span: float) -> None:
        self.azure.clock.advance(timedelta(**span).total_seconds())

    def presented(self) -> set[str | None]:
        return {node.presented.thumbprint if node.presented else None for node in self.cluster.nodes.values()}

    # -- the steps of a migration --------------------------------------------------------------------------------------

    def give_identity(self) -> dict[str, Any]:
        """A user-assigned identity with access to the vault, spread."""
        identity = self.put(
            f"{self.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-sf", {"location": "westeurope"}
        )
        vault = self.get(self.facts["vault_id"])
        principal = identity["properties"]["principalId"]
        if vault["properties"].get("enableRbacAuthorization"):
            role = "4633458b-17de-408a-b874-0445c86b69e6"
            self.azure.find_service("authorization").grant(principal, role, self.facts["vault_id"])
        else:
            entry = {
                "tenantId": self.azure.tenant_id,
                "objectId": principal,
                "permissions": {"secrets": ["get", "list"]},
            }
            self.put(f"{self.facts['vault_id']}/accessPolicies/add", {"properties": {"accessPolicies": [entry]}})
        self.pass_time(minutes=30)
        return identity

    def key_vault_extension(self, identity: dict[str, Any], **changes: Any) -> dict[str, Any]:
        management = {
            "pollingIntervalInS": "3600",
            "requireInitialSync": True,
            "linkOnRenewal": False,
            "observedCertificates": [
                {
                    "url": self.facts["observed_url"],
                    "certificateStoreName": "MY",
                    "certificateStoreLocation": "LocalMachine",
                }
            ],
        }
        management.update(changes.pop("management", {}))
        properties = {
            "publisher": "Microsoft.Azure.KeyVault",
            "type": "KeyVaultForWindows",
            "typeHandlerVersion": "3.0",
            "autoUpgradeMinorVersion": True,
            "settings": {
                "secretsManagementSettings": management,
                "authenticationSettings": {
                    "msiEndpoint": "http://169.254.169.254/metadata/identity/oauth2/token",
                    "msiClientId": identity["properties"]["clientId"],
                },
            },
        }
        properties.update(changes)
        return {"name": "KVVM", "properties": properties}

    def provisioned(self, scale_set_id: str, identity: dict[str, Any], **changes: Any) -> dict[str, Any]:
        """The scale set's body with identity, extension and sequencing."""
        body = self.get(scale_set_id)
        body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {identity["id"]: {}}}
        extensions = body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]
        extensions[0]["properties"]["provisionAfterExtensions"] = ["KVVM"]
        extensions.append(self.key_vault_extension(identity, **changes))
        return body

    def to_common_name(self, pins: str | None = None) -> Answer:
        body = self.get(self.facts["cluster_id"])
        body["properties"].pop("certificate", None)
        body["properties"]["certificateCommonNames"] = {
            "commonNames": [
                {
                    "certificateCommonName": self.facts["common_name"],
                    "certificateIssuerThumbprint": self.facts["issuer_thumbprint"] if pins is None else pins,
                }
            ],
            "x509StoreName": "My",
        }
        return self.send(self.facts["cluster_id"], body)

    def migrate(self) -> None:
        """The whole way to the common name, as a careful operator walks it."""
        identity = self.give_identity()
        for scale_set_id in self.scale_set_ids:
            self.put(scale_set_id, self.provisioned(scale_set_id, identity))
        assert self.wait(self.to_common_name()).status == "Succeeded"
        for scale_set_id in self.scale_set_ids:
            body = self.get(scale_set_id)
            profile = body["properties"]["virtualMachineProfile"]
            settings = profile["extensionProfile"]["extensions"][0]["properties"]["settings"]
            settings["certificate"] = {"commonNames": [self.facts["common_name"]], "x509StoreName": "My"}
            profile["osProfile"]["secrets"] = []
            self.put(scale_set_id, body)


@pytest.fixture(scope="session")
def paper() -> Paper:
    """One small PKI for all tests of pure rules: keys are the slow part."""
    return Paper()


@pytest.fixture
def made_world() -> Callable[..., World]:
    """Makes standing worlds; each test has its own, because tests break them."""
    return World
