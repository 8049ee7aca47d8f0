"""Is this bearer token ours, and what does it say? Signed like a JWT, with a key that only this simulator has.

Clients must treat an access token as opaque, but some decode it (az reads `tid` and `oid`), so the three-part form and
the claim names are the real ones. Leaves out: who may have a token.

Source: RFC 7519 for the form; claim names of "Access token claims reference", Microsoft identity platform.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
from typing import Any


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign_token(claims: dict[str, Any], key: bytes) -> str:
    """The compact form of `claims`."""
    head = _encode(json.dumps({"typ": "JWT", "alg": "HS256", "kid": "sim"}).encode())
    body = _encode(json.dumps(claims, separators=(",", ":")).encode())
    mac = hmac.new(key, f"{head}.{body}".encode("ascii"), hashlib.sha256).digest()
    return f"{head}.{body}.{_encode(mac)}"


@functools.lru_cache(maxsize=256)
def read_token(token: str, key: bytes) -> dict[str, Any] | None:
    """The claims, or None for a token that was not signed by us. Expiry is the caller's question.

    Remembered for the newest tokens: a client sends one with each of its requests. Nobody may change what is returned.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    mac = hmac.new(key, f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    try:
        if not hmac.compare_digest(mac, _decode(parts[2])):
            return None
        claims = json.loads(_decode(parts[1]))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None
