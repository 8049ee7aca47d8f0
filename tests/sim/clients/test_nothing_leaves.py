"""With the variables of `sim env` set, or with a user's own proxy set, nothing reaches past loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, DefaultAzureCredential, EnvironmentCredential
from azure.mgmt.servicefabric import ServiceFabricManagementClient

from sfcert.sim import worlds
from sfcert.sim.host import Running
from tests.servers.users_proxy import UsersProxy, running_users_proxy


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Every address that anything in this process connects to; what is not loopback is refused on the spot."""
    asked: list[tuple[str, int]] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(("127.", "::1", "localhost")):
            asked.append((str(address[0]), int(address[1])))
            raise ConnectionRefusedError("this test lets nothing out")
        connect(self, address)

    resolve = socket.getaddrinfo

    def resolved(host: Any, *more: Any, **named: Any) -> Any:
        if host not in {"localhost", "127.0.0.1", "::1", None}:
            asked.append((str(host), 0))
            raise socket.gaierror(socket.EAI_NONAME, f"this test resolves nothing: {host}")
        return resolve(host, *more, **named)

    monkeypatch.setattr(socket.socket, "connect", watched)
    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return asked


@pytest.fixture
def entered(sim: Running, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of `sim env`, over a world with a cluster."""
    sim.call(lambda azure: worlds.load(azure, "one-node-type"))
    values = sim.env()
    for name in ("https_proxy", "http_proxy", "no_proxy", "ALL_PROXY", "all_proxy", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def test_the_environment_alone_leads_an_unmodified_client_in(
    sim: Running, entered: dict[str, str], outside: list[tuple[str, int]]
) -> None:
    with (
        EnvironmentCredential() as credential,
        ServiceFabricManagementClient(credential, entered["AZURE_SUBSCRIPTION_ID"]) as client,
    ):
        name = entered["SFCERT_CLUSTER_ID"].rsplit("/", 1)[1]
        assert client.clusters.get(entered["SFCERT_RESOURCE_GROUP"], name).cluster_state == "Ready"
    assert outside == []


def test_the_default_credential_finds_its_way_and_asks_nobody_else(
    sim: Running, entered: dict[str, str], outside: list[tuple[str, int]]
) -> None:
    with DefaultAzureCredential() as credential:
        assert credential.get_token("https://management.azure.com/.default").token
    assert outside == []


@pytest.mark.parametrize("host", ["https://example.org", "https://pypi.org", "https://vault.azure.net"])
def test_every_other_host_is_refused_by_the_proxy(
    sim: Running, entered: dict[str, str], outside: list[tuple[str, int]], host: str
) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        requests.get(host, timeout=5)
    assert outside == []
    assert sim.server.proxy is not None
    assert [refused.target for refused in sim.server.proxy.refused] == [f"{host.removeprefix('https://')}:443"]


def test_plain_http_is_refused_too(sim: Running, entered: dict[str, str], outside: list[tuple[str, int]]) -> None:
    answer = requests.get("http://169.254.169.254/metadata/identity", timeout=5)
    assert (answer.status_code, outside) == (403, [])


@pytest.fixture
def users_proxy() -> Iterator[UsersProxy]:
    with running_users_proxy() as proxy:
        yield proxy


def test_a_user_s_own_proxy_is_not_asked_when_the_simulator_s_is_given(
    sim: Running, users_proxy: UsersProxy, outside: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, users_proxy.url)
    values = sim.env()
    with ClientSecretCredential(
        values["AZURE_TENANT_ID"],
        values["AZURE_CLIENT_ID"],
        values["AZURE_CLIENT_SECRET"],
        connection_verify=str(sim.ca_bundle),
        proxies={"https": sim.proxy_url, "http": sim.proxy_url},
    ) as credential:
        assert credential.get_token("https://management.azure.com/.default").token
    assert (users_proxy.asked, outside) == ([], [])


def test_the_simulator_s_own_control_calls_pass_by_a_user_s_proxy(
    sim: Running, users_proxy: UsersProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sfcert.sim.host import call_control

    for name in ("HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, users_proxy.url)
    assert "now" in call_control(sim.control_url, "GET", "/now")
    assert users_proxy.asked == []


def test_a_secret_of_the_simulator_is_worth_nothing_without_it(
    sim: Running, users_proxy: UsersProxy, outside: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the simulator's proxy the sign-in goes to the user's proxy and fails there; it never falls through."""
    monkeypatch.setenv("HTTPS_PROXY", users_proxy.url)
    values = sim.env()
    with (
        ClientSecretCredential(
            values["AZURE_TENANT_ID"], values["AZURE_CLIENT_ID"], values["AZURE_CLIENT_SECRET"], retry_total=0
        ) as credential,
        pytest.raises(ClientAuthenticationError),
    ):
        credential.get_token("https://management.azure.com/.default")
    assert outside == []
    assert users_proxy.asked
    assert all(line.startswith("CONNECT login.microsoftonline.com:443") for line in users_proxy.asked)
