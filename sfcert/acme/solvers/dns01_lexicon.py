"""How is a TXT record written at one of the many other DNS hosts? Through dns-lexicon's providers. Floor 5.

The provider's class is taken from lexicon itself: its `Client` would first fetch a list of public suffixes from the
network to guess the zone, which is found here by its SOA record.
Source: dns-lexicon 3.25 (provider interface: `list_records`, `create_record`, `delete_record`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sfcert.acme.solvers.dns01 import TTL_S, is_inside
from sfcert.acme.solvers.lookup import Lookup
from sfcert.errors import InputError, RemoteError


class LexiconDns:
    """One account at one DNS host.

    Args:
        provider: lexicon's name of it, such as `cloudflare` or `route53`.
        settings: the provider's own options (`auth_token`, `auth_username`, …); secrets.
        zone: the zone at the host; None finds it by its SOA record.
    """

    def __init__(self, provider: str, settings: Mapping[str, str], *, zone: str | None = None) -> None:
        self._provider = provider
        self._settings = dict(settings)
        self._zone = zone
        self._class = _load(provider)

    def __repr__(self) -> str:
        return f"LexiconDns({self._provider}, settings not shown)"

    def find_zone(self, fqdn: str, lookup: Lookup) -> str:
        if self._zone is None:
            return lookup.zone_of(fqdn)
        if not is_inside(fqdn, self._zone):
            raise self._failed("DnsZoneNotFound", f"{fqdn} does not lie in the zone {self._zone} that was given")
        return self._zone.rstrip(".").lower()

    def add_text(self, zone: str, fqdn: str, value: str) -> None:
        with self._at(zone, fqdn) as opened:
            there = {_bare(one) for one in opened.list_records("TXT", fqdn)}
            if value not in there and not opened.create_record("TXT", fqdn, value):
                raise self._failed("DnsUpdateRefused", f"it does not take the record {fqdn}")

    def remove_text(self, zone: str, fqdn: str, value: str) -> None:
        with self._at(zone, fqdn) as opened:
            for one in opened.list_records("TXT", fqdn):
                if _bare(one) != value:
                    continue
                # the content as the host wrote it, quotes and all: hosts without ids compare it by the letter
                if opened.delete_record(one.get("id"), "TXT", fqdn, str(one.get("content", ""))) is False:
                    raise self._failed("DnsUpdateRefused", f"it does not take the record {fqdn} away")

    # -- how ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def _at(self, zone: str, fqdn: str) -> Iterator[Any]:
        """The host, signed in to; its errors become ours."""
        try:
            yield self._open(zone)
        except RemoteError:
            raise
        except Exception as error:  # the hosts' own errors have no common root; none may end in a traceback
            # no message of theirs: some put the request with its token into it
            why = f"{type(error).__name__}; check the settings and what they permit"
            raise self._failed("DnsUpdateRefused", f"it does not take a change of {fqdn} ({why})") from None

    def _open(self, zone: str) -> Any:
        from lexicon.config import ConfigResolver

        # lexicon's own resolver of settings carries no types
        resolver: Any = ConfigResolver
        config = resolver().with_dict(
            {"provider_name": self._provider, "domain": zone, "ttl": TTL_S, self._provider: dict(self._settings)}
        )
        opened = self._class(config)
        opened.authenticate()
        return opened

    def _failed(self, token: str, what: str) -> RemoteError:
        return RemoteError(
            token, f"The DNS host {self._provider}: {what}.", service=self._provider, operation="TXT", transient=None
        )


def _bare(record: Mapping[str, Any]) -> str:
    """A record's text without the quotes, escaped ones too, that hosts put around it. A challenge's value has none."""
    return str(record.get("content", "")).replace("\\", "").replace('"', "").strip()


def _load(provider: str) -> Any:
    from lexicon._private.discovery import find_providers, load_provider_module

    known = find_providers()
    if provider not in known or provider == "auto":
        raise InputError(
            "AcmeOptionsInvalid",
            f"dns-lexicon has no provider {provider!r}; it has {', '.join(sorted(set(known) - {'auto'}))}.",
        )
    try:
        return load_provider_module(provider).Provider
    except ImportError as error:
        raise InputError(
            "AcmeOptionsInvalid",
            f"The provider {provider} needs more than is installed ({error}): install `dns-lexicon[{provider}]`.",
        ) from error
