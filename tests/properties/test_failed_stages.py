"""Any lasting deployment of a plan may end as failed after its changes have arrived: the same command goes on."""

from __future__ import annotations

import functools
from datetime import timedelta

import pytest

from sfcert.cli.rehearsal import rehearse
from sfcert.model.bundle import Bundle
from sfcert.model.ids import parse_resource_id
from sfcert.model.plan import Plan
from sfcert.planning.inputs import Inputs
from sfcert.sim import hardships
from tests import make
from tests.lives import planned
from tests.odd_captures import EVERYTHING, URL

#: playbook -> how many of its deployments last, with one scale set
PLAYBOOKS = {"thumbprint-to-common-name": 4, "thumbprint-to-common-name-single": 1, "rotate-by-thumbprint": 6}
#: Writes of these take a while, and may fail at the end of it.
LASTING = ("microsoft.compute/virtualmachinescalesets", "microsoft.servicefabric/clusters")
MODES = ("Automatic", "Manual", "Rolling")


@functools.cache
def planned_in(playbook: str, mode: str) -> tuple[Bundle, Plan]:
    """No store is seen, so that what delivers a certificate has to vouch for it."""
    shape = make.NodeTypeShape("nt0", 5, "Silver", is_primary=True, mode=mode)
    goal = make.leaf("2", not_before=make.NOW - timedelta(days=5)) if playbook == "rotate-by-thumbprint" else None
    world = make.world(node_types=(shape,), goal=goal, has_stores=False)
    bundle = make.from_document(make.document(world))
    inputs = Inputs(playbook=playbook, certificates={"*": URL}, accepted=EVERYTHING)
    return bundle, planned(bundle, inputs).plan


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_stage_that_failed_half_way_is_mended_by_the_same_command(
    playbook: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, plan = planned_in(playbook, mode)
    assert plan.status == "ready", plan.blocked_by
    sent = [one for one in plan.stages if one.deployment and parse_resource_id(one.resource).type.lower() in LASTING]
    assert len(sent) == PLAYBOOKS[playbook]
    for stage in sent:
        name = stage.deployment.name
        late = {"operation-fails-late": {"times": 1, "match": f"/deployments/{name}"}}
        monkeypatch.setattr(hardships, "USUAL", late)
        found = rehearse(plan, bundle, faults="usual").runs[0]
        assert [one.token for one in found.setbacks] == ["DeploymentFailed"], name
        assert found.held, (name, found.open_gates)
