"""When does the CA want a certificate replaced? Renewal information, where the CA has it. Floor 5.

Source: RFC 9773, sections 4.1 (the id), 4.2 (the answer) and 4.3 (when to ask again). Leaves out choosing an instant
inside the window.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from cryptography import x509

from sfcert.acme.session import AcmeSession
from sfcert.acme.values import RenewalWindow

_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 60.0, 86400.0


def ari_id(leaf_der: bytes) -> str | None:
    """The certificate's id: key id of its issuer and serial, each base64url without padding, joined by a dot.

    Returns:
        None where the certificate does not name its issuer's key.
    """
    leaf = x509.load_der_x509_certificate(leaf_der)
    try:
        issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return None
    if issuer is None:
        return None
    # DER integers are signed: a serial whose first bit is set has a zero octet before it
    serial = leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1, "big")
    return f"{_encoded(issuer)}.{_encoded(serial)}"


def fetch_window(session: AcmeSession, certificate_id: str | None) -> RenewalWindow | None:
    """The CA's advice for this certificate, aware UTC; None where the CA has none to give.

    Advice whose window is empty or unreadable counts as none, as the RFC has it.

    Raises:
        RemoteError: the CA was asked and refused or did not answer. The caller goes on without advice.

    Effects: one unsigned GET.
    """
    base = session.directory.get("renewalInfo")
    if not isinstance(base, str) or certificate_id is None:
        return None
    answer = session.fetch(f"{base.rstrip('/')}/{certificate_id}", "renewalInfo")
    body = answer.json()
    window = body.get("suggestedWindow")
    if not isinstance(window, dict):
        return None
    opens, closes = _instant(window.get("start")), _instant(window.get("end"))
    if opens is None or closes is None or closes <= opens:
        return None
    explanation = body.get("explanationURL")
    again = answer.retry_after_s
    if again is not None:
        # shorter and longer waits count as these: who is asked once a day still hears of a revocation to come
        again = min(max(again, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
    return RenewalWindow(
        opens_utc=opens,
        closes_utc=closes,
        explanation_url=explanation if isinstance(explanation, str) and explanation.isprintable() else None,
        ask_again_utc=session.clock.now() + timedelta(seconds=again) if again is not None else None,
    )


def _instant(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
        return found.astimezone(UTC).replace(microsecond=0) if found.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
