"""What a template takes from elsewhere: linked templates, template specs, secrets of vaults, keys, zones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sfcert.sim.deployments import Content
from sfcert.sim.keyvault.state import SecretObject, SecretVersion
from sfcert.sim.worlds.build import operator_of, put
from tests.sim.deployments.things import START, TYPE, World, nested, request_of, thing

PLACE = "https://files.example/templates/main.json"


@pytest.fixture
def world() -> World:
    return World(("authority", "authorization", "identity", "keyvault", "deployments"))


def template_of(resources: Any, **more: Any) -> dict[str, Any]:
    template: dict[str, Any] = request_of(resources, **more)["properties"]["template"]
    return template


def linked(name: str, link: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    given = {key: {"value": value} for key, value in parameters.items()}
    properties = {"mode": "Incremental", "templateLink": link, "parameters": given}
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": name,
        "properties": properties,
    }


def outputs_of(world: World, **values: str) -> dict[str, Any]:
    asked = {name: {"type": "object", "value": value} for name, value in values.items()}
    answer = world.deploy([], "asks", outputs=asked)
    assert answer.status in (200, 201), answer.body
    state = world.state("asks")
    assert state["provisioningState"] == "Succeeded", state["error"]
    return {name: one["value"] for name, one in state["outputs"].items()}


# -- links ------------------------------------------------------------------------------------------------------------


def publish(world: World, uri: str, template: dict[str, Any]) -> None:
    world.azure.service("content", Content).publish(uri, json.dumps(template))


def test_a_published_template_is_deployed_by_its_link_and_what_it_links_to_relatively_too(world: World) -> None:
    inner = template_of([thing("[parameters('thing')]")], parameters={"thing": {"type": "string"}})
    publish(world, "https://files.example/templates/parts/inner.json", inner)
    publish(
        world,
        "https://files.example/templates/parts/middle.json",
        template_of([linked("inner", {"relativePath": "inner.json"}, thing="deep")]),
    )
    publish(world, PLACE, template_of([linked("middle", {"relativePath": "parts/middle.json"})]))
    answer = world.call(
        "PUT", world.url(), {"properties": {"mode": "Incremental", "templateLink": {"uri": f"{PLACE}?sig=abc"}}}
    )
    assert answer.status == 201, answer.body
    world.azure.clock.advance(3600)
    assert world.state()["provisioningState"] == "Succeeded", world.state().get("error")
    assert world.call("GET", f"{world.group}/providers/{TYPE}/deep").status == 200
    assert world.state("middle")["templateLink"] == {"uri": "https://files.example/templates/parts/middle.json"}


def test_the_place_of_a_linked_template_is_known_to_it(world: World) -> None:
    """The older way to a relative link: an address computed from one's own."""
    publish(world, "https://files.example/templates/near.json", template_of([thing("near")]))
    uri = "[uri(deployment().properties.templateLink.uri, 'near.json')]"
    publish(world, PLACE, template_of([linked("near", {"uri": uri})]))
    world.call("PUT", world.url(), {"properties": {"mode": "Incremental", "templateLink": {"uri": PLACE}}})
    world.azure.clock.advance(3600)
    assert world.state()["provisioningState"] == "Succeeded", world.state().get("error")
    assert world.call("GET", f"{world.group}/providers/{TYPE}/near").status == 200


def test_a_nested_link_that_leads_nowhere_is_refused_before_anything_is_written(world: World) -> None:
    answer = world.call(
        "PUT", world.url(), request_of([thing("a"), linked("n", {"uri": "https://files.example/gone.json"})])
    )
    assert (answer.status, answer.body["error"]["code"]) == (400, "InvalidContentLink")
    assert "https://files.example/gone.json" in answer.body["error"]["message"]
    off = {**linked("n", {"uri": "https://files.example/gone.json"}), "condition": False}
    assert world.call("PUT", world.url(), request_of([thing("a"), off])).status == 201


def test_a_template_spec_is_deployed_by_its_id_with_what_comes_with_it(world: World) -> None:
    spec = f"{world.group}/providers/Microsoft.Resources/templateSpecs/parts"
    world.call("PUT", spec, {"location": "westeurope", "properties": {}})
    main = template_of([linked("n", {"relativePath": "artifacts/inner.json"})])
    artifacts = [{"path": "artifacts/inner.json", "template": template_of([thing("from-spec")])}]
    body = {"location": "westeurope", "properties": {"mainTemplate": main, "linkedTemplates": artifacts}}
    assert world.call("PUT", f"{spec}/versions/1.0", body).status in (200, 201)
    link = {"templateLink": {"id": f"{spec}/versions/1.0"}, "mode": "Incremental"}
    assert world.call("PUT", world.url(), {"properties": link}).status == 201
    world.azure.clock.advance(3600)
    assert world.state()["provisioningState"] == "Succeeded", world.state().get("error")
    assert world.call("GET", f"{world.group}/providers/{TYPE}/from-spec").status == 200
    link["templateLink"] = {"id": f"{spec}/versions/2.0"}
    answer = world.call("POST", world.url("d2", "/validate"), {"properties": link})
    assert (answer.status, answer.body["error"]["code"]) == (404, "TemplateSpecVersionNotFound")


def test_what_is_published_but_is_no_template_is_refused(world: World) -> None:
    world.azure.service("content", Content).publish(PLACE, "{ no json")
    link = {"properties": {"mode": "Incremental", "templateLink": {"uri": PLACE}}}
    answer = world.call("PUT", world.url(), link)
    assert (answer.status, answer.body["error"]["code"]) == (400, "InvalidTemplate")


# -- vaults -----------------------------------------------------------------------------------------------------------


def make_vault(world: World, **properties: Any) -> str:
    vault_id = f"{world.group}/providers/Microsoft.KeyVault/vaults/kv-elsewhere"
    whole = {
        "tenantId": world.azure.tenant_id,
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
        **properties,
    }
    caller = operator_of(world.azure)
    put(world.azure, vault_id, "2023-07-01", {"location": "westeurope", "properties": whole}, caller)
    content = world.azure.find_service("vaults").content("kv-elsewhere")
    kept = content.secrets.setdefault("password", SecretObject("password"))
    kept.versions.append(SecretVersion("1" * 32, "Hush-hush-77", None, True, START, START, None, None, {}))
    return vault_id


def referring(vault_id: str, secret: str = "password") -> dict[str, Any]:
    parameters = {"pw": {"type": "secureString"}}
    body = request_of([thing("a", value="[concat('<', parameters('pw'), '>')]")], parameters=parameters)
    body["properties"]["parameters"] = {"pw": {"reference": {"keyVault": {"id": vault_id}, "secretName": secret}}}
    return body


def test_a_parameter_may_stand_in_a_vault_and_is_not_shown(world: World) -> None:
    vault_id = make_vault(world, enabledForTemplateDeployment=True)
    assert world.call("PUT", world.url(), referring(vault_id)).status == 201
    world.azure.clock.advance(3600)
    kept = world.azure.resources.get(f"{world.group}/providers/{TYPE}/a")
    assert kept is not None
    assert kept.body["properties"]["value"] == "<Hush-hush-77>"
    assert "Hush" not in str(world.call("GET", world.url()).body)
    assert "Hush" not in str(world.call("POST", world.url("w", "/whatIf"), referring(vault_id)).body)


def test_a_nested_deployment_s_secret_is_read_when_its_turn_comes_and_hidden_from_what_if(world: World) -> None:
    vault_id = make_vault(world, enabledForTemplateDeployment=True)
    outer = nested("n", [], expressionEvaluationOptions={"scope": "inner"})
    outer["properties"]["template"] = referring(vault_id)["properties"]["template"]
    outer["properties"]["parameters"] = referring(vault_id)["properties"]["parameters"]
    world.deploy([outer])
    kept = world.azure.resources.get(f"{world.group}/providers/{TYPE}/a")
    assert kept is not None, world.state()
    assert kept.body["properties"]["value"] == "<Hush-hush-77>"
    assert "Hush" not in str(world.what_if([outer]))
    assert world.state("n")["parameters"] == {"pw": {"type": "SecureString"}}


@pytest.mark.parametrize(
    ("enabled", "vault", "secret", "code"),
    [
        (False, None, "password", "KeyVaultParameterReferenceSecretRetrieveFailed"),
        (True, None, "gone", "KeyVaultParameterReferenceSecretRetrieveFailed"),
        (
            True,
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/no",
            "password",
            "KeyVaultParameterReferenceNotFound",
        ),
    ],
    ids=["not enabled for templates", "no such secret", "no such vault"],
)
def test_a_vault_that_cannot_be_read_refuses_the_deployment(
    world: World, enabled: bool, vault: str | None, secret: str, code: str
) -> None:
    vault_id = make_vault(world, enabledForTemplateDeployment=enabled)
    answer = world.call("PUT", world.url(), referring(vault or vault_id, secret))
    assert (answer.status, answer.body["error"]["code"]) == (400, code)


# -- run time ---------------------------------------------------------------------------------------------------------


def test_list_keys_answers_by_type_and_version_and_differs_between_accounts(world: World) -> None:
    accounts = [f"{world.group}/providers/Microsoft.Storage/storageAccounts/{name}" for name in ("one", "two")]
    workspace = f"{world.group}/providers/Microsoft.OperationalInsights/workspaces/logs"
    insights = f"{world.group}/providers/Microsoft.Insights/components/app"
    for path in (*accounts, workspace, insights):
        assert world.call("PUT", path, {"location": "westeurope", "properties": {}}).status in (200, 201)
    found = outputs_of(
        world,
        one=f"[listKeys('{accounts[0]}', '2023-01-01')]",
        two=f"[listKeys('{accounts[1]}', '2023-01-01')]",
        old=f"[listKeys('{accounts[0]}', '2015-05-01-preview')]",
        logs=f"[listKeys('{workspace}', '2022-10-01')]",
        id=f"[createObject('id', reference('{workspace}', '2022-10-01').customerId)]",
        app=f"[reference('{insights}', '2020-02-02')]",
    )
    assert found["app"]["InstrumentationKey"] in found["app"]["ConnectionString"]
    assert [key["keyName"] for key in found["one"]["keys"]] == ["key1", "key2"]
    assert found["one"]["keys"][0]["value"] != found["two"]["keys"][0]["value"]
    assert found["old"]["key1"] == found["one"]["keys"][0]["value"]
    assert set(found["logs"]) == {"primarySharedKey", "secondarySharedKey"}
    assert len(found["id"]["id"]) == 36
    asked = world.call("POST", f"{accounts[0]}/listKeys")
    assert (asked.status, asked.body) == (200, found["one"])


def test_zones_are_those_of_the_region_and_of_the_subscription(world: World) -> None:
    sub = world.azure.subscription_id
    found = outputs_of(
        world,
        two="[createObject('it', pickZones('Microsoft.Compute', 'virtualMachineScaleSets', 'West Europe', 2))]",
        none="[createObject('it', pickZones('Microsoft.Storage', 'storageAccounts', 'westeurope'))]",
        there=f"[createObject('it', toPhysicalZones('{sub}', 'westeurope', createArray('1', '2', '3')))]",
        back=f"[createObject('it', toLogicalZone('{sub}', 'westeurope', toPhysicalZone('{sub}', 'westeurope', '2')))]",
    )
    assert (found["two"]["it"], found["none"]["it"], found["back"]["it"]) == (["1", "2"], [], "2")
    assert sorted(found["there"]["it"]) == ["westeurope-az1", "westeurope-az2", "westeurope-az3"]
    faulty = {"it": {"type": "string", "value": f"[toPhysicalZone('{sub}', 'westeurope', '4')]"}}
    world.deploy([], "faulty", outputs=faulty)
    error = world.state("faulty")["error"]
    assert (error["code"], error["details"][0]["code"]) == ("DeploymentOutputEvaluationFailed", "InvalidTemplate")


def test_a_name_may_come_from_the_deployment_itself_in_validate_and_what_if_too(world: World) -> None:
    resources = [thing("[concat('x-', uniqueString(deployment().name))]")]
    assert world.call("POST", world.url(tail="/validate"), request_of(resources)).status == 200
    assert [one["changeType"] for one in world.what_if(resources)] == ["Create"]


def test_the_full_reference_says_what_the_vendor_documents(world: World) -> None:
    world.deploy([thing("a", value=1)])
    found = outputs_of(world, it=f"[reference(resourceId('{TYPE}', 'a'), '2024-01-01', 'Full')]")["it"]
    documented = {
        "apiVersion",
        "location",
        "properties",
        "subscriptionId",
        "resourceGroupName",
        "resourceId",
        "referenceApiVersion",
        "condition",
        "isConditionTrue",
        "isTemplateResource",
        "isAction",
        "provisioningOperation",
    }
    assert documented <= set(found)
    assert found["resourceId"] == f"{TYPE}/a"
