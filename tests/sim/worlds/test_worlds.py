"""Every ready-made world stands; a captured bundle comes to life as it was captured."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.assemble import build
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.worlds import WORLDS, from_bundle, load, snapshot

MakeWorld = Callable[..., Any]


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_each_world_is_up_at_rest_and_quiet(made_world: MakeWorld, name: str) -> None:
    world = made_world(name)
    assert world.cluster.calm
    assert world.get(world.facts["cluster_id"])["properties"]["clusterState"] == "Ready"
    assert world.azure.journal.refusals == []
    seen = snapshot(world.azure)
    assert {node["presents"] for node in seen["clusters"][0]["nodes"]} == {world.facts["thumbprint"]}
    assert all(machine["latest_model_applied"] for one in seen["scale_sets"] for machine in one["machines"])
    assert "BEGIN" not in json.dumps(seen), "no keys in what is shown"


@pytest.mark.parametrize("name", ["three-node-types", "silver", "rbac-vault", "system-identity", "two-thumbprints"])
def test_the_whole_migration_leaves_nobody_refused(made_world: MakeWorld, name: str) -> None:
    world = made_world(name)
    world.migrate()
    world.pass_time(hours=2)
    assert world.cluster.calm
    assert world.azure.journal.refusals == []
    assert "certificate" not in world.get(world.facts["cluster_id"])["properties"]


def test_an_unknown_world_or_option_is_refused_by_name() -> None:
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=1)
    with pytest.raises(AzureFailure, match="There is no world 'atlantis'"):
        load(azure, "atlantis")
    with pytest.raises(AzureFailure, match="no option 'colour'"):
        load(azure, "one-node-type", colour="red")


def captured(world: Any) -> dict[str, Any]:
    """A bundle of a standing world, as a capture would write it."""
    vault = world.vaults.content(world.facts["vault_url"])

    def der(certificate: Any) -> str:
        return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()

    provider = world.azure.provider_of("Microsoft.Compute/virtualMachineScaleSets")
    kind = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
    ids = [world.facts["cluster_id"], world.facts["vault_id"], *world.scale_set_ids]
    return {
        "format": "sfcert.bundle/1",
        "captured_at_utc": world.azure.clock.now.isoformat(),
        "cluster_id": world.facts["cluster_id"],
        "resources": {one: {"api_version": "2021-06-01", "body": copy.deepcopy(world.get(one))} for one in ids},
        "vm_instances": {
            one: provider.list(one, kind, "2024-07-01", {"$expand": "instanceView"}) for one in world.scale_set_ids
        },
        "vaults": {
            world.facts["vault_url"]: {
                "certificates": {
                    item.name: {
                        "policy": item.policy,
                        "pending": None,
                        "versions": [
                            {
                                "id": f"{world.facts['vault_url']}/certificates/{item.name}/{version.version}",
                                "cer": der(version.leaf),
                                "chain": [der(one) for one in version.chain],
                                "attributes": {"enabled": True, "created": int(version.created.timestamp())},
                            }
                            for version in item.versions
                        ],
                    }
                    for item in vault.certificates.values()
                }
            }
        },
        "unread": [],
    }


def test_a_twin_stands_as_its_original_and_goes_on_standing(made_world: MakeWorld) -> None:
    world = made_world("three-node-types")
    bundle = captured(world)
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=5)
    made = from_bundle(azure, bundle)
    assert made["unknown"] == []
    assert azure.clock.now == world.azure.clock.now
    assert azure.subscription_id == world.azure.subscription_id
    theirs, ours = snapshot(world.azure)["clusters"][0], snapshot(azure)["clusters"][0]
    for key in ("state", "healthy", "id"):
        assert ours[key] == theirs[key]
    shown = [(node["name"], node["up"], node["presents"], node["upgrade_domain"]) for node in ours["nodes"]]
    assert shown == [(node["name"], node["up"], node["presents"], node["upgrade_domain"]) for node in theirs["nodes"]]
    azure.clock.advance(30 * 86400)
    assert snapshot(azure)["clusters"][0]["healthy"]


def test_a_bundle_of_another_format_is_refused() -> None:
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=1)
    with pytest.raises(AzureFailure, match="not the format"):
        from_bundle(azure, {"format": "sfcert.bundle/9"})
    with pytest.raises(AzureFailure, match="does not hold its cluster"):
        from_bundle(azure, {"format": "sfcert.bundle/1", "cluster_id": "/x", "resources": {}})


@pytest.mark.parametrize(
    ("name", "state", "after"),
    [
        ("healthy-thumbprint", "Ready", "Ready"),
        ("healthy-common-name", "Ready", "Ready"),
        ("upgrade-service-unreachable", "UpgradeServiceUnreachable", "UpgradeServiceUnreachable"),
        ("renewed-by-unpinned-issuer", "Ready", "UpgradeServiceUnreachable"),
    ],
)
def test_captured_examples_live_on_as_they_would_have(shared: Path, name: str, state: str, after: str) -> None:
    bundle = json.loads((shared / "examples" / "bundles" / f"{name}.json").read_text(encoding="utf-8"))
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=5)
    from_bundle(azure, bundle)
    assert snapshot(azure)["clusters"][0]["state"] == state
    azure.clock.advance(3 * 86400)
    assert snapshot(azure)["clusters"][0]["state"] == after


def test_what_the_bundle_does_not_say_is_named_not_invented(shared: Path) -> None:
    bundle = json.loads((shared / "examples" / "bundles" / "vault-unreadable.json").read_text(encoding="utf-8"))
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=5)
    made = from_bundle(azure, bundle)
    assert any("only its thumbprint is known" in line for line in made["unknown"])
    assert {node["presents"] for node in snapshot(azure)["clusters"][0]["nodes"]} == {None}
