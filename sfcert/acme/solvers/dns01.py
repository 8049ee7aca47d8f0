"""How is a DNS-01 challenge answered, whoever keeps the zone? Delegation, one record set, and its sight. Floor 5.

    _acme-challenge.NAME -> CNAMEs followed -> zone of the target -> record set written whole -> seen at every server

The record set is always written whole, as the values of the orders that this object works on now. So what an earlier
run left there goes with the first write, and `cleanup` of a name that was never presented empties it. A second process
that answers for the same name at the same time is the one thing that this does not bear.
Source: RFC 8555, section 8.4. What keeps a zone is a `TxtWriter`, one module for each.
"""

from __future__ import annotations

import threading
from typing import Protocol

from sfcert.acme.solvers.lookup import Lookup
from sfcert.acme.solvers.solver import Kind, challenge_name, dns_validation
from sfcert.errors import RemoteError
from sfcert.ports import Clock

TTL_S = 60
_FIRST_LOOK_S = 0.05
_LONGEST_WAIT_S = 10.0


class TxtWriter(Protocol):
    """Whoever can change a zone. Safe to call from several threads for different names."""

    def find_zone(self, fqdn: str, lookup: Lookup) -> str:
        """The zone, as this writer knows it, in which `fqdn` is to be written.

        Raises:
            RemoteError: `DnsZoneNotFound` or `DnsDelegatedElsewhere`.
        """
        ...

    def put_texts(self, zone: str, fqdn: str, values: frozenset[str]) -> None:
        """Make the TXT records at `fqdn` exactly these; none at all where `values` is empty. Harmless to repeat."""
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
        self._values: dict[str, set[str]] = {}
        self._writing: dict[str, threading.Lock] = {}

    def present(self, name: str, token: str, key_authorization: str) -> None:
        target, zone = self._place(name)
        value = dns_validation(key_authorization)
        with self._lock_of(target):
            values = self._values.setdefault(target, set())
            values.add(value)
            self._writer.put_texts(zone, target, frozenset(values))

    def settle(self, name: str, token: str, key_authorization: str) -> None:
        """Wait until every authoritative server serves the value.

        An address that never answers is waited for a tenth of the patience: it may be out of reach from here (no IPv6,
        a firewall) and yet serve the CA. At least one has to answer.

        Raises:
            RemoteError: `DnsNotVisible` with the servers that do not serve it, once the patience is over.
        """
        target, zone = self._place(name)
        value = dns_validation(key_authorization)
        begun = self._clock.now()
        wait_s = _FIRST_LOOK_S
        waiting = self._lookup.servers_of(zone)
        if not waiting:
            raise _not_visible(f"No authoritative server of {zone} could be found. Is the zone delegated?", target)
        is_served = False
        while True:
            seen = {server: self._lookup.texts_at(server, target) for server in waiting}
            is_served = is_served or any(value in (texts or ()) for texts in seen.values())
            waiting = [server for server in waiting if value not in (seen[server] or ())]
            waited_s = (self._clock.now() - begun).total_seconds()
            if is_served and waited_s >= self._patience_s / 10:
                waiting = [server for server in waiting if seen[server] is not None]
            if not waiting:
                return
            if waited_s >= self._patience_s:
                break
            self._clock.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        named = ", ".join(f"{one} (no answer)" if seen[one] is None else str(one) for one in waiting)
        raise _not_visible(
            f"The TXT record at {target} was written into the zone {zone}, but after {self._patience_s:.0f} s "
            f"it is not served by {named}. The CA was not asked. Check the zone's delegation and transfers; where this "
            f"machine may not ask those servers, name others to look at. Then run this again.",
            target,
        )

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        target, zone = self._place(name)
        with self._lock_of(target):
            values = self._values.setdefault(target, set())
            values.discard(dns_validation(key_authorization))
            self._writer.put_texts(zone, target, frozenset(values))

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
