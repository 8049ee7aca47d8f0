"""Resource Manager's front door in process: routing, lists, etags, permissions, unkindness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sfcert.sim.assemble import build
from sfcert.sim.entra import Entra
from sfcert.sim.front import ArmFront, Reply, Request, Tempo
from sfcert.sim.front.tempo import Mode
from sfcert.sim.front.unkind import UNKINDNESS
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Answer, Caller

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class FakeRoles:
    """Allows what is in `allowed` and keeps what it was asked."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = set(allowed)
        self.asked: list[tuple[str, str]] = []

    def may(self, principal_id: str, action: str, scope_id: str, *, data_action: bool = False) -> bool:
        self.asked.append((action, scope_id))
        return action in self.allowed


class FakeWidgets:
    """A provider that takes an hour for everything and knows one action and one child type."""

    types = ("Sim.Test/widgets", "Sim.Test/widgets/parts")

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.actions: list[tuple[str, str]] = []

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._azure.resources.get(rid.text)
        assert found is not None
        return dict(found.body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        return [{"id": f"{scope}/{resource_type}/{n}", "name": f"n{n}"} for n in range(5)]

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        self._azure.resources.put(rid.text, api_version, {"id": rid.text, **body})
        operation = self._azure.start_operation(rid.text)
        self._azure.finish_after(operation, 3600, lambda: None, "widget")
        return Answer({"id": rid.text, **body}, operation=operation, created=True)

    patch = put

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        return Answer(None)

    def action(
        self,
        rid: ResourceId,
        action: str,
        method: str,
        api_version: str,
        body: Any,
        query: dict[str, str],
        caller: Caller,
    ) -> Answer:
        self.actions.append((method, action))
        return Answer({"did": action})


class Client:
    """Calls the front with the default operator's token."""

    def __init__(self, azure: Azure) -> None:
        self.azure = azure
        self._front = azure.service("arm", ArmFront)
        entra = azure.service("entra", Entra)
        self._token = entra.token_for(entra.default.caller, "https://management.azure.com")
        self.sub = f"/subscriptions/{azure.subscription_id}"

    def __call__(self, method: str, path: str, body: Any = None, *, headers: Any = None, **query: str) -> Reply:
        if "?" in path:
            path, _, text = path.removeprefix("https://management.azure.com").partition("?")
            query.update(dict(part.split("=", 1) for part in text.split("&")))
        return self._front.handle(
            Request(
                method,
                path.removeprefix("https://management.azure.com"),
                query={"api-version": "2021-04-01", **query},
                headers={"authorization": f"Bearer {self._token}", **(headers or {})},
                body=body,
            )
        )


def make(tempo: Mode = "manual") -> Client:
    azure = build(start=START, seed=3, tempo=tempo, services=())
    client = Client(azure)
    client("PUT", f"{client.sub}/resourceGroups/rg", {"location": "westeurope"})
    return client


@pytest.fixture
def arm() -> Client:
    return make()


def test_an_unknown_group_is_named_before_its_resources(arm: Client) -> None:
    answer = arm("GET", f"{arm.sub}/resourceGroups/none/providers/Microsoft.Compute/disks/d")
    assert (answer.status, answer.body["error"]["code"]) == (404, "ResourceGroupNotFound")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "AuthenticationFailed"),
        ("Bearer a.b.c", "InvalidAuthenticationToken"),
        ("Basic abc", "InvalidAuthenticationToken"),
    ],
    ids=["no token", "a forged token", "another scheme"],
)
def test_refuses_what_is_not_its_own_token(arm: Client, header: str | None, code: str) -> None:
    front = arm.azure.service("arm", ArmFront)
    answer = front.handle(Request("GET", arm.sub, headers={"authorization": header} if header else {}))
    assert (answer.status, answer.body["error"]["code"]) == (401, code)


def test_refuses_a_vault_s_token(arm: Client) -> None:
    entra = arm.azure.service("entra", Entra)
    token = entra.token_for(entra.default.caller, "https://vault.azure.net")
    answer = arm("GET", arm.sub, headers={"authorization": f"Bearer {token}"})
    assert answer.body["error"]["code"] == "InvalidAuthenticationTokenAudience"


def test_a_permission_is_checked_with_the_action_s_own_name(arm: Client) -> None:
    roles = FakeRoles("Microsoft.Compute/disks/read")
    arm.azure.add_service("authorization", roles)
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    assert arm("GET", disk).status == 404
    refused = arm("PUT", disk, {})
    assert (refused.status, refused.body["error"]["code"]) == (403, "AuthorizationFailed")
    assert "Microsoft.Compute/disks/write" in refused.body["error"]["message"]
    assert roles.asked == [("Microsoft.Compute/disks/read", disk), ("Microsoft.Compute/disks/write", disk)]


def test_pages_follow_their_links_and_hold_each_item_once(arm: Client) -> None:
    arm.azure.register(FakeWidgets(arm.azure))
    arm.azure.faults.arm("shuffled-lists")
    link = f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets"
    names: list[str] = []
    pages = 0
    while link:
        page = arm("GET", link.replace("%24", "$")).body
        names += [item["name"] for item in page["value"]]
        link = page.get("nextLink", "")
        pages += 1
    assert (sorted(names), pages) == (["n0", "n1", "n2", "n3", "n4"], 3)


def test_what_follows_a_known_type_is_an_action_or_a_child_list(arm: Client) -> None:
    widgets = FakeWidgets(arm.azure)
    arm.azure.register(widgets)
    one = f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w"
    assert arm("GET", f"{one}/PARTS/").body["value"][0]["id"] == f"{one}/Sim.Test/widgets/PARTS/0"
    assert arm("POST", f"{one}/restart").body == {"did": "restart"}
    assert arm("GET", f"{one}/rollingUpgrades/latest").body == {"did": "rollingUpgrades/latest"}
    assert widgets.actions == [("POST", "restart"), ("GET", "rollingUpgrades/latest")]


def test_an_etag_that_moved_stops_a_write(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm("PUT", disk, {"tags": {"a": "1"}})
    etag = arm("GET", disk).headers["ETag"]
    assert arm("PUT", disk, {"tags": {"a": "2"}}, headers={"if-match": etag}).status == 200
    assert arm("PUT", disk, {"tags": {"a": "3"}}, headers={"if-match": etag}).status == 412
    assert arm("GET", disk).body["tags"] == {"a": "2"}


def test_everything_in_a_group_can_be_listed_by_type(arm: Client) -> None:
    group = f"{arm.sub}/resourceGroups/rg/providers"
    arm("PUT", f"{group}/Microsoft.Compute/disks/d", {"location": "x", "properties": {"secret": 1}})
    arm("PUT", f"{group}/Microsoft.Network/virtualNetworks/v", {"location": "x"})
    query = {"$filter": "resourceType eq 'Microsoft.compute/Disks'"}
    listed = arm("GET", f"{arm.sub}/resources", None, **query).body["value"]
    assert [(item["name"], "properties" in item) for item in listed] == [("d", False)]
    wrong = arm("GET", f"{arm.sub}/resources", None, **{"$filter": "tagName eq 'x'"})
    assert wrong.body["error"]["code"] == "InvalidFilterInQueryString"


def test_a_few_types_carry_what_cluster_templates_read_of_them(arm: Client) -> None:
    group = f"{arm.sub}/resourceGroups/rg/providers"
    arm("PUT", f"{group}/Microsoft.Storage/storageAccounts/Sa1", {"location": "westeurope"})
    storage = arm("GET", f"{group}/Microsoft.Storage/storageAccounts/sa1").body["properties"]
    assert storage["primaryEndpoints"]["blob"] == "https://sa1.blob.core.windows.net/"
    address = {"location": "West Europe", "properties": {"dnsSettings": {"domainNameLabel": "Sf1"}}}
    made = arm("PUT", f"{group}/Microsoft.Network/publicIPAddresses/ip", address).body["properties"]
    assert made["dnsSettings"]["fqdn"] == "sf1.westeurope.cloudapp.azure.com"
    network = {"properties": {"subnets": [{"name": "s", "properties": {"addressPrefix": "10.0.0.0/24"}}]}}
    made = arm("PUT", f"{group}/Microsoft.Network/virtualNetworks/v", network).body["properties"]
    assert made["subnets"][0]["id"] == f"{group}/Microsoft.Network/virtualNetworks/v/subnets/s"


def test_namespaces_are_listed_with_their_types_also_those_that_are_only_kept(arm: Client) -> None:
    arm.azure.register(FakeWidgets(arm.azure))
    arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v", {})
    shown = arm("GET", f"{arm.sub}/providers/microsoft.network").body
    assert [one["resourceType"] for one in shown["resourceTypes"]] == ["virtualNetworks"]
    listed = arm("GET", f"{arm.sub}/providers").body["value"]
    assert [one["namespace"] for one in listed] == ["Microsoft.Network", "Sim.Test"]
    assert arm("POST", f"{arm.sub}/providers/Sim.Test/register").body["registrationState"] == "Registered"
    assert arm("GET", f"{arm.sub}/providers/No.Such").body["error"]["code"] == "InvalidResourceNamespace"


# -- long operations and time -----------------------------------------------------------------------------------------


def test_manual_waits_in_whole_seconds_and_never_moves_by_itself() -> None:
    arm = make("manual")
    arm.azure.register(FakeWidgets(arm.azure))
    link = arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w", {}).headers["Azure-AsyncOperation"]
    for _ in range(3):
        look = arm("GET", link)
        assert (look.body["status"], look.headers["Retry-After"]) == ("InProgress", "15")
    assert arm.azure.clock.now == START
    arm.azure.clock.advance(3600)
    assert arm("GET", link).body["status"] == "Succeeded"


def test_auto_reaches_the_end_in_a_few_looks_and_stops_there() -> None:
    arm = make("auto")
    arm.azure.register(FakeWidgets(arm.azure))
    answer = arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w", {})
    assert answer.status == 201
    assert "Location" not in answer.headers
    looks = 0
    while arm("GET", answer.headers["Azure-AsyncOperation"]).body["status"] == "InProgress":
        looks += 1
    assert 3 < looks < 30
    assert arm.azure.clock.now == START + timedelta(hours=1)


def test_auto_runs_events_in_their_order_on_the_way() -> None:
    arm = make("auto")
    seen: list[int] = []
    for second in (9, 3, 6):
        arm.azure.clock.after(second, lambda second=second: seen.append(second), "event")
    arm.azure.service("tempo", Tempo).looked_since(START)
    assert (seen, arm.azure.clock.now) == ([3, 6, 9], START + timedelta(seconds=15))


def test_fast_tempos_ask_for_milliseconds_and_never_for_none() -> None:
    """Typed clients parse Retry-After as an integer, and read 0 as no advice: then they wait 30 s of wall time."""
    azure = make().azure
    assert Tempo(azure, "factor", 60.0).wait_headers(15) == {"x-ms-retry-after-ms": "250"}
    assert int(Tempo(azure, "factor", 1e9).wait_headers(15)["x-ms-retry-after-ms"]) > 0
    assert int(Tempo(azure, "auto").wait_headers(15)["x-ms-retry-after-ms"]) > 0


# -- unkindness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status"),
    [("throttling", 429), ("write-conflict", 409), ("server-error", 500), ("unavailable", 503)],
)
def test_an_armed_refusal_comes_as_often_as_asked_and_changes_nothing(arm: Client, fault: str, status: int) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm.azure.faults.arm(fault, {"times": 2, "match": "/disks/"})
    assert [arm("PUT", disk, {}).status for _ in range(3)] == [status, status, 201]
    assert [write["what"] for write in arm.azure.journal.writes if "disks" in write["subject"]] == ["PUT"]


def test_a_lost_answer_hides_a_write_that_was_done(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm.azure.faults.arm("answer-lost", {"times": 1})
    assert arm("PUT", disk, {}).status == 500
    assert arm("GET", disk).status == 200


def test_a_cut_answer_hides_a_write_that_was_done(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm.azure.faults.arm("answer-cut", {"times": 1})
    assert arm("PUT", disk, {}).reset
    assert arm("GET", disk).status == 200


def test_reads_lag_behind_a_write_for_the_looks_that_were_asked(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm("PUT", disk, {"tags": {"a": "old"}})
    arm.azure.faults.arm("stale-read", {"looks": 2, "times": 1})
    arm("PUT", disk, {"tags": {"a": "new"}})
    assert [arm("GET", disk).body["tags"]["a"] for _ in range(3)] == ["old", "old", "new"]


def test_an_operation_that_fails_late_stays_failed(arm: Client) -> None:
    arm.azure.register(FakeWidgets(arm.azure))
    arm.azure.faults.arm("operation-fails-late", {"times": 1})
    link = arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w", {}).headers["Azure-AsyncOperation"]
    arm.azure.clock.advance(10)
    assert arm("GET", link).body["status"] == "Failed"
    arm.azure.clock.advance(7200)
    assert arm("GET", link).body["error"]["code"] == "InternalExecutionError"


def test_a_refusal_for_a_moved_condition_comes_before_anything_happens(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm.azure.faults.arm("precondition-failed", {"times": 1})
    refused = arm("PUT", disk, {})
    assert (refused.status, refused.body["error"]["code"]) == (412, "PreconditionFailed")
    assert arm("GET", disk).status == 404


def test_an_etag_that_somebody_moved_after_a_read_fails_the_write(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm("PUT", disk, {"tags": {"a": "1"}})
    arm.azure.faults.arm("etag-moves", {"times": 1})
    etag = arm("GET", disk).headers["ETag"]
    assert arm("PUT", disk, {"tags": {"a": "2"}}, headers={"if-match": etag}).status == 412
    etag = arm("GET", disk).headers["ETag"]
    assert arm("PUT", disk, {"tags": {"a": "2"}}, headers={"if-match": etag}).status == 200


def test_what_was_created_appears_late_alone_and_in_lists(arm: Client) -> None:
    group = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks"
    arm.azure.faults.arm("appears-late", {"looks": 2})
    assert arm("PUT", f"{group}/d", {}).status == 201
    assert [len(arm("GET", group).body["value"]) for _ in range(3)] == [0, 0, 1]
    assert [arm("GET", f"{group}/d").status for _ in range(3)] == [404, 404, 200]
    assert arm("PUT", f"{group}/d", {"tags": {"a": "1"}}).status == 200
    assert arm("GET", f"{group}/d").body["tags"] == {"a": "1"}


def test_a_write_that_was_refused_leaves_no_stale_read(arm: Client) -> None:
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    arm("PUT", disk, {"tags": {"a": "1"}})
    arm.azure.faults.arm("stale-read", {"times": 1})
    assert arm("PUT", disk, {}, headers={"if-match": '"999"'}).status == 412
    arm("PUT", disk, {"tags": {"a": "2"}})
    assert [arm("GET", disk).body["tags"]["a"] for _ in range(3)] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("token-expired", "ExpiredAuthenticationToken"),
        ("token-revoked", "TokenIssuedBeforeRevocationTimestamp"),
    ],
)
def test_a_good_token_is_refused_and_another_is_taken(arm: Client, fault: str, code: str) -> None:
    arm.azure.faults.arm(fault, {"times": 1})
    refused = arm("GET", arm.sub)
    assert (refused.status, refused.body["error"]["code"]) == (401, code)
    assert arm("GET", arm.sub).status == (200 if fault == "token-expired" else 401)
    if fault == "token-revoked":
        assert 'error="insufficient_claims", claims="' in refused.headers["WWW-Authenticate"]
    entra = arm.azure.service("entra", Entra)
    other = entra.token_for(entra.default.caller, "https://management.azure.com")
    assert arm("GET", arm.sub, headers={"authorization": f"Bearer {other}"}).status == 200


# -- the service's own limits -----------------------------------------------------------------------------------------


def test_the_bucket_for_reads_empties_and_fills_again_by_virtual_time(arm: Client) -> None:
    arm.azure.faults.arm("rate-limits")
    seen = [arm("GET", arm.sub) for _ in range(251)]
    assert [one.status for one in seen] == [200] * 250 + [429]
    left = [int(one.headers["x-ms-ratelimit-remaining-subscription-reads"]) for one in seen[:250]]
    assert left == list(range(249, -1, -1))
    assert seen[-1].body["error"]["code"] == "SubscriptionRequestsThrottled"
    assert seen[-1].headers["Retry-After"] == "1"
    arm.azure.clock.advance(1)
    assert [arm("GET", arm.sub).status for _ in range(26)] == [200] * 25 + [429]


def test_writes_and_deletes_have_buckets_of_their_own(arm: Client) -> None:
    arm.azure.faults.arm("rate-limits", {"writes": 2})
    disk = f"{arm.sub}/resourceGroups/rg/providers/Microsoft.Compute/disks/d"
    assert [arm("PUT", disk, {}).status for _ in range(3)] == [201, 200, 429]
    assert arm("GET", disk).status == 200
    assert "x-ms-ratelimit-remaining-subscription-deletes" in arm("DELETE", disk).headers


def test_each_principal_has_its_own_bucket_and_tenant_calls_another(arm: Client) -> None:
    arm.azure.faults.arm("rate-limits", {"reads": 1})
    assert [arm("GET", arm.sub).status for _ in range(2)] == [200, 429]
    assert arm("GET", "/tenants").headers == {"x-ms-ratelimit-remaining-tenant-reads": "0"}
    entra = arm.azure.service("entra", Entra)
    other = entra.add_application("somebody else").caller
    token = entra.token_for(other, "https://management.azure.com")
    assert arm("GET", arm.sub, headers={"authorization": f"Bearer {token}"}).status == 200


def test_where_looks_move_time_being_sent_away_moves_it_too() -> None:
    arm = make("auto")
    arm.azure.faults.arm("rate-limits", {"reads": 1})
    before = arm.azure.clock.now
    seen = [arm("GET", arm.sub) for _ in range(3)]
    assert [one.status for one in seen] == [200, 429, 200]
    assert arm.azure.clock.now - before == timedelta(seconds=int(seen[1].headers["Retry-After"]))


# -- when long operations end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "looks"), [("at-once", 1), ("looks", 3)])
def test_an_operation_has_ended_at_the_look_that_was_asked_for(mode: Mode, looks: int) -> None:
    arm = make(mode)
    arm.azure.register(FakeWidgets(arm.azure))
    link = arm("PUT", f"{arm.sub}/resourceGroups/rg/providers/Sim.Test/widgets/w", {}).headers["Azure-AsyncOperation"]
    seen = [arm("GET", link).body["status"] for _ in range(looks)]
    assert seen == ["InProgress"] * (looks - 1) + ["Succeeded"]
    assert arm.azure.clock.now == START + timedelta(hours=1)


def test_the_same_seed_strikes_the_same_requests() -> None:
    def strikes() -> list[int]:
        arm = make()
        arm.azure.faults.arm("server-error", {"chance": 0.5})
        return [arm("GET", arm.sub).status for _ in range(30)]

    assert strikes() == strikes()
    assert {200, 500} == set(strikes())


def test_every_unkindness_is_in_the_catalogue_with_a_sentence(arm: Client) -> None:
    catalogue = arm.azure.faults.catalogue()
    assert set(UNKINDNESS) <= set(catalogue)
    assert all(sentence.endswith(".") for sentence in catalogue.values())
    with pytest.raises(KeyError):
        arm.azure.faults.arm("no-such-fault")
