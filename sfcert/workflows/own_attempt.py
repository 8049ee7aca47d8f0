"""What that a failed attempt of a stage left is no reason against sending that stage again? Floor 5.

    gate, of a resource that it touches  what it finds                    forgiven where
    cluster-at-rest                      UpgradeRolledBack                an attempt failed
    instances-current                    InstancesBehind, UpdateFailed    it failed after its changes had arrived
    certificate-on-nodes                 InstancesBehind                  it failed after its changes had arrived

No other way leads out of such a failure: the next attempt is what mends it. Whatever a gate finds besides (a resource
that is still at work, a store that is seen to lack the certificate, something that could not be read) stands as it is.
Met in rehearsals: a write that fails after it has changed a scale set of mode Manual leaves every instance behind the
newest model, and then no vm secret vouches for what is on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from sfcert.converge.reasons import verdict
from sfcert.model.ids import same_id
from sfcert.model.plan import Gate, Stage
from sfcert.model.progress import GateVerdict

#: What became of the last attempt: none has failed; one failed and its changes are not there; they are.
Attempt = Literal["none", "failed", "half-done"]

#: (kind of gate, reason)
_ROLLED_BACK = frozenset({("cluster-at-rest", "UpgradeRolledBack")})
_LEFT_BEHIND = frozenset(
    {
        ("instances-current", "InstancesBehind"),
        ("instances-current", "UpdateFailed"),
        ("certificate-on-nodes", "InstancesBehind"),
    }
)
_FORGIVEN: Mapping[Attempt, frozenset[tuple[str, str]]] = {
    "none": frozenset(),
    "failed": _ROLLED_BACK,
    "half-done": _ROLLED_BACK | _LEFT_BEHIND,
}


def forgiven(found: GateVerdict, gate: Gate, stage: Stage, attempt: Attempt) -> GateVerdict:
    """The verdict of a gate before a stage is sent; passed where what it finds is that stage's own doing."""
    if (gate.kind, found.reason) not in _FORGIVEN[attempt] or not _touches(stage, gate):
        return found
    message = f"{found.message} That was this stage's own attempt, which is sent again."
    return verdict(found.gate, "passed", found.reason, message)


def _touches(stage: Stage, gate: Gate) -> bool:
    return any(same_id(gate.subject, one) for one in stage.touched)
