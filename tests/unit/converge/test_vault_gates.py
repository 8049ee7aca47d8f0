"""What the vault shows opens a gate only where it is shown whole: the version, its mark, the grant and its scope."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.converge.vault_gates import ENROLLED_TAG
from tests import make
from tests.unit.converge.test_gates import LEAF, OTHER, URL, edited, look, seen

Json = dict[str, Any]
READER: Json = {"identity_id": make.IDENTITY_ID}
OLD, NEW = make.leaf(), make.leaf("2", not_before=make.NOW)


def certificate_of(document: Json) -> Json:
    found: Json = document["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]
    return found


@pytest.mark.parametrize(("rbac", "how"), [(True, "policy"), (False, "role")], ids=["a policy", "a role"])
def test_a_grant_of_the_kind_that_the_vault_does_not_go_by_opens_nothing(rbac: bool, how: str) -> None:
    """The vault may be switched between the plan and the look: the grant stays behind and has no effect."""
    document, _, _ = edited(has_identity=True, has_access=True, rbac=not rbac)
    document["resources"][make.VAULT_ID]["body"]["properties"]["enableRbacAuthorization"] = rbac
    found = look("access-granted", seen(document), make.VAULT_ID, **READER, how=how)
    assert (found.state, found.reason) == ("open", "NotGranted")


@pytest.mark.parametrize("missing", [make.VAULT_ID, make.IDENTITY_ID], ids=["the vault", "the identity"])
@pytest.mark.parametrize("how", [None, "role", "policy"])
def test_access_is_unknown_where_the_vault_or_the_identity_was_not_read(missing: str, how: str | None) -> None:
    document, _, _ = edited(has_identity=True, has_access=True)
    del document["resources"][missing]
    found = look("access-granted", seen(document), make.VAULT_URL, **READER, how=how)
    assert (found.state, found.reason) == ("unknown", "NotRead")


def test_access_to_a_vault_that_nobody_looked_at_is_unknown() -> None:
    document, _, _ = edited(has_identity=True, has_access=True)
    found = look("access-granted", seen(document), "https://other-kv.vault.azure.net", **READER)
    assert (found.state, found.reason) == ("unknown", "NotRead")


def test_a_principal_may_be_given_in_place_of_the_identity() -> None:
    observation = make.observation(has_identity=True, has_access=True)
    given = {"principal_id": make.IDENTITY_PRINCIPAL.upper()}
    assert look("access-granted", observation, make.VAULT_ID, **given).state == "passed"
    stranger = {"principal_id": "cccccccc-0000-4000-8000-000000009a11", **READER}
    assert look("access-granted", observation, make.VAULT_ID, **stranger).state == "open"


@pytest.mark.parametrize(
    ("words", "state"),
    [(["Get"], "passed"), (["all"], "passed"), (["list", "set"], "open"), ([], "open")],
    ids=["get", "all", "others", "none"],
)
def test_a_policy_grants_only_by_get(words: list[str], state: str) -> None:
    document, _, _ = edited(has_identity=True, has_access=True, rbac=False)
    policies = document["resources"][make.VAULT_ID]["body"]["properties"]["accessPolicies"]
    policies[0]["permissions"]["secrets"] = words
    assert look("access-granted", seen(document), make.VAULT_ID, **READER).state == state


@pytest.mark.parametrize(
    ("scope", "state"),
    [
        (make.VAULT_ID.upper(), "passed"),
        (f"{make.GROUP_SCOPE}/", "passed"),
        (f"/subscriptions/{make.SUBSCRIPTION}", "passed"),
        (make.VAULT_ID[:-1], "open"),
        (f"{make.VAULT_ID}/secrets/other", "open"),
        (make.GROUP_SCOPE.replace("shop-prod", "shop"), "open"),
    ],
    ids=["the vault", "its group", "its subscription", "a vault whose name is shorter", "one secret", "another group"],
)
def test_a_role_counts_where_its_scope_covers_the_vault(scope: str, state: str) -> None:
    document, _, _ = edited(has_identity=True, has_access=True)
    role = next(body for name, body in document["resources"].items() if "roleAssignments" in name)
    role["body"]["properties"]["scope"] = scope
    assert look("access-granted", seen(document), make.VAULT_ID, **READER).state == state


def test_a_role_that_reads_no_secrets_grants_nothing() -> None:
    document, _, _ = edited(has_identity=True, has_access=True)
    role = next(body for name, body in document["resources"].items() if "roleAssignments" in name)
    properties = role["body"]["properties"]
    # Key Vault Reader: metadata only
    properties["roleDefinitionId"] = properties["roleDefinitionId"].replace(
        make.SECRETS_USER, "21090545-7ca7-4776-b22c-e363652d74d2"
    )
    assert look("access-granted", seen(document), make.VAULT_ID, **READER).state == "open"


@pytest.mark.parametrize("kind", ["renewal-frozen", "renewal-as"])
def test_a_policy_that_was_not_read_is_no_policy_without_renewal(kind: str) -> None:
    document, _, _ = edited()
    certificate_of(document)["policy"] = None
    found = look(kind, seen(document), URL, lifetime_actions=[])
    assert (found.state, found.reason) == ("unknown", "NotRead")


def test_renewal_is_looked_up_at_this_certificate_of_this_vault() -> None:
    document, _, _ = edited()
    wanted = make.policy(action="AutoRenew")["lifetime_actions"]
    renews = certificate_of(document) | {"policy": make.policy(action="AutoRenew")}
    certificates = document["vaults"][make.VAULT_URL]["certificates"]
    document["vaults"][make.VAULT_URL]["certificates"] = {"another": renews, **certificates}
    document["vaults"] = {
        "https://other-kv.vault.azure.net": {"certificates": {make.CERTIFICATE_NAME: renews}},
        **document["vaults"],
    }
    assert look("renewal-as", seen(document), URL, lifetime_actions=wanted).reason == "PolicyDiffers"


def test_the_newest_version_counts_only_while_it_is_enabled_and_can_be_read() -> None:
    document, _, _ = edited()
    wanted = {"thumbprint": LEAF.thumbprint.lower()}
    certificate_of(document)["versions"][0]["attributes"]["enabled"] = False
    assert look("newest-version-is", seen(document), URL, **wanted).state == "failed"
    certificate_of(document)["versions"] = []
    assert look("newest-version-is", seen(document), URL, **wanted).state == "unknown"


def enrolled(*, mark: str | None = "plan-1", enabled: bool = True, versions: Any = (NEW, OLD)) -> Any:
    document, _, _ = edited(versions=versions, tags={ENROLLED_TAG: mark} if mark else None)
    for one in certificate_of(document)["versions"]:
        if one["x5t"] == NEW.x5t:
            one["attributes"]["enabled"] = enabled
    expects = {"previous": OLD.thumbprint, "common_name": make.COMMON_NAME, "mark": "plan-1"}
    return seen(document), expects


@pytest.mark.parametrize(
    ("world", "changes", "expected"),
    [
        (enrolled(), {}, ("passed", "Holds")),
        (enrolled(versions=(OLD,)), {}, ("open", "NotThere")),
        (enrolled(enabled=False), {}, ("failed", "NewerVersion")),
        (enrolled(), {"common_name": "other.example.com"}, ("failed", "NewerVersion")),
        (enrolled(mark=None), {}, ("open", "NotSeen")),
        (enrolled(mark="plan-2"), {}, ("open", "NotSeen")),
        (enrolled(mark=None), {"mark": None}, ("open", "NotSeen")),
    ],
    ids=[
        "new and marked",
        "nothing new",
        "disabled",
        "another name",
        "not marked",
        "marked by another plan",
        "no mark",
    ],
)
def test_a_certificate_is_enrolled_only_as_a_new_version_marked_by_this_plan(
    world: Any, changes: Json, expected: tuple[str, str]
) -> None:
    observation, expects = world
    found = look("certificate-enrolled", observation, URL, **(expects | changes))
    assert (found.state, found.reason) == expected


@pytest.mark.parametrize(
    ("why", "expected"), [("404 CertificateNotFound", ("open", "NotThere")), ("403", ("unknown", "NotRead"))]
)
def test_a_certificate_that_is_not_there_is_waited_for_and_one_that_could_not_be_read_is_unknown(
    why: str, expected: tuple[str, str]
) -> None:
    document, _, _ = edited()
    document["vaults"][make.VAULT_URL]["certificates"] = {}
    document["unread"] = [{"what": f"vaults/{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}", "why": why}]
    found = look("certificate-enrolled", seen(document), URL, previous=None, mark="plan-1")
    assert (found.state, found.reason) == expected


def test_an_identity_without_a_principal_is_waited_for() -> None:
    document, _, _ = edited(has_identity=True)
    document["resources"][make.IDENTITY_ID]["body"]["properties"]["principalId"] = None
    assert look("identity-exists", seen(document), make.IDENTITY_ID).reason == "NotThere"


def test_the_last_day_of_a_certificate_that_was_not_read_is_unknown() -> None:
    until = {"thumbprint": OTHER.thumbprint, "until_utc": "2026-11-23T00:00:00Z"}
    assert look("remaining-life-at-least", make.observation(), URL, **until).state == "unknown"
    assert look("remaining-life-at-least", make.observation(), URL, thumbprint=LEAF.thumbprint).state == "unknown"
