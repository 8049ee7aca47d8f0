"""What the closing `curl` test shows, waited for: a real TLS server on loopback, and the gateways of the simulator."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sfcert.pki import read_pem_chain
from tests.e2e.site import Site, command
from tests.servers.tls import ServerTls, make_server_tls


class Listener:
    """A TLS server that shakes hands and says nothing. `asked` are the names that clients sent as SNI."""

    def __init__(self, files: ServerTls) -> None:
        self.asked: list[str | None] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(files.certificate_file, files.key_file)
        self._context.sni_callback = lambda _, name, __: self.asked.append(name)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self._context.wrap_socket(line, server_side=True) as secured:
                secured.settimeout(5)
                secured.recv(1)

    def close(self) -> None:
        # a thread that waits in accept is only woken by a shutdown
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def files(tmp_path: Path) -> ServerTls:
    return make_server_tls(tmp_path)


@pytest.fixture
def server(files: ServerTls, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    for name in ("HTTPS_PROXY", "https_proxy", "SFCERT_SIM"):
        monkeypatch.delenv(name, raising=False)
    listener = Listener(files)
    yield listener
    listener.close()


def test_a_server_that_serves_what_is_expected_ends_the_watch(server: Listener, files: ServerTls) -> None:
    leaf, root = (read_pem_chain(one.read_bytes())[0] for one in (files.certificate_file, files.ca_file))
    seen = command(
        "watch", "--endpoint", f"127.0.0.1:{server.port}", "--server-name", "localhost", "--json",
        "--issuer-pem", str(files.ca_file), "--expect-issuer", root.thumbprint, "--expect-thumbprint", leaf.thumbprint,
    )  # fmt: skip
    assert seen.code == 0, seen.err
    sight = seen.last("endpoint")["sight"]
    assert (sight["thumbprint"], sight["dns_names"]) == (leaf.thumbprint, ["localhost"])
    assert {one["check"] for one in sight["checks"]} == {"name", "date", "chain", "thumbprint", "issuer"}
    assert server.asked == ["localhost"]
    human = command(
        "watch", "--endpoint", f"localhost:{server.port}", "--issuer-pem", str(files.ca_file), "--timeout", "5s"
    )
    assert leaf.thumbprint in human.out
    assert "✓ name: localhost is among its names." in human.out


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--server-name", "shop.example.com"), "shop.example.com is not among its names"),
        (("--expect-thumbprint", "AB" * 20), f"{'AB' * 20} was asked for"),
        (("--expect-issuer", "CD" * 20), "is not among those expected"),
    ],
    ids=["another name", "another certificate", "another issuer"],
)
def test_what_does_not_hold_within_the_timeout_ends_with_five(
    server: Listener, files: ServerTls, more: tuple[str, str], says: str
) -> None:
    told = command(
        "watch", "--endpoint", f"localhost:{server.port}", "--issuer-pem", str(files.ca_file), "--timeout", "1s", *more
    )
    assert told.code == 5
    assert says in told.err


def test_an_issuer_that_is_neither_served_nor_known_does_not_hold(server: Listener) -> None:
    told = command("watch", "--endpoint", f"localhost:{server.port}", "--timeout", "1s")
    assert told.code == 5
    assert "is missing in the chain" in told.err


def test_nobody_there_is_waited_for_and_then_told(server: Listener) -> None:
    server.close()
    told = command("watch", "--endpoint", f"127.0.0.1:{server.port}", "--timeout", "1s")
    assert told.code == 5
    assert "reachable" in told.err


@pytest.mark.parametrize(
    "words",
    [
        ("--endpoint", "localhost:port"),
        ("--endpoint", "http://localhost"),
        ("--endpoint", "localhost", "--cluster", "x"),
        ("--expect-thumbprint", "AB" * 20, "--cluster", "x"),
        ("--endpoint", "localhost", "--expect-thumbprint", "short"),
        ("--endpoint", "localhost", "--vault-certificate", "https://x"),
    ],
)
def test_what_cannot_be_looked_for_is_misuse(words: tuple[str, ...]) -> None:
    told = command("watch", *words)
    assert told.code == 1
    assert told.err.startswith(("Usage", "sfcert"))


def test_a_gateway_is_watched_until_it_serves_the_vaults_newest_version(site: Site) -> None:
    """After the migration the vault renews, and the gateway follows within its own hour."""
    assert site.plan().code == 2
    assert site.apply().code == 0
    where = urlsplit(site.body(site.cluster_id)["properties"]["managementEndpoint"])
    url = f"{site.facts['vault_url']}/certificates/{site.facts['certificate_name']}"
    name = site.facts["common_name"]
    words = ("watch", "--endpoint", where.netloc, "--server-name", name, "--vault-certificate", url, "--json")
    assert command(*words, "--timeout", "1m").code == 0

    renewed = site.renew()
    behind = command(*words, "--timeout", "30s")
    assert behind.code == 5
    assert f"{renewed} is the newest version" in behind.err
    followed = command(*words, "--timeout", "6h", "--expect-issuer", site.facts["issuer_thumbprint"])
    assert followed.code == 0, followed.err
    assert followed.last("endpoint")["sight"]["thumbprint"] == renewed
