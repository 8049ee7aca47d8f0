"""Is the vault's issuer object there, and if not, how is it made? Floor 5.

Source: Key Vault REST, set certificate issuer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sfcert.enrol.ports import EnrolmentVault
from sfcert.errors import InputError
from sfcert.workflows.enrolment.request import Request

Json = dict[str, Any]
#: Providers that a vault asks with an account and its key. Source: vendor's "Integrating Key Vault with certificate
#: authorities", read 2026-11-30.
_WITH_ACCOUNTS = frozenset({"digicert", "globalsign"})


def ensure_issuer(request: Request, vault: EnrolmentVault, tell: Callable[..., None]) -> None:
    """Create the issuer that the policy names where the vault has none; one that is there is left as it is.

    Raises:
        InputError: as `is_issuer_missing`.

    Effects: one read; one write the first time.
    """
    issuer = request.policy.issuer
    if not is_issuer_missing(request, vault):
        if request.issuer_password is not None:
            vault_name = urlsplit(request.vault_url).netloc.partition(".")[0]
            tell(
                "waiting",
                why=f"The vault's issuer {issuer.name} is there already; the password given is not used. To change it: "
                f"az keyvault certificate issuer update --vault-name {vault_name} --issuer-name {issuer.name} "
                "--password PASSWORD",
            )
        return
    body: Json = {"provider": issuer.provider, "attributes": {"enabled": True}}
    if issuer.account_id is not None:
        body["credentials"] = {"account_id": issuer.account_id}
        if request.issuer_password is not None:
            body["credentials"]["pwd"] = request.issuer_password
    if issuer.organization_id is not None:
        body["org_details"] = {"id": issuer.organization_id}
    vault.put_issuer(request.vault_url, issuer.name, body)
    tell("issuer-created", issuer=issuer.name, provider=issuer.provider)
    if str(issuer.provider).lower() in _WITH_ACCOUNTS and request.issuer_password is None:
        tell("waiting", why=f"{issuer.provider} signs for accounts alone, and no password of one was given.")


def is_issuer_missing(request: Request, vault: EnrolmentVault) -> bool:
    """Whether the issuer that the policy names has to be created first.

    Raises:
        InputError: PolicyInvalid where it is not there and the policy names no provider, or where it is there for
            another provider or account than the policy names.

    Effects: one read.
    """
    issuer = request.policy.issuer
    found = vault.fetch_issuer(request.vault_url, issuer.name)
    if found is None and issuer.provider is None:
        raise InputError(
            "PolicyInvalid",
            f"{request.vault_url} has no issuer {issuer.name!r}. Name its `provider` (and the account, where the "
            "provider needs one) in the policy, and it is created; or correct the name.",
        )
    if found is None:
        return True
    has = {
        "provider": found.get("provider"),
        "account_id": (found.get("credentials") or {}).get("account_id"),
        "organization_id": (found.get("org_details") or {}).get("id"),
    }
    wanted = {key: value for key in has if (value := getattr(issuer, key)) is not None}
    differ = [f"{key} {has[key]!r} there, {wanted[key]!r} in the policy" for key in wanted if has[key] != wanted[key]]
    if differ:
        raise InputError(
            "PolicyInvalid",
            f"{request.vault_url} has an issuer {issuer.name} already, and it is another one: {'; '.join(differ)}. "
            "Take these out of the policy to use it as it is, or name another issuer.",
        )
    return False
