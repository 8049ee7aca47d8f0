"""Which kinds of record are there, how does a body hold them, and what does a body have to be?

Source: the REST description of Microsoft.Network/dnsZones, 2018-05-01 (azure-mgmt-dns 9.0.0); the vendor's page on
limits (255 characters to a TXT string, 4,096 to a record). The codes of the refusals are a guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId

ZONE_TYPE = "Microsoft.Network/dnsZones"
#: kind -> property that holds its records, and whether it is a list.
KINDS: dict[str, tuple[str, bool]] = {
    "A": ("ARecords", True),
    "AAAA": ("AAAARecords", True),
    "CAA": ("caaRecords", True),
    "CNAME": ("CNAMERecord", False),
    "NS": ("NSRecords", True),
    "SOA": ("SOARecord", False),
    "TXT": ("TXTRecords", True),
}
_LONGEST_STRING, _LONGEST_TEXT = 255, 4096
_LONGEST_TTL = 2147483647


def kind_of(rid: ResourceId) -> str:
    """`TXT` and so on of a record set's id, in upper case."""
    return rid.type.rsplit("/", 1)[-1].upper()


def zone_name(rid: ResourceId) -> str:
    return rid.names[0].lower()


def check(rid: ResourceId, properties: dict[str, Any]) -> None:
    """Nothing, if the properties make a record set of that kind.

    Raises:
        AzureFailure: 400 `BadRequest`.
    """
    kind = kind_of(rid)
    key, is_list = KINDS[kind]
    ttl = properties.get("TTL")
    if not isinstance(ttl, int) or not 1 <= ttl <= _LONGEST_TTL:
        raise _bad(f"The TTL field of the record set '{rid.name}' must be between 1 and {_LONGEST_TTL}.")
    held = properties.get(key)
    if is_list and (not isinstance(held, list) or not held):
        raise _bad(f"The record set '{rid.name}' of type {kind} must have at least one record.")
    if not is_list and not isinstance(held, dict):
        raise _bad(f"The record set '{rid.name}' of type {kind} must have a record.")
    if kind == "TXT":
        for record in held or ():
            strings = record.get("value") if isinstance(record, dict) else None
            if not isinstance(strings, list) or not strings or not all(isinstance(one, str) for one in strings):
                raise _bad(f"A TXT record of '{rid.name}' is not a list of strings.")
            if any(len(one) > _LONGEST_STRING for one in strings) or sum(map(len, strings)) > _LONGEST_TEXT:
                raise _bad(f"A TXT record of '{rid.name}' is too long.")
    if kind == "CNAME" and rid.name == "@":
        raise _bad("A CNAME record set cannot be created at the apex of a zone.")


def texts(kind: str, properties: dict[str, Any]) -> Iterator[str]:
    """Each record in the form of a zone file. Texts with odd characters are escaped byte by byte."""
    key, is_list = KINDS[kind]
    held = properties.get(key)
    for one in held if is_list and isinstance(held, list) else [held]:
        if isinstance(one, dict):
            yield _text(kind, one)


def _text(kind: str, one: dict[str, Any]) -> str:
    if kind == "TXT":
        return " ".join(_quoted(str(part)) for part in one["value"])
    if kind == "CAA":
        return f"{one.get('flags', 0)} {one.get('tag', 'issue')} {_quoted(str(one.get('value', '')))}"
    if kind == "SOA":
        numbers = [one[name] for name in ("serialNumber", "refreshTime", "retryTime", "expireTime", "minimumTTL")]
        return " ".join([_dotted(one["host"]), _dotted(one["email"]), *map(str, numbers)])
    if kind in ("CNAME", "NS"):
        return _dotted(str(one["cname" if kind == "CNAME" else "nsdname"]))
    return str(one["ipv4Address" if kind == "A" else "ipv6Address"])


def _quoted(text: str) -> str:
    escaped = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in (34, 92) else f"\\{byte:03d}" for byte in text.encode()
    )
    return f'"{escaped}"'


def _dotted(name: str) -> str:
    return name.rstrip(".") + "."


def _bad(message: str) -> AzureFailure:
    return AzureFailure(400, "BadRequest", message)
