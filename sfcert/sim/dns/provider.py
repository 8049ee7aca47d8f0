"""How are zones and record sets written and read over ARM? Microsoft.Network/dnsZones and its record sets.

Source: azure-mgmt-dns 9.0.0 (2018-05-01). Leaves out private zones, alias records, DNSSEC, and the delay until every
name server serves a change.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Sequence
from typing import Any

from sfcert.sim.dns.records import KINDS, ZONE_TYPE, check, kind_of, zone_name
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure, not_found
from sfcert.sim.kernel.ids import ResourceId, parse_id
from sfcert.sim.kernel.provider import Answer, Caller

_OWN = frozenset({"SOA", "NS"})


class DnsProvider:
    """Zones with their own SOA and NS record sets; record sets of the kinds in `KINDS`."""

    types: tuple[str, ...] = (ZONE_TYPE, *(f"{ZONE_TYPE}/{kind}" for kind in KINDS))

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._azure.resources.get(rid.text)
        if found is None:
            raise not_found(rid.text)
        return self._shown(rid, found.body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        prefix = scope.rstrip("/").lower() + "/"
        return [
            self._shown(one.id, one.body)
            for one in self._azure.resources.of_type(resource_type)
            if one.id.key.startswith(prefix)
        ]

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """
        Raises:
            AzureFailure: 400 for what is no zone or record set; 404 for a record set in no zone.
        """
        known = self._azure.resources.get(rid.text)
        if len(rid.names) == 1:
            made = self._zone(rid, body)
        else:
            self._check_place(rid)
            made = self._record_set(rid, body.get("properties") or {})
        self._azure.resources.put(rid.text, api_version, made)
        if len(rid.names) == 1 and known is None:
            self._add_own(rid, api_version, made["properties"]["nameServers"])
        self._azure.record_write("PUT", rid.text, type=rid.type)
        return Answer(self._shown(rid, made), created=known is None)

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """A zone's tags as a whole; a record set's properties one by one."""
        known = self._azure.resources.get(rid.text)
        if known is None:
            raise not_found(rid.text)
        changed = copy.deepcopy(known.body)
        if len(rid.names) == 1:
            changed["tags"] = dict(body.get("tags") or {})
        else:
            changed = self._record_set(rid, {**changed["properties"], **(body.get("properties") or {})})
        self._azure.resources.put(rid.text, api_version, changed)
        self._azure.record_write("PATCH", rid.text, type=rid.type)
        return Answer(self._shown(rid, changed))

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        """A zone goes with its record sets; its own SOA and NS go with it alone."""
        if len(rid.names) > 1 and rid.name == "@" and kind_of(rid) in _OWN:
            raise AzureFailure(400, "BadRequest", f"The {kind_of(rid)} record set of a zone cannot be deleted.")
        if self._azure.resources.remove(rid.text) is None:
            raise not_found(rid.text)
        for below in list(self._azure.resources.under(rid.text)):
            self._azure.resources.remove(below.id.text)
        self._azure.record_write("DELETE", rid.text, type=rid.type)
        return Answer(None)

    def action(
        self,
        rid: ResourceId,
        action: str,
        method: str,
        api_version: str,
        body: Any,
        query: dict[str, str],
        caller: Caller,
    ) -> Answer:
        """`recordsets` and `all` list every kind; `$recordsetnamesuffix` is honoured."""
        if method != "GET" or action.lower() not in ("recordsets", "all") or len(rid.names) != 1:
            raise AzureFailure(404, "InvalidResourceType", f"No action {action} on {rid.type}.")
        self.get(rid, api_version, {})
        suffix = query.get("$recordsetnamesuffix", "").lower()
        found = [one for one in self._azure.resources.under(rid.text) if one.id.name.lower().endswith(suffix)]
        return Answer({"value": [self._shown(one.id, one.body) for one in found]})

    # -- bodies -------------------------------------------------------------------------------------------------------

    def _zone(self, rid: ResourceId, body: dict[str, Any]) -> dict[str, Any]:
        if str(body.get("location") or "").lower() != "global":
            raise AzureFailure(400, "LocationNotAvailableForResourceType", "A DNS zone's location is 'global'.")
        if "." not in rid.name or rid.name.endswith("."):
            raise AzureFailure(400, "BadRequest", f"The zone name '{rid.name}' is not valid.")
        if str((body.get("properties") or {}).get("zoneType") or "Public") != "Public":
            raise AzureFailure(400, "BadRequest", "Private zones are not served by the simulator.")
        number = zlib.crc32(rid.key.encode()) % 9 + 1
        ends = ("com", "net", "org", "info")
        servers = [f"ns{index}-0{number}.azure-dns.{end}." for index, end in enumerate(ends, 1)]
        return {
            "id": rid.text,
            "name": rid.name,
            "type": ZONE_TYPE,
            "location": "global",
            "tags": dict(body.get("tags") or {}),
            "properties": {
                "maxNumberOfRecordSets": 10000,
                "maxNumberOfRecordsPerRecordSet": None,
                "nameServers": servers,
                "zoneType": "Public",
            },
        }

    def _record_set(self, rid: ResourceId, properties: dict[str, Any]) -> dict[str, Any]:
        check(rid, properties)
        key, _ = KINDS[kind_of(rid)]
        place = zone_name(rid) if rid.name == "@" else f"{rid.name}.{zone_name(rid)}"
        return {
            "id": rid.text,
            "name": rid.name,
            "type": f"{ZONE_TYPE}/{kind_of(rid)}",
            "properties": {
                "metadata": properties.get("metadata"),
                "fqdn": f"{place}.",
                "TTL": properties["TTL"],
                key: copy.deepcopy(properties[key]),
                "targetResource": {},
                "provisioningState": "Succeeded",
            },
        }

    def _check_place(self, rid: ResourceId) -> None:
        """The zone is there, and a CNAME stands alone at its name."""
        zone = rid.text.rsplit("/", 2)[0]
        if self._azure.resources.get(zone) is None:
            raise AzureFailure(
                404,
                "ParentResourceNotFound",
                f"Can not perform requested operation on nested resource. Parent resource '{rid.names[0]}' not found.",
            )
        kind = kind_of(rid)
        others = {
            kind_of(one.id)
            for one in self._azure.resources.under(zone)
            if one.id.name.lower() == rid.name.lower() and kind_of(one.id) != kind
        }
        if others and (kind == "CNAME" or "CNAME" in others):
            raise AzureFailure(
                400, "BadRequest", f"A CNAME record set cannot stand beside another record set named '{rid.name}'."
            )

    def _add_own(self, rid: ResourceId, api_version: str, servers: Sequence[str]) -> None:
        soa = {
            "host": servers[0],
            "email": "azuredns-hostmaster.microsoft.com",
            "serialNumber": 1,
            "refreshTime": 3600,
            "retryTime": 300,
            "expireTime": 2419200,
            "minimumTTL": 300,
        }
        own = {
            "NS": {"TTL": 172800, "NSRecords": [{"nsdname": one} for one in servers]},
            "SOA": {"TTL": 3600, "SOARecord": soa},
        }
        for kind, properties in own.items():
            below = parse_id(f"{rid.text}/{kind}/@")
            self._azure.resources.put(below.text, api_version, self._record_set(below, properties))

    def _shown(self, rid: ResourceId, body: dict[str, Any]) -> dict[str, Any]:
        shown = copy.deepcopy(body)
        known = self._azure.resources.get(rid.text)
        shown["etag"] = str(known.etag) if known is not None else "1"
        if len(rid.names) == 1:
            shown["properties"]["numberOfRecordSets"] = sum(1 for _ in self._azure.resources.under(rid.text))
        return shown
