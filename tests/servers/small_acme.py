"""A small ACME server on loopback for what no Pebble does on demand: CAA refusals, rate limits, broken chains,
forgotten and expired orders, and all else that a real CA shows on its bad days; renewal information and profiles where
no newer Pebble is at hand. It checks nonces, not signatures: Pebble judges those.

Each fault is an attribute to set. `asked` lists what came, as (path, payload).
"""

from __future__ import annotations

import json
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.servers.requests import Pending
from tests.servers.serving import served
from tests.servers.tls import make_server_tls

Json = dict[str, Any]
PREFIX = "urn:ietf:params:acme:error:"


def problem(kind: str, detail: str, **more: Any) -> Json:
    return {"type": PREFIX + kind, "detail": detail, **more}


def _wall() -> datetime:
    return datetime.now(UTC)


class SmallAcme:
    """The CA's state and its bad days. `now` dates its certificates, for worlds that keep a time of their own."""

    def __init__(self, now: Callable[[], datetime] = _wall) -> None:
        self._now = now
        self.url = ""
        self.ca_file = Path()
        self.asked: list[tuple[str, Json]] = []
        self.profiles: dict[str, str] = {"classic": "90 days", "shortlived": "6 days"}
        #: answered instead of the path's own answer, one after the other: (status, body, headers).
        self.answers: dict[str, list[tuple[int, Any, dict[str, str]]]] = {}
        self.objection: Json | None = None
        self.challenge_error: Json | None = None
        self.order_error: Json | None = None
        self.chain = "good"
        self.looks_before_signed = 0
        self.reuses_authorizations = False
        self.never_looks = False
        #: what stands before a path in a Location; empty where the CA names it relative to what was asked.
        self.located_at: str | None = None
        #: the Link header of a certificate.
        self.certificate_links = ""
        #: called when a request has come to be signed, before it is.
        self.on_finalize: Callable[[], None] = lambda: None
        self.expires = datetime(2036, 1, 1, tzinfo=UTC)
        self.window: Json | None = {"start": "2026-12-20T10:00:00Z", "end": "2026-12-22T10:00:00.5Z"}
        self.asks_again_s = "21600"
        self.orders: list[Json] = []
        self.leaf: x509.Certificate | None = None
        self._nonces: set[str] = set()
        self._made = 0
        self._keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
        self._root = _sign(self._keys[0].public_key(), "Small Root", "Small Root", self._keys[0], now())
        self._issuer = _sign(self._keys[1].public_key(), "Small Issuing", "Small Root", self._keys[0], now())
        stranger = ec.generate_private_key(ec.SECP256R1())
        self._stranger = _sign(stranger.public_key(), "A Stranger", "A Stranger", stranger, now())

    @property
    def issuer_thumbprint(self) -> str:
        return self._issuer.fingerprint(hashes.SHA1()).hex().upper()

    def new_orders(self) -> list[Json]:
        return [payload for path, payload in self.asked if path == "/new-order"]

    def nonce(self) -> str:
        self._made += 1
        fresh = urlsafe_b64encode(self._made.to_bytes(6, "big")).decode()
        self._nonces.add(fresh)
        return fresh

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        payload: Json = {}
        if method == "POST":
            message = json.loads(body)
            header = json.loads(_decode(message["protected"]))
            payload = json.loads(_decode(message["payload"]) or b"{}")
            if header["nonce"] not in self._nonces:
                return 400, problem("badNonce", "not one of ours"), {}
            self._nonces.discard(header["nonce"])
            assert header["url"] == self.url + path
        self.asked.append((path, payload))
        queued = self.answers.get(path)
        if queued:
            return queued.pop(0)
        return self._answer(path, payload)

    def _answer(self, path: str, payload: Json) -> tuple[int, Any, dict[str, str]]:
        if path == "/dir":
            names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "new-order", "renewalInfo": "renewal"}
            return (
                200,
                {**{key: f"{self.url}/{one}" for key, one in names.items()}, "meta": {"profiles": self.profiles}},
                {},
            )
        if path == "/nonce":
            return 200, {}, {}
        if path == "/account":
            return 201, {"status": "valid"}, {"Location": self._located("/account/1")}
        if path == "/account/1":
            # no list of its orders: not every CA has one
            return 200, {"status": "valid"}, {}
        if path == "/new-order":
            return self._new_order(payload)
        if path.startswith("/renewal/") and self.window is None:
            return 404, problem("malformed", "no such certificate"), {}
        if path.startswith("/renewal/"):
            return (
                200,
                {"suggestedWindow": self.window, "explanationURL": "https://small.test/why"},
                {"Retry-After": self.asks_again_s},
            )
        kind, number = path.strip("/").split("/")
        order = self.orders[int(number)]
        if kind == "authz":
            challenge = {
                "type": "dns-01",
                "url": f"{self.url}/challenge/{number}",
                "token": "a-token",
                "status": "pending",
            }
            status = order["authz"]
            if status == "invalid":
                challenge.update(status="invalid", error=self.challenge_error)
            name = order["names"][0]
            return 200, {"status": status, "identifier": {"type": "dns", "value": name}, "challenges": [challenge]}, {}
        if kind == "challenge" and not self.never_looks:
            order["authz"] = "invalid" if self.challenge_error else "valid"
            order["status"] = "invalid" if self.challenge_error else "ready"
        if kind == "challenge":
            return 200, {"status": "processing"}, {}
        if kind == "finalize":
            self._finalize(order, urlsafe_b64decode(payload["csr"] + "=="))
        if kind == "certificate":
            links = {"Link": self.certificate_links} if self.certificate_links else {}
            return 200, order["chain"], {"Content-Type": "application/pem-certificate-chain", **links}
        if kind == "order" and order["status"] == "processing":
            order["looks"] -= 1
            if order["looks"] <= 0:
                order["status"] = "valid"
            else:
                return 200, self._shown(int(number)), {"Retry-After": "7"}
        return 200, self._shown(int(number)), {}

    def _located(self, path: str) -> str:
        return (self.url if self.located_at is None else self.located_at) + path

    def sign_for_another(self, number: int) -> None:
        """The order is valid, by a request that is not the customer's."""
        order = self.orders[number]
        self._finalize(order, Pending(order["names"])())
        order["authz"] = "valid"

    def _new_order(self, payload: Json) -> tuple[int, Any, dict[str, str]]:
        if self.objection is not None and "replaces" in payload:
            status = {"alreadyReplaced": 409, "serverInternal": 500}.get(
                self.objection["type"].removeprefix(PREFIX), 403
            )
            return status, self.objection, {}
        names = [one["value"] for one in payload["identifiers"]]
        status, authz = ("ready", "valid") if self.reuses_authorizations else ("pending", "pending")
        self.orders.append({"status": status, "authz": authz, "names": names, "looks": self.looks_before_signed})
        number = len(self.orders) - 1
        return 201, self._shown(number), {"Location": self._located(f"/order/{number}")}

    def _shown(self, number: int) -> Json:
        order = self.orders[number]
        shown: Json = {
            "status": order["status"],
            "expires": self.expires.isoformat(),
            "identifiers": [{"type": "dns", "value": one} for one in order["names"]],
            "authorizations": [f"{self.url}/authz/{number}"],
            "finalize": f"{self.url}/finalize/{number}",
        }
        if order["status"] == "valid":
            shown["certificate"] = f"{self.url}/certificate/{number}"
        if order["status"] == "invalid" and self.order_error:
            shown["error"] = self.order_error
        return shown

    def _finalize(self, order: Json, csr_der: bytes) -> None:
        self.on_finalize()
        if self.order_error is not None:
            order["status"] = "invalid"
            return
        request = x509.load_der_x509_csr(csr_der)
        key = request.public_key()
        if self.chain == "other key":
            key = ec.generate_private_key(ec.SECP256R1()).public_key()
        self.leaf = _sign(key, order["names"][0], "Small Issuing", self._keys[1], self._now(), names=order["names"])
        chain = {
            "good": [self.leaf, self._issuer, self._root],
            "other key": [self.leaf, self._issuer],
            "reversed": [self._root, self._issuer, self.leaf],
            "twice": [self.leaf, self.leaf, self._issuer],
            "a stranger within": [self.leaf, self._issuer, self._stranger],
            "leaf alone": [self.leaf],
            "gap": [self.leaf, self._root],
        }.get(self.chain)
        order["chain"] = "no certificate" if chain is None else "".join(_pem(one) for one in chain)
        order["status"] = "processing" if order["looks"] else "valid"


@contextmanager
def running_small_acme(folder: Path) -> Iterator[SmallAcme]:
    state = SmallAcme()
    tls = make_server_tls(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # without these each answer waits 40 ms for the client's acknowledgement
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, answer, headers = state.handle(self.command, self.path, self.rfile.read(length))
            data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            if self.path != "/dir":
                self.send_header("Replay-Nonce", state.nonce())
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_HEAD = do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: `asked` tells more."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certificate_file, tls.key_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    state.url, state.ca_file = f"https://localhost:{server.server_address[1]}", tls.ca_file
    with served(server):
        yield state


def _sign(
    key: Any,
    subject: str,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    names: Sequence[str] = (),
) -> x509.Certificate:
    """A leaf for `names`; a CA's certificate, which outlives every leaf, where there are none."""
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=90 if names else 3650))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if names:
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        alternative = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        built = built.add_extension(usages, critical=False).add_extension(alternative, critical=False)
    return built.sign(issuer_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
