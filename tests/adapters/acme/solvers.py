"""Our solvers, set to the servers of a test. Not a test."""

from __future__ import annotations

from sfcert.acme.solvers.dns01 import Dns01
from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136
from sfcert.acme.solvers.http01_responder import Http01Responder
from sfcert.acme.solvers.lookup import Lookup
from tests.adapters.acme.customer import CLOCK
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot
from tests.servers.pebble import Pebble


def http(pebble: Pebble) -> Http01Responder:
    return Http01Responder("127.0.0.1", pebble.http_port)


def lookup(knot: Knot) -> Lookup:
    at = f"{knot.address}:{knot.port}"
    return Lookup(resolvers=[at], authoritative=[at])


def dns(knot: Knot, *, secret: str = KEY_SECRET, key_name: str = KEY_NAME, patience_s: float = 10.0) -> Dns01:
    writer = Rfc2136(f"{knot.address}:{knot.port}", key_name=key_name, key_secret=secret)
    return Dns01(writer, lookup(knot), CLOCK, patience_s=patience_s)


def texts(knot: Knot, name: str) -> frozenset[str] | None:
    known = lookup(knot)
    return known.texts_at(known.servers_of("example.test")[0], name)
