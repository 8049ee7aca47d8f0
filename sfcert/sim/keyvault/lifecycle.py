"""How does a vault certificate live? Create, answer or merge, import, renew, delete, in virtual time.

    (none) --create--> inProgress --issuer or Self--> completed = a new version
                           |  \\--merge (Unknown)----> completed = a new version
                           |  \\--issuer refuses-----> failed
                           \\--cancel---------------> cancelled
    import makes a version at once. Every new version sets the timers of the lifetime actions anew.

Leaves out who may do it (see access) and what it looks like on the wire (see bodies).

Source: section 6.2 and 6.3 of the project's reference; Key Vault create-certificate-scenarios. Assumed: how long an
issuer takes; that a failed or blocked renewal is tried again a day later; that a renewal keeps the tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from sfcert.sim.authority.authorities import Authorities, Authority
from sfcert.sim.authority.keys import PrivateKey
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.keyvault import policy as policies
from sfcert.sim.keyvault.content import chain_order
from sfcert.sim.keyvault.failures import (
    VaultFailure,
    bad_parameter,
    deleted_but_recoverable,
    missing,
    pending_in_progress,
    pending_missing,
)
from sfcert.sim.keyvault.signing import request_for, sign_by, sign_self
from sfcert.sim.keyvault.state import CertificateObject, Pending, StoredVersion, VaultContent

NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
RETRY = timedelta(days=1)
# How long an operation is in progress, virtual seconds; a world changes them by the switch of the same name.
SWITCHES: dict[str, float] = {"vault_self_seconds": 0, "vault_issuer_seconds": 60}

NewVersion = Callable[[str, str, StoredVersion], None]


class Lifecycle:
    """The certificates of all vaults; each method is told whose content it works on."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.listeners: list[NewVersion] = []

    @property
    def _authorities(self) -> Authorities:
        return self._azure.service("authority", Authorities)

    def _new_id(self) -> str:
        return self._azure.new_guid().replace("-", "")

    # -- finding ------------------------------------------------------------------------------------------------------

    def require(self, content: VaultContent, name: str) -> CertificateObject:
        found = content.certificate(name)
        if found is None or (not found.versions and found.pending is None):
            raise missing("Certificate", name)
        return found

    def version(self, content: VaultContent, name: str, version: str | None) -> StoredVersion:
        """The version asked for; without one the newest, disabled or not."""
        found = self.require(content, name)
        if not version:
            if found.latest is None:
                raise missing("Certificate", name)
            return found.latest
        for one in found.versions:
            if one.version == version:
                return one
        raise missing("Certificate", f"{name}/{version}")

    # -- asking for a certificate -------------------------------------------------------------------------------------

    def create(
        self, content: VaultContent, name: str, given: dict[str, Any] | None, enabled: bool, tags: Any
    ) -> CertificateObject:
        """Start an operation: a key and its request, then an issuer's answer or somebody's merge.

        Raises:
            VaultFailure: 400 for the policy, 409 while one is in progress or the name is deleted.
        """
        known = self._free_name(content, name)
        if given is None and known is None:
            raise bad_parameter("Property policy is required for a new certificate.")
        policy = policies.complete(given) if given is not None else known.policy if known else {}
        certificate = known or self._new_object(content, name, policy)
        if given is not None:
            certificate.policy, certificate.policy_updated = policy, self._azure.clock.now
        self._start(content, certificate, enabled=enabled, tags=dict(tags or {}), authority=None)
        return certificate

    def _free_name(self, content: VaultContent, name: str) -> CertificateObject | None:
        if not NAME.fullmatch(name):
            raise bad_parameter(f"The request URI contains an invalid name: {name}")
        known = content.certificates.get(name.lower())
        if known is None:
            if content.secret(name):
                raise VaultFailure(409, "Conflict", f"A secret with the name {name} already exists in this vault.")
            return None
        if known.deleted:
            raise deleted_but_recoverable("Certificate", name)
        self.settle(content, known)
        if known.pending and known.pending.status == "inProgress":
            raise pending_in_progress()
        return known

    def _new_object(self, content: VaultContent, name: str, policy: dict[str, Any]) -> CertificateObject:
        now = self._azure.clock.now
        certificate = content.certificates[name.lower()] = CertificateObject(name, policy, now, now)
        return certificate

    def _start(
        self,
        content: VaultContent,
        certificate: CertificateObject,
        *,
        enabled: bool,
        tags: dict[str, str],
        authority: Authority | None,
    ) -> Pending:
        policy, now = certificate.policy, self._azure.clock.now
        key_props = policy["key_props"]
        latest = certificate.latest
        if key_props.get("reuse_key") and latest is not None:
            key = latest.key
        else:
            key = self._authorities.keys.make(
                key_props["kty"], key_props.get("key_size", 2048), key_props.get("crv", "P-256")
            )
        pending = Pending(
            self._new_id(), key, request_for(policy, key), policy["issuer"]["name"], policy, enabled, tags, None
        )
        certificate.pending = pending
        if policies.is_unknown(policy) and authority is None:
            pending.status_details = "Pending certificate created. Please Perform Merge to complete the request."
            return pending
        pending.status_details = (
            "Pending certificate created. Certificate request is in progress. This may take some time based on the "
            "issuer provider. Please check again later."
        )
        switch = "vault_self_seconds" if policies.is_self(policy) else "vault_issuer_seconds"
        seconds = float(self._azure.switches.get(switch, SWITCHES[switch]))
        pending.due = now + timedelta(seconds=seconds)

        def answer() -> None:
            self._answer(content, certificate, pending, authority)

        pending.event = self._azure.clock.at(pending.due, answer, f"vault {content.vault} answers {certificate.name}")
        return pending

    def settle(self, content: VaultContent, certificate: CertificateObject) -> None:
        """Let an answer that is due already count, though time has not moved since (an issuer that needs no time)."""
        pending = certificate.pending
        if pending and pending.event and pending.due and pending.due <= self._azure.clock.now:
            event, pending.event = pending.event, None
            if not event.cancelled:
                event.action()
                event.cancel()

    def _answer(
        self,
        content: VaultContent,
        certificate: CertificateObject,
        pending: Pending,
        authority: Authority | None,
    ) -> None:
        if certificate.pending is not pending or pending.status != "inProgress" or certificate.deleted:
            return
        pending.event = None
        policy, now = pending.policy, self._azure.clock.now
        try:
            chain: tuple[x509.Certificate, ...] = ()
            if policies.is_self(policy) and authority is None:
                leaf = sign_self(policy, pending.key, now, self._authorities.serial())
            else:
                signer = authority or self._bound(content, pending.issuer)
                leaf, chain = sign_by(signer, policy, pending.key, now), signer.chain
        except VaultFailure as failure:
            pending.status = "failed"
            pending.error = {"code": failure.code, "message": failure.message}
            pending.status_details = failure.message
            self._note(f"{content.vault}: certificate {certificate.name}: request failed: {failure.message}")
            return
        self._complete(content, certificate, pending, leaf, chain)

    def _bound(self, content: VaultContent, issuer: str) -> Authority:
        if "vault-issuer-refuses" in self._azure.switches:
            raise VaultFailure(400, "Request rejected", f"Issuer {issuer} has rejected the request.")
        details = content.issuers.get(issuer.lower())
        if details is None:
            raise VaultFailure(400, "Certificate issuer error", f"Issuer {issuer} was not found in this key vault.")
        if details.get("attributes", {}).get("enabled") is False:
            raise VaultFailure(400, "Certificate issuer error", f"Issuer {issuer} is disabled.")
        name = content.bindings.get(issuer.lower())
        if name is None:
            raise VaultFailure(400, "Certificate issuer error", "The issuer refused the account's credentials.")
        return self._authorities.get(name)

    def _complete(
        self,
        content: VaultContent,
        certificate: CertificateObject,
        pending: Pending,
        leaf: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
    ) -> StoredVersion:
        pending.status, pending.status_details = "completed", ""
        return self.add_version(
            content,
            certificate,
            leaf=leaf,
            chain=chain,
            key=pending.key,
            enabled=pending.enabled,
            tags=pending.tags,
        )

    def add_version(
        self,
        content: VaultContent,
        certificate: CertificateObject,
        *,
        leaf: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
        key: PrivateKey,
        enabled: bool,
        tags: dict[str, str],
        provider_hint: Literal["CAPI", "CNG"] | None = None,
        created: datetime | None = None,
        content_type: str | None = None,
    ) -> StoredVersion:
        """Keep a new version as the latest one, tell the listeners, set the timers."""
        now = created or self._azure.clock.now
        version = StoredVersion(
            version=self._new_id(),
            leaf=leaf,
            chain=chain,
            key=key,
            created=now,
            updated=now,
            enabled=enabled,
            provider_hint=provider_hint or ("CAPI" if isinstance(key, rsa.RSAPrivateKey) else "CNG"),
            exportable=bool(certificate.policy["key_props"].get("exportable", True)),
            content_type=content_type or certificate.policy["secret_props"]["contentType"],
            tags=dict(tags),
        )
        certificate.versions.append(version)
        certificate.versions.sort(key=lambda one: one.created)
        self._note(
            f"{content.vault}: certificate {certificate.name}: new version {version.version} {version.thumbprint}"
        )
        self.set_timers(content, certificate)
        for listener in list(self.listeners):
            listener(content.vault, certificate.name, version)
        return version

    # -- the other ways to a version ----------------------------------------------------------------------------------

    def merge(
        self, content: VaultContent, name: str, x5c: Sequence[x509.Certificate], enabled: bool, tags: Any
    ) -> StoredVersion:
        """Finish a request by hand with what an authority has signed: leaf first.

        Raises:
            VaultFailure: 404 without a pending operation, 403 for one of an issuer, 400 for another key.
        """
        certificate, pending = self.require_pending(content, name)
        if pending.status != "inProgress" or pending.cancellation_requested:
            raise bad_parameter(f"Merge is not possible on a pending certificate of status {pending.status}.")
        if not policies.is_unknown(pending.policy):
            raise VaultFailure(
                403,
                "Forbidden",
                f"Merge is forbidden on pending object created with issuer : {pending.issuer}.",
            )
        if not x5c:
            raise bad_parameter("Property x5c has invalid value. X5C must have at least one element.")
        leaf = next((one for one in x5c if one.public_key() == pending.key.public_key()), None)
        if leaf is None:
            raise bad_parameter(
                "The public key of the end-entity certificate in the specified X.509 certificate content does not "
                "match the public part of the specified private key. Please check if certificate is valid."
            )
        pending.enabled = enabled
        pending.tags = dict(tags) if tags else pending.tags
        chain = chain_order(leaf, [one for one in x5c if one != leaf])
        return self._complete(content, certificate, pending, leaf, chain)

    def keep_import(
        self,
        content: VaultContent,
        name: str,
        *,
        key: PrivateKey,
        leaf: x509.Certificate,
        chain: tuple[x509.Certificate, ...],
        content_type: str,
        policy: dict[str, Any] | None,
        enabled: bool,
        tags: Any,
        provider_hint: Literal["CAPI", "CNG"] | None = None,
        created: datetime | None = None,
        captured: bool = False,
    ) -> StoredVersion:
        """Keep a certificate that was made elsewhere as a new version.

        `captured` says that the policy was read from a real vault, so its lifetime actions are taken as they are.

        Raises:
            VaultFailure: 409 while an operation is in progress or the name is deleted, 400 for the policy.
        """
        known = self._free_name(content, name)
        shown = policies.from_certificate(leaf, key, content_type)
        if policy is not None:
            merged = {**shown, **{member: value for member, value in policy.items() if value is not None}}
            for member in ("key_props", "x509_props", "secret_props"):
                inner = {k: v for k, v in (policy.get(member) or {}).items() if v is not None}
                merged[member] = {**shown[member], **inner}
            chosen = policies.complete(merged, captured=captured)
        elif known is not None:
            chosen = known.policy
        else:
            chosen = policies.complete(shown)
        certificate = known or self._new_object(content, name, chosen)
        certificate.policy = chosen
        if policy is not None:
            certificate.policy_updated = self._azure.clock.now
        return self.add_version(
            content,
            certificate,
            leaf=leaf,
            chain=chain,
            key=key,
            enabled=enabled,
            tags=dict(tags or {}),
            provider_hint=provider_hint,
            created=created,
            content_type=content_type,
        )

    # -- the pending operation ----------------------------------------------------------------------------------------

    def require_pending(self, content: VaultContent, name: str) -> tuple[CertificateObject, Pending]:
        certificate = content.certificate(name)
        if certificate is None or certificate.pending is None:
            raise pending_missing(name)
        self.settle(content, certificate)
        return certificate, certificate.pending

    def cancel(self, content: VaultContent, name: str) -> tuple[CertificateObject, Pending]:
        """Ask for the end of an operation. The answer still says inProgress; the next look says cancelled."""
        certificate, pending = self.require_pending(content, name)
        if pending.status != "inProgress" or pending.cancellation_requested:
            raise bad_parameter(
                f"Cancellation is only possible while the status is inProgress; it is {pending.status}."
            )
        pending.cancellation_requested = True
        if pending.event:
            pending.event.cancel()
        pending.due = self._azure.clock.now

        def end() -> None:
            pending.status, pending.status_details = "cancelled", ""

        pending.event = self._azure.clock.at(pending.due, end, f"vault {content.vault} cancels {name}")
        return certificate, pending

    def drop_pending(self, content: VaultContent, name: str) -> tuple[CertificateObject, Pending]:
        certificate, pending = self.require_pending(content, name)
        if pending.event:
            pending.event.cancel()
        certificate.pending = None
        if not certificate.versions:
            del content.certificates[certificate.name.lower()]
        return certificate, pending

    # -- renewal ------------------------------------------------------------------------------------------------------

    def set_timers(self, content: VaultContent, certificate: CertificateObject) -> None:
        """Have each lifetime action of the policy run when the newest version reaches it; one that is past runs at
        the next move of time."""
        for timer in certificate.timers:
            timer.cancel()
        certificate.timers = []
        latest = certificate.latest
        if latest is None or certificate.deleted:
            return
        for action in certificate.policy["lifetime_actions"]:
            when = policies.trigger_instant(action, latest.leaf)
            if when is not None:
                self._set_timer(content, certificate, action, when)

    def _set_timer(
        self, content: VaultContent, certificate: CertificateObject, action: dict[str, Any], when: datetime
    ) -> None:
        kind = action["action"]["action_type"]

        def fire() -> None:
            if kind == "EmailContacts":
                self._mail(content, certificate)
                return
            if policies.is_unknown(certificate.policy):
                self._note(f"{content.vault}: certificate {certificate.name}: nobody to renew it: issuer Unknown")
                return
            try:
                self.renew(content, certificate, None)
            except VaultFailure as failure:
                # a captured policy may ask for what cannot be made here
                self._note(f"{content.vault}: certificate {certificate.name}: not renewed: {failure.message}")
            # no new version may come of it: an operation is open, or the issuer refuses
            self._set_timer(content, certificate, action, self._azure.clock.now + RETRY)

        certificate.timers.append(
            self._azure.clock.at(when, fire, f"vault {content.vault}: {kind} of {certificate.name}")
        )

    def _mail(self, content: VaultContent, certificate: CertificateObject) -> None:
        latest = certificate.latest
        if latest is not None and latest.version not in certificate.mailed:
            certificate.mailed.add(latest.version)
            self._note(
                f"{content.vault}: certificate {certificate.name}: contacts are told that {latest.thumbprint} expires"
            )

    def renew(
        self, content: VaultContent, certificate: CertificateObject, authority: Authority | None
    ) -> Pending | None:
        """Start a renewal by the policy, or by `authority` in its stead. None when an operation is open already."""
        self.settle(content, certificate)
        if certificate.pending and certificate.pending.status == "inProgress":
            self._note(f"{content.vault}: certificate {certificate.name}: no renewal while an operation is in progress")
            return None
        latest = certificate.latest
        tags = latest.tags if latest else {}
        return self._start(content, certificate, enabled=True, tags=dict(tags), authority=authority)

    # -- changing ----------------------------------------------------------------------------------------

    def change_policy(self, content: VaultContent, certificate: CertificateObject, change: dict[str, Any]) -> None:
        certificate.policy = policies.patched(certificate.policy, change)
        certificate.policy_updated = self._azure.clock.now
        self.set_timers(content, certificate)

    def change_version(
        self, certificate: CertificateObject, version: StoredVersion, enabled: bool | None, tags: dict[str, str] | None
    ) -> StoredVersion:
        changed = replace(
            version,
            enabled=version.enabled if enabled is None else enabled,
            tags=version.tags if tags is None else dict(tags),
            updated=self._azure.clock.now,
        )
        certificate.versions[certificate.versions.index(version)] = changed
        return changed

    def _note(self, text: str) -> None:
        self._azure.journal.notes.append((self._azure.clock.now, text))
