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


class StageDefinition(Value):
    """One stage before it meets a cluster.

    `id`, `action` and `reason` may hold `{placeholders}`. `template` is a file below the templates directory, None
    where the stage is no deployment. `followed_by` runs for the same subject before the next one is touched.
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
    followed_by: StageDefinition | None = None


class Sequence(Value):
    """Stages that planning interleaves and repeats: `sequence` names the question that says how."""

    sequence: str
    stages: tuple[StageDefinition, ...]


class Playbook(Value):
    """One operator's task. `alternatives` are further orders of stage groups that may be tried where the first is refuted:
    each a pair of stage ids (as written in `stages`) of which the second is to come before the first."""

    format: str
    name: str
    title: str
    explains: str
    stages: tuple[StageDefinition | Sequence, ...]
    alternatives: tuple[tuple[str, str], ...] = ()

    def definitions(self) -> tuple[StageDefinition, ...]:
        """Every stage definition, those inside sequences and followers too, in the order of the file."""
        found: list[StageDefinition] = []
        for entry in self.stages:
            for stage in entry.stages if isinstance(entry, Sequence) else (entry,):
                found.append(stage)
                if stage.followed_by is not None:
                    found.append(stage.followed_by)
        return tuple(found)
