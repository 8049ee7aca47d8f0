"""The role is what the plan needs, and no wider."""

from __future__ import annotations

from sfcert.planning.permissions import permissions
from tests import make
from tests.planning.worlds import plan_of


def test_names_the_writes_of_every_stage_and_no_wildcard() -> None:
    role = permissions(plan_of(make.bundle(policy=make.policy(action="AutoRenew", issuer="ExampleCA"))))
    for action in (
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Compute/virtualMachineScaleSets/write",
        "Microsoft.KeyVault/vaults/deploy/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.Resources/deployments/write",
        "Microsoft.ServiceFabric/clusters/write",
    ):
        assert action in role["Actions"]
    assert "Microsoft.KeyVault/vaults/certificates/update/action" in role["DataActions"]
    assert not any("*" in one for one in (*role["Actions"], *role["DataActions"]))
    assert role["AssignableScopes"] == [make.GROUP_SCOPE]


def test_a_policy_vault_needs_no_role_assignment() -> None:
    role = permissions(plan_of(make.bundle(rbac=False)))
    assert "Microsoft.KeyVault/vaults/accessPolicies/write" in role["Actions"]
    assert "Microsoft.Authorization/roleAssignments/write" not in role["Actions"]


def test_a_manual_scale_set_needs_the_upgrade_of_its_instances() -> None:
    action = "Microsoft.Compute/virtualMachineScaleSets/manualupgrade/action"
    assert action not in permissions(plan_of(make.bundle()))["Actions"]
    manual = make.bundle(node_types=(make.NodeTypeShape(mode="Manual"),))
    assert action in permissions(plan_of(manual))["Actions"]


def test_a_plan_with_nothing_to_do_needs_reading_only() -> None:
    role = permissions(plan_of(make.bundle(make.common_name_world())))
    assert all(one.endswith("/read") for one in (*role["Actions"], *role["DataActions"]))


def test_a_zone_of_azure_dns_is_named_by_its_group_or_its_whole_subscription() -> None:
    from sfcert.enrol.policy import policy_of
    from sfcert.model.plan import EnrolOperation
    from sfcert.planning.permissions_to_enrol import needed_to_enrol

    def scopes(**settings: str) -> set[str]:
        acme = {"directory": "https://ca.example", "solvers": [{"kind": "azure-dns", "settings": settings}]}
        policy = policy_of({"subject": "CN=a.example", "issuer": {"name": "acme", "acme": acme}}, "here")
        operation = EnrolOperation(
            vault_url="https://kv.vault.azure.net",
            certificate="c",
            policy=policy,
            stand_in="E0" * 20,
            previous=None,
            name="a.example",
            issuers=("AB" * 20,),
            lives_until_utc=make.NOW,
            mark="m",
        )
        return needed_to_enrol(operation)[2]

    assert scopes(subscription_id="s", resource_group="rg") == {"/subscriptions/s/resourceGroups/rg"}
    assert scopes(subscription_id="s") == {"/subscriptions/s"}
