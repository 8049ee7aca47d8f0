"""lexicon's own Cloudflare provider against a small loopback answerer of that API: nothing but its address is changed.

(lexicon 3.25's provider for dynamic updates does not work with dnspython 2.9, so Knot cannot judge it.)
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sfcert.acme.solvers.dns01_lexicon import LexiconDns
from sfcert.errors import RemoteError

AT = "_acme-challenge.www.example.test"
TOKEN = "a-made-up-token"


class Cloudflare:
    """One zone. `records` by id; texts are kept in quotes, as the real one does."""

    def __init__(self) -> None:
        self.url = ""
        self.records: dict[str, dict[str, Any]] = {}
        self._made = 0

    def add(self, body: dict[str, Any]) -> None:
        self._made += 1
        self.records[f"r{self._made}"] = {"ttl": 300, **body, "id": f"r{self._made}", "content": f'"{body["content"]}"'}

    def answer(self, method: str, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        parts, query = urlsplit(path).path.strip("/").split("/"), parse_qs(urlsplit(path).query)
        if parts == ["zones"]:
            return [{"id": "z0", "name": "other.test"}, {"id": "z1", "name": "example.test"}]
        assert parts[:3] == ["zones", "z1", "dns_records"]
        if method == "POST":
            self.add(body)
        elif method == "DELETE":
            del self.records[parts[3]]
        return [one for one in self.records.values() if one["name"] == query.get("name", [one["name"]])[0]]


@pytest.fixture
def host() -> Iterator[Cloudflare]:
    state = Cloudflare()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            is_known = self.headers.get("Authorization") == f"Bearer {TOKEN}"
            result = state.answer(self.command, self.path, body) if is_known else []
            pages = {"page": 1, "total_pages": 1}
            data = json.dumps({"success": is_known, "result": result, "result_info": pages}).encode()
            self.send_response(200 if is_known else 403)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def writer(host: Cloudflare, token: str = TOKEN) -> LexiconDns:
    made = LexiconDns("cloudflare", {"auth_token": token}, zone="example.test")
    provider = made._class

    class Local(provider):  # type: ignore[misc,valid-type]  # a class that is chosen at run time
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.api_endpoint = host.url

    made._class = Local
    return made


def test_the_texts_become_exactly_those_wanted_and_others_stay(host: Cloudflare) -> None:
    host.add({"type": "TXT", "name": AT, "content": "left behind"})
    host.add({"type": "TXT", "name": "spf.example.test", "content": "v=spf1 -all"})
    ours = writer(host)
    for wanted in ({"one", "two"}, {"two"}, set()):
        ours.put_texts("example.test", AT, frozenset(wanted))
        assert {one["content"].strip('"') for one in host.records.values() if one["name"] == AT} == wanted
    assert [one["name"] for one in host.records.values()] == ["spf.example.test"]


def test_a_refused_token_is_told_without_it(host: Cloudflare) -> None:
    with pytest.raises(RemoteError, match="HTTPError") as caught:
        writer(host, "another-made-up-token").put_texts("example.test", AT, frozenset({"x"}))
    assert caught.value.token == "DnsUpdateRefused"
    assert "another-made-up-token" not in str(caught.value)
