"""What does a playbook say? Typed stages, their gates, deadlines and ways back. Floor 1.

Leaves out: what the words mean for a given cluster. `does`, `deadline`, `undo`, the gate kinds and the placeholders are
names; planning knows them and a test holds the shipped playbooks to it.
"""

from __future__ import annotations

from typing import Literal

from sfcert.model.base import Value
from sfcert.model.plan import StageKind

FORMAT = "sfcert.playbook/1"
Per = Literal["once", "certificate", "vault", "scale-set"]
#: What a playbook leads to: nodes by name; by another thumbprint; by name from another issuer; as they are declared,
#: with nothing left over; as they are declared, with what is valid; client certificates by name; the reverse proxy by
#: name.
Aim = Literal["name", "thumbprint", "issuer", "cleanup", "recovery", "clients", "reverse-proxy"]
Requires = Literal["certificate"]


class StageDefinition(Value, forbid_unknown_fields=True):
    """One stage before it meets a cluster.

    `id`, `action`, `reason` and `template` may hold `{placeholders}`. `template` is a file below the templates
    directory, None where the stage is no deployment. Neighbours with the same `sequence` are interleaved and repeated
    as planning's question of that name says. `followed_by` runs for the same subject before the next one is touched.
    """

    id: str
    does: str
    per: Per
    kind: StageKind
    action: str
    reason: str
    deadline: str
    undo: str
    template: str | None = None
    gates_in: tuple[str, ...] = ()
    gates_out: tuple[str, ...] = ()
    is_point_of_no_return: bool = False
    sequence: str | None = None
    followed_by: StageDefinition | None = None


class Playbook(Value, forbid_unknown_fields=True):
    """One operator's task.

    `aim` says what the goal is. `exempts` are rules whose findings do not block, because this is their remedy.
    `requires` are inputs without which it has no goal. `stages_of` names the playbook whose stages, with their
    alternatives, are these; then there are none here.
    `alternatives` are pairs of stage ids, as written in `stages`: where the proof refutes the
    order of the file, the second of a pair is tried before the first."""

    format: str
    name: str
    title: str
    explains: str
    stages: tuple[StageDefinition, ...] = ()
    alternatives: tuple[tuple[str, str], ...] = ()
    aim: Aim = "name"
    exempts: tuple[str, ...] = ()
    requires: tuple[Requires, ...] = ()
    stages_of: str | None = None

    def definitions(self) -> tuple[StageDefinition, ...]:
        """Every stage definition, followers right after theirs, in the order of the file."""
        return tuple(one for stage in self.stages for one in (stage, stage.followed_by) if one is not None)
