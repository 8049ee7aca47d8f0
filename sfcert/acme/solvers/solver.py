"""What does an order ask of whoever answers its challenges? The protocol, and the two forms of an answer. Floor 5."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from datetime import datetime
from typing import Literal, Protocol

Kind = Literal["http-01", "dns-01"]


class Solver(Protocol):
    """Answers challenges of one kind. Safe to call from several threads; one object may serve many orders.

    The order calls `present` for all its names, then `settle` for each, tells the CA, and at the end `cleanup` for each
    name that was presented, whatever happened between.
    """

    @property
    def kind(self) -> Kind: ...

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Put the answer where the CA will look. `name` may begin with `*.`. A second call is harmless."""
        ...

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        """Return when the answer can be seen from outside, as far as that can be told.

        Args:
            until_utc: no wait goes beyond that instant; None: as long as the solver has patience.
        """
        ...

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        """Take the answer away. Harmless where it is not there: a run that was killed may have left it."""
        ...


def dns_validation(key_authorization: str) -> str:
    """The text of the TXT record: base64url of the SHA-256, without padding.

    Source: RFC 8555, section 8.4.
    """
    digest = hashlib.sha256(key_authorization.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def challenge_name(name: str) -> str:
    """Where the TXT record of this name belongs, without a trailing dot. A wildcard's is that of its parent."""
    return f"_acme-challenge.{name.removeprefix('*.').rstrip('.').lower()}"
