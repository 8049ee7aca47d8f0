"""What one process of the soak sends, and how it ends in the middle. Not a test.

Everything that leaves the process goes by one wire: requests to the vault, to Resource Manager and to the CA, questions
to DNS, the record on disk, the file below a web server's root. Each that changes something is an effect, at which the
process may die, or another process may have its whole run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.query
import pytest
import requests

from sfcert.acme.solvers.http01_webroot import Http01Webroot
from sfcert.cli import enrolment_memory
from sfcert.sim.dns.answers import answer

if TYPE_CHECKING:
    from tests.enrolments.world import World

#: More than any run of these needs, by far.
MOST_REQUESTS = 1500
_VERSION = re.compile(r"[0-9a-f]{32}")
_DNS_TIMEOUT_S = 5.0


class Killed(BaseException):
    """The process is gone. Outside `Exception`, so that nothing on the way may hold it."""


class Endless(AssertionError):
    """A run that asks and asks."""


@dataclass
class Interruption:
    """What happens at the n-th effect of a run: the process dies before or after it, or `meanwhile` has its run."""

    at: int
    is_after: bool
    meanwhile: Callable[[], None] | None = None


@dataclass
class Process:
    """One run. `effects` lists what it changed, by name; `is_dead` once it was ended: nothing more reaches anybody."""

    interruption: Interruption | None = None
    effects: list[str] = field(default_factory=list)
    is_dead: bool = False
    requests: int = 0

    def around(self, name: str | None, effect: Callable[[], Any]) -> Any:
        if self.is_dead:
            raise Killed
        if name is None:
            return effect()
        stop = self.interruption
        is_now = stop is not None and len(self.effects) == stop.at
        self.effects.append(name)
        if is_now and stop is not None and not stop.is_after:
            self._stop(stop)
        try:
            return effect()
        finally:
            # also where the answer was lost on its way
            if is_now and stop is not None and stop.is_after:
                self._stop(stop)

    def _stop(self, stop: Interruption) -> None:
        self.interruption = None
        if stop.meanwhile is not None:
            stop.meanwhile()
            return
        self.is_dead = True
        raise Killed


class Wire:
    """Leads this process to one world. `process` is the run that is at work."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.process = Process()

    @contextmanager
    def run(self, process: Process) -> Iterator[Process]:
        """This process from now on; the one before it comes back afterwards."""
        before, self.process = self.process, process
        try:
            yield process
        finally:
            self.process = before

    def install(self, patch: pytest.MonkeyPatch) -> None:
        write, present, cleanup = enrolment_memory.write_whole, Http01Webroot.present, Http01Webroot.cleanup

        def sent(adapter: Any, request: requests.PreparedRequest, **more: Any) -> requests.Response:
            process = self.process
            process.requests += 1
            if process.requests > MOST_REQUESTS:
                raise Endless(f"{MOST_REQUESTS} requests, the last of them {request.method} {request.url}")
            return process.around(effect_of(request), lambda: self._world.send(request))

        def asked(query: dns.message.Message, *arguments: Any, **more: Any) -> tuple[dns.message.Message, bool]:
            found = self.process.around(None, lambda: self._answer(query))
            return found, False

        def written(*arguments: Any, **more: Any) -> None:
            self.process.around("record", lambda: write(*arguments, **more))

        def presented(solver: Http01Webroot, *arguments: Any) -> None:
            self.process.around("file", lambda: present(solver, *arguments))

        def cleaned(solver: Http01Webroot, *arguments: Any) -> None:
            self.process.around("file gone", lambda: cleanup(solver, *arguments))

        patch.setattr(requests.adapters.HTTPAdapter, "send", sent)
        patch.setattr(dns.query, "udp_with_fallback", asked)
        patch.setattr(enrolment_memory, "write_whole", written)
        patch.setattr(Http01Webroot, "present", presented)
        patch.setattr(Http01Webroot, "cleanup", cleaned)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        world = self._world
        is_text = bool(query.question) and query.question[0].rdtype == dns.rdatatype.TXT
        if world.dns_is_silent.strikes():
            world.clock.sleep(_DNS_TIMEOUT_S)
            raise dns.exception.Timeout
        found = answer(world.azure, query)
        if is_text and found.answer and world.dns_is_late.strikes():
            found.answer.clear()
        return found


def effect_of(request: requests.PreparedRequest) -> str | None:
    """What a request changes, for people; None where it only looks."""
    parts = urlsplit(str(request.url))
    host = parts.hostname or ""
    path = [one for one in parts.path.strip("/").split("/") if not _VERSION.fullmatch(one)]
    if host.endswith(".vault.azure.net"):
        # without the certificate's name
        return None if request.method == "GET" else f"vault {request.method} {'/'.join(path[:1] + path[2:])}"
    if host == "management.azure.com":
        return None if request.method == "GET" else f"zone {request.method}"
    if request.method != "POST" or path[0] in ("order", "authz", "certificate"):
        return None
    return f"CA {path[0]}"
