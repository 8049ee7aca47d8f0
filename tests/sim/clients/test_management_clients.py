"""The management clients of the card, unmodified, on a ready-made world, through both ways."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.servicefabric import ServiceFabricManagementClient
from azure.mgmt.servicefabric import models as sf

from sfcert.sim import worlds


def load(way: Any, name: str = "one-node-type") -> dict[str, Any]:
    facts: dict[str, Any] = way.running.call(lambda azure: worlds.load(azure, name))
    return facts


def test_service_fabric_reads_lists_and_updates_a_cluster(way: Any) -> None:
    facts = load(way)
    group, name = facts["resource_group"], facts["cluster_id"].rsplit("/", 1)[1]
    with ServiceFabricManagementClient(way.credential, way.subscription, polling_interval=1, **way.keywords) as client:
        read = client.clusters.get(group, name)
        assert (read.cluster_state, read.provisioning_state) == ("Ready", "Succeeded")
        assert read.certificate.thumbprint == facts["thumbprint"]
        assert [one.id for one in client.clusters.list()] == [read.id]
        assert [one.id for one in client.clusters.list_by_resource_group(group)] == [read.id]
        begun = way.running.call(lambda azure: azure.clock.now)
        parameters = sf.ClusterUpdateParameters(tags={"made": "by the client"})
        assert client.clusters.begin_update(group, name, parameters).result().tags == {"made": "by the client"}
        setting = sf.SettingsSectionDescription(
            name="ClusterManager", parameters=[sf.SettingsParameterDescription(name="EnableX", value="true")]
        )
        updated = client.clusters.begin_update(
            group, name, sf.ClusterUpdateParameters(fabric_settings=[*read.fabric_settings, setting])
        ).result()
        assert "ClusterManager" in [section.name for section in updated.fabric_settings]
        passed_s = (way.running.call(lambda azure: azure.clock.now) - begun).total_seconds()
        assert passed_s > 60  # the walk over the upgrade domains took virtual time, and the client no wall time
        with pytest.raises(ResourceNotFoundError):
            client.clusters.get(group, "none")


def test_compute_reads_scale_sets_instances_and_their_views(way: Any) -> None:
    facts = load(way)
    group = facts["resource_group"]
    with ComputeManagementClient(way.credential, way.subscription, polling_interval=1, **way.keywords) as client:
        [scale_set] = list(client.virtual_machine_scale_sets.list(group))
        assert [one.id for one in client.virtual_machine_scale_sets.list_all()] == [scale_set.id]
        machines = list(client.virtual_machine_scale_set_vms.list(group, scale_set.name, expand="instanceView"))
        assert len(machines) == scale_set.sku.capacity
        assert all(machine.latest_model_applied for machine in machines)
        view = client.virtual_machine_scale_set_vms.get_instance_view(group, scale_set.name, machines[0].instance_id)
        assert [status.code for status in view.statuses if status.code.startswith("ProvisioningState")]
        update = client.virtual_machine_scale_sets.begin_update(group, scale_set.name, {"tags": {"a": "b"}}).result()
        assert update.tags["a"] == "b"


def test_identities_vaults_and_roles_are_made_and_read_back(way: Any) -> None:
    facts = load(way)
    group = facts["resource_group"]
    with ManagedServiceIdentityClient(way.credential, way.subscription, **way.keywords) as client:
        made = client.user_assigned_identities.create_or_update(group, "id-new", {"location": "westeurope"})
        assert client.user_assigned_identities.get(group, "id-new").principal_id == made.principal_id
    with KeyVaultManagementClient(way.credential, way.subscription, **way.keywords) as client:
        vault = client.vaults.get(group, facts["vault_name"])
        assert vault.properties.vault_uri.rstrip("/") == facts["vault_url"]
    with AuthorizationManagementClient(way.credential, way.subscription, **way.keywords) as client:
        role = f"/subscriptions/{way.subscription}/providers/Microsoft.Authorization/roleDefinitions/"
        assigned = client.role_assignments.create(
            facts["vault_id"],
            "11111111-2222-4333-8444-555555555555",
            {
                "properties": {
                    "roleDefinitionId": role + "4633458b-17de-408a-b874-0445c86b69e6",
                    "principalId": made.principal_id,
                    "principalType": "ServicePrincipal",
                }
            },
        )
        found = list(client.role_assignments.list_for_scope(facts["vault_id"]))
        assert assigned.id in [one.id for one in found]


@pytest.mark.parametrize("fault", ["throttling", "unavailable", "server-error", "connection-reset"])
def test_a_client_gets_over_a_passing_unkindness(way: Any, fault: str) -> None:
    facts = load(way)
    way.running.call(lambda azure: azure.faults.arm(fault, {"times": 1, "match": "/clusters/"}))
    with ServiceFabricManagementClient(
        way.credential, way.subscription, **way.keywords, retry_backoff_factor=0
    ) as client:
        name = facts["cluster_id"].rsplit("/", 1)[1]
        assert client.clusters.get(facts["resource_group"], name).cluster_state == "Ready"
    assert way.running.call(lambda azure: [note for _, note in azure.journal.notes if fault in note])


def test_an_operation_that_fails_late_is_an_error_of_the_client(way: Any) -> None:
    facts = load(way)
    way.running.call(lambda azure: azure.faults.arm("operation-fails-late", {"times": 1}))
    with ServiceFabricManagementClient(way.credential, way.subscription, polling_interval=1, **way.keywords) as client:
        name = facts["cluster_id"].rsplit("/", 1)[1]
        read = client.clusters.get(facts["resource_group"], name)
        section = sf.SettingsSectionDescription(
            name="X", parameters=[sf.SettingsParameterDescription(name="y", value="1")]
        )
        parameters = sf.ClusterUpdateParameters(fabric_settings=[*read.fabric_settings, section])
        with pytest.raises(HttpResponseError, match="InternalExecutionError"):
            client.clusters.begin_update(facts["resource_group"], name, parameters).result()
