"""What happens to a deleted certificate? It keeps its name for its retention, may come back, and goes for good.

Source: Key Vault soft-delete overview; a certificate takes its key and its secret with it.
"""

from __future__ import annotations

from datetime import timedelta

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.keyvault.failures import missing
from sfcert.sim.keyvault.lifecycle import Lifecycle
from sfcert.sim.keyvault.state import CertificateObject, Deleted, VaultContent


class Deletions:
    """Deleting, recovering and purging, in virtual time."""

    def __init__(self, azure: Azure, lifecycle: Lifecycle) -> None:
        self._azure = azure
        self._lifecycle = lifecycle

    def delete(self, content: VaultContent, name: str, retention_days: int) -> CertificateObject:
        """Move a certificate with its key and secret to the deleted ones, until its retention is over."""
        certificate, now = self._lifecycle.require(content, name), self._azure.clock.now
        if certificate.pending and certificate.pending.event:
            certificate.pending.event.cancel()
        certificate.pending = None
        for timer in certificate.timers:
            timer.cancel()
        purge_at = now + timedelta(days=retention_days)
        event = self._azure.clock.at(
            purge_at, lambda: self.purge(content, name), f"vault {content.vault} purges {name}"
        )
        certificate.deleted = Deleted(now, purge_at, event)
        return certificate

    def require_deleted(self, content: VaultContent, name: str) -> CertificateObject:
        certificate = content.certificates.get(name.lower())
        if certificate is None or certificate.deleted is None:
            raise missing("Certificate", name)
        return certificate

    def recover(self, content: VaultContent, name: str) -> CertificateObject:
        certificate = self.require_deleted(content, name)
        if certificate.deleted:
            certificate.deleted.event.cancel()
        certificate.deleted = None
        self._lifecycle.set_timers(content, certificate)
        return certificate

    def purge(self, content: VaultContent, name: str) -> None:
        certificate = self.require_deleted(content, name)
        if certificate.deleted:
            certificate.deleted.event.cancel()
        del content.certificates[name.lower()]

    def forget(self, content: VaultContent) -> None:
        """Stop every timer of a vault that is gone for good."""
        for certificate in content.certificates.values():
            for timer in certificate.timers:
                timer.cancel()
            if certificate.pending and certificate.pending.event:
                certificate.pending.event.cancel()
            if certificate.deleted:
                certificate.deleted.event.cancel()
