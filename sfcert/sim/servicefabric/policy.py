"""How long does an upgrade take, and when does it give up? A cluster's upgradeDescription in seconds.

Pure. Source: reference 9 (defaults; a domain costs both waits and some minutes of its own).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_SPAN = re.compile(r"(?:(?P<d>\d+)\.)?(?P<h>\d+):(?P<m>\d+):(?P<s>\d+)(?:\.\d+)?")
# What a domain costs besides the two waits: safety checks, the change itself, the ACL cycle (reference 9: "(5+5+3)").
DOMAIN_WORK_S = 180


@dataclass(frozen=True, slots=True)
class UpgradePolicy:
    """Seconds throughout."""

    wait_s: float = 30
    stable_s: float = 60
    retry_s: float = 45 * 60
    upgrade_timeout_s: float = 12 * 3600
    domain_timeout_s: float = 2 * 3600

    @property
    def domain_s(self) -> float:
        return DOMAIN_WORK_S + self.wait_s + self.stable_s


def seconds_of(span: Any, default: float) -> float:
    """A .NET time span (`hh:mm:ss`, `d.hh:mm:ss.fff`) in seconds; the default for anything else."""
    found = _SPAN.fullmatch(str(span or "").strip())
    if found is None:
        return default
    return int(found["d"] or 0) * 86400 + int(found["h"]) * 3600 + int(found["m"]) * 60 + int(found["s"])


def policy_of(properties: Mapping[str, Any]) -> UpgradePolicy:
    """The policy that a cluster's body asks for; what it leaves out takes the vendor's default."""
    given = properties.get("upgradeDescription") or {}
    usual = UpgradePolicy()
    return UpgradePolicy(
        wait_s=seconds_of(given.get("healthCheckWaitDuration"), usual.wait_s),
        stable_s=seconds_of(given.get("healthCheckStableDuration"), usual.stable_s),
        retry_s=seconds_of(given.get("healthCheckRetryTimeout"), usual.retry_s),
        upgrade_timeout_s=seconds_of(given.get("upgradeTimeout"), usual.upgrade_timeout_s),
        domain_timeout_s=seconds_of(given.get("upgradeDomainTimeout"), usual.domain_timeout_s),
    )
