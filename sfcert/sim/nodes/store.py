"""What lies in a node's certificate stores, and is it usable? Certificates by store, with their keys.

Nothing here deletes by itself: neither the Key Vault extension nor a shorter list of vm secrets removes a certificate
from a node (reference 4.3, 5). Only a re-image empties a store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sfcert.sim.nodes.certificate import Certificate


@dataclass(slots=True)
class Held:
    """One certificate in one store. `readable` says that Service Fabric has been given the private key (ACL).

    `key` is the real key where the simulated world has it; a twin made from a captured bundle knows only that there was
    one (`has_key`). `renewed_by` is the CERT_RENEWAL property that Schannel follows at use.
    """

    certificate: Certificate
    key: Any
    has_key: bool
    provider: str
    route: str
    installed_at: datetime
    readable: bool = False
    renewed_by: str | None = None

    @property
    def thumbprint(self) -> str:
        return self.certificate.thumbprint


def store_key(name: str, location: str = "LocalMachine") -> str:
    """One spelling of a store: Windows compares store names without regard to case."""
    return f"{location}/{name}".lower()


@dataclass(slots=True)
class Store:
    """All stores of one machine. `generation` grows with each change, so that others know when to look again."""

    held: dict[tuple[str, str], Held] = field(default_factory=dict)
    generation: int = 0

    def install(self, store: str, held: Held) -> bool:
        """Put a certificate there. Returns False when it was there already with a key at least as good."""
        known = self.held.get((store, held.thumbprint))
        if known is not None and (known.has_key or not held.has_key):
            return False
        self.held[(store, held.thumbprint)] = held
        self.generation += 1
        return True

    def remove(self, thumbprint: str) -> bool:
        """Take a certificate out of every store (an operator's own hand; no Azure service does it)."""
        keys = [key for key in self.held if key[1] == thumbprint.upper()]
        for key in keys:
            del self.held[key]
        self.generation += bool(keys)
        return bool(keys)

    def clear(self) -> None:
        self.held.clear()
        self.generation += 1

    def within(self, store: str) -> Iterator[Held]:
        return (held for (name, _), held in self.held.items() if name == store)

    def all(self) -> Iterator[tuple[str, Held]]:
        return ((name, held) for (name, _), held in self.held.items())

    def get(self, store: str, thumbprint: str) -> Held | None:
        return self.held.get((store, thumbprint.upper()))

    def link(self, store: str, fetched: Certificate) -> list[str]:
        """Mark every other certificate whose names the fetched one covers as renewed by it.

        Returns:
            The thumbprints that were linked, possibly none.

        Source: reference 7 row 3: for each existing X and fetched C, SAN(X) ⊆ SAN(C) links X to C. A certificate is
        never linked to one that is itself linked back to it (the older of the two would be presented for ever).
        """
        linked: list[str] = []
        for held in self.within(store):
            if held.thumbprint == fetched.thumbprint or not held.certificate.names <= fetched.names:
                continue
            if self._leads_to(store, fetched.thumbprint, held.thumbprint):
                continue
            if held.renewed_by != fetched.thumbprint:
                held.renewed_by = fetched.thumbprint
                linked.append(held.thumbprint)
        self.generation += bool(linked)
        return linked

    def end_of_links(self, store: str, held: Held) -> Held | None:
        """What Schannel really takes when asked for `held`: the end of its renewal links; None for a broken link."""
        seen = {held.thumbprint}
        current = held
        while current.renewed_by is not None and current.renewed_by not in seen:
            following = self.get(store, current.renewed_by)
            if following is None:
                return None
            seen.add(following.thumbprint)
            current = following
        return current

    def _leads_to(self, store: str, start: str, wanted: str) -> bool:
        seen: set[str] = set()
        current: str | None = start
        while current is not None and current not in seen:
            if current == wanted:
                return True
            seen.add(current)
            held = self.get(store, current)
            current = held.renewed_by if held is not None else None
        return False
