"""The hardships of a rehearsal: closed, from the seed, and asked without a network."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sfcert.sim.assemble import build
from sfcert.sim.direct import ConnectionCut, Direct
from sfcert.sim.hardships import HOSTILE, USUAL, Hardships
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.worlds import load

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


def world(seed: int = 1) -> tuple[Azure, dict[str, Any]]:
    azure = build(start=START, seed=seed, tempo="manual")
    return azure, load(azure, "one-node-type")


def deeds(seed: int) -> list[str]:
    azure, facts = world()
    hardships = Hardships(azure, facts["cluster_id"], "hostile", seed=seed)
    hardships.begin()
    for _ in range(8):
        hardships.stage_began()
        azure.clock.advance(3 * 3600)
    return [hardships.reading, *hardships.told]


def test_each_is_a_fault_that_some_service_declares() -> None:
    azure, _ = world()
    assert set(USUAL) < set(HOSTILE) <= set(azure.faults.catalogue())


@pytest.mark.parametrize("kind", ["none", "usual"])
def test_only_the_hostile_set_touches_machines(kind: str) -> None:
    azure, facts = world()
    hardships = Hardships(azure, facts["cluster_id"], kind, seed=3)
    hardships.begin()
    for _ in range(20):
        hardships.stage_began()
        azure.clock.advance(7200)
    assert hardships.told == []
    assert sorted(azure.faults.armed()) == ([] if kind == "none" else sorted(USUAL))


def test_the_seed_decides_what_befalls_the_world() -> None:
    told = [deeds(seed) for seed in range(6)]
    assert told[2] == deeds(2)
    assert {one[0] for one in told} == {"phases", "single"}
    said = " ".join(line for one in told for line in one)
    assert all(word in said for word in ("restart", "reimage", "grows to"))


def test_a_healthy_cluster_outlives_what_befalls_it() -> None:
    azure, facts = world()
    hardships = Hardships(azure, facts["cluster_id"], "hostile", seed=5)
    hardships.begin()
    for _ in range(30):
        hardships.stage_began()
        azure.clock.advance(7200)
    azure.clock.advance(86400)
    assert hardships.told
    assert azure.journal.refusals == []
    assert Direct(azure).runtime(facts["cluster_id"], "/Nodes")["Items"] != []


def test_a_request_without_a_network_is_answered_and_noted() -> None:
    azure, facts = world()
    direct = Direct(azure)
    headers = {"Authorization": f"Bearer {direct.token('https://management.azure.com')}"}
    url = f"https://management.azure.com{facts['cluster_id']}?api-version=2021-06-01"
    before = len(azure.journal.requests)
    answered = direct.send("GET", url, headers, b"")
    assert (answered.status, len(azure.journal.requests)) == (200, before + 1)
    assert direct.send("GET", url, {}, b"").status == 401


def test_nobody_answers_for_a_host_that_is_not_azures() -> None:
    azure, _ = world()
    with pytest.raises(ConnectionCut):
        Direct(azure).send("GET", "https://example.com/", {}, b"")


def test_a_cluster_that_is_down_answers_nothing() -> None:
    azure, facts = world()
    direct = Direct(azure)
    assert direct.chain_at(facts["cluster_id"], "10.0.0.4")
    azure.find_service("clusters").get(facts["cluster_id"]).collapse()
    with pytest.raises(ConnectionCut):
        direct.runtime(facts["cluster_id"], "/Nodes")
    with pytest.raises(ConnectionCut):
        direct.chain_at(facts["cluster_id"], "10.0.0.4")


def test_the_principal_that_is_let_in_needs_no_policy_and_no_address() -> None:
    azure, facts = world()
    direct = Direct(azure)
    vault = azure.find_service("vaults").resource(f"{facts['vault_name']}.vault.azure.net")
    vault.body["properties"]["accessPolicies"] = []
    vault.body["properties"]["networkAcls"] = {"defaultAction": "Deny"}
    headers = {"Authorization": f"Bearer {direct.token('https://vault.azure.net')}"}
    url = f"{facts['vault_url']}/certificates?api-version=7.4"
    assert direct.send("GET", url, headers, b"").status == 403
    azure.switches["let_in"] = azure.find_service("entra").default.object_id
    assert direct.send("GET", url, headers, b"").status == 200
