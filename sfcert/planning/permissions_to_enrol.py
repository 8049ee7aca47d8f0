"""Which Azure actions does an enrolment need beside those of every plan? Floor 4.

Source: learn.microsoft.com azure/role-based-access-control/permissions/security (Microsoft.KeyVault data actions) and
permissions/networking (Microsoft.Network/dnsZones), azure/key-vault/certificates/certificate-access-control, read
2026-11-29.
"""

from __future__ import annotations

from sfcert.model.plan import EnrolOperation

_CERTIFICATES = "Microsoft.KeyVault/vaults/certificates"
_SECRETS = "Microsoft.KeyVault/vaults/secrets"
_ISSUERS = "Microsoft.KeyVault/vaults/certificatecas"
_ZONES = "Microsoft.Network/dnsZones"


def needed_to_enrol(operation: EnrolOperation) -> tuple[set[str], set[str], set[str]]:
    """(actions, data actions, scopes) of one enrolment. Effects: none."""
    actions: set[str] = set()
    scopes: set[str] = set()
    # a request that the gate refused is cancelled (update) and taken away (delete)
    data = {f"{_CERTIFICATES}/{one}" for one in ("read", "create/action", "update/action", "delete")}
    issuer = operation.policy.issuer
    if issuer.is_integrated:
        data |= {f"{_ISSUERS}/read"} | ({f"{_ISSUERS}/write"} if issuer.provider is not None else set())
    if issuer.acme is not None:
        # the account's key is a secret of the vault
        data |= {f"{_SECRETS}/getSecret/action", f"{_SECRETS}/setSecret/action"}
        for solver in issuer.acme.solvers:
            if solver.kind != "azure-dns":
                continue
            actions |= {f"{_ZONES}/read"} | {f"{_ZONES}/TXT/{one}" for one in ("read", "write", "delete")}
            subscription, group = solver.settings.get("subscription_id"), solver.settings.get("resource_group")
            # where no group is named, the zone is looked for in the whole subscription
            where = f"/resourceGroups/{group}" if group else ""
            if subscription:
                scopes.add(f"/subscriptions/{subscription}{where}")
    return actions, data, scopes


def policy_words(operation: EnrolOperation) -> str:
    """The same rights on the vault in the words of an access policy."""
    issuer = operation.policy.issuer
    words = ["get", "list", "update", "create", "delete"]
    if issuer.is_integrated:
        words += ["getissuers"] + (["setissuers"] if issuer.provider is not None else [])
    found = f"{', '.join(words[:-1])} and {words[-1]} on certificates"
    return f"{found}, get and set on secrets" if issuer.acme is not None else found
