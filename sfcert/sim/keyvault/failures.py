"""How does a vault say no? The data plane's envelope with its inner code.

On the wire the outer code is coarse (`Forbidden`) and the inner one names the reason; in process `code` is the inner
one, so that neighbours can tell refusals apart.

Source: Key Vault REST error codes (learn.microsoft.com/azure/key-vault/general/rest-error-codes), client threads in
Azure/azure-sdk-for-js#24756 and Azure/azure-powershell#14740 for disabled secrets.
"""

from __future__ import annotations

from typing import Any

from sfcert.sim.kernel.failure import AzureFailure


class VaultFailure(AzureFailure):
    """A refusal of the data plane. `code` is the reason; `outer` is what the envelope's own code says."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        outer: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, headers=headers)
        self.outer = outer

    def error(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": self.outer or self.code, "message": self.message}
        if self.outer is not None:
            body["innererror"] = {"code": self.code}
        return body


def forbidden(reason: str, message: str) -> VaultFailure:
    return VaultFailure(403, reason, message, outer="Forbidden")


def bad_parameter(message: str) -> VaultFailure:
    return VaultFailure(400, "BadParameter", message)


def missing(kind: str, name: str) -> VaultFailure:
    """`kind` is Secret, Certificate or Key."""
    article = "A certificate" if kind == "Certificate" else f"A {kind.lower()}"
    return VaultFailure(
        404,
        f"{kind}NotFound",
        f"{article} with (name/id) {name} was not found in this key vault. If you recently deleted this "
        f"{kind.lower()} you may be able to recover it using the correct recovery command. For help resolving this "
        "issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def pending_missing(name: str) -> VaultFailure:
    return VaultFailure(404, "PendingCertificateNotFound", f"Pending certificate not found: {name}")


def pending_in_progress() -> VaultFailure:
    return VaultFailure(
        409,
        "Forbidden",
        "A new key vault certificate can not be created or imported while a pending key vault certificate's status "
        "is inProgress.",
    )


def deleted_but_recoverable(kind: str, name: str) -> VaultFailure:
    return VaultFailure(
        409,
        "ObjectIsDeletedButRecoverable",
        f"{kind} {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this "
        "state, the object can only be recovered or purged.",
        outer="Conflict",
    )
