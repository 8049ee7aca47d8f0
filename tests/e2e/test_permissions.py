"""The role that `sfcert permissions` prints is enough to apply its plan, beside Reader on the subscription."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim.authorization.definitions import BUILT_IN, READER, RoleDefinition
from sfcert.sim.entra.entra import Entra
from tests.e2e.acme_stage_site import acme_stage
from tests.e2e.site import Site, command
from tests.e2e.test_enrolment_stage_by_acme import azure_zone
from tests.servers.knot import Knot
from tests.servers.pebble import running_pebble

ROLE = "11111111-2222-3333-4444-555555555555"


def only_by_its_role(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the operator holds the plan's own role at its own scopes, and may look at the subscription."""
    asked = command("permissions", str(site.plan_file)).json
    role = RoleDefinition(
        ROLE, asked["Name"], asked["Description"], tuple(asked["Actions"]), (), tuple(asked["DataActions"])
    )
    monkeypatch.setitem(BUILT_IN, ROLE, role)

    def do(azure: Any) -> None:
        roles, operator = azure.find_service("authorization"), azure.service("entra", Entra).default.object_id
        for one in [key for key, held in roles._assignments.items() if held.principal_id == operator]:
            del roles._assignments[one]
        roles.grant(operator, READER, f"/subscriptions/{azure.subscription_id}")
        for scope in asked["AssignableScopes"]:
            roles.grant(operator, ROLE, scope)

    site.running.call(do)


@pytest.mark.parametrize("world", ["rbac-vault", "manual-mode", "vault-elsewhere"])
def test_a_migration_needs_no_more_than_its_role(
    world: str, site_of: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(world, friendly=True)
    assert site.plan().code == 2
    only_by_its_role(site, monkeypatch)
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert site.plan().code == 0


def test_an_enrolment_by_acme_through_azure_dns_needs_no_more_than_its_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = Knot("127.0.0.1", 9)
    with acme_stage(tmp_path, monkeypatch, nobody, "rbac-vault", common_name="sf.azure.test", friendly=True) as table:
        azure_zone(table.site, "azure.test")
        table.solver = {"kind": "azure-dns", "settings": {"resource_group": "rg-names"}}
        with running_pebble(tmp_path / "pebble", dns=table.site.running.dns_server) as pebble:
            assert table.plan(pebble).code == 2
            only_by_its_role(table.site, monkeypatch)
            applied = table.site.apply()
        assert applied.code == 0, applied.err
        assert table.site.refusals() == []
