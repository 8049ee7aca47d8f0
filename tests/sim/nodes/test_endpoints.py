"""The nodes' own TLS listeners: what they show, and whom they let in."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

World = Any
MakeWorld = Callable[..., World]


def client_pem(folder: Path, version: Any) -> Path:
    path = folder / f"{version.version}.pem"
    key = version.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key + version.leaf.public_bytes(Encoding.PEM))
    return path


def fetch(port: int, path: str, pem: Path | None = None, token: str | None = None) -> tuple[str, int, Any]:
    """Thumbprint shown, HTTP status and JSON body, over one connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if pem is not None:
        context.load_cert_chain(pem)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw, context.wrap_socket(raw) as tls:
        shown = hashlib.sha1(tls.getpeercert(binary_form=True) or b"").hexdigest().upper()
        bearer = f"Authorization: Bearer {token}\r\n" if token is not None else ""
        tls.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{bearer}Connection: close\r\n\r\n".encode())
        data = b""
        while chunk := tls.recv(65536):
            data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    return shown, int(head.split(b" ")[1]), json.loads(body) if body else None


def run(world: World, look: Callable[[Any], Any]) -> Any:
    """Run `look(endpoints)` in a thread while the listeners live on this loop."""

    async def scene() -> Any:
        endpoints = world.azure.find_service("endpoints")
        await endpoints.start()
        try:
            return await asyncio.to_thread(look, Ports(endpoints, asyncio.get_running_loop()))
        finally:
            await endpoints.stop()

    return asyncio.run(scene())


class Ports:
    """`port_for` belongs to the loop's thread."""

    def __init__(self, endpoints: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._endpoints, self._loop = endpoints, loop

    def port(self, host: str, port: int) -> int | None:
        async def ask() -> int | None:
            found: int | None = self._endpoints.port_for(host, port)
            return found

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(10)


def cluster_version(world: World) -> Any:
    return world.vaults.content(world.facts["vault_url"]).certificate(world.facts["certificate_name"]).latest


def test_each_node_shows_its_own_certificate_and_answers_the_clusters(made_world: MakeWorld, tmp_path: Path) -> None:
    world = made_world("one-node-type")
    pem = client_pem(tmp_path, cluster_version(world))

    def look(ports: Ports) -> None:
        for node in world.cluster.nodes.values():
            shown, status, body = fetch(ports.port(node.ip_address, 19080) or 0, f"/Nodes/{node.name}", pem)
            assert (shown, status, body["Name"]) == (world.facts["thumbprint"], 200, node.name)
        management = ports.port("sf-demo.westeurope.cloudapp.azure.com", 19080)
        shown, status, body = fetch(management or 0, "/$/GetClusterHealth?api-version=6.0", pem)
        assert (status, body["AggregatedHealthState"]) == (200, "Ok")
        assert ports.port("SF-demo.westeurope.cloudapp.azure.com", 19080) == management

    run(world, look)


def test_clients_without_an_accepted_certificate_are_forbidden(made_world: MakeWorld, tmp_path: Path) -> None:
    world = made_world("one-node-type")
    operator = world.vaults.content(world.facts["vault_url"]).certificate("sf-operator").latest
    other = world.azure.find_service("authority").get(world.facts["other_issuer"])
    at = world.azure.clock.now.replace(microsecond=0)
    issued = other.issue("stranger.example", [], not_before=at, not_after=at.replace(year=at.year + 1))
    stranger = world.vaults.import_version(world.facts["vault_url"], "stranger", issued)

    def look(ports: Ports) -> None:
        port = ports.port(world.cluster.nodes["_nt0_0"].ip_address, 19080) or 0
        assert fetch(port, "/Nodes")[1] == 403
        assert fetch(port, "/Nodes", client_pem(tmp_path, stranger))[1] == 403
        assert fetch(port, "/Nodes", client_pem(tmp_path, operator))[1] == 200
        assert fetch(port, "/nowhere", client_pem(tmp_path, operator))[1] == 404

    run(world, look)


def test_a_listener_changes_what_it_shows_when_its_node_does(made_world: MakeWorld, tmp_path: Path) -> None:
    world = made_world("one-node-type")
    world.migrate()
    new = world.vaults.renew_now(world.facts["vault_url"], world.facts["certificate_name"])
    pem = client_pem(tmp_path, new)

    def look(ports: Ports) -> list[str]:
        port = ports.port(world.cluster.nodes["_nt0_1"].ip_address, 19080) or 0
        before = fetch(port, "/Nodes", pem)[0]
        world.pass_time(hours=3)
        return [before, fetch(port, "/Nodes", pem)[0], fetch(ports.port("10.0.0.5", 19000) or 0, "/Nodes", pem)[0]]

    assert run(world, look) == [world.facts["thumbprint"], new.thumbprint, new.thumbprint]


def test_a_node_that_is_down_closes_the_connection(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    world.cluster.halt("_nt0_0")

    def look(ports: Ports) -> None:
        with pytest.raises((ssl.SSLError, OSError)):
            fetch(ports.port(world.cluster.nodes["_nt0_0"].ip_address, 19080) or 0, "/Nodes")

    run(world, look)


def test_strange_hosts_and_ports_have_no_listener(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")

    def look(ports: Ports) -> None:
        assert ports.port("example.com", 19080) is None
        assert ports.port("10.0.0.4", 443) is None
        assert ports.port("10.9.9.9", 19080) is None

    run(world, look)
    assert world.azure.find_service("endpoints").port_for("10.0.0.4", 19080) is None, "nothing after the end"


@pytest.mark.parametrize("declared", [True, False], ids=["an application is declared", "none is declared"])
def test_a_token_lets_in_only_where_the_cluster_declares_an_application(made_world: MakeWorld, declared: bool) -> None:
    application = "6b0c1f5e-7f0c-4b36-8d8a-0d2f6a5d9c11"
    directory = {"tenantId": "t", "clusterApplication": application, "clientApplication": "c"}
    world = made_world("one-node-type", cluster_settings={"azureActiveDirectory": directory} if declared else {})
    entra = world.azure.find_service("entra")
    right = entra.token_for(world.caller, application)
    other = entra.token_for(world.caller, "https://management.azure.com")

    def look(ports: Ports) -> list[int]:
        port = ports.port("10.0.0.4", 19080) or 0
        return [fetch(port, "/Nodes", token=token)[1] for token in (right, other, "nonsense")]

    assert run(world, look) == [200 if declared else 403, 403, 403]


def test_armed_faults_reach_the_nodes_own_rest(made_world: MakeWorld, tmp_path: Path) -> None:
    world = made_world("one-node-type")
    pem = client_pem(tmp_path, cluster_version(world))
    world.azure.faults.arm("unavailable", {"door": "nodes", "times": 1})
    world.azure.faults.arm("shuffled-lists", {"page": 2})

    def look(ports: Ports) -> None:
        port = ports.port(world.cluster.nodes["_nt0_0"].ip_address, 19080) or 0
        assert fetch(port, "/Nodes", pem)[1:] == (503, None)
        names: list[str] = []
        token, pages = "", 0
        while pages == 0 or token:
            body = fetch(port, f"/Nodes?ContinuationToken={token}", pem)[2]
            names += [one["Name"] for one in body["Items"]]
            token, pages = body["ContinuationToken"], pages + 1
        assert (sorted(names), pages) == (sorted(world.cluster.nodes), 3)
        world.azure.faults.arm("connection-reset", {"door": "nodes", "times": 1})
        with pytest.raises((OSError, IndexError)):
            fetch(port, "/Nodes", pem)

    run(world, look)
