"""The metrics server: it looks anew at each scrape, and says so when it cannot."""

from __future__ import annotations

import queue
import socket
import threading
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer

import pytest

from sfcert.cli.metrics_server import serve_metrics
from sfcert.errors import InputError


def test_a_port_that_cannot_be_had_is_one_clear_message() -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        with pytest.raises(InputError, match="in use"):
            serve_metrics(taken.getsockname()[1], lambda: "")
    with pytest.raises(InputError, match="between 1 and 65535"):
        serve_metrics(99999, lambda: "")


def test_each_scrape_looks_anew_and_a_failure_is_a_503() -> None:
    looks = iter(["one 1\n", "one 2\n"])

    def text() -> str:
        found = next(looks, None)
        if found is None:
            raise InputError("CertificateNotFound", "gone")
        return found

    ready: queue.Queue[ThreadingHTTPServer] = queue.Queue()
    thread = threading.Thread(target=serve_metrics, args=(0, text), kwargs={"ready": ready.put}, daemon=True)
    thread.start()
    server = ready.get(timeout=10)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        assert [opener.open(f"{url}/metrics", timeout=10).read() for _ in range(2)] == [b"one 1\n", b"one 2\n"]
        with pytest.raises(urllib.error.HTTPError) as broken:
            opener.open(f"{url}/metrics", timeout=10)
        assert broken.value.code == 503
        assert b"CertificateNotFound" in broken.value.read()
        with pytest.raises(urllib.error.HTTPError) as elsewhere:
            opener.open(f"{url}/", timeout=10)
        assert elsewhere.value.code == 404
        broken.value.close()
        elsewhere.value.close()
    finally:
        server.shutdown()
        thread.join(timeout=10)
