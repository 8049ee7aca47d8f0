"""What goes wrong with a zone: not there, not ours to write, not served, or delegated elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.acme_site import AcmeSite, by_update, ca, nothing_is_left, said
from tests.servers.knot import OTHER_SECRET, Knot
from tests.servers.pebble import ChallengeServer, Pebble


def test_a_zone_that_is_not_there(site: AcmeSite, pebble: Pebble, knot: Knot) -> None:
    failed = site.enrol(ca(pebble, by_update(knot, site.folder)), dns_names=["www.nowhere.invalid"])
    assert said(failed) == (1, "DnsZoneNotFound")
    nothing_is_left(site, knot)


def test_of_what_was_not_begun_nothing_is_said_to_be_left(site: AcmeSite, pebble: Pebble, knot: Knot) -> None:
    """The first of two names ends the order; the other's record was never written."""
    nowhere = by_update(knot, site.folder)
    names = ["a.nowhere.invalid", "b.nowhere.invalid"]
    failed = site.enrol(ca(pebble, nowhere), subject=f"CN={names[0]}", dns_names=names)
    assert said(failed) == (1, "DnsZoneNotFound")
    assert "could not be taken away" not in failed.err


def test_a_wrong_key_for_updates_is_told_without_it(site: AcmeSite, pebble: Pebble, knot: Knot) -> None:
    failed = site.enrol(ca(pebble, by_update(knot, site.folder, secret=OTHER_SECRET)))
    assert said(failed) == (1, "DnsUpdateRefused")
    assert OTHER_SECRET not in failed.err + failed.out
    nothing_is_left(site, knot)


def test_a_server_of_the_zone_that_does_not_follow(
    site: AcmeSite, pebble: Pebble, challenge_server: ChallengeServer, knot: Knot
) -> None:
    both = f"{knot.address}:{knot.port} {challenge_server.dns}"
    failed = site.enrol(ca(pebble, by_update(knot, site.folder, authoritative=both, patience_s="1")))
    assert said(failed) == (1, "DnsNotVisible")
    assert challenge_server.dns in failed.err
    nothing_is_left(site, knot)


@pytest.mark.parametrize(
    ("zone", "servers", "token"),
    [("other.test", None, "DnsZoneNotFound"), ("example.test", "ns1.elsewhere.test.", "DnsDelegatedElsewhere")],
    ids=["no zone of that name", "the registrar points elsewhere"],
)
def test_azure_dns_without_the_zone_or_without_its_delegation(
    site: AcmeSite, pebble: Pebble, zone: str, servers: str | None, token: str
) -> None:
    group = f"rg-{site.name}"
    make_zone(site, group, zone, servers)
    try:
        failed = site.enrol(ca(pebble, {"kind": "azure-dns", "settings": {"resource_group": group}}))
    finally:
        site.running.call(lambda azure: azure.resources.remove(zone_id(azure, group, zone)))
    assert said(failed) == (1, token)
    nothing_is_left(site)


def zone_id(azure: Any, group: str, zone: str) -> str:
    return f"/subscriptions/{azure.subscription_id}/resourceGroups/{group}/providers/Microsoft.Network/dnsZones/{zone}"


def make_zone(site: AcmeSite, group: str, zone: str, servers: str | None = None) -> None:
    """A zone of the embedded Azure; `servers` are what the world is told instead of its own."""
    from sfcert.sim.front import Groups
    from sfcert.sim.worlds.build import operator_of, put

    def do(azure: Any) -> None:
        azure.service("groups", Groups).put(azure.subscription_id, group, {"location": "westeurope"})
        where = zone_id(azure, group, zone)
        put(azure, where, "2018-05-01", {"location": "global"}, operator_of(azure))
        if servers is not None:
            body = {"properties": {"TTL": 60, "NSRecords": [{"nsdname": servers}]}}
            put(azure, f"{where}/NS/@", "2018-05-01", body, operator_of(azure))

    site.running.call(do)
