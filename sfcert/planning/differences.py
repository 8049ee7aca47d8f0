"""In what do two plans differ? For reviewers who have seen the first. Floor 4.

Leaves out the digests and the instants of planning, which differ by themselves.
"""

from __future__ import annotations

from typing import Any

from sfcert.arm import diff
from sfcert.model.base import Value
from sfcert.model.codec import to_plain
from sfcert.model.plan import ChangeKind, Plan

_BY_THEMSELVES = ("digest", "created_at_utc", "planned_for_utc", "stages")


class PlanDifference(Value):
    """One place that differs. `stage` None: the plan itself. A stage that only one plan has differs at the path ''."""

    stage: str | None
    path: str
    kind: ChangeKind
    before: Any
    after: Any


def diff_plans(before: Plan, after: Plan) -> tuple[PlanDifference, ...]:
    """What changes from one plan to the other: the plan's own fields first, then stage by stage in the order of
    `before`, then stages that only `after` has. A change of order alone is told as one of the path `stages`.

    Effects: none.
    """
    left, right = to_plain(before), to_plain(after)
    found = _between(None, _own(left), _own(right))
    stages_left = {one["id"]: one for one in left["stages"]}
    stages_right = {one["id"]: one for one in right["stages"]}
    for stage_id, stage in stages_left.items():
        if stage_id not in stages_right:
            gone = PlanDifference(stage=stage_id, path="", kind="Delete", before=stage["action"], after=None)
            found.append(gone)
        else:
            found += _between(stage_id, stage, stages_right[stage_id])
    for stage_id, stage in stages_right.items():
        if stage_id not in stages_left:
            found.append(PlanDifference(stage=stage_id, path="", kind="Create", before=None, after=stage["action"]))
    common_left = [one for one in stages_left if one in stages_right]
    common_right = [one for one in stages_right if one in stages_left]
    if common_left != common_right:
        found.append(PlanDifference(stage=None, path="stages", kind="Modify", before=common_left, after=common_right))
    return tuple(found)


def _own(plain: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plain.items() if key not in _BY_THEMSELVES}


def _between(stage: str | None, left: Any, right: Any) -> list[PlanDifference]:
    return [
        PlanDifference(stage=stage, path=str(one.path), kind=one.kind.value, before=one.before, after=one.after)
        for one in diff(left, right)
    ]
