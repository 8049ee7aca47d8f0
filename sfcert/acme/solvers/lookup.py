"""What does the world's DNS say? CNAMEs, the zone of a name, and each authoritative server's own answer. Floor 5.

Only questions, by dnspython. Resolvers are the system's or those that are given (as `address` or `address:port`).
Source: RFC 1034 (CNAME, authority), RFC 2308 (the SOA in a negative answer).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT

from sfcert.errors import InputError, RemoteError

_MOST_CNAMES = 8
#: A host's name: what has a letter in it and is no IPv6 address.
_HOST = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_FAILED = (dns.exception.DNSException, OSError, ValueError, EOFError)


@dataclass(frozen=True, slots=True)
class NameServer:
    """One address of an authoritative server; `label` is its name, or its address where no name is known."""

    label: str
    address: str
    port: int = 53

    def __str__(self) -> str:
        return (
            f"{self.label} ({self.address}:{self.port})" if self.label != self.address else f"{self.label}:{self.port}"
        )


def read_server(text: str) -> NameServer:
    """`192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`.

    Raises:
        InputError: it is none of these.
    """
    address, port = text.strip(), "53"
    if address.startswith("["):
        address, _, tail = address[1:].partition("]")
        port = tail.removeprefix(":") or "53"
    elif address.count(":") == 1:
        address, _, port = address.partition(":")
    try:
        ipaddress.ip_address(address)
        number = int(port)
    except ValueError as error:
        raise InputError(
            "AcmeOptionsInvalid", f"{text!r} is no address of a name server: give address or address:port."
        ) from error
    return NameServer(address, address, number)


def find_server(text: str) -> NameServer:
    """As `read_server`, and `host` or `host:port` as well, whose first address is taken.

    Raises:
        RemoteError: `RemoteUnreachable` where the host has no address.

    Effects: one question to the system's resolver where a host is named.
    """
    host, _, port = text.strip().partition(":")
    if not _HOST.fullmatch(host) or not (port or "53").isdigit():
        return read_server(text)
    try:
        found = socket.getaddrinfo(host, int(port or "53"), type=socket.SOCK_STREAM)
    except (OSError, OverflowError, UnicodeError) as error:
        raise _failed(
            "RemoteUnreachable", f"The name server {text} has no address that could be found.", host
        ) from error
    return NameServer(host, str(found[0][4][0]), int(port or "53"))


class Lookup:
    """The way to DNS.

    Args:
        resolvers: recursive resolvers, asked in this order; empty takes the system's.
        authoritative: servers that stand for every zone's own, where those cannot be reached by their public addresses
            (a split horizon, a test); empty finds them by NS records.
        timeout_s: for one question to one server.
    """

    def __init__(
        self, resolvers: Sequence[str] = (), authoritative: Sequence[str] = (), *, timeout_s: float = 5.0
    ) -> None:
        self._resolvers = [read_server(one) for one in resolvers]
        self._authoritative = [read_server(one) for one in authoritative]
        self._timeout_s = timeout_s

    def follow(self, fqdn: str) -> str:
        """Where the name's CNAMEs lead, lower case, without a trailing dot; the name itself where there is none.

        Raises:
            RemoteError: `DnsZoneNotFound` where they go in a circle or no DNS name can be like this;
                `RemoteUnreachable` where no resolver can tell.
        """
        seen = [_plain(fqdn)]
        while True:
            found = self._ask(seen[-1], "CNAME", is_needed=True)
            target = next((_plain(one.to_text()) for one in _records(found, seen[-1], "CNAME")), None)
            if target is None:
                return seen[-1]
            if target in seen or len(seen) >= _MOST_CNAMES:
                raise _failed(
                    "DnsZoneNotFound",
                    f"The CNAMEs at {fqdn} go in a circle or are too many: {' -> '.join(seen)}.",
                    fqdn,
                )
            seen.append(target)

    def zone_of(self, fqdn: str) -> str:
        """The zone that holds the name, by the world's DNS, without a trailing dot.

        Raises:
            RemoteError: `DnsZoneNotFound`; `RemoteUnreachable` where no resolver can tell: the zone above would be
                the wrong one.
        """
        name = _name(fqdn)
        while len(name) > 2:
            text = _plain(name.to_text())
            answer = self._ask(text, "SOA", is_needed=True)
            if any(True for _ in _records(answer, text, "SOA")):
                return text
            for one in answer.authority if answer is not None else ():
                # a negative answer names the zone that it comes from
                if one.rdtype == dns.rdatatype.SOA and name.is_subdomain(one.name) and len(one.name) > 2:
                    return _plain(one.name.to_text())
            name = name.parent()
        raise _failed(
            "DnsZoneNotFound",
            f"No zone was found for {fqdn}: the domain is not delegated, or the resolvers do not know it. "
            f"Create the zone, have it delegated, or name other resolvers.",
            fqdn,
        )

    def name_servers(self, zone: str) -> frozenset[str]:
        """The zone's NS names by the world's DNS, lower case, without trailing dots; may be empty."""
        return frozenset(_plain(one.to_text()) for one in _records(self._ask(zone, "NS"), zone, "NS"))

    def servers_of(self, zone: str) -> list[NameServer]:
        """Every address of every authoritative server of the zone; may be empty where none resolves."""
        if self._authoritative:
            return list(self._authoritative)
        found: list[NameServer] = []
        for server in sorted(self.name_servers(zone)):
            for kind in ("A", "AAAA"):
                answer = self._ask(server, kind)
                for record in answer.answer if answer is not None else ():
                    if record.rdtype == dns.rdatatype.from_text(kind):
                        found.extend(NameServer(server, one.address) for one in record)
        return found

    def texts_at(self, server: NameServer, fqdn: str) -> frozenset[str] | None:
        """The TXT records that this server has at the name; None where it does not answer."""
        query = dns.message.make_query(_name(fqdn), dns.rdatatype.TXT, flags=0)
        try:
            answer, _ = dns.query.udp_with_fallback(query, server.address, port=server.port, timeout=self._timeout_s)
        except _FAILED:
            return None
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return None
        return frozenset(
            b"".join(one.strings).decode("utf-8", "replace")
            for one in _records(answer, fqdn, "TXT")
            if isinstance(one, TXT)
        )

    def _ask(self, name: str, kind: str, *, is_needed: bool = False) -> dns.message.Message | None:
        """The first resolver's answer that says something; None where every one of them fails or refuses.

        Raises:
            RemoteError: `RemoteUnreachable` where none answers at all; where `is_needed`, also where one tries and
                fails. A resolver that refuses does not know the name, as a split horizon has it.
        """
        is_heard, has_failed = False, False
        for server in self._servers():
            query = dns.message.make_query(_name(name), dns.rdatatype.from_text(kind))
            try:
                answer, _ = dns.query.udp_with_fallback(
                    query, server.address, port=server.port, timeout=self._timeout_s
                )
            except _FAILED:
                continue
            is_heard = True
            if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return answer
            has_failed = has_failed or answer.rcode() == dns.rcode.SERVFAIL
        if has_failed and is_needed:
            servers = ", ".join(str(one) for one in self._servers())
            raise RemoteError(
                "RemoteUnreachable",
                f"The DNS resolvers cannot tell what stands at {name} (SERVFAIL from {servers}). Check the domain's "
                f"name servers and its DNSSEC; the CA would fail there too.",
                service="DNS",
                operation=f"resolve {name}",
                transient=True,
            )
        if not is_heard:
            servers = ", ".join(str(one) for one in self._servers())
            raise RemoteError(
                "RemoteUnreachable",
                f"No DNS resolver answers for {name} ({servers}). Check the network, or name another resolver.",
                service="DNS",
                operation=f"resolve {name}",
                transient=True,
            )
        return None

    def _servers(self) -> list[NameServer]:
        if not self._resolvers:
            try:
                system = dns.resolver.Resolver()
            except dns.exception.DNSException as error:
                raise _failed("DnsZoneNotFound", "The system names no DNS resolver: name one.", "") from error
            self._resolvers = [NameServer(str(one), str(one), system.port) for one in system.nameservers]
        return self._resolvers


def _records(answer: dns.message.Message | None, name: str, kind: str) -> Sequence[dns.rdata.Rdata]:
    if answer is None:
        return ()
    wanted, rdtype = _name(name), dns.rdatatype.from_text(kind)
    return [one for found in answer.answer if found.name == wanted and found.rdtype == rdtype for one in found]


def _name(text: str) -> dns.name.Name:
    try:
        return dns.name.from_text(_plain(text))
    except (dns.exception.DNSException, UnicodeError) as error:
        raise _failed(
            "DnsZoneNotFound",
            f"No record can stand at {text} ({type(error).__name__}): shorten the name, or use HTTP-01.",
            text,
        ) from error


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _failed(token: str, message: str, subject: str) -> RemoteError:
    return RemoteError(token, message, service="DNS", operation=f"resolve {subject}", transient=False)
