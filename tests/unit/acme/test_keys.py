"""The account's key: kept as a JWK, never shown."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy.jwk import JWKEC, JWKRSA

from sfcert.acme.keys import AccountKey
from sfcert.errors import InputError


def test_a_kept_key_is_the_same_account() -> None:
    key = AccountKey.generate()
    again = AccountKey.from_jwk(key.to_jwk())
    assert again.thumbprint == key.thumbprint
    assert again.key_authorization("token") == f"token.{key.thumbprint}"


def test_a_key_of_another_client_may_be_rsa() -> None:
    other = JWKRSA(key=rsa.generate_private_key(public_exponent=65537, key_size=2048))
    key = AccountKey.from_jwk(json.dumps(other.to_json()))
    signed = json.loads(key.sign(b"{}", nonce="AAAA", url="https://ca.test/x", account_url=None))
    assert json.loads(urlsafe_b64decode(signed["protected"] + "=="))["alg"] == "RS256"


def test_neither_repr_nor_error_shows_the_private_part() -> None:
    key = AccountKey.generate()
    private = json.loads(key.to_jwk())["d"]
    assert private not in repr(key)
    broken = key.to_jwk().replace('"P-256"', '"P-999"')
    with pytest.raises(InputError) as caught:
        AccountKey.from_jwk(broken)
    assert private not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "{}", '{"kty": "EC"}', '{"kty": "oct", "k": "AAAA"}', "null"],
)
def test_what_is_no_private_key_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a private JWK"):
        AccountKey.from_jwk(text)


def test_a_public_key_alone_is_refused() -> None:
    whole = json.loads(AccountKey.generate().to_jwk())
    del whole["d"]
    with pytest.raises(InputError, match="not a private JWK"):
        AccountKey.from_jwk(json.dumps(whole))


def test_a_request_carries_the_account_or_the_key_never_both() -> None:
    key = AccountKey.generate()
    for account, own, other in ((None, "jwk", "kid"), ("https://ca.test/acct/1", "kid", "jwk")):
        signed = json.loads(key.sign(b"{}", nonce="AAAA", url="https://ca.test/x", account_url=account))
        header = json.loads(urlsafe_b64decode(signed["protected"] + "=="))
        assert own in header
        assert other not in header
        assert header["nonce"] == "AAAA"
        assert "d" not in header.get("jwk", {})


def test_a_nonce_goes_back_by_the_letter() -> None:
    """Also one that no decoder gives back as it was, or that is none at all."""
    for nonce in ("AB", "A", "abcde", "_-_-_"):
        signed = json.loads(AccountKey.generate().sign(b"{}", nonce=nonce, url="https://ca.test/x", account_url=None))
        assert json.loads(urlsafe_b64decode(signed["protected"] + "=="))["nonce"] == nonce


def test_a_curve_that_cannot_sign_here_is_refused() -> None:
    other = JWKEC(key=ec.generate_private_key(ec.SECP521R1()))
    with pytest.raises(InputError, match="EC P-256, EC P-384 or RSA"):
        AccountKey.from_jwk(json.dumps(other.to_json()))
