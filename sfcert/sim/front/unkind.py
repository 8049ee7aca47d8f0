"""What goes wrong between a client and the doors of Azure? Named unkindnesses, off until armed.

The doors of Resource Manager and of the vaults, the nodes' own REST and Entra ask here before they answer and after.
Which requests are struck, see `sfcert.sim.kernel.strikes`. Leaves out: what goes wrong inside a provider or a node,
which those declare themselves.

Source of the refusals' wording: Azure REST guidelines; "Continuous access evaluation" of the Microsoft identity
platform for a token that is revoked; Key Vault REST error codes; Entra's authentication error codes (AADSTS).
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Collection
from typing import Any

from sfcert.sim.front.exchange import Reply, Request
from sfcert.sim.front.polling import is_operation_path
from sfcert.sim.front.rate_limits import RateLimits
from sfcert.sim.front.tempo import Tempo
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.kernel.strikes import Asked, Door, Strikes

#: The closed list, each with its own options. What fits: every request, or writes alone where the sentence says so.
UNKINDNESS: dict[str, tuple[str, dict[str, str]]] = {
    "throttling": (
        "Requests are answered 429 with Retry-After.",
        {"retry_after": "virtual seconds that the client is asked to wait (default 5)"},
    ),
    "rate-limits": (
        "The service's own limits hold: token buckets for reads, writes and deletes.",
        {
            "reads": "size of the bucket for reads (default 250, refilled with a tenth of it a second)",
            "writes": "size of the bucket for writes (default 200, refilled with a twentieth of it a second)",
            "deletes": "size of the bucket for deletes (default 200, refilled as that for writes)",
        },
    ),
    "write-conflict": ("Writes are refused with 409 Conflict before anything happens.", {}),
    "precondition-failed": ("Writes are refused with 412 before anything happens.", {}),
    "etag-moves": ("Somebody touches a resource after each read, so that its etag has moved: If-Match fails.", {}),
    "server-error": ("Requests are answered 500 before anything happens.", {}),
    "unavailable": ("Requests are answered 503 before anything happens.", {}),
    "connection-reset": ("The connection is closed without an answer, before anything happens.", {}),
    "slow-answer": ("Answers come late.", {"delay_s": "seconds of wall time (default 0.2)"}),
    "answer-lost": ("A write is done and its work goes on, but the client sees 500.", {}),
    "answer-cut": ("A write is done and its work goes on, but the connection is closed without an answer.", {}),
    "operation-fails-late": (
        "A long operation is accepted and then reported as failed, while its work goes on.",
        {"late_s": "virtual seconds until it is reported (default 5)"},
    ),
    "stale-read": (
        "After a write, the next reads still show what was there before.",
        {"looks": "how many reads (default 2)"},
    ),
    "appears-late": (
        "What was just created is not found by the next reads, and is missing in lists.",
        {"looks": "how many reads (default 2)"},
    ),
    "shuffled-lists": (
        "Lists come in a random order, in small pages.",
        {"page": "items of a page (default 2)"},
    ),
    "token-expired": ("A good token is refused with 401 as expired.", {}),
    "token-revoked": ("A token is refused with 401 and a claims challenge from then on; a new one is taken.", {}),
}
_LATE_S = 5.0
_MESSAGES = {
    "throttling": (429, "TooManyRequests", "The request is being throttled as the limit has been reached."),
    "server-error": (500, "InternalServerError", "Encountered internal server error."),
    "unavailable": (503, "ServiceUnavailable", "The service is unavailable now, retry the request later."),
    "write-conflict": (
        409,
        "Conflict",
        "Another operation on this or dependent resource is in progress. Retry later.",
    ),
    "precondition-failed": (412, "PreconditionFailed", "The condition of this write is not met: it has been changed."),
}
_ONLY_WRITES = frozenset({"write-conflict", "precondition-failed"})
#: What a node's gateway knows of these: it takes no writes and counts no requests.
_AT_NODES = frozenset({"server-error", "unavailable"})
#: What Entra calls these, in OAuth's own words and by its own numbers.
_AT_SIGN_IN = {
    "throttling": ("AADSTS90055", "There are too many incoming requests."),
    "server-error": ("AADSTS50000", "There's an issue with the sign-in service."),
    "unavailable": ("AADSTS90033", "The directory service is unavailable. Please try again later."),
}
_KNOWN_AT: dict[str, Collection[str]] = {"nodes": _AT_NODES, "sign-in": _AT_SIGN_IN}
_OAUTH = "temporarily_unavailable"
#: What a vault calls it when it throttles.
_VAULT_THROTTLED = ("Throttled", "Request was not processed because too many requests were received.")


class Unkind:
    """The service `unkind`. `cuts` and `refuse` come before an answer; `spoils` and `delay_s` after it."""

    def __init__(self, azure: Azure, tempo: Tempo) -> None:
        self._azure = azure
        self._tempo = tempo
        self._strikes = Strikes(azure)
        self._limits = RateLimits(azure, tempo)
        self._stale: dict[str, tuple[Reply, int]] = {}
        self._unseen: dict[str, int] = {}
        self._revoked: set[str] = set()
        for name, (sentence, options) in UNKINDNESS.items():
            azure.faults.declare(name, sentence, options, of_requests=True)

    # -- at every door ------------------------------------------------------------------------------------------------

    def cuts(self, asked: Asked) -> bool:
        """Whether the connection is closed before anything happens."""
        self._azure.faults.looked()
        return self._strikes.strikes("connection-reset", asked)

    def refuse(self, asked: Asked, authorization: str | None = None) -> None:
        """Refuse in the place of the service, where a fault says so.

        Raises:
            AzureFailure: the refusal that is armed; a vault's door puts it into its own envelope.
        """
        if asked.door not in ("nodes", "sign-in"):
            self._refuse_token(asked, authorization)
            self._limits.check(asked, authorization)
        for name, (status, code, message) in _MESSAGES.items():
            if name not in _KNOWN_AT.get(asked.door, _MESSAGES):
                continue
            if not self._strikes.strikes(name, asked, writes_only=name in _ONLY_WRITES):
                continue
            target = None
            if asked.door == "sign-in":
                (code, message), target = _AT_SIGN_IN[name], _OAUTH
            if status != 429:
                raise AzureFailure(status, code, message, target=target)
            if asked.door == "vault":
                code, message = _VAULT_THROTTLED
            wait_s = int(self._azure.switches[name].get("retry_after", 5))
            raise AzureFailure(status, code, message, target=target, headers=self._tempo.refused_for(wait_s))

    def _refuse_token(self, asked: Asked, authorization: str | None) -> None:
        if self._strikes.strikes("token-expired", asked):
            raise AzureFailure(401, "ExpiredAuthenticationToken", "The access token expiry has passed.")
        if authorization is None:
            return
        if self._strikes.strikes("token-revoked", asked):
            self._revoked.add(authorization)
        if authorization in self._revoked:
            wanted = {"access_token": {"nbf": {"essential": True, "value": "0"}}}
            claims = base64.b64encode(json.dumps(wanted).encode()).decode("ascii")
            tenant = f"https://login.microsoftonline.com/{self._azure.tenant_id}"
            name = "authorization" if asked.door == "vault" else "authorization_uri"
            resource = 'resource="https://vault.azure.net", ' if asked.door == "vault" else ""
            raise AzureFailure(
                401,
                "TokenIssuedBeforeRevocationTimestamp",
                "The user or application has been blocked, or its tokens have been revoked since this was issued.",
                headers={
                    "WWW-Authenticate": f'Bearer {name}="{tenant}", {resource}error="insufficient_claims",'
                    f' claims="{claims}"'
                },
            )

    def spoils(self, asked: Asked, status: int) -> str | None:
        """What becomes of the answer to a write that was done: None, `cut`, or `lost` (the client sees 500)."""
        if status >= 400 or is_operation_path(asked.path):
            return None
        if self._strikes.strikes("answer-cut", asked, writes_only=True):
            return "cut"
        return "lost" if self._strikes.strikes("answer-lost", asked, writes_only=True) else None

    def delay_s(self, asked: Asked) -> float:
        """How late the answer comes, in seconds of wall time."""
        if not self._strikes.strikes("slow-answer", asked):
            return 0.0
        return float(self._azure.switches["slow-answer"].get("delay_s", 0.2))

    def lost(self) -> AzureFailure:
        """What a client sees in the place of an answer that was lost."""
        return AzureFailure(500, "InternalServerError", "Encountered internal server error.")

    def is_stale(self, door: Door, method: str, path: str) -> Reply | None:
        """What a read still shows after a write, or None where it shows the truth."""
        key = path.rstrip("/").lower()
        known = self._stale.get(key)
        if method != "GET" or known is None:
            return None
        reply, looks = known
        if looks <= 1:
            del self._stale[key]
        else:
            self._stale[key] = (reply, looks - 1)
        return Reply(reply.status, copy.deepcopy(reply.body), dict(reply.headers))

    def remember(self, asked: Asked, body: dict[str, Any] | None) -> None:
        """Note what stood there before a write, so that reads can lag behind it. `body` None: nothing stood there."""
        key = asked.path.rstrip("/").lower()
        if body is None:
            if self._strikes.strikes("appears-late", asked):
                looks = int(self._azure.switches["appears-late"].get("looks", 2))
                what = asked.path.rstrip("/").rsplit("/", 1)[-1]
                failure = AzureFailure(404, "ResourceNotFound", f"The Resource '{what}' was not found.")
                self._stale[key] = (Reply(404, failure.envelope()), looks)
                self._unseen[key] = looks
        elif self._strikes.strikes("stale-read", asked):
            looks = int(self._azure.switches["stale-read"].get("looks", 2))
            self._stale[key] = (Reply(200, copy.deepcopy(body)), looks)

    def remembers(self) -> bool:
        """Whether `remember` could do anything: asked first, since looking at what stands there costs something."""
        return "stale-read" in self._azure.switches or "appears-late" in self._azure.switches

    def seen_in_list(self, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A list without what appears late."""
        if not self._unseen:
            return bodies
        hidden = {str(body.get("id", "")).lower() for body in bodies} & self._unseen.keys()
        for key in hidden:
            self._unseen[key] -= 1
            if self._unseen[key] <= 0:
                del self._unseen[key]
        return [body for body in bodies if str(body.get("id", "")).lower() not in hidden]

    # -- at Resource Manager's ----------------------------------------------------------------------------------------

    def before(self, request: Request) -> Reply | None:
        """An answer that comes instead of the front's, or None.

        Raises:
            AzureFailure: the refusal that is armed.
        """
        asked = asked_of(request)
        if self.cuts(asked):
            return Reply(0, reset=True)
        self.refuse(asked, request.headers.get("authorization"))
        return self.is_stale("arm", request.method, request.path)

    def started(self, request: Request, operation: Operation) -> None:
        """A write has started `operation`: it may be reported as failed while its work goes on."""
        if not self._strikes.strikes("operation-fails-late", asked_of(request), writes_only=True):
            return
        error = {"code": "InternalExecutionError", "message": "An internal execution error occurred."}
        self._azure.clock.after(
            float(self._azure.switches["operation-fails-late"].get("late_s", _LATE_S)),
            lambda: operation.finish(self._azure.clock.now, "Failed", error=error),
            f"operation {operation.id} fails late",
        )

    def has_read(self, request: Request) -> None:
        """A resource was read: somebody may touch it now."""
        if self._strikes.strikes("etag-moves", asked_of(request)):
            known = self._azure.resources.get(request.path)
            if known is not None:
                known.etag += 1

    def after(self, request: Request, reply: Reply) -> Reply:
        """The answer as the client sees it."""
        asked = asked_of(request)
        spoilt = self.spoils(asked, reply.status)
        if spoilt == "cut":
            return Reply(0, reset=True)
        if spoilt == "lost":
            reply = Reply(500, self.lost().envelope())
        reply.headers.update(self._limits.headers(asked, request.headers.get("authorization")))
        reply.delay_s = self.delay_s(asked)
        return reply


def asked_of(request: Request) -> Asked:
    return Asked("arm", request.method, request.path)
