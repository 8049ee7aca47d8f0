"""Which alternative names does a certificate or a signing request state? Each kind that a vault can ask for. Floor 1.

Leaves out other kinds (directory names, registered ids) and when two names are the same.
Source: RFC 5280 section 4.2.1.6; a user principal name is an other name of Microsoft's, UTF8String under its own id.
"""

from __future__ import annotations

from cryptography import x509

from sfcert.model.certificate import AlternativeNames

_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_UTF8_STRING = 0x0C


def alternative_names(der: bytes) -> AlternativeNames:
    """The names of one certificate, DER; empty where it has no such extension. Raises ValueError where it is none."""
    return names_in(x509.load_der_x509_certificate(der).extensions)


def names_in(extensions: x509.Extensions) -> AlternativeNames:
    """The names that a certificate's or a request's extensions state."""
    try:
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return AlternativeNames()
    others = found.get_values_for_type(x509.OtherName)
    return AlternativeNames(
        dns_names=tuple(found.get_values_for_type(x509.DNSName)),
        emails=tuple(found.get_values_for_type(x509.RFC822Name)),
        upns=tuple(text for one in others if one.type_id == _UPN and (text := _utf8(one.value)) is not None),
        uris=tuple(found.get_values_for_type(x509.UniformResourceIdentifier)),
        ip_addresses=tuple(str(one) for one in found.get_values_for_type(x509.IPAddress)),
    )


def _utf8(der: bytes) -> str | None:
    """The text of one UTF8String; None where it is something else."""
    if len(der) < 2 or der[0] != _UTF8_STRING:
        return None
    # X.690 section 8.1.3: from 128 on, the first octet counts those of the length
    start = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
    try:
        return der[start:].decode("utf-8")
    except UnicodeDecodeError:
        return None
