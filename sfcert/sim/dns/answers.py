"""What does the world's DNS answer to one question? The zones' records, CNAMEs followed from zone to zone.

Every zone counts as delegated to here; of two zones of one name the older is asked. Names in no zone are refused, so
that nobody takes silence for an empty answer. Leaves out delegation below a zone and DNSSEC.
Source: RFC 1034, section 4.3.2; RFC 2308 for negative answers; RFC 4592 for wildcards.
"""

from __future__ import annotations

from collections.abc import Iterable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from sfcert.sim.dns.records import ZONE_TYPE, kind_of, texts
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.resources import Resource

_MOST_CNAMES = 8


def answer(azure: Azure, query: dns.message.Message) -> dns.message.Message:
    """The whole answer to a query with one question. Effects: none."""
    response = dns.message.make_response(query, recursion_available=True)
    response.flags |= dns.flags.AA
    if len(query.question) != 1:
        response.set_rcode(dns.rcode.FORMERR)
        return response
    name, kind = query.question[0].name, dns.rdatatype.to_text(query.question[0].rdtype)
    for _ in range(_MOST_CNAMES):
        zone = _zone_of(azure, name)
        if zone is None:
            if not response.answer:
                response.set_rcode(dns.rcode.REFUSED)
            return response
        sets = _at(azure, zone, name)
        if kind in sets:
            response.answer.append(_rrset(name, kind, sets[kind]))
            return response
        if "CNAME" not in sets:
            if not sets and not _is_above_something(azure, zone, name):
                response.set_rcode(dns.rcode.NXDOMAIN)
            apex = dns.name.from_text(zone.id.name)
            response.authority.append(_rrset(apex, "SOA", _at(azure, zone, apex)["SOA"]))
            return response
        found = _rrset(name, "CNAME", sets["CNAME"])
        response.answer.append(found)
        name = next(iter(found)).target
    return response


def _zone_of(azure: Azure, name: dns.name.Name) -> Resource | None:
    found: Resource | None = None
    for zone in azure.resources.of_type(ZONE_TYPE):
        is_longer = found is None or len(zone.id.name) > len(found.id.name)
        if name.is_subdomain(dns.name.from_text(zone.id.name)) and is_longer:
            found = zone
    return found


def _at(azure: Azure, zone: Resource, name: dns.name.Name) -> dict[str, Resource]:
    """The record sets at a name by kind; those of the nearest wildcard where nothing is at the name itself."""
    wanted = _relative(zone, name)
    sets = list(azure.resources.under(zone.id.text))
    own = {kind_of(one.id): one for one in sets if one.id.name.lower() == wanted}
    if own or wanted == "@" or _is_above_something(azure, zone, name):
        return own
    _, _, parent = wanted.partition(".")
    wildcard = f"*.{parent}" if parent else "*"
    return {kind_of(one.id): one for one in sets if one.id.name.lower() == wildcard}


def _is_above_something(azure: Azure, zone: Resource, name: dns.name.Name) -> bool:
    below = "." + _relative(zone, name)
    return any(one.id.name.lower().endswith(below) for one in azure.resources.under(zone.id.text))


def _relative(zone: Resource, name: dns.name.Name) -> str:
    relative = name.relativize(dns.name.from_text(zone.id.name)).to_text().lower()
    return "@" if relative in ("@", "") else relative


def _rrset(name: dns.name.Name, kind: str, found: Resource) -> dns.rrset.RRset:
    properties = found.body["properties"]
    lines: Iterable[str] = texts(kind, properties)
    return dns.rrset.from_text_list(name, int(properties["TTL"]), "IN", kind, list(lines))
