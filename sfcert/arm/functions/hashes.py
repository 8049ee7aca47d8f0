"""The two functions that make stable names: `guid` and `uniqueString`. Floor 1.

`guid` is UUID version 5 (RFC 9562 section 5.5) in the vendor's namespace over the arguments joined by hyphens;
`uniqueString` is a 64-bit murmur hash over the same text, in base 32. Source: learn.microsoft.com, Bicep string
functions, for the namespace and the joining; for the hash the community's re-implementations of the vendor's engine,
checked with a value that the vendor's own library gave (microsoft/commercial-marketplace-offer-deploy,
ArmFunctionsTests).
"""

from __future__ import annotations

import uuid
from typing import Any

from sfcert.arm.functions.builtin import Builtin, EvaluationError
from sfcert.arm.functions.strings import as_text

_NAMESPACE = uuid.UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_MASK = 0xFFFFFFFF


def guid(*args: Any) -> str:
    return str(uuid.uuid5(_NAMESPACE, _joined("guid", args)))


def unique_string(*args: Any) -> str:
    number = murmur64(_joined("uniqueString", args).encode())
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(59, -1, -5)) + _ALPHABET[(number << 1) & 31]


def _joined(name: str, args: tuple[Any, ...]) -> str:
    if any(not isinstance(arg, str) for arg in args):
        raise EvaluationError(f"The template language function '{name}' expects strings.")
    return "-".join(as_text(arg) for arg in args)


def murmur64(data: bytes, seed: int = 0) -> int:
    """The vendor's 64-bit variant of MurmurHash3 with two lanes of 32 bits."""
    one, two = seed, seed
    whole = len(data) - len(data) % 8
    for at in range(0, whole, 8):
        one = _rotated(one ^ _mixed_one(int.from_bytes(data[at : at + 4], "little")), 19)
        one = ((one + two) * 5 + 0x561CCD1B) & _MASK
        two = _rotated(two ^ _mixed_two(int.from_bytes(data[at + 4 : at + 8], "little")), 13)
        two = ((two + one) * 5 + 0x0BCAA747) & _MASK
    tail = data[whole:]
    if tail:
        one ^= _mixed_one(int.from_bytes(tail[:4], "little"))
    if len(tail) > 4:
        two ^= _mixed_two(int.from_bytes(tail[4:], "little"))
    one, two = one ^ len(data), two ^ len(data)
    one = (one + two) & _MASK
    two = (two + one) & _MASK
    one, two = _finished(one), _finished(two)
    one = (one + two) & _MASK
    two = (two + one) & _MASK
    return two << 32 | one


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (32 - bits)) & _MASK


def _mixed_one(block: int) -> int:
    return _rotated(block * 0x239B961B & _MASK, 15) * 0xAB0E9789 & _MASK


def _mixed_two(block: int) -> int:
    return _rotated(block * 0xAB0E9789 & _MASK, 17) * 0x239B961B & _MASK


def _finished(lane: int) -> int:
    lane = (lane ^ lane >> 16) * 0x85EBCA6B & _MASK
    lane = (lane ^ lane >> 13) * 0xC2B2AE35 & _MASK
    return lane ^ lane >> 16


FUNCTIONS = {
    "guid": Builtin(guid, 1, None),
    "uniquestring": Builtin(unique_string, 1, None),
}
