"""The adapters against the embedded Azure, by its proxy and production names, as a user's run has them."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from sfcert.azure.arm import AzureArm
from sfcert.azure.clock import SimulatedClock
from sfcert.azure.credentials import service_principal
from sfcert.azure.issuers import RemoteIssuers
from sfcert.azure.node_trust import NodeTrust
from sfcert.azure.nodes import ServiceFabricNodes
from sfcert.azure.retries import Retries
from sfcert.azure.tunnel import route_from
from sfcert.azure.vault_requests import VaultRequests
from sfcert.azure.vaults import AzureVaults
from sfcert.model.bundle import Bundle
from sfcert.model.plan import Plan
from sfcert.planning.assemble import plan_rollover
from sfcert.planning.inputs import Inputs
from sfcert.ports import Ports
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.worlds import load
from sfcert.sources.live import CaptureOptions, capture
from sfcert.sources.observe import observe

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Site:
    """One embedded world and the adapters that reach it."""

    running: Running
    facts: dict[str, Any]
    ports: Ports
    issuers: RemoteIssuers

    def capture(self, **options: Any) -> Bundle:
        arm, vaults, nodes = self.ports.arm, self.ports.vaults, self.ports.nodes
        given = CaptureOptions(**options)
        now = self.ports.clock.now()
        return capture(self.facts["cluster_id"], arm, vaults, nodes, now=now, options=given, issuers=self.issuers)

    def plan(self) -> Plan:
        bundle = self.capture()
        return plan_rollover(
            observe(bundle),
            Inputs(),
            playbooks_dir=ROOT / "playbooks",
            templates_dir=ROOT / "templates",
            now=bundle.captured_at_utc,
            tool_version="test",
            findings=(),
        )


def operator_pem(issuers: RemoteIssuers, facts: dict[str, Any], file: Path) -> Path:
    """The operator's client certificate, as a user would have saved it from the vault."""
    secret = issuers._client(facts["vault_url"]).get_secret("sf-operator")
    key, leaf, _ = pkcs12.load_key_and_certificates(base64.b64decode(secret.value), None)
    assert key is not None
    assert leaf is not None
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(leaf.public_bytes(Encoding.PEM) + private)
    return file


@pytest.fixture
def site(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    """A world by the name of the test's parameter ("one-node-type" without one), and all adapters."""
    facts: dict[str, Any] = {}
    world = getattr(request, "param", "one-node-type")
    with start_in_thread(
        start=START, seed=7, tempo="manual", prepare=lambda azure: facts.update(load(azure, world))
    ) as running:
        values = running.env()
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        clock = SimulatedClock(values["SFCERT_SIM"])
        retries = Retries(clock)
        credential = service_principal(*(values[f"AZURE_{one}"] for one in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")))
        issuers = RemoteIssuers(retries, credential=credential)
        nodes = ServiceFabricNodes(
            facts["management_endpoint"],
            NodeTrust(thumbprints=frozenset({facts["thumbprint"]})),
            retries,
            route_from(os.environ),
            client_certificate=str(operator_pem(issuers, facts, tmp_path / "operator.pem")),
        )
        ports = Ports(
            AzureArm(credential, retries), AzureVaults(VaultRequests(credential, retries)), nodes, clock, issuers
        )
        yield Site(running, facts, ports, issuers)
