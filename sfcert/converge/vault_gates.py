"""Do the vault, the certificate in it and the identity stand as the stage needs them? Floor 3."""

from __future__ import annotations

from typing import Any

from sfcert import dated
from sfcert.converge.look import Look, instant
from sfcert.model.ids import normal_thumbprint, same_id
from sfcert.model.observation import Observation, Vault
from sfcert.model.progress import GateVerdict

_RUNNING = "inprogress"
#: The tag by which a version is known that has passed the gate of a plan's enrolment.
ENROLLED_TAG = "sfcert-enrolled-for"


def renewal_frozen(look: Look) -> GateVerdict:
    found = look.certificate()
    if isinstance(found, GateVerdict):
        return found
    if not found.has_policy:
        return look.unknown("NotRead", f"The policy of {found.url} could not be read.")
    if (found.pending_status or "").lower().replace("_", "") == _RUNNING:
        return look.open("OperationPending", f"{found.url} has a pending operation that may bring a new version.", 60.0)
    if found.renews_itself:
        return look.failed("RenewsItself", f"The policy of {found.url} still says AutoRenew.")
    return look.passed(f"{found.url} does not renew itself and no operation is pending.")


def renewal_as(look: Look) -> GateVerdict:
    found = look.certificate()
    if isinstance(found, GateVerdict):
        return found
    policy = _policy(look.observation, found.vault_url, found.name)
    if policy is None:
        return look.unknown("NotRead", f"The policy of {found.url} could not be read.")
    have, want = policy.get("lifetime_actions") or [], look.gate.expects.get("lifetime_actions") or []
    if have == want:
        return look.passed(f"{found.url} renews as it did before.")
    return look.open("PolicyDiffers", f"The lifetime actions of {found.url} are {have}, not {want}.")


def _policy(observation: Observation, vault_url: str, name: str) -> dict[str, Any] | None:
    for url, vault in observation.bundle.vaults.items():
        if url.rstrip("/").lower() == vault_url.lower():
            return next((one.policy for key, one in vault.certificates.items() if key.lower() == name.lower()), None)
    return None


def newest_version_is(look: Look) -> GateVerdict:
    found = look.certificate()
    if isinstance(found, GateVerdict):
        return found
    wanted = normal_thumbprint(str(look.gate.expects["thumbprint"]))
    latest = found.latest
    if latest is None:
        return look.unknown("NotRead", f"No version of {found.url} could be read.")
    if latest.thumbprint != wanted:
        message = f"The newest version of {found.url} is {latest.thumbprint}; the plan was made for {wanted}."
        return look.failed("NewerVersion", message)
    if not latest.enabled:
        message = f"The newest version of {found.url} is disabled: a machine that asks for it now gets nothing."
        return look.failed("NewerVersion", message)
    return look.passed(f"The newest version of {found.url} is {wanted}.")


def certificate_enrolled(look: Look) -> GateVerdict:
    """The mark is written by whoever has put the version to the gate; a version without it counts as not looked at."""
    found = look.certificate()
    if isinstance(found, GateVerdict):
        reference = look.reference()
        where = f"vaults/{reference.vault_url}/certificates/{reference.name}" if reference else ""
        if (look.observation.why_unread(where) or "").startswith("404"):
            return look.open("NotThere", f"{look.gate.subject} has no version yet.")
        return found
    latest, expects = found.latest, look.gate.expects
    if latest is None or latest.thumbprint == expects.get("previous"):
        return look.open("NotThere", f"{found.url} has no new version yet.")
    if not latest.enabled:
        return look.failed("NewerVersion", f"The new version {latest.thumbprint} of {found.url} is disabled.")
    if latest.certificate is not None and latest.certificate.common_name != expects.get("common_name"):
        message = f"{latest.thumbprint} carries {latest.certificate.common_name}, not {expects.get('common_name')}."
        return look.failed("NewerVersion", message)
    if not expects.get("mark") or found.tags.get(ENROLLED_TAG) != expects["mark"]:
        message = f"{latest.thumbprint} of {found.url} is not marked as one that has passed this plan's gate."
        return look.open("NotSeen", message)
    return look.passed(f"{found.url} has the new version {latest.thumbprint}, which has passed the gate.")


def remaining_life_at_least(look: Look) -> GateVerdict:
    until = instant(look.gate.expects.get("until_utc"))
    wanted = normal_thumbprint(str(look.gate.expects["thumbprint"]))
    known = next((one for one in look.observation.known_certificates() if one.thumbprint == wanted), None)
    if known is None or until is None:
        return look.unknown("NotRead", f"The certificate {wanted} was not read, so its last day is not known.")
    if known.not_after_utc < until:
        message = f"{wanted} expires on {known.not_after_utc:%Y-%m-%d}, before {until:%Y-%m-%d}, when all may be done."
        return look.failed("LifeTooShort", message)
    return look.passed(f"{wanted} lives until {known.not_after_utc:%Y-%m-%d}.")


def identity_exists(look: Look) -> GateVerdict:
    found = look.observation.identity(look.gate.subject)
    if found is None:
        why = look.observation.why_unread(look.gate.subject)
        if why:
            return look.unknown("NotRead", f"The identity {look.gate.subject} could not be read: {why}.")
        return look.open("NotThere", f"The identity {look.gate.subject} does not exist yet.")
    if not found.principal_id or not found.client_id:
        return look.open("NotThere", f"The identity {found.name} has no principal yet.")
    return look.passed(f"The identity {found.name} exists.")


def access_granted(look: Look) -> GateVerdict:
    """Whether Azure *shows* the grant. That it has reached the vault cannot be seen: time-passed covers that."""
    vault = look.observation.vault(look.gate.subject) or look.observation.vault_by_id(look.gate.subject)
    if vault is None:
        return look.missing(look.gate.subject)
    principal = _principal(look)
    if principal is None:
        return look.unknown("NotRead", "The identity's principal is not known.")
    how = look.gate.expects.get("how") or ("role" if vault.uses_rbac else "policy")
    granted = _by_role(look.observation, vault, principal) if how == "role" else _by_policy(vault, principal)
    if granted is None or vault.uses_rbac is None:
        return look.unknown("NotRead", f"Who may read the secrets of {vault.url} could not be read.")
    if how == "policy" and vault.uses_rbac:
        return look.open("NotGranted", f"{vault.url} goes by roles; its access policies have no effect.")
    if how == "role" and not vault.uses_rbac:
        return look.open("NotGranted", f"{vault.url} goes by access policies; role assignments have no effect.")
    if not granted:
        return look.open("NotGranted", f"{principal} may not read the secrets of {vault.url} by {how} yet.")
    return look.passed(f"{principal} may read the secrets of {vault.url} by {how}.")


def _principal(look: Look) -> str | None:
    given = look.gate.expects.get("principal_id")
    if isinstance(given, str) and given:
        return given.lower()
    identity = look.observation.identity(str(look.gate.expects.get("identity_id") or ""))
    return identity.principal_id.lower() if identity and identity.principal_id else None


def _by_policy(vault: Vault, principal: str) -> bool | None:
    if vault.policies is None:
        return None
    return any(
        one.object_id.lower() == principal and {"get", "all"} & {word.lower() for word in one.secrets}
        for one in vault.policies
    )


def _by_role(observation: Observation, vault: Vault, principal: str) -> bool | None:
    if vault.id is None:
        return None
    roles = dated.roles_that_read_secrets()
    return any(
        one.principal_id.lower() == principal and one.role_id.lower() in roles and _covers(one.scope, vault.id)
        for one in observation.role_assignments
    )


def _covers(scope: str, resource_id: str) -> bool:
    return same_id(scope, resource_id) or resource_id.lower().startswith(scope.rstrip("/").lower() + "/")
