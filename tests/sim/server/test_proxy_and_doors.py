"""What gets through the proxy, what does not, and which door a name leads to. Raw sockets and raw TLS."""

from __future__ import annotations

import contextlib
import gc
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim.host import Running, start_in_thread

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def sim() -> Iterator[Running]:
    with start_in_thread(start=START, seed=9) as running:
        yield running


def ask_proxy(sim: Running, text: str) -> str:
    port = int(sim.proxy_url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(text.encode())
        return client.recv(4096).decode()


@pytest.mark.parametrize(
    "target",
    [
        "example.org:443",
        "management.azure.com:80",
        "unknown.vault.azure.net:443",
        "azcliprod.blob.core.windows.net:443",
        "169.254.169.254:80",
        "127.0.0.1:22",
        "localhost:443",
        "10.0.0.4:19080",
        "management.azure.com.example.org:443",
    ],
)
def test_the_proxy_refuses_what_is_not_simulated_and_notes_it(sim: Running, target: str) -> None:
    assert ask_proxy(sim, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n").startswith("HTTP/1.1 403")
    assert sim.server.proxy is not None
    assert [refused.target for refused in sim.server.proxy.refused] == [target]


@pytest.mark.parametrize("line", ["GET http://169.254.169.254/metadata HTTP/1.1", "nonsense"])
def test_the_proxy_serves_nothing_but_connect(sim: Running, line: str) -> None:
    assert ask_proxy(sim, f"{line}\r\n\r\n").startswith("HTTP/1.1 403")


def test_a_vault_is_let_through_once_it_exists_and_so_is_a_node(sim: Running) -> None:
    facts = sim.call(load_world)
    name = facts["vault_url"].removeprefix("https://")
    assert ask_proxy(sim, f"CONNECT {name}:443 HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 200")
    host = facts["management_endpoint"].removeprefix("https://")
    assert ask_proxy(sim, f"CONNECT {host} HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 200")


def load_world(azure: Any) -> dict[str, str]:
    from sfcert.sim import worlds

    loaded: dict[str, str] = worlds.load(azure, "one-node-type")
    return loaded


def through_proxy(sim: Running, host: str) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(sim.ca_bundle))
    port = int(sim.proxy_url.rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=5)
    connection.set_tunnel(host, 443)
    return connection


def get(sim: Running, host: str, path: str) -> tuple[int, Any]:
    connection = through_proxy(sim, host)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_the_production_names_lead_to_their_own_services_under_a_verified_certificate(sim: Running) -> None:
    status, cloud = get(sim, "management.azure.com", "/metadata/endpoints?api-version=2022-09-01")
    assert (status, cloud["resourceManager"]) == (200, "https://management.azure.com")
    tenant = sim.call(lambda azure: azure.tenant_id)
    path = f"/{tenant}/v2.0/.well-known/openid-configuration"
    status, openid = get(sim, "login.microsoftonline.com", path)
    assert openid["token_endpoint"] == f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"
    status, refused = get(sim, "management.azure.com", "/subscriptions?api-version=2022-12-01")
    assert status == 401
    assert refused["error"]["code"] == "AuthenticationFailed"


class Broken:
    """A provider with a bug."""

    types = ("Sim.Test/broken",)

    def list(self, *given: Any) -> Any:
        raise ZeroDivisionError("a slip")


def test_a_bug_of_the_simulator_is_told_as_one_and_is_not_retried(
    sim: Running, caplog: pytest.LogCaptureFixture
) -> None:
    from sfcert.sim.entra import Entra

    def prepare(azure: Any) -> str:
        azure.register(Broken())
        entra = azure.service("entra", Entra)
        token: str = entra.token_for(entra.default.caller, "https://management.azure.com")
        return token

    token = sim.call(prepare)
    connection = through_proxy(sim, "management.azure.com")
    subscription = sim.call(lambda azure: azure.subscription_id)
    path = f"/subscriptions/{subscription}/providers/Sim.Test/broken?api-version=2021-04-01"
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    error = json.loads(answer.read())["error"]
    connection.close()
    assert (answer.status, error["code"]) == (501, "SimulatorBug")
    assert "ZeroDivisionError: a slip" in error["message"]
    assert "a slip" in caplog.text


def test_nothing_but_its_own_authority_is_in_the_bundle(sim: Running) -> None:
    assert Path(sim.ca_bundle).read_text().count("BEGIN CERTIFICATE") == 1


def test_every_request_is_in_the_journal_by_kind(sim: Running) -> None:
    get(sim, "management.azure.com", "/subscriptions/x/resourceGroups/g/providers/A.B/cs/d?api-version=1")
    assert sim.call(lambda azure: azure.journal.by_kind()) == {"GET …/A.B/cs/{}": 1}


def test_starts_and_stops_quickly_and_leaves_no_listener() -> None:
    begun = time.perf_counter()
    running = start_in_thread(start=START)
    took_s = time.perf_counter() - begun
    ports = [int(url.split(":")[2].split("/")[0]) for url in (running.proxy_url, running.base_url, running.control_url)]
    running.stop()
    running.stop()
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
    # A bound for a mistake, not a measure: `make bench` measures.
    assert took_s < 5


@pytest.mark.parametrize("asked", [True, False], ids=["after an answer", "before any request"])
def test_a_client_that_holds_its_connection_on_the_direct_way_does_not_keep_the_server_from_closing_it(
    asked: bool,
) -> None:
    """An unclosed transport would be told as a warning when it is collected, and a warning fails the test."""
    running = start_in_thread(start=START)
    context = ssl.create_default_context(cafile=str(running.ca_bundle))
    port = int(running.base_url.rsplit(":", 1)[1])
    held = http.client.HTTPSConnection("localhost", port, context=context, timeout=5)
    try:
        held.connect()
        if asked:
            held.request("GET", "/metadata/endpoints?api-version=2022-09-01")
            assert held.getresponse().read()
        running.stop()
        gc.collect()
        assert is_closed(held.sock)
    finally:
        held.close()


def is_closed(connection: socket.socket) -> bool:
    """Whether the other end has gone, with or without a goodbye in TLS."""
    try:
        return connection.recv(1) == b""
    except (ConnectionError, ssl.SSLError):
        return True


def open_at(sim: Running) -> int:
    proxy = sim.server.proxy
    assert proxy is not None
    return sim.call(lambda azure: len(proxy._open) + len(sim.server._runner.server.connections))  # type: ignore[union-attr]


@pytest.mark.parametrize("target", ["management.azure.com:443", "10.0.0.4:19080"], ids=["a service", "a node"])
@pytest.mark.parametrize("goodbye", ["both ways", "cut"])
def test_a_tunnel_that_has_ended_leaves_nothing_open(sim: Running, target: str, goodbye: str) -> None:
    """A run looks at every node again and again: what stayed open would soon be more than a process may have."""
    sim.call(load_world)
    port = int(sim.proxy_url.rsplit(":", 1)[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for _ in range(5):
        line = socket.create_connection(("127.0.0.1", port), timeout=10)
        line.sendall(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
        assert line.recv(4096).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(line) as secured:
            if goodbye == "both ways":
                secured.settimeout(5)
                # a server that has nothing to say any more may go without a word
                with contextlib.suppress(OSError, ValueError):
                    secured.unwrap().close()
    deadline = time.monotonic() + 20
    while open_at(sim) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert open_at(sim) == 0
