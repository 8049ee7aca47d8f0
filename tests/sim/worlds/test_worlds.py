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
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.nodes.switches import trusted_roots
from sfcert.sim.worlds import WORLDS, from_bundle, load, snapshot
from sfcert.sim.worlds.build import operator_of
from tests import make

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


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("one-node-type", {"by_name": True, "vault_model": "rbac"}),
        ("one-node-type", {"by_name": True, "existing_extension": "1.0"}),
        ("existing-extension", {"vault_model": "rbac"}),
        ("existing-extension", {"existing_extension": "4.0"}),
        ("one-node-type", {"linux": True}),
        ("existing-extension", {"system_identity": True, "mode": "Manual"}),
        ("three-node-types", {"reverse_proxy": True, "secondary": True, "vault_model": "rbac"}),
    ],
    ids=str,
)
def test_options_go_together(made_world: MakeWorld, name: str, options: dict[str, Any]) -> None:
    world = made_world(name, **options)
    world.pass_time(hours=2)
    assert world.cluster.calm
    levels = {
        state.level
        for one in world.azure.find_service("compute").all()
        for machine in one.machines.values()
        for state in machine.extensions.values()
    }
    assert levels == {"succeeded"}


@pytest.mark.parametrize("linux", [False, True], ids=["Windows", "Linux"])
def test_worlds_by_name_take_a_renewal_by_themselves(made_world: MakeWorld, linux: bool) -> None:
    world = made_world("one-node-type", by_name=True, linux=linux)
    new = world.vaults.renew_now(world.facts["vault_url"], world.facts["certificate_name"])
    world.pass_time(hours=3)
    assert world.cluster.calm
    assert world.presented() == {new.thumbprint}


def test_linking_by_version_4_can_make_another_certificate_be_presented(made_world: MakeWorld) -> None:
    """Reference 7, row 3: an application's certificate whose names cover the cluster's is taken in its place."""
    world = made_world("existing-extension", existing_extension="4.0")
    issuing = world.azure.find_service("authority").get("Contoso Issuing CA 01")
    at = world.azure.clock.now.replace(microsecond=0)
    names = ["app.contoso.example", world.facts["common_name"]]
    issued = issuing.issue(names[0], names, not_before=at, not_after=at.replace(year=at.year + 1))
    wide = world.vaults.import_version(world.facts["vault_url"], "app-tls", issued)
    world.pass_time(hours=3)
    stores = [dict(node.store.held) for node in world.cluster.nodes.values()]
    links = {
        held.renewed_by for store in stores for held in store.values() if held.thumbprint == world.facts["thumbprint"]
    }
    assert links == {wide.thumbprint}
    # The key of what it leads to was never given to Service Fabric, so at the next look nothing can be presented.
    world.wait(world.act(world.scale_set_ids[0], "restart"))
    world.pass_time(hours=1)
    assert world.presented() == {None}
    assert world.cluster.down


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


def test_a_twin_that_is_scaled_has_its_machines_as_current_as_before() -> None:
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=5)
    from_bundle(azure, make.document(make.world(has_identity=True, node_types=(make.NodeTypeShape(mode="Manual"),))))
    rid = parse_id(make.scale_set_id())
    provider = azure.provider_of(rid.type)
    assert provider is not None
    provider.patch(rid, "2024-07-01", {"sku": {"capacity": 6}}, operator_of(azure))
    azure.clock.advance(3600)
    assert all(one["latest_model_applied"] for one in snapshot(azure)["scale_sets"][0]["machines"])


def test_machines_trust_the_root_whose_certificate_an_extension_that_checks_chains_has_installed() -> None:
    plan = make.common_name_world(extension_version="4.0", policy=make.policy())
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=5)
    from_bundle(azure, make.document(plan))
    assert trusted_roots(azure) == {make.leaf().chain[-1].thumbprint}
    azure.clock.advance(86400)
    shown = snapshot(azure)["scale_sets"][0]["machines"]
    assert {one["extensions"]["KVVMExtension"]["status"] for one in shown} == {"ProvisioningState/succeeded"}


def test_what_the_bundle_does_not_say_is_named_not_invented(shared: Path) -> None:
    bundle = json.loads((shared / "examples" / "bundles" / "vault-unreadable.json").read_text(encoding="utf-8"))
    azure = build(start=datetime(2026, 1, 1, tzinfo=UTC), seed=5)
    made = from_bundle(azure, bundle)
    assert any("only its thumbprint is known" in line for line in made["unknown"])
    assert {node["presents"] for node in snapshot(azure)["clusters"][0]["nodes"]} == {None}
