"""DNS-01 through Azure DNS: the embedded Azure keeps the zone, and Pebble looks it up on the embedded DNS port."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.mgmt.dns import DnsManagementClient
from azure.mgmt.dns.models import CnameRecord, NsRecord, RecordSet, TxtRecord, Zone

from sfcert.acme.issue import obtain
from sfcert.acme.keys import AccountKey
from sfcert.acme.solvers.dns01 import Dns01
from sfcert.acme.solvers.dns01_azure import AzureDns
from sfcert.acme.solvers.lookup import Lookup
from sfcert.acme.values import AcmeChain, AcmeOptions
from sfcert.azure.clock import WallClock
from sfcert.azure.credentials import service_principal
from sfcert.errors import RemoteError
from sfcert.sim.front import Groups
from sfcert.sim.host import Running, start_in_thread
from tests.servers.pebble import Pebble, running_pebble
from tests.servers.requests import Pending

GROUP = "rg-dns"


@dataclass
class Site:
    running: Running
    pebble: Pebble
    client: DnsManagementClient
    writer: AzureDns
    lookup: Lookup

    def obtain(self, *names: str) -> AcmeChain:
        solver = Dns01(self.writer, self.lookup, WallClock(), patience_s=10)
        options = AcmeOptions(directory_url=self.pebble.directory_url, ca_file=str(self.pebble.ca_file))
        return obtain(
            options,
            AccountKey.generate(),
            names,
            Pending(names),
            lambda name: solver,
            clock=WallClock(),
            emit=lambda event: None,
        )

    def texts(self, zone: str = "example.test") -> list[str]:
        return [one.name for one in self.client.record_sets.list_by_type(GROUP, zone, "TXT")]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with (
        start_in_thread(seed=5, tempo="auto") as running,
        running_pebble(tmp_path / "pebble", dns=running.dns_server) as pebble,
    ):
        running.call(
            lambda azure: azure.service("groups", Groups).put(azure.subscription_id, GROUP, {"location": "westeurope"})
        )
        values = running.env()
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        credential = service_principal(*(values[f"AZURE_{one}"] for one in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")))
        subscription = values["AZURE_SUBSCRIPTION_ID"]
        client = DnsManagementClient(credential, subscription, retry_total=0)
        for zone in ("example.test", "alias.test"):
            client.zones.create_or_update(GROUP, zone, Zone(location="global"))
        lookup = Lookup(resolvers=[running.dns_server], authoritative=[running.dns_server])
        yield Site(running, pebble, client, AzureDns(credential, subscription), lookup)


def test_a_wildcard_is_had_and_no_record_stays(site: Site) -> None:
    chain = site.obtain("*.example.test", "example.test")
    assert len(chain.der) == 2
    assert site.texts() == []


def test_a_cname_leads_into_another_zone_of_azure(site: Site) -> None:
    alias = RecordSet(ttl=60, cname_record=CnameRecord(cname="sf.alias.test"))
    site.client.record_sets.create_or_update(GROUP, "example.test", "_acme-challenge.sf", "CNAME", alias)
    assert len(site.obtain("sf.example.test").der) == 2
    assert site.texts("alias.test") == []


def test_what_another_process_has_at_the_same_name_stays_as_it_is(site: Site) -> None:
    at = (GROUP, "example.test", "_acme-challenge.sf", "TXT")
    theirs = RecordSet(ttl=17, metadata={"owner": "web team"}, txt_records=[TxtRecord(value=["theirs, ", "in two"])])
    site.client.record_sets.create_or_update(*at, theirs)
    site.obtain("sf.example.test")
    left = site.client.record_sets.get(*at)
    assert [one.value for one in left.txt_records] == [["theirs, ", "in two"]]
    assert (left.ttl, left.metadata) == (17, {"owner": "web team"})


def test_many_who_write_at_one_name_lose_nothing_of_one_another(site: Site) -> None:
    """Each has an object of its own, as another process has: what one reads is old when it writes."""
    credential = site.writer._credential
    writers = [AzureDns(credential, site.writer._subscription_id) for _ in range(4)]
    at, name = "_acme-challenge.many.example.test", "_acme-challenge.many"
    with ThreadPoolExecutor(len(writers)) as pool:
        list(pool.map(lambda one: writers[one].add_text("example.test", at, f"text {one}"), range(len(writers))))
        found = site.client.record_sets.get(GROUP, "example.test", name, "TXT")
        assert sorted("".join(one.value) for one in found.txt_records) == [f"text {one}" for one in range(len(writers))]
        list(pool.map(lambda one: writers[one].remove_text("example.test", at, f"text {one}"), range(len(writers))))
    assert site.texts() == []


def test_a_zone_may_be_named_as_zone_files_have_it(site: Site) -> None:
    identity = [os.environ[f"AZURE_{one}"] for one in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")]
    writer = AzureDns(service_principal(*identity), os.environ["AZURE_SUBSCRIPTION_ID"], zone="Example.Test.")
    assert writer.find_zone("_acme-challenge.sf.example.test", site.lookup) == "example.test"


def test_a_missing_zone_is_told_with_those_that_are_there(site: Site) -> None:
    with pytest.raises(RemoteError, match=r"there are alias\.test, example\.test") as caught:
        site.obtain("sf.missing.test")
    assert caught.value.token == "DnsZoneNotFound"


def test_a_zone_that_the_world_asks_elsewhere_is_told_before_anything_is_written(site: Site) -> None:
    """The registrar points somewhere else: the NS records that the world sees are not those of this zone."""
    foreign = RecordSet(ttl=60, ns_records=[NsRecord(nsdname="ns1.elsewhere.test.")])
    site.client.record_sets.create_or_update(GROUP, "example.test", "@", "NS", foreign)
    with pytest.raises(RemoteError, match=r"is delegated to ns1\.elsewhere\.test") as caught:
        site.obtain("sf.example.test")
    assert caught.value.token == "DnsDelegatedElsewhere"
    assert site.texts() == []
