"""The audit catalogue: what is wrong with this cluster's certificates, and how sure are we? Floor 3.

One rule is one module, one page and one folder of samples of the same name. The names below are imported on first use.

audit(observation, *, now, only=(), min_severity="info", suppressions=()) -> Audit
catalogue() -> tuple[RuleInfo, ...]       explain(rule_id) -> str
load_suppressions(path) -> tuple[Suppression, ...]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfcert.rules.engine import RuleInfo
    from sfcert.rules.registry import audit, catalogue, explain
    from sfcert.rules.suppressions import Suppression, load_suppressions, read_suppressions

_MODULE_OF = {
    "audit": "registry",
    "catalogue": "registry",
    "explain": "registry",
    "RuleInfo": "engine",
    "Suppression": "suppressions",
    "load_suppressions": "suppressions",
    "read_suppressions": "suppressions",
}

__all__ = [
    "RuleInfo",
    "Suppression",
    "audit",
    "catalogue",
    "explain",
    "load_suppressions",
    "read_suppressions",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
