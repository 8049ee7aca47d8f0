"""A write of a scale set comes to its end whatever happens to its machines meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sfcert.sim.assemble import build
from sfcert.sim.compute.scale_sets import ScaleSets
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.worlds import load
from sfcert.sim.worlds.build import operator_of

VERSION = "2024-07-01"


class Machines:
    """The one scale set of a world, written and handled as a client does."""

    def __init__(self) -> None:
        self.azure = build(start=datetime(2026, 11, 22, 10, tzinfo=UTC), seed=1, tempo="manual")
        self.rid = parse_id(load(self.azure, "one-node-type")["scale_set_ids"][0])
        found = self.azure.provider_of(self.rid.type)
        assert found is not None
        self.provider = found

    def write(self) -> Operation:
        """A change of the model that every machine has to take."""
        body = self.provider.get(self.rid, VERSION, {})
        body["properties"]["virtualMachineProfile"]["licenseType"] = "Windows_Server"
        return self.operation(self.provider.put(self.rid, VERSION, body, operator_of(self.azure)))

    def act(self, action: str, instance: str) -> Operation:
        ids = {"instanceIds": [instance]}
        who = operator_of(self.azure)
        return self.operation(self.provider.action(self.rid, action, "POST", VERSION, ids, {}, who))

    @staticmethod
    def operation(answered: Any) -> Operation:
        assert isinstance(answered.operation, Operation)
        return answered.operation

    @property
    def state(self) -> str:
        return str(self.provider.get(self.rid, VERSION, {})["properties"]["provisioningState"])


@pytest.mark.parametrize("action", ["reimage", "restart", "delete"])
@pytest.mark.parametrize("before_s", [5, 45, 59, 100, 119, 170])
def test_a_machine_that_is_handled_meanwhile_does_not_hold_the_write_for_ever(action: str, before_s: float) -> None:
    machines = Machines()
    handled = machines.act(action, "1")
    machines.azure.clock.advance(before_s)
    written = machines.write()
    machines.azure.clock.advance(3 * 3600)
    assert (handled.status, written.status, machines.state) == ("Succeeded", "Succeeded", "Succeeded")
    scale_set = machines.azure.service("compute", ScaleSets).get(machines.rid.text)
    assert scale_set is not None
    assert scale_set.behind() == []
    assert len(scale_set.machines) == (4 if action == "delete" else 5)


def test_an_extension_that_speaks_before_the_new_model_has_come_does_not_end_its_coming() -> None:
    machines = Machines()
    scale_set = machines.azure.service("compute", ScaleSets).get(machines.rid.text)
    assert scale_set is not None
    machines.write()
    for machine in scale_set.machines.values():
        assert machine.application is not None
        machine.application.heard()
    machines.azure.clock.advance(3600)
    assert scale_set.behind() == []
    assert machines.state == "Succeeded"
