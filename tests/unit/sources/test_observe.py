"""What raw bodies mean: facts, and honest gaps where a body does not say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sfcert.errors import InputError
from sfcert.model.ids import normal_thumbprint, parse_vault_url, thumbprint_of_x5t, x5t_of_thumbprint
from sfcert.sources.bundle import bundle_text, load_bundle
from sfcert.sources.observe import observe
from tests import make


def test_a_thumbprint_cluster_reads_as_declared() -> None:
    seen = make.observation(secondary=make.leaf("old"))
    declared = seen.cluster.certificate
    assert declared.kind == "thumbprint"
    assert declared.thumbprints == (make.leaf().thumbprint, make.leaf("old").thumbprint)
    assert seen.scale_sets[0].node_extension.certificate.thumbprints == declared.thumbprints
    assert seen.scale_sets[0].instances is not None
    assert seen.scale_sets[0].instances[0].store == declared.thumbprints


def test_a_common_name_cluster_reads_with_its_pins_and_its_extension() -> None:
    seen = make.observation(make.common_name_world())
    name = seen.cluster.certificate.names[0]
    assert (name.common_name, name.issuers) == (make.COMMON_NAME, (make.authority().thumbprint,))
    extension = seen.scale_sets[0].key_vault_extensions[0]
    assert (extension.require_initial_sync, extension.link_on_renewal) == (True, False)
    assert extension.client_id == make.IDENTITY_CLIENT
    assert seen.scale_sets[0].node_extension.after == ("KVVMExtension",)


def test_malformed_pins_are_kept_apart_from_good_ones() -> None:
    good = make.authority().thumbprint
    seen = make.observation(make.common_name_world(pins=f"{good.lower()}, not-hex,,{good[:10]}"))
    name = seen.cluster.certificate.names[0]
    assert name.issuers == (good,)
    assert name.malformed == ("not-hex", good[:10])


def test_both_ways_of_declaring_at_once_are_seen_as_both() -> None:
    plain = make.document(make.common_name_world())
    body = plain["resources"][make.CLUSTER_ID]["body"]["properties"]
    body["certificate"] = {"thumbprint": make.leaf().thumbprint}
    assert observe(make.from_document(plain)).cluster.certificate.kind == "both"


def test_versions_come_newest_first_by_creation() -> None:
    old, new = make.leaf("old", not_before=make.NOW.replace(month=1)), make.leaf("new")
    seen = make.observation(versions=(old, new))
    certificates = seen.vaults[0].certificates
    assert certificates is not None
    assert [one.thumbprint for one in certificates[0].versions] == [new.thumbprint, old.thumbprint]


def test_what_was_not_captured_stays_unknown() -> None:
    plain = make.document(make.world())
    plain["vm_instances"] = None
    plain["vaults"] = {}
    del plain["resources"][make.VAULT_ID]
    seen = observe(make.from_document(plain))
    assert seen.scale_sets[0].instances is None
    assert seen.vaults == ()


def test_in_an_authored_template_an_expression_is_unresolved_and_in_a_live_body_it_is_text() -> None:
    plain = make.document(make.world())
    plain["resources"][make.CLUSTER_ID]["body"]["properties"]["certificate"]["thumbprint"] = "[parameters('t')]"
    assert observe(make.from_document(plain)).cluster.certificate.malformed == ("[parameters('t')]",)
    plain["source"] = "template"
    assert observe(make.from_document(plain)).cluster.certificate.kind == "unresolved"


def test_property_names_count_without_regard_to_case() -> None:
    plain = make.document(make.world())
    properties = plain["resources"][make.CLUSTER_ID]["body"]["properties"]
    properties["Certificate"] = {"Thumbprint": properties.pop("certificate")["thumbprint"]}
    assert observe(make.from_document(plain)).cluster.certificate.kind == "thumbprint"


def test_a_bundle_without_its_cluster_is_refused() -> None:
    plain = make.document(make.world())
    del plain["resources"][make.CLUSTER_ID]
    with pytest.raises(InputError, match="does not hold its own cluster"):
        observe(make.from_document(plain))


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("{", "BundleInvalid"),
        ('{"format": "sfcert.plan/1"}', "BundleInvalid"),
        ('{"format": "sfcert.bundle/2"}', "FormatTooNew"),
        ('{"format": "sfcert.bundle/1"}', "BundleInvalid"),
    ],
)
def test_a_file_that_is_no_bundle_is_refused_with_its_name(tmp_path: Path, text: str, token: str) -> None:
    file = tmp_path / "world.json"
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        load_bundle(file)
    assert refused.value.token == token
    assert "world.json" in str(refused.value)


def test_a_bundle_survives_its_file(tmp_path: Path) -> None:
    bundle = make.bundle(make.common_name_world())
    file = tmp_path / "world.json"
    file.write_text(bundle_text(bundle))
    assert load_bundle(file) == bundle


def test_every_example_bundle_is_read(shared: Path) -> None:
    files = sorted((shared / "examples" / "bundles").glob("*.json"))
    assert files
    for file in files:
        seen = observe(load_bundle(file))
        assert seen.cluster.certificate.kind in ("thumbprint", "common-name")
        assert [one.node_type for one in seen.scale_sets] == ["nt0"]


def test_thumbprints_are_read_however_they_were_copied() -> None:
    plain = make.leaf().thumbprint
    spaced = " ".join(plain[at : at + 2] for at in range(0, 40, 2)).lower()
    assert normal_thumbprint("\u200e" + spaced) == plain
    assert thumbprint_of_x5t(x5t_of_thumbprint(plain)) == plain
    with pytest.raises(ValueError, match="not a SHA-1 thumbprint"):
        normal_thumbprint(plain[:-1])


def test_vault_urls_are_read_with_and_without_port_and_version() -> None:
    read = parse_vault_url("https://Shop-KV.vault.azure.net:443/secrets/cert/0123abc/")
    assert read is not None
    assert (read.vault_url, read.kind, read.name, read.version) == (
        "https://shop-kv.vault.azure.net",
        "secrets",
        "cert",
        "0123abc",
    )
    assert parse_vault_url("https://shop-kv.vault.azure.net/") is None


@pytest.mark.parametrize("odd", ["xyz", "\u00e4", ""])
def test_a_node_store_that_lists_what_is_no_x5t_is_refused_with_its_place(tmp_path: Path, odd: str) -> None:
    document = make.document(make.world())
    document["node_stores"][make.scale_set_id()]["3"] = [odd]
    file = tmp_path / "world.json"
    file.write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        load_bundle(file)
    assert caught.value.token == "BundleInvalid"
    assert f"{make.scale_set_id()}, instance 3" in caught.value.faults[0].message
