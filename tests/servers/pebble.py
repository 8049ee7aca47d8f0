"""Pebble, the ACME server that Let's Encrypt tests clients with, and its DNS server of made-up answers. On loopback.

Two of them: Debian's package of this machine's release (2.4.0: no renewal information, no profiles, client
authentication in a leaf), and the one of a newer release that `make servers` unpacks (2.10.0: both, and server
authentication alone). Neither looks at CAA.
"""

from __future__ import annotations

import json
import os
import ssl
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509

from tests.servers.ports import Child, free_port, is_open, program
from tests.servers.tls import ServerTls, make_server_tls

#: For external account binding in tests; made up.
EAB_KID = "kid-1"
EAB_MAC = urlsafe_b64encode(b"a made-up key of thirty-two byte").rstrip(b"=").decode()
NEWER = Path(__file__).resolve().parents[2] / ".servers" / "pebble" / "usr" / "bin" / "pebble"
#: Profiles of the newer Pebble: seconds of validity. As with the CA that it stands for, `classic` alone has a subject.
PROFILES = {"classic": 90 * 86400, "shortlived": 6 * 86400}


@dataclass(frozen=True)
class Pebble:
    directory_url: str
    ca_file: Path
    http_port: int
    child: Child
    management_url: str

    def set_renewal_info(self, leaf_pem: str, answer: str) -> None:
        """What the newer Pebble says of this certificate from now on."""
        self._manage("set-renewal-info/", json.dumps({"Certificate": leaf_pem, "ARIResponse": answer}).encode())

    def roots(self) -> list[str]:
        """Common names of the roots of its chains, its own first."""
        found = [x509.load_pem_x509_certificate(self._manage(f"roots/{at}")) for at in range(2)]
        return [one.subject.rfc4514_string().removeprefix("CN=") for one in found]

    def issuer_pem(self) -> str:
        """The certificate that signs its leaves, in its own chain: another one after each start."""
        return self._manage("intermediates/0").decode()

    def _manage(self, path: str, body: bytes | None = None) -> bytes:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        request = urllib.request.Request(f"{self.management_url}/{path}", data=body)
        with urllib.request.build_opener(*handlers).open(request, timeout=5) as answer:
            return bytes(answer.read())


@dataclass(frozen=True)
class ChallengeServer:
    """pebble-challtestsrv: answers every A question with loopback, TXT as it is told."""

    dns: str
    management: str

    def set_txt(self, host: str, value: str) -> None:
        self.call("set-txt", {"host": host, "value": value})

    def call(self, what: str, body: dict[str, object]) -> None:
        request = urllib.request.Request(f"{self.management}/{what}", data=json.dumps(body).encode(), method="POST")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=5).close()


@contextmanager
def running_pebble(
    folder: Path,
    *,
    dns: str,
    is_friendly: bool = True,
    has_external_accounts: bool = False,
    nonce_reject: int | None = None,
    tls: ServerTls | None = None,
    sleep_s: int | None = None,
    is_newer: bool = False,
    port: int | None = None,
    http_port: int | None = None,
) -> Iterator[Pebble]:
    """A fresh CA.

    Args:
        is_newer: the Pebble with renewal information and profiles; skips where it could not be had.
        dns: `address:port` where it looks names up.
        is_friendly: no refused nonces and no waits before it validates; False leaves both as Pebble has them.
        nonce_reject: percent of good nonces that are refused.
        sleep_s: the longest wait before a validation, where it is not friendly; None is Pebble's own, 15 s.
    """
    binary = _newer() if is_newer else program("pebble", "pebble")
    folder.mkdir(parents=True, exist_ok=True)
    tls = tls or make_server_tls(folder)
    port, management, http_port = port or free_port(), free_port(), http_port or free_port()
    settings: dict[str, object] = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(tls.certificate_file),
        "privateKey": str(tls.key_file),
        "httpPort": http_port,
        "tlsPort": free_port(),
        "ocspResponderURL": "",
        "domainBlocklist": ["blocked-domain.example"],
        "externalAccountBindingRequired": has_external_accounts,
    }
    if is_newer:
        profiles = {
            name: {"description": name, "validityPeriod": valid_s, "promoteCommonName": name == "classic"}
            for name, valid_s in PROFILES.items()
        }
        settings |= {"profiles": profiles, "keyAlgorithm": "rsa", "retryAfter": {"authz": 1, "order": 1}}
    else:
        settings["certificateValidityPeriod"] = 90 * 86400
    if has_external_accounts:
        settings["externalAccountMACKeys"] = {EAB_KID: EAB_MAC}
    (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
    env = {**os.environ, "PEBBLE_AUTHZREUSE": "0", "PEBBLE_ALTERNATE_ROOTS": "1", "PEBBLE_CHAIN_LENGTH": "1"}
    if is_friendly:
        env.update(PEBBLE_VA_NOSLEEP="1", PEBBLE_WFE_NONCEREJECT="0")
    if nonce_reject is not None:
        env["PEBBLE_WFE_NONCEREJECT"] = str(nonce_reject)
    if sleep_s is not None:
        env["PEBBLE_VA_SLEEPTIME"] = str(sleep_s)
    command = [binary, "-config", str(folder / "pebble.json"), "-dnsserver", dns, "-strict"]
    child = Child(command, folder / "pebble.log", env)
    try:
        child.await_ready(lambda: is_open(port))
        yield Pebble(f"https://localhost:{port}/dir", tls.ca_file, http_port, child, f"https://localhost:{management}")
    finally:
        child.stop()


def _newer() -> str:
    if not NEWER.is_file():
        pytest.skip("no Pebble with renewal information and profiles is here (`make servers` unpacks one)")
    return str(NEWER)


@contextmanager
def running_challenge_server(folder: Path) -> Iterator[ChallengeServer]:
    binary = program("pebble-challtestsrv", "pebble")
    folder.mkdir(parents=True, exist_ok=True)
    dns, management = free_port(), free_port()
    command = [binary, "-dns01", f"127.0.0.1:{dns}", "-http01", "", "-https01", "", "-tlsalpn01", ""]
    command += ["-management", f"127.0.0.1:{management}", "-defaultIPv6", ""]
    child = Child(command, folder / "challtestsrv.log")
    try:
        child.await_ready(lambda: is_open(management) and is_open(dns))
        yield ChallengeServer(f"127.0.0.1:{dns}", f"http://127.0.0.1:{management}")
    finally:
        child.stop()
