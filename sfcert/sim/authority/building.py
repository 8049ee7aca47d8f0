"""How is one X.509 certificate of the simulated world put together? Names, extensions, signature.

Knows no authority and no vault; what is wanted comes in, a signed certificate goes out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from sfcert.sim.authority.keys import PrivateKey

SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


# How Windows, and so Key Vault, abbreviates what RFC 4514 does not name or names otherwise.
_WINDOWS_NAMES = {
    "E": NameOID.EMAIL_ADDRESS,
    "S": NameOID.STATE_OR_PROVINCE_NAME,
    "T": NameOID.TITLE,
    "G": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
}


def name_of(subject: str) -> x509.Name:
    """The name for a plain common name, or for a text such as `CN=a.example, O=Example`.

    Raises:
        ValueError: the text has an equals sign but is no distinguished name.
    """
    if "=" not in subject:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]) if subject else x509.Name([])
    # Vaults are given names with a space behind the comma and in reading order; RFC 4514 writes them last part first.
    parts = [_unquoted(part.strip()) for part in _split_name(subject)]
    parsed = x509.Name.from_rfc4514_string(",".join(reversed(parts)), attr_name_overrides=_WINDOWS_NAMES)
    return x509.Name(list(parsed.rdns))


def _unquoted(part: str) -> str:
    """`O="a, b"` as RFC 4514 writes it: `O=a\\, b`."""
    kind, _, value = part.partition("=")
    kind = kind.upper()  # Windows reads the keys in any case
    if len(value) < 2 or not (value.startswith('"') and value.endswith('"')):
        return f"{kind.strip()}={value.strip()}"
    escaped = "".join(f"\\{character}" if character in ',+"\\<>;' else character for character in value[1:-1])
    return f"{kind.strip()}={escaped}"


def _split_name(text: str) -> list[str]:
    parts, start, quoted = [], 0, False
    for at, character in enumerate(text):
        if character == '"' and text[at - 1 : at] != "\\":
            quoted = not quoted
        elif character == "," and not quoted and text[at - 1 : at] != "\\":
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return parts


def general_names(names: Iterable[str]) -> list[x509.GeneralName]:
    """Each text as the kind of name that it looks like: an address, a mailbox, a URI, or else a DNS name."""
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            if "://" in name:
                found.append(x509.UniformResourceIdentifier(name))
            elif "@" in name:
                found.append(x509.RFC822Name(name))
            else:
                found.append(x509.DNSName(name))
    return found


def utf8_string(text: str) -> bytes:
    """DER of a UTF8String (X.690, sections 8.1.3 and 8.23)."""
    body = text.encode("utf-8")
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([0x0C]) + (size if len(body) < 0x80 else bytes([0x80 | len(size)]) + size) + body


def certificate(
    *,
    subject: x509.Name,
    public_key: CertificatePublicKeyTypes,
    serial: int,
    not_before: datetime,
    not_after: datetime,
    signer: PrivateKey,
    issuer: x509.Certificate | None,
    ca: bool = False,
    path_length: int | None = None,
    sans: Sequence[x509.GeneralName] = (),
    ekus: Sequence[str] = (),
    key_usage: Sequence[str] = ("digitalSignature", "keyEncipherment"),
    aia_url: str | None = None,
) -> x509.Certificate:
    """Sign one certificate; `issuer=None` makes it self-signed.

    Args:
        not_before, not_after: aware UTC; fractions of a second are cut, as X.509 has none.
        ekus: dotted object ids; empty means no such extension.
        key_usage: Key Vault's names (`digitalSignature`, `keyEncipherment`, …); an authority's own are set by `ca`.
        aia_url: where the issuer's certificate can be had (`caIssuers`).

    Source: RFC 5280 sections 4.1 and 4.2; key identifiers by its method (1).
    """
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(not_before.replace(microsecond=0))
        .not_valid_after(not_after.replace(microsecond=0))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )
    if issuer is None:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    else:
        above = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), False)
    builder = builder.add_extension(usage(("keyCertSign", "cRLSign") if ca else key_usage), critical=True)
    if ekus:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(oid) for oid in ekus]), False)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    if aia_url is not None:
        access = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(aia_url)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def usage(names: Sequence[str]) -> x509.KeyUsage:
    """The key usage extension for names as Key Vault writes them (RFC 5280, 4.2.1.3)."""
    has = set(names)
    agrees = "keyAgreement" in has
    return x509.KeyUsage(
        digital_signature="digitalSignature" in has,
        content_commitment="nonRepudiation" in has,
        key_encipherment="keyEncipherment" in has,
        data_encipherment="dataEncipherment" in has,
        key_agreement=agrees,
        key_cert_sign="keyCertSign" in has,
        crl_sign="cRLSign" in has,
        encipher_only=agrees and "encipherOnly" in has,
        decipher_only=agrees and "decipherOnly" in has,
    )
