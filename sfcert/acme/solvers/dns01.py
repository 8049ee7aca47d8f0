"""How is a DNS-01 challenge answered, whoever keeps the zone? Delegation, one record set, and its sight. Floor 5.

    _acme-challenge.NAME -> CNAMEs followed -> zone of the target -> one value added -> seen at every server -> removed

A value is added and removed by itself: others at the same name belong to other orders, which may be another process's.
Source: RFC 8555, section 8.4. What keeps a zone is a `TxtWriter`, one module for each.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Protocol

from sfcert.acme.solvers.lookup import Lookup
from sfcert.acme.solvers.solver import Kind, challenge_name, dns_validation
from sfcert.errors import RemoteError
from sfcert.ports import Clock

TTL_S = 60
_FIRST_LOOK_S = 0.02
_LONGEST_WAIT_S = 10.0


class TxtWriter(Protocol):
    """Whoever can change a zone. Safe to call from several threads for different names."""

    def find_zone(self, fqdn: str, lookup: Lookup) -> str:
        """The zone, as this writer knows it, in which `fqdn` is to be written.

        Raises:
            RemoteError: `DnsZoneNotFound` or `DnsDelegatedElsewhere`.
        """
        ...

    def add_text(self, zone: str, fqdn: str, value: str) -> None:
        """Have a TXT record of this value at `fqdn`, beside those that are there. Harmless to repeat."""
        ...

    def remove_text(self, zone: str, fqdn: str, value: str) -> None:
        """Have no TXT record of this value at `fqdn`; others stay. Harmless where it is not there."""
        ...


class Dns01:
    """The solver for DNS-01.

    Args:
        clock: wall time; the wait for the record goes by it.
        patience_s: how long the servers may take to serve what was written.
    """

    kind: Kind = "dns-01"

    def __init__(self, writer: TxtWriter, lookup: Lookup, clock: Clock, *, patience_s: float = 300.0) -> None:
        self._writer = writer
        self._lookup = lookup
        self._clock = clock
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._places: dict[str, tuple[str, str]] = {}
        self._writing: dict[str, threading.Lock] = {}

    def present(self, name: str, token: str, key_authorization: str) -> None:
        target, zone = self._place(name)
        # several orders of one process need not meet each other's writes at a host that changes a whole set
        with self._lock_of(target):
            self._writer.add_text(zone, target, dns_validation(key_authorization))

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        """Wait until every authoritative server serves the value.

        An address that never answers is waited for a tenth of the patience: it may be out of reach from here (no IPv6,
        a firewall) and yet serve the CA. At least one has to answer.

        Raises:
            RemoteError: `DnsNotVisible` with the servers that do not serve it, once the patience is over.
        """
        target, zone = self._place(name)
        value = dns_validation(key_authorization)
        begun = self._clock.now()
        patience_s = self._patience_s
        if until_utc is not None:
            patience_s = max(0.0, min(patience_s, (until_utc - begun).total_seconds()))
        wait_s, slept_s = _FIRST_LOOK_S, 0.0
        waiting = self._lookup.servers_of(zone)
        if not waiting:
            raise _not_visible(f"No authoritative server of {zone} could be found. Is the zone delegated?", target)
        is_served = False
        while True:
            seen = {server: self._lookup.texts_at(server, target) for server in waiting}
            is_served = is_served or any(value in (texts or ()) for texts in seen.values())
            waiting = [server for server in waiting if value not in (seen[server] or ())]
            # what was slept counts even where the clock is set back meanwhile
            waited_s = max(slept_s, (self._clock.now() - begun).total_seconds())
            if is_served and waited_s >= patience_s / 10:
                waiting = [server for server in waiting if seen[server] is not None]
            if not waiting:
                return
            if waited_s >= patience_s:
                break
            pause_s = min(wait_s, patience_s - waited_s)
            self._clock.sleep(pause_s)
            slept_s += pause_s
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        named = ", ".join(f"{one} (no answer)" if seen[one] is None else str(one) for one in waiting)
        raise _not_visible(
            f"The TXT record at {target} was written into the zone {zone}, but after {patience_s:.0f} s "
            f"it is not served by {named}. The CA was not asked. Check the zone's delegation and transfers; where this "
            f"machine may not ask those servers, name others to look at. Then run this again.",
            target,
        )

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        target, zone = self._place(name)
        with self._lock_of(target):
            self._writer.remove_text(zone, target, dns_validation(key_authorization))

    def fetch_zone(self, name: str) -> str:
        """The zone in which the name's record would be written: a look ahead, which writes nothing.

        Raises:
            RemoteError: `DnsZoneNotFound`, `DnsDelegatedElsewhere`, or nobody answers.
        """
        return self._place(name)[1]

    def _place(self, name: str) -> tuple[str, str]:
        """Where the record goes: the name after all CNAMEs, and its zone."""
        asked = challenge_name(name)
        if asked not in self._places:
            target = self._lookup.follow(asked)
            self._places[asked] = (target, self._writer.find_zone(target, self._lookup))
        return self._places[asked]

    def _lock_of(self, target: str) -> threading.Lock:
        with self._lock:
            return self._writing.setdefault(target, threading.Lock())


def relative_to(fqdn: str, zone: str) -> str:
    """The name inside the zone, `@` for the zone's own."""
    plain, base = fqdn.rstrip(".").lower(), zone.rstrip(".").lower()
    return "@" if plain == base else plain.removesuffix(f".{base}")


def is_inside(fqdn: str, zone: str) -> bool:
    plain, base = fqdn.rstrip(".").lower(), zone.rstrip(".").lower()
    return plain == base or plain.endswith(f".{base}")


def _not_visible(message: str, subject: str) -> RemoteError:
    return RemoteError("DnsNotVisible", message, service="DNS", operation=f"TXT {subject}", transient=True)
