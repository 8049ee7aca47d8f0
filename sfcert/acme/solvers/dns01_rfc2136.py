"""How is a TXT record written where the zone takes dynamic updates? RFC 2136, signed with TSIG (RFC 8945). Floor 5."""

from __future__ import annotations

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update

from sfcert.acme.solvers.dns01 import TTL_S, is_inside
from sfcert.acme.solvers.lookup import Lookup, find_server
from sfcert.errors import InputError, RemoteError

ALGORITHMS = ("hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
#: MD5 has a name of its own on the wire (RFC 8945, section 6).
_ON_THE_WIRE = {"hmac-md5": "hmac-md5.sig-alg.reg.int"}


class Rfc2136:
    """A zone's primary server.

    Args:
        server: address or host, with `:port` where it is not 53.
        key_name: of the TSIG key; None sends unsigned updates.
        key_secret: base64, a secret.
        zone: where updates go; None finds the zone by its SOA record.
    """

    def __init__(
        self,
        server: str,
        *,
        key_name: str | None = None,
        key_secret: str | None = None,
        key_algorithm: str = "hmac-sha256",
        zone: str | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._server = find_server(server)
        self._zone = zone
        if zone is not None:
            try:
                dns.name.from_text(zone)
            except dns.exception.DNSException as error:
                raise InputError("AcmeOptionsInvalid", f"{zone!r} is no zone's name.") from error
        self._timeout_s = timeout_s
        self._algorithm = key_algorithm.lower().rstrip(".")
        if self._algorithm not in ALGORITHMS:
            raise InputError("AcmeOptionsInvalid", f"TSIG knows no {key_algorithm!r}: one of {', '.join(ALGORITHMS)}.")
        if (key_name is None) != (key_secret is None):
            raise InputError("AcmeOptionsInvalid", "A TSIG key is a name and a secret; one of them is missing.")
        self._keyring: dict[dns.name.Name, dns.tsig.Key] | None = None
        if key_name is not None and key_secret is not None:
            try:
                self._keyring = dns.tsigkeyring.from_text(
                    {key_name: (_ON_THE_WIRE.get(self._algorithm, self._algorithm), key_secret)}
                )
            except (ValueError, dns.exception.DNSException):
                # no cause: it could show the secret
                raise InputError(
                    "AcmeOptionsInvalid",
                    f"The TSIG key {key_name} cannot be used: its name is no DNS name, or its secret is not base64.",
                ) from None

    def __repr__(self) -> str:
        return f"Rfc2136({self._server}, key not shown)"

    def find_zone(self, fqdn: str, lookup: Lookup) -> str:
        if self._zone is None:
            return lookup.zone_of(fqdn)
        if not is_inside(fqdn, self._zone):
            raise RemoteError(
                "DnsZoneNotFound",
                f"{fqdn} does not lie in the zone {self._zone} that was given. Follow its CNAME or name another zone.",
                service="DNS",
                operation=f"update {self._zone}",
                transient=False,
            )
        return self._zone.rstrip(".").lower()

    def add_text(self, zone: str, fqdn: str, value: str) -> None:
        update = dns.update.UpdateMessage(zone, keyring=self._keyring)
        update.add(dns.name.from_text(fqdn), TTL_S, "TXT", f'"{value}"')
        self._send(zone, update)

    def remove_text(self, zone: str, fqdn: str, value: str) -> None:
        update = dns.update.UpdateMessage(zone, keyring=self._keyring)
        update.delete(dns.name.from_text(fqdn), "TXT", f'"{value}"')
        self._send(zone, update)

    # -- how ----------------------------------------------------------------------------------------------------------

    def _send(self, zone: str, update: dns.update.UpdateMessage) -> None:
        try:
            answer = dns.query.tcp(update, self._server.address, port=self._server.port, timeout=self._timeout_s)
        except dns.tsig.PeerError as error:
            raise self._refused(zone, f"it does not know or accept the TSIG key ({type(error).__name__})") from error
        except dns.tsig.BadTime as error:
            raise self._refused(zone, "the two clocks are too far apart") from error
        except (dns.tsig.BadSignature, dns.tsig.BadKey, dns.tsig.BadAlgorithm, dns.message.UnknownTSIGKey) as error:
            raise self._refused(zone, f"its answer is not signed with that key ({type(error).__name__})") from error
        except dns.exception.Timeout as error:
            raise self._silent(zone, "no answer in time") from error
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise self._silent(zone, type(error).__name__) from error
        if answer.rcode() != dns.rcode.NOERROR:
            raise self._refused(zone, f"it answers {dns.rcode.to_text(answer.rcode())}")

    def _refused(self, zone: str, why: str) -> RemoteError:
        return RemoteError(
            "DnsUpdateRefused",
            f"The name server {self._server} does not take an update of {zone}: {why}. Check the key's name, "
            f"algorithm and secret, and what the server lets this key update.",
            service="DNS",
            operation=f"update {zone}",
            transient=False,
        )

    def _silent(self, zone: str, why: str) -> RemoteError:
        return RemoteError(
            "RemoteUnreachable",
            f"The name server {self._server} could not be asked to update {zone} ({why}).",
            service="DNS",
            operation=f"update {zone}",
            transient=True,
        )
