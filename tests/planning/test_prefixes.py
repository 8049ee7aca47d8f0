"""A run may end after any stage: planning again from there leads to the same end.

The stages that are left are those of the first plan that were not done; only the watch comes again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests import make
from tests.planning.applied import applied
from tests.planning.test_sent_templates import READY, inputs_of, read_case, world_and_plan
from tests.planning.worlds import plan_of

SAMPLES = [
    "role-vault-one-node-type",
    "renewing-certificate-is-frozen-and-resumed",
    "goal-is-newer-than-what-is-declared",
    "two-other-certificates",
    "three-node-types-primary-last",
    "manual-mode",
    "existing-extension-1",
    "system-assigned-identity-beside",
    "clients-that-have-moved-lose-their-thumbprints",
    "reverse-proxy-with-its-own-certificate",
    "reverse-proxy-of-a-cluster-by-name",
    "reverse-proxy-in-manual-mode",
]


@pytest.mark.parametrize("path", [one for one in READY if one.stem in SAMPLES], ids=lambda path: path.stem)
def test_planning_again_after_any_stage_leads_on(path: Path) -> None:
    document, plan = world_and_plan(path)
    inputs = inputs_of(read_case(path))
    for done in range(1, len(plan.stages)):
        # a Manual scale set's model and its instances belong together: between them it is not at rest
        if plan.stages[done].kind == "instances":
            continue
        after = plan_of(make.from_document(applied(document, replace(plan, stages=plan.stages[:done]))), inputs)
        assert after.status != "blocked", (plan.stages[done - 1].id, after.blocked_by)
        left = [_without_number(stage.id) for stage in plan.stages[done:]]
        assert [one for one in map(_without_number, (stage.id for stage in after.stages)) if one not in left] == []


def _without_number(stage_id: str) -> str:
    """Stage 50 counts its steps from where it starts."""
    parts = stage_id.split("-")
    return "-".join([parts[0], *parts[2:]]) if parts[0] == "50" else stage_id
