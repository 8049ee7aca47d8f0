"""What can be made to go wrong? The closed list of named faults, each with its switch.

A service declares the faults that it knows, with one sentence each; arming one sets `azure.switches[name]` to its
options, which the service reads. Nothing outside the declared names can be armed. Leaves out: what a fault does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Faults:
    """The declared faults and which of them are armed. Arming twice replaces the options."""

    def __init__(self, switches: dict[str, Any]) -> None:
        self._switches = switches
        self._sentences: dict[str, str] = {}
        self._watchers: dict[str, list[Callable[[], None]]] = {}

    def declare(self, name: str, sentence: str) -> None:
        self._sentences[name] = sentence

    def watch(self, name: str, changed: Callable[[], None]) -> None:
        """Have `changed` called whenever this fault has been armed or disarmed, for what must react at once."""
        self._watchers.setdefault(name, []).append(changed)

    def catalogue(self) -> dict[str, str]:
        """Every fault that can be armed, by name, with its sentence; sorted."""
        return dict(sorted(self._sentences.items()))

    def arm(self, name: str, options: dict[str, Any] | None = None) -> None:
        """Switch a fault on.

        Raises:
            KeyError: no service declared this name.
        """
        if name not in self._sentences:
            raise KeyError(name)
        self._switches[name] = dict(options or {})
        self._tell(name)

    def disarm(self, name: str) -> None:
        """Switch a fault off; harmless where it is off."""
        self._switches.pop(name, None)
        self._tell(name)

    def _tell(self, name: str) -> None:
        for changed in self._watchers.get(name, []):
            changed()

    def armed(self) -> dict[str, Any]:
        return {name: self._switches[name] for name in self._sentences if name in self._switches}
