"""One pipeline to a vault, used by many threads from its first request on."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.core.pipeline.transport import RequestsTransport

from sfcert.azure.credentials import service_principal
from sfcert.azure.retries import Retries
from sfcert.azure.vault_requests import VaultRequests
from tests.e2e.site import opened
from tests.fakes import FakeClock


class Watched(RequestsTransport):
    """Counts how many requests are on their way together, before and after the first one has come back."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 0
        self.most_at_first = 0
        self._running = 0
        self._lock = threading.Lock()
        self._together = threading.Event()

    def send(self, request: Any, **more: Any) -> Any:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
            if "Authorization" not in request.headers:
                self.most_at_first = max(self.most_at_first, self._running)
            if self._running > 1:
                self._together.set()
        if "Authorization" in request.headers:
            # each waits a little for company, so that overlap does not hang on luck
            self._together.wait(0.2)
        try:
            return super().send(request, **more)
        finally:
            with self._lock:
                self._running -= 1


def test_the_first_request_goes_alone_and_is_challenged_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path, monkeypatch) as site, Watched() as transport:
        values = site.running.env()
        credential = service_principal(*(values[f"AZURE_{one}"] for one in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")))
        requests = VaultRequests(credential, Retries(FakeClock()), transport=transport)
        url, name = str(site.facts["vault_url"]).rstrip("/"), site.facts["certificate_name"]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: requests.call("GET", url, f"/certificates/{name}"), range(16)))
        assert len({one["id"] for one in found}) == 1
        assert transport.most_at_first == 1
        assert transport.most > 1
