"""A certificate's policy in the vault."""

from __future__ import annotations

from typing import Any

from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from tests.make.names import COMMON_NAME, Json


def policy(*, action: str = "EmailContacts", issuer: str = "Unknown", **changes: Any) -> Json:
    """A certificate policy; keywords replace whole parts (`key_props`, `x509_props`, `lifetime_actions` …)."""
    return {
        "key_props": {"exportable": True, "kty": "RSA", "key_size": 2048, "reuse_key": False},
        "secret_props": {"contentType": "application/x-pkcs12"},
        "x509_props": {
            "subject": f"CN={COMMON_NAME}",
            "sans": {"dns_names": [COMMON_NAME]},
            "ekus": [SERVER_AUTH, CLIENT_AUTH],
            "key_usage": ["digitalSignature", "keyEncipherment"],
            "validity_months": 6,
        },
        "lifetime_actions": [{"trigger": {"lifetime_percentage": 75}, "action": {"action_type": action}}],
        "issuer": {"name": issuer},
        "attributes": {"enabled": True},
    } | changes
