"""Who is the account at the CA? Its key, which signs every request. Floor 5.

The key lives in memory and in the vault, nowhere else; its repr shows the public thumbprint. Leaves out: where it is
kept (the vault's adapter).
"""

from __future__ import annotations

import json
import re
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.b64 import b64encode
from josepy.errors import Error as JoseError
from josepy.jwa import ES256, ES384, RS256
from josepy.jwk import JWK, JWKEC, JWKRSA

from sfcert.errors import InputError

CONTENT_TYPE = "application/jwk+json"
_ALGORITHMS = {"P-256": ES256, "P-384": ES384}


class AccountKey:
    """The private key of one ACME account."""

    def __init__(self, jwk: JWK) -> None:
        self._jwk = jwk
        shown = jwk.public_key().to_partial_json()
        self._algorithm = _ALGORITHMS.get(str(shown.get("crv", "")), RS256)

    def __repr__(self) -> str:
        return f"AccountKey(thumbprint={self.thumbprint!r}, private part not shown)"

    @classmethod
    def generate(cls) -> AccountKey:
        """A fresh key on the curve P-256, which every CA takes."""
        return cls(JWKEC(key=ec.generate_private_key(ec.SECP256R1())))

    @classmethod
    def from_jwk(cls, text: str | bytes) -> AccountKey:
        """The key that `to_jwk` wrote, or another client's private JWK (EC P-256 or P-384, RSA).

        Raises:
            InputError: it is no such key. The message never shows it.
        """
        try:
            jwk = JWK.from_json(json.loads(text))
            shown = jwk.to_partial_json()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UnsupportedAlgorithm, JoseError):
            # no cause: it could carry parts of the key
            raise InputError("AcmeOptionsInvalid", _UNREADABLE) from None
        is_known = isinstance(jwk, JWKRSA) or (isinstance(jwk, JWKEC) and shown.get("crv") in _ALGORITHMS)
        if not isinstance(jwk, JWKEC | JWKRSA) or not is_known or "d" not in shown:
            raise InputError("AcmeOptionsInvalid", _UNREADABLE)
        return cls(jwk)

    def to_jwk(self) -> str:
        """The private key as JSON, for the vault alone. A secret."""
        found: dict[str, Any] = self._jwk.to_json()
        return json.dumps(found, sort_keys=True)

    @property
    def thumbprint(self) -> str:
        """RFC 7638, base64url without padding. Public."""
        return str(b64encode(self._jwk.thumbprint()).decode("ascii"))

    def key_authorization(self, token: str) -> str:
        """What proves that this account answers this challenge. Source: RFC 8555, section 8.1."""
        return f"{token}.{self.thumbprint}"

    def sign(self, payload: bytes, *, nonce: str, url: str, account_url: str | None) -> bytes:
        """A signed request: by the account's URL, or by the public key itself where there is none yet.

        The nonce goes back by the letter: one that is no base64url to the last bit would come out of a decoder as
        another. Source: RFC 7515, section 7.2.2 (the flattened form); RFC 8555, section 6.2.
        """
        header: dict[str, Any] = {"alg": self._algorithm.name, "nonce": nonce, "url": url}
        header |= {"jwk": self._jwk.public_key().to_json()} if account_url is None else {"kid": account_url}
        protected, body = (b64encode(one).decode("ascii") for one in (json.dumps(header).encode("ascii"), payload))
        signature = self._algorithm.sign(self._jwk.key, f"{protected}.{body}".encode("ascii"))
        signed = {"protected": protected, "payload": body, "signature": b64encode(signature).decode("ascii")}
        return json.dumps(signed).encode("ascii")

    def bind_external(self, *, kid: str, mac_key: str, algorithm: str, new_account_url: str) -> dict[str, Any]:
        """The external account binding: this key, signed with what the CA gave out (base64url).

        Source: RFC 8555, section 7.3.4.

        Raises:
            InputError: the MAC key is not base64url, or the algorithm is unknown.
        """
        if not _MAC.fullmatch(mac_key):
            raise InputError("AcmeOptionsInvalid", _MAC_UNREADABLE.format(kid=kid))
        # an order without such a binding does without the import, which takes as long as the rest of this package
        from acme import messages

        try:
            directory = messages.Directory({"newAccount": new_account_url})
            public = self._jwk.public_key()
            return messages.ExternalAccountBinding.from_data(public, kid, mac_key.rstrip("="), directory, algorithm)
        except (ValueError, TypeError, JoseError):
            raise InputError("AcmeOptionsInvalid", _MAC_UNREADABLE.format(kid=kid)) from None


#: Decoding alone would pass over letters that do not belong, and the CA would say no more than that the MAC is wrong.
_MAC = re.compile(r"[A-Za-z0-9_-]{16,}=*")
_MAC_UNREADABLE = (
    "The external account binding for key id {kid} cannot be made: the MAC key must be base64url as the CA gave it "
    "out, and the algorithm one of HS256, HS384, HS512."
)
_UNREADABLE = (
    "The ACME account's key is not a private JWK (EC P-256, EC P-384 or RSA). "
    "Give the JSON that the client which made the account has kept, or let a new account be made."
)
