"""Many clusters in one world: each stands by itself, all share the tenant and its authorities."""

from __future__ import annotations

from datetime import UTC, datetime

from sfcert.sim.assemble import build
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.worlds.fleet import make


def test_a_fleet_shares_its_authorities_and_nothing_else() -> None:
    azure = build(start=datetime(2026, 11, 22, 10, tzinfo=UTC), seed=7, tempo="manual")
    first, second = make(azure, 2)
    assert first["issuer_thumbprint"] == second["issuer_thumbprint"]
    shared = {key for key in first if first[key] == second[key]}
    assert not shared & {"cluster_id", "vault_id", "thumbprint", "common_name", "resource_group", "client_thumbprint"}
    clusters = list(azure.service("clusters", Clusters).all())
    assert [len(cluster.nodes) for cluster in clusters] == [15, 15]
    assert all(cluster.healthy and not cluster.down for cluster in clusters)


def test_a_renewal_reaches_its_own_cluster_alone() -> None:
    azure = build(start=datetime(2026, 11, 22, 10, tzinfo=UTC), seed=7, tempo="manual")
    first, second = make(azure, 2)
    renewed = azure.find_service("vaults").renew_now(first["vault_url"], first["certificate_name"])
    other = azure.find_service("vaults").content(second["vault_url"]).certificate(second["certificate_name"])
    assert renewed.thumbprint != other.latest.thumbprint == second["thumbprint"]
