"""What is known of one X.509 certificate, and which names may it state? Facts only: `sfcert.pki`
reads them from bytes."""

from __future__ import annotations

from datetime import datetime

from sfcert.model.base import Value

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


class Certificate(Value):
    """One certificate. Instants are aware UTC; thumbprints and key ids are upper-case hex; `der` is the whole of it.

    `common_name` is the last CN of the subject as written (case kept), None where there is none.
    `dns_names` keeps order and case. `ekus` is None where the extension is absent (any usage).
    `key_id` and `authority_key_id` are None where the extension is absent.
    `public_key_sha256` is over SubjectPublicKeyInfo: two certificates of one key agree in it.
    """

    thumbprint: str
    common_name: str | None
    subject: str
    issuer: str
    issuer_common_name: str | None
    serial: str
    dns_names: tuple[str, ...]
    not_before_utc: datetime
    not_after_utc: datetime
    ekus: tuple[str, ...] | None
    key_usage: tuple[str, ...] | None
    key_type: str
    key_bits: int
    public_key_sha256: str
    key_id: str | None
    authority_key_id: str | None
    is_ca: bool
    is_self_signed: bool
    der: bytes


class AlternativeNames(Value):
    """Alternative names by kind, each as it is written, in its order; `ip_addresses` as Python writes them."""

    dns_names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    upns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
