"""Which name does a subject state, and is it one of the DNS? Text only. Floor 3.

Source: RFC 4514 for escapes; RFC 1035 and RFC 6125 for names and the one wildcard label.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")
_PARTS = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,\\]|\\.)+')
_ADDRESS = re.compile(r"[0-9.]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_LONGEST_NAME = 64
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
    """Whether the text can stand as a DNS name in a certificate; a wildcard only as the whole first label, and no
    address."""
    if _ADDRESS.fullmatch(text):
        return False  # an address has its own kind of name
    return len(text) <= 253 and "." in text and _NAME.fullmatch(text) is not None


def dns_name_fault(text: str) -> str | None:
    """Why the text is no DNS name of a certificate, and what to write instead; None where it is one."""
    if is_dns_name(text):
        return None
    if _ADDRESS.fullmatch(text) or _is_address_6(text):
        return f"{text!r} is an address; ask for it as one of sans.ip_addresses"
    if not text.isascii():
        return f"{text!r} is no DNS name; write it in its xn-- form"
    if "." not in text:
        return f"{text!r} is no DNS name: at least one dot is needed"
    return f"{text!r} is no DNS name"


def _is_address_6(text: str) -> bool:
    return text.count(":") >= 2 and re.fullmatch(r"[0-9A-Fa-f:.]+", text) is not None


def address_fault(text: str) -> str | None:
    """Why the text is no mailbox or user principal name, NAME@DOMAIN; None where it is one."""
    local, _, domain = text.rpartition("@")
    if local and domain and "@" not in local and not re.search(r"\s", text):
        return None
    return f"{text!r} is not of the form NAME@DOMAIN"


def ip_address_fault(text: str) -> str | None:
    """Why the text is no address of a certificate, of either version; None where it is one."""
    try:
        found = ip_address(text)
    except ValueError:
        return f"{text!r} is no IP address"
    return f"{text!r} names a zone, which no certificate holds" if "%" in str(found) else None


def uri_fault(text: str) -> str | None:
    """Why the text is no URI of a certificate; None where it is one.

    Source: RFC 5280 section 4.2.1.6: absolute, in ASCII, with a scheme and what is particular to it.
    """
    return None if _URI.fullmatch(text) else f"{text!r} is no absolute URI in ASCII, such as spiffe://example.com/shop"


def subject_fault(subject: str) -> str | None:
    """Why a vault or an authority would not take this subject; None where nothing speaks against it.

    Source: RFC 5280 appendix A.1 for the 64 characters of a common name.
    """
    parts = _PARTS.findall(subject)
    if not subject.isprintable():
        return f"{subject!r} holds a character that cannot be printed"
    if subject.strip() and len([one for one in parts if one.strip()]) <= _PARTS.sub("", subject).count(","):
        return f"{subject!r} has an empty part"
    if any("=" not in part or not part.partition("=")[2].strip() for part in parts):
        return f"{subject!r}: each part needs KEY=VALUE, parted by commas"
    if len([one for one in parts if one.partition("=")[0].strip().upper() == "CN"]) > 1:
        return f"{subject!r} states several CNs; Service Fabric finds certificates by one, so keep that"
    name = common_name_of(subject)
    if name is None:
        return f"{subject!r} states no CN; Service Fabric finds certificates by that name"
    if len(name) > _LONGEST_NAME:
        return f"its CN has {len(name)} characters, and a certificate holds at most {_LONGEST_NAME}"
    return None


def covers(pattern: str, name: str) -> bool:
    """Whether a SAN covers a name: case aside, a wildcard for exactly one label."""
    left, right = pattern.lower(), name.lower()
    if left == right:
        return True
    return left.startswith("*.") and "." in right and right.split(".", 1)[1] == left[2:]
