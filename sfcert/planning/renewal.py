"""When does a certificate renew itself, and what has a freeze put aside? Floor 4. Source: reference 6.2."""

from __future__ import annotations

import json
from typing import Any

from sfcert.model.frozen import ACTIONS_TAG, OWNER_TAG
from sfcert.model.observation import CertificateVersion, LifetimeAction, VaultCertificate
from sfcert.planning.situation import Situation


def renewal_lead_s(one: VaultCertificate, version: CertificateVersion) -> int:
    """How long before its end the vault renews this version by itself, in seconds; 0 where it does not.

    What a freeze has put aside counts as it was before.
    """
    if version.not_before_utc is None or version.not_after_utc is None:
        return 0
    life = (version.not_after_utc - version.not_before_utc).total_seconds()
    leads = [_lead(action, life) for action in _before_freeze(one) if action.action.lower() == "autorenew"]
    return int(max(leads, default=0))


def _before_freeze(one: VaultCertificate) -> tuple[LifetimeAction, ...]:
    kept = None if one.renews_itself else _read_tag(one)
    if kept is None:
        return one.lifetime_actions
    found = []
    for entry in kept:
        trigger, action = (entry.get(key) or {} for key in ("trigger", "action"))
        found.append(
            LifetimeAction(
                action=str(action.get("action_type") or ""),
                percentage=trigger.get("lifetime_percentage"),
                days_before_expiry=trigger.get("days_before_expiry"),
            )
        )
    return tuple(found)


def _read_tag(one: VaultCertificate) -> list[dict[str, Any]] | None:
    """The lifetime actions that a freeze has put aside, from the tag; None where there is none that can be read."""
    try:
        actions = json.loads(one.tags.get(ACTIONS_TAG) or "null")
    except ValueError:
        return None
    readable = isinstance(actions, list) and all(isinstance(entry, dict) for entry in actions)
    return actions if readable else None


def _lead(action: LifetimeAction, life_s: float) -> float:
    if action.days_before_expiry is not None:
        return action.days_before_expiry * 86400.0
    return life_s * (100 - (action.percentage or 100)) / 100


def original_actions(situation: Situation, one: VaultCertificate) -> list[Any] | None:
    """The lifetime actions as they were before any freeze; None where the tag that kept them cannot be read."""
    if one.renews_itself or not {ACTIONS_TAG, OWNER_TAG} & one.tags.keys():
        return situation.lifetime_actions(one)
    return _read_tag(one)
