"""Authored templates as bundles: what would be PUT, what stays open, what a template never tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sfcert.errors import InputError
from sfcert.model.bundle import Bundle
from sfcert.model.codec import canonical
from sfcert.sources.template import read_template

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HERE = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/resource-group/providers"
THUMBPRINT = "A" * 40


def resource(type_: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": type_, "name": name, "apiVersion": "2021-06-01", **more}


def cluster(name: str = "sf", **properties: Any) -> dict[str, Any]:
    return resource("Microsoft.ServiceFabric/clusters", name, location="westeurope", properties=properties)


def scale_set(name: str = "nt0", *extensions: Any, **more: Any) -> dict[str, Any]:
    profile = {"extensionProfile": {"extensions": list(extensions)}}
    return resource(
        "Microsoft.Compute/virtualMachineScaleSets", name, properties={"virtualMachineProfile": profile}, **more
    )


def vault(name: str = "kv", *policies: Any, **more: Any) -> dict[str, Any]:
    return resource("Microsoft.KeyVault/vaults", name, properties={"accessPolicies": list(policies)}, **more)


def read(*resources: Any, given: dict[str, Any] | None = None, name: str | None = None, **sections: Any) -> Bundle:
    text = json.dumps({**sections, "resources": list(resources)})
    parameters = json.dumps({"parameters": given}) if given is not None else None
    return read_template(text, "t.json", parameters, "p.json", now=NOW, cluster_name=name)


def body(bundle: Bundle, kind: str, name: str) -> Any:
    return bundle.resources[f"{HERE}/{kind}/{name}"].body


def extensions(bundle: Bundle, name: str = "nt0") -> Any:
    found = body(bundle, "Microsoft.Compute/virtualMachineScaleSets", name)
    return found["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]


def test_keeps_the_resources_that_matter_as_they_would_be_put() -> None:
    bundle = read(
        cluster(certificate={"thumbprint": THUMBPRINT}),
        scale_set(sku={"capacity": "[add(2, 3)]"}),
        resource("Microsoft.Network/publicIPAddresses", "ip"),
        resource("Microsoft.ManagedIdentity/userAssignedIdentities", "me"),
    )
    assert bundle.cluster_id == f"{HERE}/Microsoft.ServiceFabric/clusters/sf"
    assert [one.rsplit("/", 1)[-1] for one in bundle.resources] == ["sf", "nt0", "me"]
    raw = bundle.resources[bundle.cluster_id]
    assert raw.api_version == "2021-06-01"
    assert raw.body == {
        "id": bundle.cluster_id,
        "name": "sf",
        "type": "Microsoft.ServiceFabric/clusters",
        "location": "westeurope",
        "properties": {"certificate": {"thumbprint": THUMBPRINT}},
    }
    assert body(bundle, "Microsoft.Compute/virtualMachineScaleSets", "nt0")["sku"] == {"capacity": 5}
    assert (bundle.source, bundle.captured_at_utc) == ("template", NOW)
    assert canonical(bundle)


def test_a_parameter_without_a_value_stays_an_expression_and_is_listed() -> None:
    bundle = read(
        cluster(certificate={"thumbprint": "[parameters('tp')]"}),
        scale_set("nt0", {"name": "node", "properties": {"settings": {"x": "[toLower(parameters('tp'))]"}}}),
        parameters={"tp": {"type": "string"}},
    )
    assert bundle.resources[bundle.cluster_id].body["properties"]["certificate"]["thumbprint"] == "[parameters('tp')]"
    assert [(one.resource.rsplit("/", 1)[-1], one.path) for one in bundle.unresolved] == [
        ("sf", "properties.certificate.thumbprint"),
        ("nt0", "properties.virtualMachineProfile.extensionProfile.extensions[name='node'].properties.settings.x"),
    ]
    assert "'tp'" in bundle.unresolved[0].why


def test_given_parameters_are_used() -> None:
    bundle = read(
        cluster(certificate={"thumbprint": "[parameters('TP')]"}),
        parameters={"tp": {"type": "string"}},
        given={"tp": {"value": THUMBPRINT}},
    )
    assert bundle.unresolved == ()


def test_a_literal_that_looks_like_an_expression_stays_told_apart() -> None:
    bundle = read(cluster(managementEndpoint="[[parameters('x')]"))
    assert bundle.resources[bundle.cluster_id].body["properties"]["managementEndpoint"] == "[[parameters('x')]"
    assert bundle.unresolved == ()


def test_a_cluster_without_a_known_name_stands_under_its_expression() -> None:
    bundle = read(cluster("[concat(parameters('a/b'), '-sf')]"), parameters={"a/b": {"type": "string"}})
    assert bundle.cluster_id == f"{HERE}/Microsoft.ServiceFabric/clusters/[concat(parameters('a%2Fb'), '-sf')]"
    assert [one.path for one in bundle.unresolved] == ["name"]


def test_an_extension_that_is_declared_apart_joins_its_scale_set() -> None:
    bundle = read(
        cluster(),
        resource("Microsoft.Compute/virtualMachineScaleSets/extensions", "nt0/KVVM", properties={"type": "new"}),
        scale_set("nt0", {"name": "node"}, {"name": "kvvm", "properties": {"type": "old"}}),
    )
    assert extensions(bundle) == [{"name": "node"}, {"name": "KVVM", "properties": {"type": "new"}}]


def test_a_child_joins_a_parent_whose_name_is_not_known() -> None:
    bundle = read(
        cluster(),
        scale_set("[parameters('nt')]", resources=[resource("extensions", "KVVM", properties={"type": "t"})]),
        parameters={"nt": {"type": "string"}},
    )
    assert extensions(bundle, "[parameters('nt')]") == [{"name": "KVVM", "properties": {"type": "t"}}]


def policy(who: str, *secrets: str) -> dict[str, Any]:
    return {"tenantId": "t", "objectId": who, "permissions": {"secrets": list(secrets)}}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("add", [policy("a", "list", "get"), policy("b", "get")]),
        ("replace", [policy("A", "get"), policy("b", "get")]),
        ("remove", []),
    ],
)
def test_access_policies_join_their_vault_as_azure_would_have_it(operation: str, expected: list[Any]) -> None:
    child = resource(
        "Microsoft.KeyVault/vaults/accessPolicies",
        f"kv/{operation}",
        properties={"accessPolicies": [policy("A", "get"), policy("b", "get")]},
    )
    bundle = read(cluster(), vault("kv", policy("a", "list")), child)
    assert body(bundle, "Microsoft.KeyVault/vaults", "kv")["properties"]["accessPolicies"] == expected


def test_policies_of_a_vault_that_stands_elsewhere_are_not_taken_for_all_of_them() -> None:
    child = resource("Microsoft.KeyVault/vaults/accessPolicies", "far/add", properties={"accessPolicies": []})
    bundle = read(cluster(), child)
    assert [one.rsplit("/", 1)[-1] for one in bundle.resources] == ["sf"]
    assert f"{HERE}/Microsoft.KeyVault/vaults/far" in [one.what for one in bundle.unread]


def test_a_cluster_inside_a_nested_deployment_is_found() -> None:
    inner = {
        "parameters": {"tp": {"type": "string"}},
        "resources": [cluster("inside", certificate={"thumbprint": "[parameters('tp')]"})],
    }
    bundle = read(
        resource(
            "Microsoft.Resources/deployments",
            "d",
            properties={
                "mode": "Incremental",
                "expressionEvaluationOptions": {"scope": "inner"},
                "parameters": {"tp": {"value": "[parameters('tp')]"}},
                "template": inner,
            },
        ),
        parameters={"tp": {"type": "string", "defaultValue": THUMBPRINT}},
    )
    assert bundle.resources[bundle.cluster_id].body["properties"]["certificate"]["thumbprint"] == THUMBPRINT


def test_names_what_a_template_cannot_tell() -> None:
    bundle = read(
        cluster(),
        scale_set(tags={"u": "https://KV.vault.azure.net/secrets/c/0123"}),
        resource("Microsoft.Resources/deployments", "far", properties={"templateLink": {"uri": "https://x"}}),
    )
    told = [one.what for one in bundle.unread]
    assert f"vm_instances/{HERE}/Microsoft.Compute/virtualMachineScaleSets/nt0" in told
    assert "vaults/https://kv.vault.azure.net" in told
    assert "vault resources/https://kv.vault.azure.net" in told
    assert "runtime" in told
    assert any(one.startswith("template t.json:1:") for one in told)


def test_no_secret_of_the_parameters_reaches_the_bundle() -> None:
    secrets = {"type": "securestring"}
    bundle = read(
        cluster(certificate={"thumbprint": "[parameters('tp')]"}),
        scale_set(odd="[concat('user:', parameters('pw'))]", properties2={"adminPassword": "literal-hunter2"}),
        parameters={"pw": secrets, "tp": secrets},
        given={"pw": {"value": "hunter2"}, "tp": {"value": THUMBPRINT}},
    )
    assert b"hunter2" not in canonical(bundle)
    assert THUMBPRINT.encode() in canonical(bundle)
    assert any("is a secret" in one.why for one in bundle.unresolved)


def test_a_condition_that_is_not_known_is_listed() -> None:
    bundle = read({**cluster(), "condition": "[parameters('on')]"}, parameters={"on": {"type": "bool"}})
    assert [one.path for one in bundle.unresolved] == ["condition"]


def token_of(*resources: Any, **more: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(*resources, **more)
    assert caught.value.message
    return caught.value.token


def test_says_which_kind_of_template_it_cannot_use() -> None:
    assert token_of(scale_set()) == "NoClusterInTemplate"
    assert token_of({**cluster(), "condition": False}) == "NoClusterInTemplate"
    assert token_of(resource("Microsoft.ServiceFabric/managedClusters", "m")) == "ManagedCluster"
    assert token_of(cluster(), given={"unknown": {"value": 1}}) == "TemplateInvalid"
    assert token_of(cluster(x="[nope()]")) == "TemplateInvalid"


def test_one_of_several_clusters_has_to_be_chosen() -> None:
    with pytest.raises(InputError, match="2 clusters") as caught:
        read(cluster("one"), cluster("two"))
    assert [fault.message for fault in caught.value.faults] == [
        "the cluster 'one' is declared here",
        "the cluster 'two' is declared here",
    ]
    chosen = read(cluster("one"), cluster("two"), name="TWO")
    assert [one.rsplit("/", 1)[-1] for one in chosen.resources] == ["two"]
    assert token_of(cluster("one"), name="three") == "NoClusterInTemplate"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            '{"properties": {"nodeTypes": []}, "location": "x"}', "body of one resource", id="a recorded body"
        ),
        pytest.param(
            '{"$schema": "…/deploymentParameters.json#", "parameters": {}}', "parameter file", id="parameters"
        ),
        pytest.param('{"parameters": {"a": {"value": 1}}}', "parameter file", id="parameters without a schema"),
        pytest.param("[]", "no 'resources'", id="a list"),
        pytest.param("{}", "no 'resources'", id="an empty object"),
    ],
)
def test_what_is_no_template_is_named_as_what_it_is(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_template(text, "t.json", now=NOW)
    assert (caught.value.token, caught.value.faults[0].line) == ("TemplateInvalid", 1)


def test_a_fault_of_a_body_has_file_line_and_column() -> None:
    text = """{"resources": [{
  "type": "Microsoft.ServiceFabric/clusters", "name": "sf", "apiVersion": "1",
  "properties": {"managementEndpoint": "[reference(parameters('undeclared')).x]"}
}]}"""
    with pytest.raises(InputError) as caught:
        read_template(text, "t.json", now=NOW)
    fault = caught.value.faults[0]
    assert (fault.file, fault.line, fault.column) == ("t.json", 3, 40)


def test_a_key_that_stands_twice_is_logged_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    text = '{"resources": [],\n"resources": [' + json.dumps(cluster()) + "]}"
    assert read_template(text, "t.json", now=NOW).resources
    assert [record.getMessage().split(": ")[0] for record in caplog.records] == ["t.json:2:1"]


def test_a_fault_of_a_given_value_points_at_where_it_was_given() -> None:
    with pytest.raises(InputError) as caught:
        read(cluster(), parameters={"n": {"type": "int"}}, given={"n": {"value": "many"}})
    fault = caught.value.faults[0]
    assert (fault.file, fault.line, fault.column) == ("p.json", 1, 32)
