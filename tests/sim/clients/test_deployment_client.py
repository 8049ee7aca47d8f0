"""The vendor's deployments client, unmodified, through both ways."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.deployments.models import Deployment, DeploymentProperties, DeploymentWhatIf

TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {"name": {"type": "string"}},
    "resources": [
        {
            "type": "Microsoft.Network/virtualNetworks",
            "apiVersion": "2023-09-01",
            "name": "[parameters('name')]",
            "location": "[resourceGroup().location]",
            "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
        }
    ],
    "outputs": {"where": {"type": "string", "value": "[reference(parameters('name'), '2023-09-01', 'Full').location]"}},
}


def properties(kind: Any = DeploymentProperties, **parameters: Any) -> Any:
    values = {name: {"value": value} for name, value in parameters.items()}
    return kind(mode="Incremental", template=TEMPLATE, parameters=values)


def client_of(way: Any) -> DeploymentsMgmtClient:
    way.running.call(
        lambda azure: azure.find_service("groups").put(way.subscription, "rg1", {"location": "westeurope"})
    )
    return DeploymentsMgmtClient(way.credential, way.subscription, polling_interval=0.05, **way.keywords)


def test_a_deployment_is_validated_previewed_made_and_read_back(way: Any) -> None:
    with client_of(way) as client:
        calls = client.deployments
        assert not calls.check_existence("rg1", "d1")
        checked = calls.begin_validate("rg1", "d1", Deployment(properties=properties(name="v1"))).result()
        assert checked.properties.validated_resources[0].id.endswith("/virtualNetworks/v1")
        preview = calls.begin_what_if("rg1", "d1", DeploymentWhatIf(properties=properties(name="v1"))).result()
        assert [change.change_type for change in preview.properties.changes] == ["Create"]
        made = calls.begin_create_or_update("rg1", "d1", Deployment(properties=properties(name="v1"))).result()
        assert made.properties.provisioning_state == "Succeeded"
        assert made.properties.outputs["where"]["value"] == "westeurope"
        again = calls.begin_what_if("rg1", "d1", DeploymentWhatIf(properties=properties(name="v1"))).result()
        assert [change.change_type for change in again.properties.changes] == ["NoChange"]
        assert [one.name for one in calls.list_by_resource_group("rg1")] == ["d1"]
        steps = list(client.deployment_operations.list("rg1", "d1"))
        assert [step.properties.target_resource.resource_name for step in steps] == ["v1"]
        assert calls.export_template("rg1", "d1").template == TEMPLATE
        calls.begin_delete("rg1", "d1").result()
        with pytest.raises(ResourceNotFoundError):
            calls.get("rg1", "d1")


def test_a_template_that_does_not_evaluate_is_refused_with_the_vendor_s_code(way: Any) -> None:
    with client_of(way) as client, pytest.raises(HttpResponseError) as refused:
        client.deployments.begin_create_or_update("rg1", "d1", Deployment(properties=properties())).result()
    assert refused.value.error is not None
    assert refused.value.error.code == "InvalidTemplate"


def test_a_refused_write_fails_the_deployment_for_the_client(way: Any) -> None:
    def refuse(azure: Any) -> None:
        roles = azure.find_service("authorization")
        azure.add_service("authorization", NoNetworks(roles))

    with client_of(way) as client:
        poller = client.deployments.begin_create_or_update(
            "rg1", "d1", Deployment(properties=properties(name="v1")), polling=False
        )
        way.running.call(refuse)
        way.running.advance(100)
        read = client.deployments.get("rg1", poller.result().name)
        assert read.properties.provisioning_state == "Failed"
        assert read.properties.error.details[0].code == "AuthorizationFailed"


class NoNetworks:
    """The roles there are, but nobody may write a network."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def may(self, principal_id: str, action: str, scope_id: str, *, data_action: bool = False) -> bool:
        if action == "Microsoft.Network/virtualNetworks/write":
            return False
        return bool(self._inner.may(principal_id, action, scope_id, data_action=data_action))
