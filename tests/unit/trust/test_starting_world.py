"""An observation as a world: what is taken over, what is concluded, what is named as missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sfcert.model.observation import Declaration
from sfcert.sources.bundle import load_bundle
from sfcert.sources.observe import observe
from sfcert.trust.starting_world import with_future, world_of
from sfcert.trust.world import World
from tests import make


def world(**changes: object) -> World:
    return world_of(make.observation(**changes), make.NOW)


def test_a_healthy_cluster_has_nothing_missing_and_one_class_per_scale_set() -> None:
    shapes = (make.NodeTypeShape(), make.NodeTypeShape(name="nt1", is_primary=False))
    found = world(node_types=shapes)
    assert found.missing == ()
    assert [(group.name, [store.nodes for store in group.stores]) for group in found.groups] == [
        ("nt0", [5]),
        ("nt1", [5]),
    ]
    leaf = make.leaf()
    assert found.groups[0].secrets[0].thumbprint == leaf.thumbprint
    assert [one.thumbprint for one in found.issuers[leaf.thumbprint]] == [leaf.chain[0].thumbprint]


def test_every_certificate_of_the_issuers_key_is_known() -> None:
    twin = make.authority(key_label="ca Example Issuing CA A", root="Another Root")
    other = make.certificate("twin.example.com", issuer=twin, key_label="leaf-twin")
    found = world(versions=(make.leaf(), other))
    assert twin.thumbprint in {one.thumbprint for one in found.issuers[make.leaf().thumbprint]}
    assert len(found.issuers[make.leaf().thumbprint]) == 2


def test_unseen_stores_are_concluded_from_what_provisions_them_and_that_is_said() -> None:
    found = world(has_stores=False)
    assert [one.certificate.thumbprint for one in found.groups[0].stores[0].holdings] == [make.leaf().thumbprint]
    assert any("stores of nt0 were not seen" in line for line in found.inferences)


def test_an_extension_that_has_succeeded_counts_for_unseen_stores() -> None:
    newer = make.leaf("2", not_before=make.NOW - timedelta(days=3))
    found = world(has_stores=False, has_extension=True, goal=newer)
    held = {one.certificate.thumbprint for one in found.groups[0].stores[0].holdings}
    assert held == {make.leaf().thumbprint, newer.thumbprint}


def test_stores_that_differ_are_classes_of_their_own() -> None:
    plain = make.document(make.world())
    plain["node_stores"][make.scale_set_id()]["4"].append(make.leaf("2").x5t)
    found = world_of(observe(make.from_document(plain)), make.NOW)
    assert sorted(store.nodes for store in found.groups[0].stores) == [1, 4]
    assert [store.unknown for store in found.groups[0].stores if store.nodes == 1] == [(make.leaf("2").thumbprint,)]


def test_a_vault_that_was_not_read_is_missing_by_name_and_reason() -> None:
    plain = make.document(make.world(unread=((f"vaults/{make.VAULT_URL}", "403 Forbidden"),)))
    plain["vaults"] = {}
    found = world_of(observe(make.from_document(plain)), make.NOW)
    assert len(found.missing) == 1
    assert "403 Forbidden" in found.missing[0]


def test_instances_that_were_not_listed_and_node_types_without_a_scale_set_are_missing() -> None:
    plain = make.document(make.world(node_types=(make.NodeTypeShape(), make.NodeTypeShape(name="nt1"))))
    plain["vm_instances"] = None
    del plain["resources"][make.scale_set_id("nt1")]
    found = world_of(observe(make.from_document(plain)), make.NOW)
    assert found.missing == ("the instances of nt0", "the scale set of node type nt1")


@pytest.mark.parametrize(
    ("version", "keeps_two", "links", "provider"), [("3.0", False, False, "unknown"), ("4.0", True, True, "CNG")]
)
def test_the_extensions_version_decides_what_it_brings(
    version: str, keeps_two: bool, links: bool, provider: str
) -> None:
    delivery = world(has_extension=True, extension_version=version).groups[0].deliveries[0]
    assert (delivery.keeps_two, delivery.links, delivery.provider) == (keeps_two, links, provider)
    assert delivery.observes == (f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}",)
    assert delivery.sequenced
    assert delivery.syncs_first


def test_an_absent_linking_flag_is_read_as_the_harmful_default() -> None:
    plain = make.document(make.world(has_extension=True))
    extensions = plain["resources"][make.scale_set_id()]["body"]["properties"]["virtualMachineProfile"]
    settings = extensions["extensionProfile"]["extensions"][0]["properties"]["settings"]
    del settings["secretsManagementSettings"]["linkOnRenewal"]
    found = world_of(observe(make.from_document(plain)), make.NOW)
    assert found.groups[0].deliveries[0].links


def test_on_linux_only_service_fabrics_own_folder_is_its_store() -> None:
    assert world(os="Linux", has_extension=True).groups[0].deliveries[0].store == "My"


@pytest.mark.parametrize(
    ("policy", "pending", "renews"),
    [
        (make.policy(), None, False),
        (make.policy(action="AutoRenew"), None, True),
        (make.policy(), {"status": "inProgress"}, True),
    ],
)
def test_a_vault_renews_by_its_policy_or_by_what_is_pending(
    policy: dict[str, object], pending: dict[str, object] | None, renews: bool
) -> None:
    assert world(policy=policy, pending=pending).vault_names[0].renews is renews


def test_the_example_bundles_miss_nothing_but_what_was_not_readable(shared: Path) -> None:
    for file in sorted((shared / "examples" / "bundles").glob("*.json")):
        observation = observe(load_bundle(file))
        missing = world_of(observation, observation.observed_at_utc).missing
        assert bool(missing) is (file.stem == "vault-unreadable"), file.name


def test_where_an_older_runtime_finds_its_keys_is_said_to_be_taken_for_granted() -> None:
    told = [world_of(make.observation(runtime=one), make.NOW).inferences for one in ("10.1.2175.9590", "11.4.268.1")]
    assert [any("(CAPI)" in line for line in lines) for lines in told] == [True, False]


def settings_of(plain: dict[str, Any]) -> dict[str, Any]:
    profile = plain["resources"][make.scale_set_id()]["body"]["properties"]["virtualMachineProfile"]
    found: dict[str, Any] = profile["extensionProfile"]["extensions"][0]["properties"]["settings"]
    return found["secretsManagementSettings"]  # type: ignore[no-any-return]  # JSON


def read(plain: dict[str, Any]) -> World:
    return world_of(observe(make.from_document(plain)), make.NOW)


def test_machines_that_hold_the_same_but_are_linked_otherwise_are_classes_of_their_own() -> None:
    """An extension links once it has run; where it has not, the same certificates still stand by themselves."""
    newer = make.leaf("2", not_before=make.NOW - timedelta(days=3))
    for waiting in (0, 4):
        plain = make.document(make.world(has_extension=True, goal=newer))
        settings_of(plain)["linkOnRenewal"] = True
        view = plain["vm_instances"][make.scale_set_id()][waiting]["properties"]["instanceView"]
        view["extensions"][0]["statuses"] = [{"code": "ProvisioningState/transitioning"}]
        stores = read(plain).groups[0].stores
        linked = {any(one.links_to for one in store.holdings): store.nodes for store in stores}
        assert linked == {True: 4, False: 1}


@pytest.mark.parametrize(
    ("named", "is_missing"), [(make.leaf(), False), (make.leaf("never stored"), True)], ids=["there", "not there"]
)
def test_a_version_that_an_extension_names_is_fixed_and_known_only_where_the_vault_has_it(
    named: make.Issued, is_missing: bool
) -> None:
    plain = make.document(make.world(has_extension=True))
    settings_of(plain)["observedCertificates"][0]["url"] = make.secret_url(named)
    delivery = read(plain).groups[0].deliveries[0]
    assert delivery.observes == ()
    assert [one.thumbprint for one in delivery.fixed] == [None if is_missing else named.thumbprint]


def test_a_store_of_another_location_is_another_store() -> None:
    for change, store in (
        ({"certificateStoreLocation": "CurrentUser"}, "CurrentUser\\MY"),
        ({"certificateStoreLocation": "LOCALMACHINE"}, "MY"),
        ({"certificateStoreName": "Root"}, "Root"),
    ):
        plain = make.document(make.world(has_extension=True))
        settings_of(plain)["observedCertificates"][0] |= change
        assert [one.store for one in read(plain).groups[0].deliveries] == [store]


@pytest.mark.parametrize("what", ["sequenced", "syncs_first"])
def test_an_extension_that_nobody_waits_for_is_read_as_such(what: str) -> None:
    plain = make.document(make.world(has_extension=True))
    if what == "sequenced":
        profile = plain["resources"][make.scale_set_id()]["body"]["properties"]["virtualMachineProfile"]
        del profile["extensionProfile"]["extensions"][1]["properties"]["provisionAfterExtensions"]
    else:
        settings_of(plain)["requireInitialSync"] = False
    delivery = read(plain).groups[0].deliveries[0]
    assert getattr(delivery, what) is False


@pytest.mark.parametrize(
    ("kind", "said"),
    [("none", "by thumbprint or by common name"), ("malformed", "cannot be read"), ("both", "by thumbprint or by")],
)
def test_a_declaration_that_says_nothing_or_too_much_is_missing(kind: str, said: str) -> None:
    plain = make.document(make.world())
    properties = plain["resources"][make.CLUSTER_ID]["body"]["properties"]
    if kind == "none":
        del properties["certificate"]
    elif kind == "malformed":
        properties["certificate"]["thumbprint"] = "not hex"
    else:
        entry = {"certificateCommonName": make.COMMON_NAME, "certificateIssuerThumbprint": "A" * 40}
        properties["certificateCommonNames"] = {"commonNames": [entry]}
    found = read(plain)
    assert any(said in one and "the cluster" in one for one in found.missing)


def test_a_vault_whose_policy_was_not_read_may_or_may_not_renew() -> None:
    plain = make.document(make.world())
    plain["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]["policy"] = None
    assert read(plain).vault_names[0].renews is None


def test_a_disabled_version_is_there_and_not_enabled() -> None:
    newer = make.leaf("2", not_before=make.NOW - timedelta(days=3))
    plain = make.document(make.world(versions=(newer, make.leaf())))
    for one in plain["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]["versions"]:
        one["attributes"]["enabled"] = one["x5t"] != newer.x5t
    name = read(plain).vault_names[0]
    assert name.versions == (newer.thumbprint, make.leaf().thumbprint)
    assert name.enabled == (make.leaf().thumbprint,)


def test_a_certificate_that_is_to_come_is_known_and_nowhere_and_its_name_stands_without_a_version() -> None:
    begin, coming = world(), make.leaf("coming", not_before=make.NOW)
    issuers = (coming.chain[0].facts,)
    url = f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}"
    known = with_future(begin, url, coming.facts, issuers)
    assert known.vault_names == begin.vault_names
    assert known.certificates[coming.thumbprint] == coming.facts
    assert known.issuers[coming.thumbprint] == issuers
    assert known.groups == begin.groups
    fresh = with_future(begin, f"{url}-new", coming.facts, issuers)
    name = fresh.vault_name(f"{url}-new")
    assert name is not None
    assert (name.versions, name.enabled, name.renews) == ((), (), False)
    assert set(begin.certificates) < set(fresh.certificates)


def test_a_declaration_that_cannot_be_told_is_missing() -> None:
    observation = make.observation()
    unresolved = Declaration(kind="unresolved", path="properties.certificate")
    cluster = msgspec.structs.replace(observation.cluster, certificate=unresolved)
    found = world_of(msgspec.structs.replace(observation, cluster=cluster), make.NOW)
    assert "the certificate declaration of the cluster (properties.certificate)" in found.missing


def test_a_secret_whose_bytes_were_not_captured_is_in_an_unseen_store_and_unknown() -> None:
    plain = make.document(make.world(has_stores=False))
    for one in plain["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]["versions"]:
        del one["cer"]
    (store,) = read(plain).groups[0].stores
    assert (store.holdings, store.unknown, store.nodes) == ((), (make.leaf().thumbprint,), 5)
