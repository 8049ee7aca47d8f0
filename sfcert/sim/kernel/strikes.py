"""Does a fault of requests strike this one? By door, method, path, count and the seed.

The dice are thrown by the seed, the request and how often it came: the same whoever asks for other things in between,
and apart from what the world itself leaves to chance. Keys are made anew in every world, so that what a path carries
of a thumbprint or of a digest does not count.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from sfcert.sim.kernel.azure import Azure

Door = Literal["arm", "vault", "nodes", "sign-in"]
DOORS: tuple[Door, ...] = ("arm", "vault", "nodes", "sign-in")
#: Struck only where a fault names them: who cannot sign in meets nothing else of it.
_BY_NAME = frozenset({"sign-in"})
_OF_A_KEY = re.compile(r"\b[0-9a-f]{8,}\b")
WRITES = frozenset({"PUT", "PATCH", "DELETE", "POST"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as a fault sees it. `path` has the host before it where the host tells things apart (vaults)."""

    door: Door
    method: str
    path: str


class Strikes:
    """Counts and throws the dice for one world."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._asked: Counter[tuple[str, str, str]] = Counter()

    def strikes(self, name: str, asked: Asked, *, writes_only: bool = False) -> bool:
        """Whether the fault, if armed, strikes. Effects: counts it, and notes it in the journal."""
        options: dict[str, Any] | None = self._azure.switches.get(name)
        if options is None or not _fits(options, asked, writes_only):
            return False
        if options.get("after", 0) > 0:
            options["after"] -= 1
            return False
        if self._dice(name, asked) >= float(options.get("chance", 1.0)):
            return False
        if "times" in options:
            if options["times"] <= 0:
                return False
            options["times"] -= 1
        self._azure.faults.struck[name] += 1
        self._azure.journal.notes.append((self._azure.clock.now, f"{name}: {asked.method} {asked.path}"))
        return True

    def _dice(self, name: str, asked: Asked) -> float:
        key = (name, asked.method, _OF_A_KEY.sub("-", asked.path.lower()))
        self._asked[key] += 1
        return random.Random(f"unkind {self._azure.seed} {key} {self._asked[key]}").random()


def _fits(options: dict[str, Any], asked: Asked, writes_only: bool) -> bool:
    if writes_only and asked.method not in WRITES:
        return False
    if options.get("door", None if asked.door in _BY_NAME else asked.door) != asked.door:
        return False
    if options.get("method") and asked.method != str(options["method"]).upper():
        return False
    return not options.get("match") or str(options["match"]).lower() in asked.path.lower()
