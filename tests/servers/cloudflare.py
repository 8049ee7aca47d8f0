"""A small loopback answerer of Cloudflare's API for TXT records; lexicon's own provider talks to it. Not a test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.serving import served

TOKEN = "a-made-up-token"


class Cloudflare:
    """One zone. `records` by id; texts are kept in quotes, as the real one does."""

    def __init__(self) -> None:
        self.url = ""
        #: told of a name and its texts after each change: whoever serves the zone.
        self.on_change: Callable[[str, frozenset[str]], None] = lambda name, texts: None
        self.records: dict[str, dict[str, Any]] = {}
        self._made = 0

    def add(self, body: dict[str, Any]) -> None:
        self._made += 1
        self.records[f"r{self._made}"] = {"ttl": 300, **body, "id": f"r{self._made}", "content": f'"{body["content"]}"'}

    def _tell(self, name: str) -> None:
        texts = frozenset(one["content"].strip('"') for one in self.records.values() if one["name"] == name)
        self.on_change(name, texts)

    def answer(self, method: str, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        parts, query = urlsplit(path).path.strip("/").split("/"), parse_qs(urlsplit(path).query)
        if parts == ["zones"]:
            return [{"id": "z0", "name": "other.test"}, {"id": "z1", "name": "example.test"}]
        assert parts[:3] == ["zones", "z1", "dns_records"]
        if method == "POST":
            self.add(body)
            self._tell(body["name"])
        elif method == "DELETE":
            self._tell(self.records.pop(parts[3])["name"])
        return [one for one in self.records.values() if one["name"] == query.get("name", [one["name"]])[0]]


@contextmanager
def running_cloudflare() -> Iterator[Cloudflare]:
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
    with served(server):
        yield state
