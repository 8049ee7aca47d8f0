"""The Python face of the vaults: what nodes and the platform get, and when they are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sfcert.sim import authority, authorization, keyvault
from sfcert.sim.authority.authorities import Authorities
from sfcert.sim.authorization import definitions
from sfcert.sim.authorization.roles import Roles
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.keyvault.vaults import Vaults, vault_name

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SUB = "/subscriptions/00000000-0000-0000-0000-000000000001"
VAULT_ID = f"{SUB}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1"
URL = "https://kv1.vault.azure.net"
NODE = "11111111-1111-1111-1111-111111111111"
SUBNET = f"{SUB}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/nt0"


class World:
    """One vault in a world of its own, with two authorities."""

    def __init__(self, **properties: Any) -> None:
        self.azure = Azure(start=START, seed=3, tenant_id="tenant", subscription_id=SUB.rsplit("/", 1)[1])
        for service in (authority, authorization, keyvault):
            service.install(self.azure)
        policies = [{"objectId": NODE, "permissions": {"secrets": ["Get", "list"]}}]
        body = {"location": "westeurope", "properties": {"accessPolicies": policies, **properties}}
        self.azure.resources.put(VAULT_ID, "2026-05-15", body)
        self.vaults = self.azure.service("vaults", Vaults)
        self.roles = self.azure.service("authorization", Roles)
        self.authorities = self.azure.service("authority", Authorities)
        for name in ("ca-a", "ca-b"):
            self.authorities.create(name, not_before=START - 100 * DAY, not_after=START + 4000 * DAY)

    def put(self, name: str = "cluster", days: int = 90, **more: Any) -> Any:
        issued = self.authorities.get("ca-a").issue(
            "a.example", ["a.example"], not_before=self.azure.clock.now, not_after=self.azure.clock.now + days * DAY
        )
        return self.vaults.import_version(URL, name, issued, **more)

    def get(self, version: str | None = None, **more: Any) -> Any:
        return self.vaults.secret(URL, "cluster", version, principal_id=more.pop("principal_id", NODE), **more)


def refusal(call: Any) -> str:
    with pytest.raises(AzureFailure) as caught:
        call()
    return caught.value.code


def test_a_policy_lets_its_object_in_and_nobody_else() -> None:
    world = World()
    stored = world.put()
    assert world.get().thumbprint == stored.thumbprint
    assert refusal(lambda: world.get(principal_id="22222222-2222-2222-2222-222222222222")) == "ForbiddenByPolicy"


def test_policies_do_not_count_once_the_vault_uses_roles() -> None:
    world = World(enableRbacAuthorization=True)
    world.put()
    assert refusal(world.get) == "ForbiddenByRbac"
    world.roles.grant(NODE, definitions.KEY_VAULT_SECRETS_USER, VAULT_ID)
    assert world.get().leaf is not None


def test_a_role_that_shows_no_contents_is_not_enough() -> None:
    world = World(enableRbacAuthorization=True)
    world.put()
    world.roles.grant(NODE, definitions.KEY_VAULT_READER, SUB)
    assert refusal(world.get) == "ForbiddenByRbac"


def test_without_a_version_the_latest_is_meant_even_when_it_is_disabled() -> None:
    world = World()
    first = world.put()
    world.azure.clock.advance(60)
    world.put()
    world.vaults.disable(URL, "cluster")
    assert refusal(world.get) == "SecretDisabled"
    assert world.get(first.version).thumbprint == first.thumbprint


def test_an_expired_certificate_is_not_served_unless_the_other_reading_is_switched_on() -> None:
    world = World()
    world.put(days=1)
    world.azure.clock.advance(2 * 86400)
    assert refusal(world.get) == "SecretExpired"
    world.azure.faults.arm("vault-serves-expired")
    assert world.get().leaf is not None


def test_unknown_names_and_vaults_are_told_apart() -> None:
    world = World()
    assert refusal(world.get) == "SecretNotFound"
    code = refusal(lambda: world.vaults.secret("https://nobody.vault.azure.net", "x", principal_id=NODE))
    assert code == "VaultNotFound"


@pytest.mark.parametrize(
    ("rules", "visitor", "expected"),
    [
        ({"defaultAction": "Deny"}, {}, "ForbiddenByFirewall"),
        ({"defaultAction": "Deny", "virtualNetworkRules": [{"id": SUBNET.upper()}]}, {"subnet_id": SUBNET}, None),
        ({"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]}, {"address": "203.0.113.9"}, None),
        (
            {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]},
            {"address": "198.51.100.1"},
            "ForbiddenByFirewall",
        ),
        ({"defaultAction": "Deny", "bypass": "AzureServices"}, {"trusted_service": True}, None),
        ({"defaultAction": "Deny", "bypass": "None"}, {"trusted_service": True}, "ForbiddenByFirewall"),
        ({"defaultAction": "Allow"}, {}, None),
    ],
)
def test_the_firewall_asks_where_a_caller_comes_from(
    rules: dict[str, Any], visitor: dict[str, Any], expected: str | None
) -> None:
    world = World(networkAcls=rules, enabledForDeployment=True)
    world.put()
    if expected is None:
        assert world.get(**visitor).leaf is not None
    else:
        assert refusal(lambda: world.get(**visitor)) == expected


def test_the_deployment_service_needs_the_vaults_leave() -> None:
    world = World()
    world.put()
    assert refusal(lambda: world.get(trusted_service=True)) == "KeyVaultAccessForbidden"


def test_the_two_newest_enabled_versions_come_newest_first() -> None:
    world = World()
    versions = []
    for _ in range(3):
        versions.append(world.put())
        world.azure.clock.advance(60)
    newest = world.vaults.newest_two(URL, "cluster", principal_id=NODE)
    assert [one.version for one in newest] == [versions[2].version, versions[1].version]
    world.vaults.disable(URL, "cluster")
    newest = world.vaults.newest_two(URL, "cluster", principal_id=NODE)
    assert [one.version for one in newest] == [versions[1].version, versions[0].version]


def test_automatic_renewal_comes_at_its_share_of_the_lifetime_with_a_new_key() -> None:
    world = World()
    world.vaults.bind_issuer(URL, "Corp", "ca-a")
    renewing = {
        "issuer": {"name": "Corp"},
        "lifetime_actions": [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}],
    }
    seen = []
    world.vaults.on_new_version(lambda vault, name, version: seen.append((vault, name, version.thumbprint)))
    first = world.put(policy=renewing, tags={"owner": "ops"})
    world.azure.clock.advance(72 * 86400 - 60)
    assert world.get().version == first.version
    world.azure.clock.advance(180)
    second = world.get()
    assert second.version != first.version
    assert second.key is not first.key
    assert second.tags == {"owner": "ops"}
    assert second.chain == world.authorities.get("ca-a").chain
    assert seen == [("kv1", "cluster", first.thumbprint), ("kv1", "cluster", second.thumbprint)]


def test_a_frozen_policy_renews_nothing_and_a_resumed_one_renews_what_is_overdue() -> None:
    world = World()
    world.vaults.bind_issuer(URL, "Corp", "ca-a")
    first = world.put(policy={"issuer": {"name": "Corp"}})
    certificate = world.vaults.content(URL).certificate("cluster")
    assert certificate is not None
    original = certificate.policy["lifetime_actions"]
    mail = [{"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "EmailContacts"}}]
    world.vaults.lifecycle.change_policy(world.vaults.content(URL), certificate, {"lifetime_actions": mail})
    world.azure.clock.advance(85 * 86400)
    assert world.get().version == first.version
    world.vaults.lifecycle.change_policy(world.vaults.content(URL), certificate, {"lifetime_actions": original})
    world.azure.clock.advance(61)
    assert world.get().version != first.version


def test_a_renewal_can_be_staged_from_another_issuer() -> None:
    world = World()
    world.put()
    second = world.vaults.renew_now(URL, "cluster", authority="ca-b")
    second.leaf.verify_directly_issued_by(world.authorities.get("ca-b").certificate)
    assert world.get().version == second.version


def test_a_reused_key_stays_and_an_unbound_issuer_fails_and_is_tried_again() -> None:
    world = World()
    world.vaults.bind_issuer(URL, "Corp", "ca-a")
    first = world.put(policy={"issuer": {"name": "Corp"}, "key_props": {"reuse_key": True}})
    del world.vaults.content(URL).bindings["corp"]
    world.azure.clock.advance(72.5 * 86400)
    certificate = world.vaults.content(URL).certificate("cluster")
    assert certificate is not None
    assert certificate.pending is not None
    assert certificate.pending.status == "failed"
    world.vaults.bind_issuer(URL, "Corp", "ca-b")
    world.azure.clock.advance(2 * 86400)
    assert world.get().version != first.version
    assert world.get().key is first.key


def test_a_captured_policy_that_cannot_renew_is_kept_and_never_asks_anybody() -> None:
    world = World()
    action = {"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}
    first = world.put(policy={"issuer": {"name": "Unknown"}, "lifetime_actions": [action, {"action": {}}]})
    world.azure.clock.advance(89 * 86400)
    certificate = world.vaults.content(URL).certificate("cluster")
    assert certificate is not None
    assert certificate.pending is None
    assert world.get().version == first.version


@pytest.mark.parametrize("text", ["https://KV1.vault.azure.net:443/secrets/x", "kv1.vault.azure.net", "kv1", URL + "/"])
def test_a_vault_is_found_by_every_way_of_writing_it(text: str) -> None:
    assert vault_name(text) == "kv1"
