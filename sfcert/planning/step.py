"""What is one stage before it is rendered? The step that a question answers with. Floor 4."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import field

from sfcert.model.base import Value
from sfcert.model.ids import parse_resource_id
from sfcert.model.observation import ScaleSet
from sfcert.model.plan import EnrolOperation, InstanceUpgrade, VaultOperation
from sfcert.planning.bodies import LiveValue
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import Move

Json = dict[str, Any]


class Edit(Value):
    """One change of a carried body: `value` is set at `path`, or `path` is removed, or filled at run time (`live`)."""

    path: str
    kind: Literal["set", "remove", "live"]
    value: Any = None
    live: LiveValue | None = None


class Step(Value):
    """One stage to be: what it does to which resource, and what its gates and sentences have to know.

    `names` fill the placeholders of the definition. `edits` change carried bodies by resource id. `owned` are the paths
    that the stage may change, by resource id. `values` feed templates that carry no body. `facts` are what gates
    expect, by their own field names. `move` is the step for the proof; its stage id is written in when the stage has
    one.
    """

    definition: StageDefinition
    subject: str
    names: dict[str, str]
    facts: Json
    move: Move
    scope: str
    edits: dict[str, tuple[Edit, ...]] = field(default_factory=dict)
    owned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    values: Json = field(default_factory=dict)
    vault: VaultOperation | None = None
    instances: InstanceUpgrade | None = None
    enrol: EnrolOperation | None = None
    undo: Json = field(default_factory=dict)
    is_point_of_no_return: bool = False
    scale_set_id: str | None = None
    group: str = ""


def step_of_scale_set(
    definition: StageDefinition,
    scale_set: ScaleSet,
    *,
    names: dict[str, str],
    facts: Json,
    move: Move,
    edits: tuple[Edit, ...] = (),
    owned: tuple[str, ...] = (),
    instances: InstanceUpgrade | None = None,
    undo: Json | None = None,
    is_point_of_no_return: bool = False,
    group: str = "",
) -> Step:
    """A step whose subject is one scale set, and that touches no other resource; fields as in `Step`."""
    return Step(
        definition=definition,
        subject=scale_set.id,
        scale_set_id=scale_set.id,
        scope=parse_resource_id(scale_set.id).group_scope,
        names=names,
        facts=facts,
        move=move,
        edits={scale_set.id: edits} if edits else {},
        owned={scale_set.id: owned} if owned else {},
        instances=instances,
        undo=undo or {},
        is_point_of_no_return=is_point_of_no_return,
        group=group,
    )


def set_to(path: str, value: Any) -> Edit:
    return Edit(path=path, kind="set", value=value)


def removed(path: str) -> Edit:
    return Edit(path=path, kind="remove")


def filled(live: LiveValue) -> Edit:
    return Edit(path=live.path, kind="live", live=live)
