"""The service's own limits: buckets by principal and kind of call, filled by virtual time."""

from __future__ import annotations

from datetime import timedelta

from sfcert.sim.entra import Entra
from tests.sim.front.widgets import Client, make


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
