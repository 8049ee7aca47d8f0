"""What does a name point at? Resource ids, thumbprints and vault URLs, read once at the border.

Leaves out: whether the thing exists.
"""

from __future__ import annotations

import base64
import binascii
import re

from sfcert.model.base import Value

_HEX40 = re.compile(r"[0-9A-F]{40}")
_NOISE = re.compile(r"[\s:\u200e\u200f\u202a-\u202e\ufeff]+")
_VAULT_URL = re.compile(
    r"https://(?P<host>[A-Za-z0-9.-]+?)(?::443)?/(?P<kind>secrets|certificates|keys)/(?P<name>[0-9A-Za-z-]+)"
    r"(?:/(?P<version>[0-9A-Za-z]+))?/?",
    re.IGNORECASE,
)


def normal_thumbprint(text: str) -> str:
    """A SHA-1 thumbprint as sfcert writes it: 40 upper-case hex digits.

    White space, colons and the invisible marks that certmgr copies along are dropped.

    Raises:
        ValueError: what is left is not 40 hex digits.
    """
    tidy = _NOISE.sub("", text).upper()
    if not _HEX40.fullmatch(tidy):
        raise ValueError(f"not a SHA-1 thumbprint: {text!r}")
    return tidy


def thumbprint_of_x5t(x5t: str) -> str:
    """The vault's base64url SHA-1 as upper-case hex. Raises ValueError where it is neither that nor hex already."""
    if _HEX40.fullmatch(x5t.upper()):
        return x5t.upper()
    try:
        raw = base64.urlsafe_b64decode(x5t + "=" * (-len(x5t) % 4))
    except binascii.Error as error:
        raise ValueError(f"not an x5t: {x5t!r}") from error
    if len(raw) != 20:
        raise ValueError(f"not an x5t: {x5t!r}")
    return raw.hex().upper()


def x5t_of_thumbprint(thumbprint: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(thumbprint)).rstrip(b"=").decode()


def same_id(left: str, right: str) -> bool:
    """Whether two resource ids name one resource: case and a trailing slash do not count."""
    return left.rstrip("/").lower() == right.rstrip("/").lower()


class ResourceName(Value):
    """A resource id in parts; `group` and `subscription` are '' where the id has none."""

    subscription: str
    group: str
    type: str
    name: str
    scope: str

    @property
    def group_scope(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"


def parse_resource_id(resource_id: str) -> ResourceName:
    """Read an ARM id; the last `/providers/` decides the type, `scope` is all before it.

    Raises:
        ValueError: the text is not `…/providers/Namespace/type/name[/type/name…]`.
    """
    text = resource_id.rstrip("/")
    at = text.lower().rfind("/providers/")
    tail = text[at + len("/providers/") :].split("/") if at >= 0 else []
    if len(tail) < 3 or len(tail) % 2 == 0:
        raise ValueError(f"not a resource id: {resource_id!r}")
    parts = text[:at].split("/")
    lowered = [part.lower() for part in parts]

    def after(word: str) -> str:
        at_word = lowered.index(word) if word in lowered else -1
        return parts[at_word + 1] if 0 <= at_word < len(parts) - 1 else ""

    return ResourceName(
        subscription=after("subscriptions"),
        group=after("resourcegroups"),
        type="/".join([tail[0], *tail[1::2]]),
        name=tail[-1],
        scope=text[:at],
    )


class VaultReference(Value):
    """What a vault URL names. `vault_url`: no trailing slash, lower-case host; `version` is None if versionless."""

    vault_url: str
    kind: str
    name: str
    version: str | None

    @property
    def certificate_url(self) -> str:
        """`<vault>/certificates/<name>`, the address under which findings and stages name the certificate."""
        return f"{self.vault_url}/certificates/{self.name}"


def parse_vault_url(url: str) -> VaultReference | None:
    """Read `https://<vault>/secrets|certificates|keys/<name>[/<version>]`; None where the text is anything else."""
    match = _VAULT_URL.fullmatch(url.strip())
    if match is None:
        return None
    return VaultReference(
        vault_url=f"https://{match['host'].lower()}",
        kind=match["kind"].lower(),
        name=match["name"],
        version=match["version"],
    )
