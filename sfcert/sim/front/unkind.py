"""What goes wrong between a client and Resource Manager? Named unkindnesses, from the seed, off until armed.

Each may carry options: `times` (how often at most; default without end), `chance` (of each request that fits; default
1.0), `match` (a part of the path, any case), `method` (one HTTP method), `after` (let so many fitting requests go by
first). Leaves out: what goes wrong inside a provider or a node, which those declare themselves.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from typing import Any

from sfcert.sim.front.exchange import Reply, Request
from sfcert.sim.front.polling import is_operation_path
from sfcert.sim.front.tempo import Tempo
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.operations import Operation

#: The closed list. What fits: every request, or writes alone where the sentence says so.
UNKINDNESS: dict[str, str] = {
    "throttling": "Requests are answered 429 with Retry-After (option `retry_after`, virtual seconds).",
    "write-conflict": "Writes are refused with 409 Conflict before anything happens.",
    "server-error": "Requests are answered 500 before anything happens.",
    "unavailable": "Requests are answered 503 before anything happens.",
    "connection-reset": "The connection is closed without an answer, before anything happens.",
    "slow-answer": "Answers come late (option `delay_s`, wall time, default 0.2).",
    "answer-lost": "A write is done and its work goes on, but the client sees 500.",
    "answer-cut": "A write is done and its work goes on, but the connection is closed without an answer.",
    "operation-fails-late": "A long operation is accepted and then reported as failed, while its work goes on.",
    "stale-read": "After a write, the next reads (option `looks`, default 2) still show what was there before.",
    "shuffled-lists": "Lists come in a random order, two items a page.",
}
_WRITES = frozenset({"PUT", "PATCH", "DELETE", "POST"})
_ONLY_WRITES = frozenset({"write-conflict", "answer-lost", "answer-cut", "operation-fails-late"})
_LATE_S = 5.0


class Unkind:
    """The faults of the front door. `before` may answer in the place of the front; `after` may spoil its answer."""

    def __init__(self, azure: Azure, tempo: Tempo) -> None:
        self._azure = azure
        self._tempo = tempo
        self._asked: Counter[tuple[str, str, str]] = Counter()
        self._stale: dict[str, tuple[Reply, int]] = {}
        for name, sentence in UNKINDNESS.items():
            azure.faults.declare(name, sentence)

    def _strikes(self, name: str, request: Request) -> bool:
        options = self._azure.switches.get(name)
        if options is None:
            return False
        if name in _ONLY_WRITES and request.method not in _WRITES:
            return False
        if options.get("method") and request.method != str(options["method"]).upper():
            return False
        if options.get("match") and str(options["match"]).lower() not in request.path.lower():
            return False
        if options.get("after", 0) > 0:
            options["after"] -= 1
            return False
        if self._dice(name, request) >= float(options.get("chance", 1.0)):
            return False
        if "times" in options:
            if options["times"] <= 0:
                return False
            options["times"] -= 1
        self._azure.journal.notes.append((self._azure.clock.now, f"{name}: {request.method} {request.path}"))
        return True

    def _dice(self, name: str, request: Request) -> float:
        """From 0 to 1, by the seed, the request and how often it came: the same whoever asks for other things between,
        and apart from what the world itself leaves to chance."""
        key = (name, request.method, request.path.lower())
        self._asked[key] += 1
        return random.Random(f"unkind {self._azure.seed} {key} {self._asked[key]}").random()

    def before(self, request: Request) -> Reply | None:
        """An answer that comes instead of the front's, or None.

        Raises:
            AzureFailure: the refusal that is armed.
        """
        if self._strikes("connection-reset", request):
            return Reply(0, reset=True)
        if self._strikes("throttling", request):
            raise AzureFailure(
                429,
                "TooManyRequests",
                "The request is being throttled as the limit has been reached for operation type.",
                headers=self._tempo.wait_headers(int(self._azure.switches["throttling"].get("retry_after", 5))),
            )
        if self._strikes("server-error", request):
            raise AzureFailure(500, "InternalServerError", "Encountered internal server error.")
        if self._strikes("unavailable", request):
            raise AzureFailure(503, "ServiceUnavailable", "The service is unavailable now, retry the request later.")
        if self._strikes("write-conflict", request):
            raise AzureFailure(
                409, "Conflict", "Another operation on this or dependent resource is in progress. Retry later."
            )
        return self._stale_answer(request)

    def _stale_answer(self, request: Request) -> Reply | None:
        known = self._stale.get(request.path.rstrip("/").lower())
        if request.method != "GET" or known is None:
            return None
        reply, looks = known
        if looks <= 1:
            del self._stale[request.path.rstrip("/").lower()]
        else:
            self._stale[request.path.rstrip("/").lower()] = (reply, looks - 1)
        return Reply(reply.status, copy.deepcopy(reply.body), dict(reply.headers))

    def remember(self, request: Request, body: dict[str, Any] | None) -> None:
        """Note what stood there before a write, so that reads can lag behind it. `body` None: nothing stood there."""
        if body is None or not self._strikes("stale-read", request):
            return
        looks = int(self._azure.switches["stale-read"].get("looks", 2))
        self._stale[request.path.rstrip("/").lower()] = (Reply(200, copy.deepcopy(body)), looks)

    def started(self, request: Request, operation: Operation) -> None:
        """A write has started `operation`: it may be reported as failed while its work goes on."""
        if not self._strikes("operation-fails-late", request):
            return
        error = {"code": "InternalExecutionError", "message": "An internal execution error occurred."}
        self._azure.clock.after(
            _LATE_S,
            lambda: operation.finish(self._azure.clock.now, "Failed", error=error),
            f"operation {operation.id} fails late",
        )

    def after(self, request: Request, reply: Reply) -> Reply:
        """The answer as the client sees it."""
        if reply.status < 400 and not is_operation_path(request.path):
            if self._strikes("answer-cut", request):
                return Reply(0, reset=True)
            if self._strikes("answer-lost", request):
                failure = AzureFailure(500, "InternalServerError", "Encountered internal server error.")
                return Reply(500, failure.envelope())
        if self._strikes("slow-answer", request):
            reply.delay_s = float(self._azure.switches["slow-answer"].get("delay_s", 0.2))
        return reply
