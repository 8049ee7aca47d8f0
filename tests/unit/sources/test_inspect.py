"""`sfcert.inspect/1`: what is declared where."""

from __future__ import annotations

import json
from typing import Any

from sfcert.model.codec import pretty
from sfcert.sources.inspect import inspect
from sfcert.sources.observe import observe
from tests import make


def _plain(world: make.World) -> dict[str, Any]:
    plain = json.loads(pretty(inspect(make.observation(world))))
    assert isinstance(plain, dict)
    return plain


def _edited(document: dict[str, Any]) -> dict[str, Any]:
    plain = json.loads(pretty(inspect(observe(make.from_document(document)))))
    assert isinstance(plain, dict)
    return plain


def test_a_thumbprint_cluster() -> None:
    second = make.leaf("2")
    plain = _plain(make.world(secondary=second))
    assert plain["format"] == "sfcert.inspect/1"
    assert plain["unresolved"] == []
    cluster = plain["cluster"]
    assert (cluster["id"], cluster["os"], cluster["state"]) == (make.CLUSTER_ID, "Windows", "Ready")
    declared = [make.leaf().thumbprint, second.thumbprint]
    assert cluster["roles"] == {
        "cluster": {"kind": "thumbprint", "values": declared, "issuers": {}, "store": "My"},
        "reverse-proxy": {"kind": "none", "values": []},
        "clients": [],
    }
    (node_type,) = plain["node_types"]
    assert node_type["declaration"] == {"kind": "thumbprint", "values": declared}
    assert node_type["vm_secrets"] == [make.secret_url(make.leaf()), make.secret_url(second)]
    assert node_type["key_vault_extension"] is None
    assert (node_type["name"], node_type["count"], node_type["durability"]) == ("nt0", 5, "Silver")
    assert (node_type["upgrade_mode"], node_type["scale_sets"]) == ("Automatic", [make.scale_set_id()])


def test_a_common_name_cluster_with_its_pins_and_its_extension() -> None:
    plain = _plain(make.common_name_world())
    role = plain["cluster"]["roles"]["cluster"]
    assert (role["kind"], role["values"]) == ("common-name", [make.COMMON_NAME])
    assert role["issuers"] == {make.COMMON_NAME: [make.authority().thumbprint]}
    extension = plain["node_types"][0]["key_vault_extension"]
    assert extension["version"] == "3.0"
    assert extension["observed"] == [f"{make.VAULT_URL}/secrets/{make.CERTIFICATE_NAME}"]


def test_a_role_declared_both_ways_loses_neither() -> None:
    document = make.document(make.common_name_world())
    properties = document["resources"][make.CLUSTER_ID]["body"]["properties"]
    properties["certificate"] = {"thumbprint": make.leaf().thumbprint}
    role = _edited(document)["cluster"]["roles"]["cluster"]
    assert (role["kind"], role["values"]) == ("thumbprint", [make.leaf().thumbprint, make.COMMON_NAME])


def test_clients_and_reverse_proxy() -> None:
    document = make.document(make.world(reverse_proxy=make.leaf("proxy")))
    properties = document["resources"][make.CLUSTER_ID]["body"]["properties"]
    properties["clientCertificateThumbprints"] = [{"isAdmin": True, "certificateThumbprint": "a" * 40}]
    properties["clientCertificateCommonNames"] = [
        {"isAdmin": False, "certificateCommonName": "ops", "certificateIssuerThumbprint": "B" * 40}
    ]
    roles = _edited(document)["cluster"]["roles"]
    assert roles["reverse-proxy"]["values"] == [make.leaf("proxy").thumbprint]
    assert roles["clients"] == [
        {"kind": "thumbprint", "value": "A" * 40, "issuers": [], "admin": True},
        {"kind": "common-name", "value": "ops", "issuers": ["B" * 40], "admin": False},
    ]


def test_scale_sets_of_one_node_type_that_disagree_stand_apart() -> None:
    """One node type on two scale sets, of which one was left behind."""
    document = make.document(make.world())
    twin = json.loads(json.dumps(document["resources"][make.scale_set_id()]).replace("Sets/nt0", "Sets/nt0b"))
    twin["body"]["name"] = "nt0b"
    settings = twin["body"]["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"][0]["properties"]
    settings["settings"]["certificate"]["thumbprint"] = "C" * 40
    document["resources"][make.scale_set_id("nt0b")] = twin
    found = _edited(document)["node_types"]
    assert [(one["name"], one["declaration"]["values"], one["count"]) for one in found] == [
        ("nt0", [make.leaf().thumbprint], 5),
        ("nt0", ["C" * 40], 5),
    ]


def test_a_node_type_without_a_scale_set_is_unresolved_and_says_so() -> None:
    document = make.document(make.world())
    properties = document["resources"][make.CLUSTER_ID]["body"]["properties"]
    properties["nodeTypes"].append({"name": "front", "isPrimary": False, "vmInstanceCount": 3})
    plain = _edited(document)
    front = plain["node_types"][1]
    assert (front["scale_sets"], front["declaration"], front["count"]) == ([], {"kind": "unresolved", "values": []}, 3)
    assert any("'front'" in line for line in plain["unresolved"])


def test_an_expression_of_a_template_is_unresolved_with_its_reason() -> None:
    document = make.document(make.world()) | {"source": "template"}
    document["resources"][make.CLUSTER_ID]["body"]["properties"]["certificate"]["thumbprint"] = "[parameters('tp')]"
    document["unresolved"] = [
        {"resource": make.CLUSTER_ID, "path": "properties.certificate.thumbprint", "why": "tp has no value"}
    ]
    plain = _edited(document)
    assert plain["cluster"]["roles"]["cluster"]["kind"] == "unresolved"
    assert plain["unresolved"] == [f"{make.CLUSTER_ID}/properties.certificate.thumbprint: tp has no value"]
