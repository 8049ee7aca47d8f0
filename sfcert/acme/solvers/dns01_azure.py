"""How is a TXT record written into Azure DNS? Through azure-mgmt-dns, after a look at the delegation. Floor 5.

Azure keeps the records of one name as one set, so that a value is added to what is read and written back with its etag:
where somebody else has changed the set meanwhile, it is read again.
Source: azure-mgmt-dns 9.0.0 (Microsoft.Network/dnsZones, 2018-05-01). Needs `Microsoft.Network/dnsZones/read` and
`Microsoft.Network/dnsZones/TXT/read|write|delete`, which DNS Zone Contributor holds.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sfcert.acme.solvers.dns01 import TTL_S, is_inside, relative_to
from sfcert.acme.solvers.lookup import Lookup
from sfcert.errors import RemoteError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.mgmt.dns.models import RecordSet

T = TypeVar("T")
#: How often a set is read again because somebody else wrote it meanwhile.
_CHANGES = 8
#: Tries something again by the house's one table; the composition root gives it.
Repeat = Callable[[Callable[[], Any]], Any]


class AzureDns:
    """The public DNS zones of one subscription.

    Args:
        resource_group: looks for zones there only; None looks in the whole subscription.
        zone: one zone by name; None takes the longest one that the name lies in.
        repeat: how passing failures are tried again; None tries once.
        is_delegation_checked: compare with what the world asks before anything is written.
    """

    def __init__(
        self,
        credential: TokenCredential,
        subscription_id: str,
        *,
        resource_group: str | None = None,
        zone: str | None = None,
        repeat: Repeat | None = None,
        connection_verify: str | None = None,
        is_delegation_checked: bool = True,
    ) -> None:
        self._credential = credential
        self._subscription_id = subscription_id
        self._group = resource_group
        self._zone = zone.rstrip(".").lower() if zone is not None else None
        self._repeat = repeat or (lambda send: send())
        self._options: dict[str, Any] = {} if connection_verify is None else {"connection_verify": connection_verify}
        self._is_delegation_checked = is_delegation_checked
        self._lock = threading.Lock()
        self._made: Any = None
        self._zones: dict[str, tuple[str, frozenset[str]]] | None = None
        # sets as they were read or written last: a read soon after a write may still show what was there before, and
        # what is not seen would not be taken away. Their etags tell where somebody else has been meanwhile
        self._known: dict[str, RecordSet] = {}

    def find_zone(self, fqdn: str, lookup: Lookup) -> str:
        zones = self._all_zones()
        inside = [one for one in zones if is_inside(fqdn, one) and self._zone in (None, one)]
        if not inside:
            where = f"resource group {self._group}" if self._group else f"subscription {self._subscription_id}"
            raise RemoteError(
                "DnsZoneNotFound",
                f"No DNS zone of the {where} holds {fqdn}; there are {', '.join(sorted(zones)) or 'none'}. "
                f"Create the zone, lead the name there by a CNAME, or choose another solver.",
                service="Azure DNS",
                operation="zones",
                transient=False,
            )
        zone = max(inside, key=len)
        if self._is_delegation_checked:
            self._check_delegation(zone, fqdn, lookup)
        return zone

    def add_text(self, zone: str, fqdn: str, value: str) -> None:
        def change(found: RecordSet | None) -> RecordSet | None:
            from azure.mgmt.dns.models import RecordSet, TxtRecord

            if value in _texts(found):
                return found
            kept = found or RecordSet(ttl=TTL_S, txt_records=[])
            kept.txt_records = [*(kept.txt_records or ()), TxtRecord(value=[value])]
            return kept

        self._change(zone, fqdn, change)

    def remove_text(self, zone: str, fqdn: str, value: str) -> None:
        def change(found: RecordSet | None) -> RecordSet | None:
            if found is None or value not in _texts(found):
                return found
            found.txt_records = [one for one in found.txt_records or () if "".join(one.value or ()) != value]
            return found if found.txt_records else None

        self._change(zone, fqdn, change)

    # -- how ----------------------------------------------------------------------------------------------------------

    def _change(self, zone: str, fqdn: str, change: Callable[[RecordSet | None], RecordSet | None]) -> None:
        """Make the set at `fqdn` what `change` makes of it, None being no set at all; nobody else's write is lost."""
        for attempt in range(_CHANGES):
            found = copy.deepcopy(self._known.get(fqdn)) or self._set_at(zone, fqdn)
            before, etag = _texts(found), found.etag if found is not None else None
            wanted = change(found)
            if _texts(wanted) == before:
                return
            self._known.pop(fqdn, None)
            try:
                if (written := self._write(zone, fqdn, wanted, etag)) is not None:
                    self._known[fqdn] = written
                return
            except RemoteError as error:
                if error.status != 412 or attempt == _CHANGES - 1:
                    raise

    def _set_at(self, zone: str, fqdn: str) -> RecordSet | None:
        group, _ = self._all_zones()[zone]
        try:
            found: RecordSet = self._call(
                f"read TXT {fqdn}",
                lambda: self._client().record_sets.get(group, zone, relative_to(fqdn, zone), "TXT"),
            )
        except RemoteError as error:
            if error.status == 404:
                return None
            raise
        self._known[fqdn] = copy.deepcopy(found)
        return found

    def _write(self, zone: str, fqdn: str, wanted: RecordSet | None, etag: str | None) -> RecordSet | None:
        """Write the set or take it away, as long as it is still what was read; what stands there then."""
        group, _ = self._all_zones()[zone]
        sets, at = self._client().record_sets, (group, zone, relative_to(fqdn, zone), "TXT")
        if wanted is None:
            self._call(f"delete TXT {fqdn}", lambda: sets.delete(*at, if_match=etag))
            return None
        condition = {"if_none_match": "*"} if etag is None else {"if_match": etag}
        return self._call(f"write TXT {fqdn}", lambda: sets.create_or_update(*at, wanted, **condition))

    def _check_delegation(self, zone: str, fqdn: str, lookup: Lookup) -> None:
        """The world has to ask this zone, at this provider's servers."""
        asked = lookup.zone_of(fqdn)
        if asked != zone:
            raise _elsewhere(f"the world asks the zone {asked} for {fqdn}, not {zone}")
        _, own = self._all_zones()[zone]
        public = lookup.name_servers(zone)
        if public and own and not public & own:
            raise _elsewhere(
                f"{zone} is delegated to {', '.join(sorted(public))}, but Azure serves it at {', '.join(sorted(own))}"
            )

    def _all_zones(self) -> dict[str, tuple[str, frozenset[str]]]:
        """Resource group and name servers by zone, listed once."""
        with self._lock:
            if self._zones is None:
                self._zones = self._call("list zones", self._list)
            return self._zones

    def _list(self) -> dict[str, tuple[str, frozenset[str]]]:
        client = self._client()
        listed = client.zones.list_by_resource_group(self._group) if self._group else client.zones.list()
        found: dict[str, tuple[str, frozenset[str]]] = {}
        for one in listed:
            if str(one.zone_type or "Public").lower().endswith("private"):
                continue
            group = str(one.id).split("/")[4]
            servers = frozenset(str(server).rstrip(".").lower() for server in one.name_servers or ())
            found[str(one.name).lower()] = (group, servers)
        return found

    def _call(self, operation: str, send: Callable[[], T]) -> T:
        def once() -> T:
            from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError

            try:
                return send()
            except ClientAuthenticationError as error:
                raise _remote("CredentialUnavailable", operation, "no token could be had", error, None) from error
            except HttpResponseError as error:
                code = error.error.code if error.error is not None else None
                token = "PermissionDenied" if error.status_code == 403 else "RemoteFailed"
                why = f"HTTP {error.status_code} {code or ''}".strip()
                raise _remote(token, operation, why, error, error.status_code, code) from error
            except ServiceRequestError as error:
                raise _remote("RemoteUnreachable", operation, "it could not be reached", error, None) from error

        found: T = self._repeat(once)
        return found

    def _client(self) -> Any:
        if self._made is None:
            from azure.mgmt.dns import DnsManagementClient

            self._made = DnsManagementClient(
                self._credential, self._subscription_id, retry_total=0, user_agent="sfcert", **self._options
            )
        return self._made


def _texts(found: RecordSet | None) -> list[str]:
    """The texts of a set, each put together from its pieces."""
    return ["".join(one.value or ()) for one in (found.txt_records if found is not None else None) or ()]


def _remote(
    token: str, operation: str, why: str, error: Exception, status: int | None, code: str | None = None
) -> RemoteError:
    hint = " Give the identity DNS Zone Contributor on the zone." if token == "PermissionDenied" else ""
    return RemoteError(
        token,
        f"Azure DNS did not {operation}: {why}.{hint}",
        service="Azure DNS",
        operation=operation,
        status=status,
        remote_code=code,
        transient=status in (None, 408, 409, 429, 500, 502, 503, 504) and token != "CredentialUnavailable",
    )


def _elsewhere(what: str) -> RemoteError:
    return RemoteError(
        "DnsDelegatedElsewhere",
        f"A record in Azure DNS would not be seen: {what}. Mend the delegation, or choose the solver of whoever serves "
        f"the zone.",
        service="Azure DNS",
        operation="delegation",
        transient=False,
    )
