"""Which name does a subject state, and is it one of the DNS? Text only. Floor 3.

Source: RFC 4514 for escapes; RFC 1035 and RFC 6125 for names and the one wildcard label.
"""

from __future__ import annotations

import re

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")
_PARTS = re.compile(r"(?:[^,\\]|\\.)+")
_ESCAPE = re.compile(r"\\(.)")


def common_name_of(subject: str) -> str | None:
    """The last CN of a subject such as `CN=shop.example.com, O=Shop`, case kept; None where it states none."""
    found = None
    for part in _PARTS.findall(subject):
        key, equals, value = part.partition("=")
        if equals and key.strip().upper() == "CN" and value.strip():
            found = _ESCAPE.sub(r"\1", value.strip()).strip('"')
    return found


def is_dns_name(text: str) -> bool:
    """Whether the text can stand as a DNS name in a certificate; a wildcard only as the whole first label."""
    return len(text) <= 253 and "." in text and _NAME.fullmatch(text) is not None


def covers(pattern: str, name: str) -> bool:
    """Whether a SAN covers a name: case aside, a wildcard for exactly one label."""
    left, right = pattern.lower(), name.lower()
    if left == right:
        return True
    return left.startswith("*.") and "." in right and right.split(".", 1)[1] == left[2:]
