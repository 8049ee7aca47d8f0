"""What goes between clients and the embedded Azure? Exchanges written down while tests run, to be judged afterwards.

One line of JSON each, in the form that the vendor's live validator reads. A recording holds the secrets of its
worlds; it stands in a temporary folder and goes when it was judged.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sfcert.sim.front.polling import is_operation_path
from sfcert.sim.kernel.journal import FABRIC_HOST, Exchange, Journal

Json = dict[str, Any]
_ARM, _VAULT = "management.azure.com", ".vault.azure.net"
#: How the journal tells a connection that was cut: there was no answer to judge.
_CUT = 499
_UNVERSIONED = re.compile(r"/(certificates|keys|secrets)/(?!issuers|contacts)[^/]+")


@contextmanager
def recording(folder: Path) -> Iterator[None]:
    """Write every exchange of this process into a file of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    before = Journal.witness
    with (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:

        def write(exchange: Exchange) -> None:
            if (shown := live(exchange)) is not None:
                file.write(json.dumps(shown) + "\n")
                file.flush()

        Journal.witness = write
        try:
            yield
        finally:
            Journal.witness = before


def live(exchange: Exchange) -> Json | None:
    """The exchange as the validator takes it; None for what no definition describes or was cut.

    Described nowhere: tokens, Graph, and the addresses at which a long operation is followed.
    """
    split = urlsplit(exchange.url)
    host = (split.hostname or "").lower()
    if host in ("localhost", "127.0.0.1") and not split.path.lower().startswith(("/subscriptions", "/providers")):
        return None
    if host in ("localhost", "127.0.0.1"):
        host = _ARM
    if (host not in (_ARM, FABRIC_HOST) and not host.endswith(_VAULT)) or exchange.status == _CUT:
        return None
    path = split.path if host == _ARM else split.path.rstrip("/") or "/"
    if host.endswith(_VAULT) and exchange.method in ("GET", "PATCH") and _UNVERSIONED.fullmatch(path):
        # the definitions have a version in the path that the service lets clients leave out
        path = f"{path}/{'0' * 32}"
    if is_operation_path(path):
        return None
    return {
        "liveRequest": {
            "method": exchange.method,
            "url": f"https://{host}{path}" + (f"?{split.query}" if split.query else ""),
            "headers": _headers(exchange.request_headers),
            "query": dict(parse_qsl(split.query, keep_blank_values=True)),
            "body": _json(exchange.request_body),
        },
        "liveResponse": {
            "statusCode": str(exchange.status),
            "headers": _headers(exchange.response_headers),
            "body": _json(exchange.response_body),
        },
    }


def _headers(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() != "authorization"}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None
