"""The small CA without a network: requests are handed to it in this process, for tests that ask it thousands. Not a
test."""

from __future__ import annotations

import io
import json
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from sfcert.acme.session import AcmeSession
from tests.servers.small_acme import SmallAcme


class InProcess(requests.adapters.BaseAdapter):
    """Hands a request to the small CA. `sent` counts them."""

    def __init__(self, ca: SmallAcme) -> None:
        super().__init__()
        self.ca = ca
        self.sent = 0

    def send(self, request: requests.PreparedRequest, *args: object, **more: object) -> requests.Response:
        self.sent += 1
        assert request.url is not None
        body = request.body if isinstance(request.body, bytes) else b""
        status, content, headers = self.ca.handle(str(request.method), urlsplit(request.url).path, body)
        found = requests.Response()
        found.status_code, found.url, found.request = status, request.url, request
        data = content if isinstance(content, bytes) else _written(content)
        found.raw = io.BytesIO(data)
        all_headers: dict[str, Any] = {"Replay-Nonce": self.ca.nonce(), **headers}
        found.headers = CaseInsensitiveDict({name: value for name, value in all_headers.items() if value is not None})
        return found

    def close(self) -> None:
        """Nothing is open."""


def _written(content: Any) -> bytes:
    return (content if isinstance(content, str) else json.dumps(content)).encode("utf-8", "surrogatepass")


def bring_in(session: AcmeSession, ca: SmallAcme) -> InProcess:
    """Lead the session to the small CA, and nowhere else."""
    way = InProcess(ca)
    session._http.mount("https://", way)
    return way
