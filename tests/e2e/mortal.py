"""`sfcert` in a process that dies at a chosen effect, before it is sent or after it was answered. Not a test.

Effects are what other parties see: requests that change something at the CA or in the vault, updates of a zone, and the
record that is written to disk. `python -m tests.e2e.mortal NUMBER WHEN ARGUMENT...` ends itself by SIGKILL; in a test's
own process the end is an exception that nobody catches, and whatever clean-up tries after it reaches nobody.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import dns.opcode
import dns.query
import pytest
import requests

from sfcert.cli import enrolment_memory

_VERSION = re.compile(r"[0-9a-f]{32}")
#: Parts of the addresses of a CA's requests that change something; the others only look (Pebble's own paths).
_AT_THE_CA = ("sign-me-up", "order-plz", "chalZ", "finalize-order", "certZ")


class Killed(BaseException):
    """The process is gone. Outside `Exception`, so that nothing on the way may hold it."""


class Effects:
    """Lists effects by name, and dies at one of them.

    Args:
        at: the number of the effect, from 0, or the first one of this name; None never dies.
        is_after: it was carried out before the end came.
        die: how the process ends.
    """

    def __init__(self, at: int | str | None, *, is_after: bool, die: Callable[[], None] | None = None) -> None:
        self._at = at
        self._is_after = is_after
        self._die = die
        self.names: list[str] = []
        self.is_dead = False

    def install(self, patch: pytest.MonkeyPatch) -> None:
        send, update, write = requests.Session.send, dns.query.tcp, enrolment_memory.write_whole

        def sent(session: requests.Session, request: requests.PreparedRequest, **more: Any) -> requests.Response:
            name = _name_of(request)
            return self.around(name, lambda: send(session, request, **more))

        def updated(message: Any, where: str, *arguments: Any, **more: Any) -> Any:
            name = "zone update" if message.opcode() == dns.opcode.UPDATE else None
            return self.around(name, lambda: update(message, where, *arguments, **more))

        def written(*arguments: Any, **more: Any) -> None:
            self.around("record", lambda: write(*arguments, **more))

        patch.setattr(requests.Session, "send", sent)
        patch.setattr(dns.query, "tcp", updated)
        patch.setattr(enrolment_memory, "write_whole", written)

    def around(self, name: str | None, effect: Callable[[], Any]) -> Any:
        if self.is_dead:
            raise Killed
        is_last = name is not None and self._at in (name, len(self.names))
        if name is not None:
            self.names.append(name)
        if is_last and not self._is_after:
            self._end()
        found = effect()
        if is_last:
            self._end()
        return found

    def _end(self) -> None:
        self.is_dead = True
        if self._die is not None:
            self._die()
        raise Killed


def _name_of(request: requests.PreparedRequest) -> str | None:
    """What the request changes, for people; None where it only looks or signs in."""
    parts = urlsplit(str(request.url))
    if (parts.hostname or "").endswith(".vault.azure.net"):
        path = parts.path.strip("/").split("/")
        # without the certificate's name and a version's id
        plain = [one for one in path[:1] + path[2:] if not _VERSION.fullmatch(one)]
        return None if request.method == "GET" else f"vault {request.method} {'/'.join(plain)}"
    return next((f"CA {one}" for one in _AT_THE_CA if one in parts.path and request.method == "POST"), None)


def main(number: str, when: str, *arguments: str) -> int:
    from sfcert.cli.main import run

    effects = Effects(int(number), is_after=when == "after", die=lambda: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.MonkeyPatch.context() as patch:
        effects.install(patch)
        return run(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
