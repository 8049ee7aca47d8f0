"""How does a value become bytes, and bytes a value? One codec for all of them.

Canonical JSON: keys sorted, no white space, UTF-8, instants as `YYYY-MM-DDTHH:MM:SSZ` (microseconds only where they
are not nought), bytes as base64. Equal values give equal bytes, which is what digests are taken over.
"""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec

from sfcert.errors import Fault, InputError
from sfcert.model.bundle import FORMAT as BUNDLE_FORMAT
from sfcert.model.bundle import Bundle
from sfcert.model.ids import thumbprint_of_x5t
from sfcert.model.plan import FORMAT as PLAN_FORMAT
from sfcert.model.plan import Plan

T = TypeVar("T")
_encoder = msgspec.json.Encoder(order="sorted")


def to_plain(value: Any) -> Any:
    """A value as dicts, lists, strings, numbers, booleans and None."""
    return msgspec.to_builtins(value)


def canonical(value: Any) -> bytes:
    """Canonical JSON of a value or of plain JSON data."""
    return _encoder.encode(value)


def pretty(value: Any) -> str:
    """JSON for people: two spaces, `format` first, then the order of the fields, a newline at the end."""
    plain = msgspec.to_builtins(value)
    if isinstance(plain, dict) and "format" in plain:
        plain = {"format": plain.pop("format")} | plain
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"


def sha256_of(value: Any) -> str:
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def digest_of(plan: Plan | dict[str, Any]) -> str:
    """The plan's digest: over everything but `digest` and `created_at_utc`.

    Args:
        plan: the value, or the JSON object of its file. Of a file every key counts, also one that this version does
            not know: a later minor version's plan is read, and still held to its digest.
    """
    plain = dict(plan) if isinstance(plan, dict) else msgspec.to_builtins(plan)
    return sha256_of({key: value for key, value in plain.items() if key not in ("digest", "created_at_utc")})


def sealed(plan: Plan) -> Plan:
    """The plan with its digest written in."""
    return msgspec.structs.replace(plan, digest=digest_of(plan))


def _decode(text: bytes, kind: type[T], wanted: str, token: str, file: str) -> tuple[T, dict[str, Any]]:
    try:
        head = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(token, f"{file} is not JSON.", [Fault(str(error), file)]) from error
    except RecursionError as error:
        raise InputError(token, f"{file} is not what sfcert writes: its values are nested too deep.") from error
    written = head.get("format") if isinstance(head, dict) else None
    name, _, major = wanted.partition("/")
    if not isinstance(written, str) or not written.startswith(name + "/"):
        raise InputError(token, f"{file} is not a {name} file: its format says {written!r}, {wanted!r} was expected.")
    if written != wanted:
        found = written.partition("/")[2]
        newer = found.isdigit() and int(found) > int(major)
        hint = "It was written by a newer sfcert; use that one." if newer else f"This sfcert reads {wanted!r}."
        raise InputError("FormatTooNew" if newer else token, f"{file} has the format {written!r}. {hint}")
    try:
        return msgspec.convert(head, kind), head
    except msgspec.ValidationError as error:
        raise InputError(token, f"{file} is not a whole {name} file.", [Fault(str(error), file)]) from error


def read_bundle(text: bytes, file: str) -> Bundle:
    """Parse a bundle file.

    Raises:
        InputError: BundleInvalid, FormatTooNew; the message names the file and the field.
    """
    bundle = _decode(text, Bundle, BUNDLE_FORMAT, "BundleInvalid", file)[0]
    faults = [
        Fault(f"node_stores: {scale_set_id}, instance {instance}: {one!r} is no x5t (the base64url SHA-1)", file)
        for scale_set_id, instances in (bundle.node_stores or {}).items()
        for instance, store in instances.items()
        for one in store
        if not _is_x5t(one)
    ]
    if faults:
        raise InputError("BundleInvalid", f"{file} lists certificates in node stores that cannot be read.", faults)
    return bundle


def _is_x5t(text: str) -> bool:
    try:
        thumbprint_of_x5t(text)
    except ValueError:
        return False
    return True


def read_plan(text: bytes, file: str) -> Plan:
    """Parse a plan file and hold it to its digest.

    Raises:
        InputError: PlanInvalid, FormatTooNew, PlanDigestMismatch.
    """
    plan, written = _decode(text, Plan, PLAN_FORMAT, "PlanInvalid", file)
    if digest_of(written) != plan.digest:
        raise InputError(
            "PlanDigestMismatch",
            f"{file} was changed after it was written: its digest does not match its content. Plan again.",
        )
    return plan
