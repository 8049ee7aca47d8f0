"""The CA of the soak: the small one in virtual time, which looks at the answers to its challenges and keeps a ledger of
what it was asked for. Not a test.

Misbehaviours come as `Whim`s: what, at which of its paths, how often, after how many requests that fit. The ledger
says of every new order whether one that could still be used stood open.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from requests.adapters import BaseAdapter

from sfcert.acme.solvers.solver import dns_validation
from tests.adapters.acme.in_process import InProcess
from tests.servers.small_acme import SmallAcme, problem

Json = dict[str, Any]
HOST = "ca.soak.test"
_OPEN = ("pending", "ready", "processing")
#: What a CA answers in the place of its own answer, by the whim's name; None in the headers' place is no header.
_ANSWERS: dict[str, tuple[int, Json, dict[str, str]]] = {
    "busy": (503, problem("serverInternal", "come again"), {"Retry-After": "20"}),
    "busy-for-long": (503, problem("serverInternal", "come again"), {"Retry-After": "4000"}),
    "broken": (500, problem("serverInternal", "something broke"), {}),
    "limited": (429, problem("rateLimited", "too many"), {"Retry-After": "30"}),
    "limited-for-long": (429, problem("rateLimited", "too many of these names"), {}),
    "bad-nonce": (400, problem("badNonce", "not this one"), {}),
    "garbage": (200, {"what": "is this"}, {}),
}
#: Whims that strike an answer on its way: before anything was done, or after.
ON_THE_WAY = (*_ANSWERS, "cut", "cut-after")
#: Whims that strike what the CA decides.
DECIDED = (
    "challenge-fails",
    "caa",
    "order-fails",
    "slow-to-look",
    "slow-to-sign",
    "forgets-orders",
    "objects-to-replaces",
    "signs-for-another",
    *("chain other key", "chain reversed", "chain leaf alone", "chain gap", "chain a stranger within", "chain text"),
)


@dataclass
class Whim:
    """One misbehaviour. `path` is a part of the path, for whims that strike on the way."""

    name: str
    times: int
    after: int = 0
    path: str = ""

    def __str__(self) -> str:
        return f"{self.name}{f' at {self.path}' if self.path else ''} x{self.times} after {self.after}"

    def strikes(self, path: str = "") -> bool:
        """Effects: counts."""
        if self.path not in path or self.times <= 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass
class Habits:
    """How a CA is, on good days too."""

    lists_orders: bool = True
    reuses_orders: bool = False
    reuses_authorizations: bool = False
    has_renewal_information: bool = True
    lives_of_orders: timedelta = timedelta(days=7)


@dataclass
class Ledger:
    """What the CA was asked. `needless` says of a new order which one could still have been used."""

    new_orders: int = 0
    signed: int = 0
    needless: list[str] = field(default_factory=list)
    struck: list[str] = field(default_factory=list)


class SoakAcme(SmallAcme):
    """`sees` tells whether the answer to a challenge is in place: (kind, name, token, key authorization)."""

    def __init__(
        self,
        now: Callable[[], datetime],
        habits: Habits,
        sees: Callable[[str, str, str, str], bool],
        kind: str,
    ) -> None:
        super().__init__(now)
        self.url = f"https://{HOST}"
        self.habits, self.sees, self.kind = habits, sees, kind
        self.whims: list[Whim] = []
        self.ledger = Ledger()
        #: the key of the request that is open in the vault, DER; None where none is.
        self.open_key: Callable[[], bytes | None] = lambda: None
        self.is_merged: Callable[[x509.Certificate], bool] = lambda _: False
        #: whether the address of an order was written down by anybody.
        self.is_kept: Callable[[str], bool] = lambda _: True
        #: who is asking: machines that share no record know nothing of each other's orders.
        self.machine = ""
        #: raised where a request's answer is cut.
        self.is_cut = False
        self._known: dict[str, set[str]] = {}
        if not habits.has_renewal_information:
            self.window = None

    # -- on the way ----------------------------------------------------------------------------------------------------

    def handle(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        self.is_cut = False
        whim = next((one for one in self.whims if one.name in ON_THE_WAY and one.strikes(path)), None)
        if whim is None:
            return super().handle(method, path, body)
        self.ledger.struck.append(str(whim))
        if whim.name == "cut":
            self.is_cut = True
            return 0, {}, {}
        if whim.name == "cut-after":
            super().handle(method, path, body)
            self.is_cut = True
            return 0, {}, {}
        return _ANSWERS[whim.name]

    def _decides(self, name: str) -> bool:
        for one in self.whims:
            if one.name == name and one.strikes():
                self.ledger.struck.append(str(one))
                return True
        return False

    # -- what it answers -----------------------------------------------------------------------------------------------

    def _answer(self, path: str, payload: Json) -> tuple[int, Any, dict[str, str]]:
        if path == "/account/1" and self.habits.lists_orders:
            return 200, {"status": "valid", "orders": f"{self.url}/account/1/orders"}, {}
        if path == "/account/1/orders":
            return (
                200,
                {"orders": [f"{self.url}/order/{n}" for n, one in enumerate(self.orders) if self._lives(one)]},
                {},
            )
        kind, _, place = path.strip("/").partition("/")
        if kind in ("order", "authz", "challenge", "finalize", "certificate"):
            number = int(place.partition("-")[0])
            if self._decides("forgets-orders"):
                for one in self.orders:
                    one["is_forgotten"] = True
            if self.orders[number].get("is_forgotten"):
                return 404, problem("malformed", "no such order"), {}
            self._ages(self.orders[number])
        if kind in ("authz", "challenge"):
            return self._authorization(kind, place)
        if kind == "finalize":
            return self._sign(int(place), path, payload)
        return super()._answer(path, payload)

    def _authorization(self, kind: str, place: str) -> tuple[int, Any, dict[str, str]]:
        number, _, at = place.partition("-")
        order = self.orders[int(number)]
        one = order["proofs"][int(at)]
        if kind == "challenge":
            if one["status"] == "pending":
                one["status"] = "processing"
                one["looks"] = 4 if self._decides("slow-to-look") else 0
            return 200, {"status": "processing"}, {}
        if one["status"] == "processing":
            one["looks"] -= 1
            if one["looks"] < 0:
                self._look(order, one)
        token = f"token-{number}-{at}"
        challenge = {"type": self.kind, "url": f"{self.url}/challenge/{place}", "token": token, "status": one["status"]}
        if "error" in one:
            challenge["error"] = one["error"]
        shown = "pending" if one["status"] == "processing" else one["status"]
        identifier = {"type": "dns", "value": one["name"]}
        return 200, {"status": shown, "identifier": identifier, "challenges": [challenge]}, {}

    def _look(self, order: Json, one: Json) -> None:
        """The CA looks at the answer, and so do we: who says that it is in place has to have put it there."""
        token = f"token-{self.orders.index(order)}-{order['proofs'].index(one)}"
        if self._decides("challenge-fails"):
            one["error"] = problem("connection", "it timed out")
        elif self._decides("caa"):
            one["error"] = problem("caa", "CAA forbids it")
        elif not self.sees(self.kind, one["name"], token, f"{token}.{order['key']}"):
            one["error"] = problem("unauthorized", "no such answer stands there")
            self.ledger.struck.append("the answer was not in place")
        one["status"] = "invalid" if "error" in one else "valid"
        if "error" in one:
            order["status"] = "invalid"
        elif all(each["status"] == "valid" for each in order["proofs"]):
            order["status"] = "ready"
            self._known.setdefault(order["key"], set()).update(order["names"])

    def _new_order(self, payload: Json) -> tuple[int, Any, dict[str, str]]:
        if "replaces" in payload and self._decides("objects-to-replaces"):
            return 409, problem("alreadyReplaced", "it was replaced before"), {}
        names = [one["value"] for one in payload["identifiers"]]
        key = self._key
        self.ledger.new_orders += 1
        usable = [n for n, one in enumerate(self.orders) if self._is_usable(one, names, key)]
        if usable:
            self.ledger.needless.append(f"order {len(self.orders)} though {usable} could be used")
        same = next((n for n, one in enumerate(self.orders) if self._is_same(one, names, key)), None)
        if self.habits.reuses_orders and same is not None:
            return 201, self._shown(same), {"Location": f"{self.url}/order/{same}"}
        known = self._known.get(key, set()) if self.habits.reuses_authorizations else set()
        proofs = [{"name": one, "status": "valid" if one in known else "pending", "looks": 0} for one in names]
        is_ready = all(one["status"] == "valid" for one in proofs)
        self.orders.append(
            {
                "status": "ready" if is_ready else "pending",
                "names": names,
                "proofs": proofs,
                "looks": 3 if self._decides("slow-to-sign") else 0,
                "key": key,
                "machine": self.machine,
                "expires": self._now() + self.habits.lives_of_orders,
                "is_forgotten": False,
            }
        )
        number = len(self.orders) - 1
        return 201, self._shown(number), {"Location": f"{self.url}/order/{number}"}

    def _shown(self, number: int) -> Json:
        order = self.orders[number]
        self.expires = order["expires"]
        shown = super()._shown(number)
        shown["authorizations"] = [f"{self.url}/authz/{number}-{at}" for at in range(len(order["proofs"]))]
        return shown

    def _sign(self, number: int, path: str, payload: Json) -> tuple[int, Any, dict[str, str]]:
        order = self.orders[number]
        if order["status"] != "ready":
            return 403, problem("orderNotReady", f"it is {order['status']}"), {}
        if self._decides("signs-for-another"):
            self.sign_for_another(number)
            return 200, self._shown(number), {}
        self.order_error = problem("serverInternal", "no") if self._decides("order-fails") else None
        chains = ("other key", "reversed", "leaf alone", "gap", "a stranger within", "text")
        self.chain = next((one for one in chains if self._decides(f"chain {one}")), "good")
        answer = super()._answer(path, payload)
        if order["status"] in ("processing", "valid"):
            self.ledger.signed += 1
            order["is_good"] = self.chain in ("good", "reversed")
        return answer

    # -- which orders can be used --------------------------------------------------------------------------------------

    @property
    def _key(self) -> str:
        """The thumbprint of the account's key (RFC 7638), as it was last sent whole."""
        return self._thumbprint

    _thumbprint = ""

    def hear(self, body: bytes) -> None:
        """Remember the key of an account that is opened."""
        header = json.loads(_decoded(json.loads(body)["protected"]))
        if "jwk" in header:
            text = json.dumps(header["jwk"], sort_keys=True, separators=(",", ":"))
            digest = hashlib.sha256(text.encode()).digest()
            self._thumbprint = urlsafe_b64encode(digest).rstrip(b"=").decode()

    def _lives(self, order: Json) -> bool:
        self._ages(order)
        return order["status"] in _OPEN and not order["is_forgotten"]

    def _ages(self, order: Json) -> None:
        if order["status"] in ("pending", "ready") and order["expires"] <= self._now():
            order["status"] = "invalid"

    def _is_same(self, order: Json, names: list[str], key: str) -> bool:
        return self._lives(order) and set(order["names"]) == set(names) and order["key"] == key

    def _is_usable(self, order: Json, names: list[str], key: str) -> bool:
        """Whether who asks for these names could have gone on with this order: it is open, or signed for the request
        that stands in the vault, and its address was written down or can be looked up."""
        self._ages(order)
        if order.get("is_let_go") or order["is_forgotten"] or set(order["names"]) != set(names) or order["key"] != key:
            return False
        if order["machine"] != self.machine or order["expires"] <= self._now():
            return False
        if not self.habits.lists_orders and not self.is_kept(f"{self.url}/order/{self.orders.index(order)}"):
            return False
        if order["status"] in ("pending", "ready"):
            return True
        return order["status"] in ("processing", "valid") and bool(order.get("is_good")) and self._is_for_vault(order)

    def _is_for_vault(self, order: Json) -> bool:
        wanted = self.open_key()
        if wanted is None or "chain" not in order:
            return False
        leaves = x509.load_pem_x509_certificates(order["chain"].encode())
        own = [one for one in leaves if _key_of(one) == wanted]
        return bool(own) and not self.is_merged(own[0])


class ToAuthority(BaseAdapter):
    """Carries requests to the CA of this process."""

    def __init__(self, ca: SoakAcme) -> None:
        super().__init__()
        self._ca, self._way = ca, InProcess(ca)

    def send(self, request: requests.PreparedRequest, *args: object, **more: object) -> requests.Response:
        if isinstance(request.body, bytes) and request.method == "POST":
            self._ca.hear(request.body)
        found = self._way.send(request)
        if self._ca.is_cut:
            raise requests.ConnectionError("the connection was cut", request=request)
        return found

    def close(self) -> None:
        """Nothing is open."""


def expected_text(key_authorization: str) -> str:
    """What a TXT record has to say."""
    return dns_validation(key_authorization)


def _key_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _decoded(text: str) -> bytes:
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
