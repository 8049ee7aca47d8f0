"""How is a twin of a captured cluster reached? The ports over an embedded Azure in this process, without a network.

The adapters are those that reach Azure; only what carries their requests is another. A twin knows no private keys, so
its nodes cannot finish a TLS handshake: what their gateways would serve, and what Service Fabric's REST would answer,
is read from the simulator itself. Those gates are judged on what the simulated nodes hold, not on a connection made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from sfcert.azure.arm import AzureArm
from sfcert.azure.enrolment import AzureEnrolmentVault
from sfcert.azure.failures import unreachable
from sfcert.azure.retries import Retries
from sfcert.azure.vault_requests import VaultRequests
from sfcert.azure.vaults import AzureVaults
from sfcert.errors import RemoteError
from sfcert.model.plan import Stage
from sfcert.ports import Json, Ports
from sfcert.sim.assemble import build
from sfcert.sim.direct import ConnectionCut, Direct
from sfcert.sim.hardships import Hardships
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.worlds import from_bundle
from sfcert.sim.worlds.build import operator_of

#: Beyond the life of any rehearsal: tokens live in wall time, which plays no part here.
_NEVER = 4102444800
_FABRIC = "Service Fabric"


class Twin:
    """One simulated Azure with the twin of one captured cluster, at the instant of its capture or later."""

    def __init__(self, document: Mapping[str, Any], *, seed: int, faults: str, not_before_utc: datetime | None) -> None:
        captured = datetime.fromisoformat(str(document["captured_at_utc"]).replace("Z", "+00:00"))
        self.azure: Azure = build(start=captured, seed=seed, tempo="manual")
        facts = from_bundle(self.azure, document)
        self.cluster_id = str(facts["cluster_id"])
        self.left_open: tuple[str, ...] = tuple(dict.fromkeys(facts["unknown"]))
        self.azure.switches["let_in"] = operator_of(self.azure).object_id
        if not_before_utc is not None and not_before_utc > self.azure.clock.now:
            self.azure.clock.advance_to(not_before_utc)
        self.began_utc = self.azure.clock.now
        self.hardships = Hardships(self.azure, self.cluster_id, faults, seed=seed)
        self.hardships.begin()

    def by_hand(self, stage: Stage | None) -> None:
        """Do what people do in a stage of theirs, where that is on the nodes. What they have to issue stays undone."""
        gates = stage.gates_out if stage is not None and stage.kind == "manual" else ()
        cluster = self.azure.service("clusters", Clusters).get(self.cluster_id)
        if cluster is not None and any(gate.kind == "cluster-reached" for gate in gates):
            cluster.mending.act([], accept_expired=True)

    @property
    def clock(self) -> TwinClock:
        return TwinClock(self.azure, Direct(self.azure))

    def enrolment_vault(self) -> AzureEnrolmentVault:
        """The vaults of this twin as an enrolment uses them."""
        direct = Direct(self.azure)
        retries = Retries(TwinClock(self.azure, direct))
        return AzureEnrolmentVault(VaultRequests(_Operator(direct), retries, transport=_transport(direct)))

    def ports(self, on_retry: Callable[[str], None]) -> Ports:
        """The ports of a run on this twin."""
        return ports_over(self.azure, self.cluster_id, on_retry)


def ports_over(azure: Azure, cluster_id: str, on_retry: Callable[[str], None] = lambda told: None) -> Ports:
    """The ports of a run on a simulated Azure of this process.

    Args:
        cluster_id: whose nodes are looked at.
        on_retry: told of each passing failure in one line.

    Effects: none by itself.
    """
    direct = Direct(azure)
    clock = TwinClock(azure, direct)
    retries = Retries(clock, on_retry=on_retry)
    credential = _Operator(direct)
    transport = _transport(direct)
    return Ports(
        AzureArm(credential, retries, transport=transport),
        AzureVaults(VaultRequests(credential, retries, transport=transport)),
        TwinNodes(direct, cluster_id),
        clock,
        reads_at_once=1,
    )


def _transport(direct: Direct) -> RequestsTransport:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", _Wire(direct))
    return RequestsTransport(session=session, session_owner=False)


class TwinClock:
    """The `Clock` port by the twin's virtual time."""

    def __init__(self, azure: Azure, direct: Direct) -> None:
        self._azure, self._direct = azure, direct

    def now(self) -> datetime:
        return self._azure.clock.now

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._direct.advance(seconds)


class TwinNodes:
    """The `Nodes` port by the simulator's own state; no client certificate is asked for."""

    def __init__(self, direct: Direct, cluster_id: str) -> None:
        self._direct, self._cluster_id = direct, cluster_id

    def fetch_runtime(self) -> Json:
        nodes = self._pages("/Nodes")
        return {
            "nodes": nodes,
            "cluster_health": self._get("/$/GetClusterHealth"),
            "upgrade_progress": self._get("/$/GetUpgradeProgress"),
            "cluster_manifest": self._get("/$/GetClusterManifest")["Manifest"],
            "node_health": {str(one["Name"]): self._get(f"/Nodes/{one['Name']}/$/GetHealth") for one in nodes},
        }

    def fetch_presented(self, host: str, port: int) -> list[bytes]:
        try:
            return self._direct.chain_at(self._cluster_id, host)
        except ConnectionCut as cut:
            raise unreachable(_FABRIC, f"TLS handshake with {host}:{port}", str(cut)) from cut

    def _pages(self, path: str) -> list[Json]:
        page = self._get(path)
        found: list[Json] = list(page["Items"])
        while token := page["ContinuationToken"]:
            page = self._get(path, {"ContinuationToken": token})
            found += page["Items"]
        return found

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        try:
            found: Json = self._direct.runtime(self._cluster_id, path, query)
        except ConnectionCut as cut:
            raise unreachable(_FABRIC, f"GET {path}", str(cut)) from cut
        except AzureFailure as refusal:
            raise RemoteError(
                "RemoteFailed",
                f"{_FABRIC}: {refusal}",
                service=_FABRIC,
                operation=f"GET {path}",
                status=refusal.status,
                transient=True,
            ) from refusal
        except LookupError as missing:
            raise RemoteError(
                "RemoteFailed", f"{_FABRIC}: {missing}", service=_FABRIC, operation=f"GET {path}", status=404
            ) from missing
        return found


class _Operator:
    """The credential of the twin's operator, whose tokens are made by the simulator."""

    def __init__(self, direct: Direct) -> None:
        self._direct = direct

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        audience = (scopes[0] if scopes else "").removesuffix("/.default").rstrip("/")
        return AccessToken(self._direct.token(audience), _NEVER)


class _Wire(BaseAdapter):
    """Carries the requests of a session to the embedded Azure of this process."""

    def __init__(self, direct: Direct) -> None:
        super().__init__()
        self._direct = direct

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body or b""
        sent = body.encode() if isinstance(body, str) else bytes(body)
        try:
            answered = self._direct.send(str(request.method), str(request.url), dict(request.headers), sent)
        except ConnectionCut as cut:
            raise requests.exceptions.ConnectionError(str(cut), request=request) from cut
        response = requests.Response()
        response.request = request
        response.url = str(request.url)
        response.status_code = answered.status
        response.reason = str(answered.status)
        response.headers.update(answered.headers)
        response.raw = HTTPResponse(
            BytesIO(answered.body), headers=answered.headers, status=answered.status, preload_content=False
        )
        response.encoding = "utf-8"
        return response

    def close(self) -> None:
        """Nothing is open."""
