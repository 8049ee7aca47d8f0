"""Which alternative names that were asked for did an authority grant, and which did it add? Floor 3.

Leaves out what that means: the gate refuses what is missing and only tells what was added, since authorities add names
by custom (`www.`, the common name) and a node looks for none of them.
Source: RFC 5280 sections 4.2.1.6 and 7 for when two names are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec

from sfcert.enrol.names import common_name_of
from sfcert.model.certificate import AlternativeNames
from sfcert.model.enrolment import EnrolmentPolicy

_WORDS = {
    "dns_names": "",
    "emails": "e-mail address ",
    "upns": "user principal name ",
    "uris": "URI ",
    "ip_addresses": "address ",
}


def asked_names(policy: EnrolmentPolicy) -> AlternativeNames:
    """Every alternative name that the policy asks for."""
    return AlternativeNames(dns_names=policy.dns_names, **msgspec.structs.asdict(policy.sans))


def in_words(names: AlternativeNames) -> tuple[str, ...]:
    """Each name as a sentence takes it: a DNS name alone, others with their kind."""
    return tuple(_beyond(names, AlternativeNames()))


def lacking_names(policy: EnrolmentPolicy, has: AlternativeNames) -> tuple[str, ...]:
    """What was asked for and is not there, in words."""
    return tuple(_beyond(asked_names(policy), has))


def added_names(policy: EnrolmentPolicy, has: AlternativeNames) -> tuple[str, ...]:
    """What is there and was not asked for, in words. The subject's own name belongs there."""
    own = common_name_of(policy.subject)
    return tuple(one for one in _beyond(has, asked_names(policy)) if own is None or one.lower() != own.lower())


def is_same(left: AlternativeNames, right: AlternativeNames) -> bool:
    """Whether both state the same names, whatever their order and spelling."""
    return not any((*_beyond(left, right), *_beyond(right, left)))


def _beyond(these: AlternativeNames, those: AlternativeNames) -> Iterator[str]:
    for kind, word in _WORDS.items():
        there = {_key(kind, one) for one in getattr(those, kind)}
        yield from (f"{word}{one}" for one in getattr(these, kind) if _key(kind, one) not in there)


def _key(kind: str, text: str) -> str:
    try:
        if kind == "uris":
            parts = urlsplit(text)
            return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl()
        if kind == "ip_addresses":
            return str(ip_address(text))
    except ValueError:  # no such name, as a vault may show it: the same as itself alone
        return text
    return text.lower()
