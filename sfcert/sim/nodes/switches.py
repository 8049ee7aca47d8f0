"""Which choices and faults does the world of nodes know? Names with a sentence each, and how they are read.

A switch is armed by `azure.faults.arm(name, options)` or set directly in `azure.switches` as True, a string or a dict.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sfcert.sim.kernel.azure import Azure

SWITCHES = {
    "staging": "How a certificate change walks: by phases, or all at once in a single walk.",
    "quorum-heals": "A cluster that is down comes back, untouched by people, once its seed nodes accept each other.",
    "sessions-outlive": "Connections made while both sides agreed live on for seven days or until a restart.",
    "implicit-peer-trust": "A node accepts a peer that shows its own public key, whatever the rules say.",
    "clock-skew": "The clock of one node is ahead or behind.",
    "aia-blocked": "Nodes cannot fetch missing issuers: a chain must be complete as it is shown.",
    "extension-fails": "An extension fails on the machines named.",
    "clear-write-only-on-omission": "A PUT of a scale set that omits write-only values clears them.",
    "patch-null-clears": "A PATCH of a cluster with a null removes the property instead of ignoring it.",
    "reverse-proxy-needs-restart": "A running reverse proxy by name keeps its certificate until its node starts anew.",
    "proxy-names-unread": "The node extension takes no common names for the reverse proxy and fails on them.",
    "one-certificate-at-a-time": "A thumbprint that gives way to another in one request is refused.",
    "stuck-upgrade-domain": "The walk stands still in one upgrade domain until its timeout.",
    "unhealthy-upgrade-domain": "Health checks fail in one upgrade domain; the upgrade rolls back.",
}
#: Their own options.
OPTIONS: dict[str, dict[str, str]] = {
    "staging": {
        "reading": "phases (default), single, or single-but-documented: all at once but for what owners do in phases"
    },
    "clock-skew": {"node": "its name", "seconds": "how far ahead; behind, when negative"},
    "extension-fails": {
        "type": "a part of the extension's type (default KeyVault)",
        "scale_set": "name of the scale set (default: every one)",
        "instance": "instance id (default: every one)",
    },
    "stuck-upgrade-domain": {"domain": "name of the upgrade domain (default 0)"},
    "unhealthy-upgrade-domain": {"domain": "name of the upgrade domain (default 0)"},
}


def declare(azure: Azure) -> None:
    """Make every switch known to the control surface. Effects: a second call is harmless."""
    for name, sentence in SWITCHES.items():
        azure.faults.declare(name, sentence, OPTIONS.get(name))


def option(azure: Azure, name: str, key: str, default: str = "") -> str:
    """One option of a switch as text; the default when the switch is off or says nothing of it."""
    value: Any = azure.switches.get(name)
    if isinstance(value, dict):
        return str(value.get(key, default))
    if isinstance(value, str):
        return value
    return default


def is_on(azure: Azure, name: str) -> bool:
    value: Any = azure.switches.get(name)
    return value is not None and value is not False


def skew_of(azure: Azure, node: str) -> timedelta:
    """How far this node's clock is ahead; none but where the switch says so."""
    if option(azure, "clock-skew", "node") != node:
        return timedelta(0)
    return timedelta(seconds=float(option(azure, "clock-skew", "seconds", "0")))


def trusted_roots(azure: Azure) -> frozenset[str]:
    """Thumbprints of the roots that every simulated machine and the resource provider trust; none by default."""
    value: Any = azure.switches.get("trusted-roots", ())
    if isinstance(value, dict):
        value = value.get("thumbprints", ())
    return frozenset(str(item).upper() for item in value)
