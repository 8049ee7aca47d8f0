"""How is a certificate's policy changed? Read, compare, write, look again. Floor 5.

(a) policy and tags already as they are to be        nothing is written
(b) policy and tags as the plan expects them         write: what is added to tags first, what is removed last, so
                                                     that the original actions are on record while they are off
(c) half of both (a run was killed in between)       write the rest
(d) anything else                                    stale
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sfcert.errors import RefusedError, RemoteError
from sfcert.model.frozen import OWNER_TAG
from sfcert.model.plan import Stage, VaultOperation
from sfcert.workflows.run import Run

Json = dict[str, Any]
#: How long after each other one looks for a write whose answer was lost: what a service shows may lag behind.
LOST_LOOKS_S = (5.0, 15.0, 30.0)
_SENDS = 5


def _actions(values: Json) -> list[str] | None:
    listed = values.get("lifetime_actions")
    if not isinstance(listed, list):
        return None
    return [str((one.get("action") or {}).get("action_type", "")).lower() for one in listed if isinstance(one, dict)]


def freezes(stage: Stage) -> bool:
    """Whether a stage takes AutoRenew away."""
    if stage.vault is None:
        return False
    before, after = _actions(stage.vault.expects), _actions(stage.vault.sets)
    tags = stage.vault.sets_tags.get(OWNER_TAG) is not None
    return tags or (after is not None and "autorenew" not in after and "autorenew" in (before or []))


def resumes(stage: Stage) -> bool:
    """Whether a stage gives renewal back as it was."""
    if stage.vault is None or freezes(stage):
        return False
    after = _actions(stage.vault.sets)
    return OWNER_TAG in stage.vault.sets_tags or (after is not None and "autorenew" in after)


def change_policy(run: Run, stage: Stage, before_write: Callable[[], None]) -> str | None:
    """Carry out a vault stage.

    Args:
        before_write: called once before anything is written (gates in, confirmation).

    Returns:
        What was written, or None where all of it was already so.

    Raises:
        RefusedError: PlanStale with what moved; AnotherRunActive where somebody else froze the certificate.
        RemoteError: the vault refused.

    Effects: at most three writes, each accepted once: where an answer was lost, the vault is looked at first.
    """
    operation = stage.vault
    assert operation is not None
    found = run.ports.vaults.fetch_certificate(operation.vault_url, operation.certificate)
    policy, tags = found.get("policy"), dict(found.get("tags") or {})
    if not isinstance(policy, dict):
        raise RemoteError(
            "PermissionDenied",
            f"The policy of {operation.vault_url}/certificates/{operation.certificate} cannot be read.",
            service="Key Vault",
            operation=f"GET /certificates/{operation.certificate}/policy",
            status=403,
            transient=False,
        )
    _refuse_other_owner(operation, tags)
    moved = _moved(operation, policy, tags)
    if moved:
        raise RefusedError(
            "PlanStale",
            f"{operation.vault_url}/certificates/{operation.certificate} is not as the plan saw it.",
            evidence=moved,
            override="Nothing was written. Plan again.",
        )
    wanted = _with_tags(tags, operation.sets_tags)
    adds = {**tags, **{key: value for key, value in operation.sets_tags.items() if value is not None}}
    needs_policy = any(policy.get(key) != value for key, value in operation.sets.items())
    if adds == tags and not needs_policy and wanted == adds:
        return None
    before_write()
    written: list[str] = []
    version = _newest(found)

    def put_tags(new: dict[str, str], what: str) -> None:
        _once(
            run,
            stage,
            what,
            lambda: run.ports.vaults.put_tags(operation.vault_url, operation.certificate, version, new),
            lambda now: dict(now.get("tags") or {}) == new,
        )
        written.append("tags")

    if adds != tags:
        put_tags(adds, "add-tags")
    if needs_policy:
        sets = dict(operation.sets)
        _once(
            run,
            stage,
            "put-policy",
            lambda: run.ports.vaults.put_policy(operation.vault_url, operation.certificate, sets),
            lambda now: all((now.get("policy") or {}).get(key) == value for key, value in sets.items()),
        )
        written.append("policy")
    if wanted != adds:
        put_tags(wanted, "remove-tags")
    return f"PATCH {operation.vault_url}/certificates/{operation.certificate} ({', '.join(written)})"


def _once(run: Run, stage: Stage, what: str, send: Callable[[], None], has_arrived: Callable[[Json], bool]) -> None:
    """Write until it is known to have been accepted; where an answer was lost, the vault tells whether it was."""
    operation = stage.vault
    assert operation is not None
    for number in range(1, _SENDS + 1):
        try:
            run.step(stage, what, send)
        except RemoteError as error:
            if not error.transient or error.token == "RetriesExhausted" or number == _SENDS:
                raise
            run.tell("retry", stage=stage.id, what=error.message)
            for pause in LOST_LOOKS_S:
                run.sleep(pause)
                if has_arrived(run.ports.vaults.fetch_certificate(operation.vault_url, operation.certificate)):
                    return
        else:
            return


def _refuse_other_owner(operation: VaultOperation, tags: dict[str, str]) -> None:
    mine = operation.sets_tags.get(OWNER_TAG) or operation.expects_tags.get(OWNER_TAG)
    owner = tags.get(OWNER_TAG)
    if owner is not None and mine is not None and owner != mine:
        raise RefusedError(
            "AnotherRunActive",
            f"{operation.vault_url}/certificates/{operation.certificate} was frozen by another plan ({OWNER_TAG} says"
            f" {owner}).",
            override="Let that plan end or undo it first: sfcert audit shows what is left frozen.",
        )


def _moved(operation: VaultOperation, policy: Json, tags: dict[str, str]) -> list[str]:
    """What is neither as expected nor as it is to be."""
    moved = [
        f"policy.{key}: expected {value!r}, found {policy.get(key)!r}"
        for key, value in operation.expects.items()
        if policy.get(key) != value and policy.get(key) != operation.sets.get(key, value)
    ]
    moved += [
        f"tag {key}: expected {value!r}, found {tags.get(key)!r}"
        for key, value in operation.expects_tags.items()
        if tags.get(key) != value and tags.get(key) != operation.sets_tags.get(key, value)
    ]
    return moved


def _with_tags(tags: dict[str, str], sets: dict[str, str | None]) -> dict[str, str]:
    changed = {**tags, **sets}
    return {key: value for key, value in changed.items() if value is not None}


def _newest(found: Json) -> str:
    versions = found.get("versions") or []
    newest = max(versions, key=lambda one: int((one.get("attributes") or {}).get("created") or 0))
    return str(newest["id"]).rstrip("/").rsplit("/", 1)[-1]
