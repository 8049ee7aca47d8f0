"""One embedded Azure in a thread for the client tests, and the two ways into it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.identity import ClientSecretCredential

from sfcert.sim.host import Running, start_in_thread
from tests.unkind_by_default import FOR_OTHERS, arm, told

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@dataclass
class Way:
    """How a client gets in: the credential, and the arguments that every management client takes."""

    name: str
    running: Running
    credential: Any
    keywords: dict[str, Any]
    subscription: str


@pytest.fixture
def sim() -> Iterator[Running]:
    """A world of its own for each test, so that no test sees another's resources; unkind as far as clients that wait
    by the wall can stand it in a test run."""
    with start_in_thread(start=START, seed=7, prepare=lambda azure: arm(azure, FOR_OTHERS)) as running:
        yield running
        print(running.call(told))


@pytest.fixture(params=["direct", "proxy"])
def way(request: pytest.FixtureRequest, sim: Running, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """Both ways in, one after the other."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    values = sim.env()
    ca = values["REQUESTS_CA_BUNDLE"]
    tenant, app, secret = (values[f"AZURE_{part}"] for part in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
    if request.param == "direct":
        base = sim.base_url
        credential = ClientSecretCredential(
            tenant, app, secret, authority=base, disable_instance_discovery=True, connection_verify=ca
        )
        keywords = {"base_url": base, "credential_scopes": [f"{base}/.default"], "connection_verify": ca}
    else:
        proxies = {"https": sim.proxy_url}
        credential = ClientSecretCredential(tenant, app, secret, connection_verify=ca, proxies=proxies)
        keywords = {"connection_verify": ca, "proxies": proxies}
    with credential:
        yield Way(request.param, sim, credential, keywords, values["AZURE_SUBSCRIPTION_ID"])
