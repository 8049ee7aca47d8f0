"""The embedded Azure's DNS zones: through the vendor's client, and asked on their own port as the world would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.dns import DnsManagementClient
from azure.mgmt.dns.models import CnameRecord, RecordSet, TxtRecord, Zone

from sfcert.sim.front import Groups
from sfcert.sim.host import Running, start_in_thread

GROUP = "rg-dns"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with start_in_thread(seed=3, tempo="auto") as found:
        for group in (GROUP, "rg-other"):
            found.call(
                lambda azure, name=group: azure.service("groups", Groups).put(
                    azure.subscription_id, name, {"location": "westeurope"}
                )
            )
        yield found


@pytest.fixture(scope="module")
def client(running: Running) -> DnsManagementClient:
    values = running.env()
    options: dict[str, Any] = {"connection_verify": str(running.ca_bundle), "proxies": {"https": running.proxy_url}}
    credential = ClientSecretCredential(
        values["AZURE_TENANT_ID"], values["AZURE_CLIENT_ID"], values["AZURE_CLIENT_SECRET"], **options
    )
    made = DnsManagementClient(credential, values["AZURE_SUBSCRIPTION_ID"], retry_total=0, **options)
    made.zones.create_or_update(GROUP, "example.test", Zone(location="global"))
    return made


def put_txt(client: DnsManagementClient, name: str, *values: str, zone: str = "example.test", **more: Any) -> RecordSet:
    wanted = RecordSet(ttl=60, txt_records=[TxtRecord(value=[one]) for one in values])
    return client.record_sets.create_or_update(GROUP, zone, name, "TXT", wanted, **more)


def ask(running: Running, name: str, kind: str, *, tcp: bool = False) -> dns.message.Message:
    address, _, port = running.dns_server.partition(":")
    send = dns.query.tcp if tcp else dns.query.udp
    return send(dns.message.make_query(name, kind), address, port=int(port), timeout=5)


def lines(answer: dns.message.Message) -> list[str]:
    return sorted(one.to_text() for found in answer.answer for one in found)


def test_a_zone_has_its_name_servers_and_serves_them(running: Running, client: DnsManagementClient) -> None:
    zone = client.zones.get(GROUP, "example.test")
    assert len(zone.name_servers) == 4
    assert lines(ask(running, "example.test", "NS")) == sorted(zone.name_servers)
    assert len(lines(ask(running, "example.test", "SOA"))) == 1
    assert [one.name for one in client.zones.list()].count("example.test") == 1
    assert zone.number_of_record_sets >= 2


def test_a_written_text_is_served_by_both_transports_until_it_is_deleted(
    running: Running, client: DnsManagementClient
) -> None:
    made = put_txt(client, "_acme-challenge.www", "one", 'two "quoted" \\ ü')
    assert made.fqdn == "_acme-challenge.www.example.test."
    served = lines(ask(running, "_acme-challenge.WWW.example.test", "TXT"))
    assert served == sorted(['"one"', '"two \\"quoted\\" \\\\ \\195\\188"'])
    assert lines(ask(running, "_acme-challenge.www.example.test", "TXT", tcp=True)) == served
    client.record_sets.delete(GROUP, "example.test", "_acme-challenge.www", "TXT")
    gone = ask(running, "_acme-challenge.www.example.test", "TXT")
    assert gone.rcode() == dns.rcode.NXDOMAIN
    assert [found.name.to_text() for found in gone.authority] == ["example.test."]


def test_a_name_above_another_exists_without_records(running: Running, client: DnsManagementClient) -> None:
    put_txt(client, "a.b", "x")
    assert ask(running, "b.example.test", "TXT").rcode() == dns.rcode.NOERROR
    client.record_sets.delete(GROUP, "example.test", "a.b", "TXT")


def test_a_cname_is_followed_into_another_zone(running: Running, client: DnsManagementClient) -> None:
    client.zones.create_or_update(GROUP, "alias.test", Zone(location="global"))
    alias = RecordSet(ttl=60, cname_record=CnameRecord(cname="led.alias.test"))
    client.record_sets.create_or_update(GROUP, "example.test", "_acme-challenge.led", "CNAME", alias)
    put_txt(client, "led", "found", zone="alias.test")
    assert lines(ask(running, "_acme-challenge.led.example.test", "TXT")) == ['"found"', "led.alias.test."]


def test_a_text_beside_a_cname_is_refused(client: DnsManagementClient) -> None:
    alias = RecordSet(ttl=60, cname_record=CnameRecord(cname="elsewhere.test"))
    client.record_sets.create_or_update(GROUP, "example.test", "only", "CNAME", alias)
    with pytest.raises(HttpResponseError, match="cannot stand beside"):
        put_txt(client, "only", "x")


def test_a_name_in_no_zone_is_refused_not_denied(running: Running, client: DnsManagementClient) -> None:
    assert ask(running, "www.unknown.test", "A").rcode() == dns.rcode.REFUSED


def test_a_record_set_in_no_zone_is_refused(client: DnsManagementClient) -> None:
    with pytest.raises(HttpResponseError) as caught:
        put_txt(client, "x", "y", zone="nowhere.test")
    assert caught.value.error.code == "ParentResourceNotFound"


@pytest.mark.parametrize("value", ["x" * 256, ""], ids=["longer than a text may be", "an empty record set"])
def test_what_is_no_text_record_is_refused(client: DnsManagementClient, value: str) -> None:
    with pytest.raises(HttpResponseError) as caught:
        put_txt(client, "bad", *([value] if value else []))
    assert caught.value.status_code == 400


def test_create_only_and_a_stale_etag_are_refused(client: DnsManagementClient) -> None:
    first = put_txt(client, "once", "x", if_none_match="*")
    with pytest.raises(HttpResponseError) as caught:
        put_txt(client, "once", "y", if_none_match="*")
    assert caught.value.status_code == 412
    put_txt(client, "once", "z", if_match=first.etag)
    with pytest.raises(HttpResponseError) as caught:
        put_txt(client, "once", "late", if_match=first.etag)
    assert caught.value.status_code == 412


def test_lists_by_kind_and_as_a_whole(client: DnsManagementClient) -> None:
    put_txt(client, "listed", "x")
    by_kind = {one.name for one in client.record_sets.list_by_type(GROUP, "example.test", "TXT")}
    whole = {
        (one.name, one.type.rsplit("/", 1)[-1]) for one in client.record_sets.list_by_dns_zone(GROUP, "example.test")
    }
    assert "listed" in by_kind
    assert {("@", "SOA"), ("@", "NS"), ("listed", "TXT")} <= whole


def test_a_deleted_zone_is_served_no_more(running: Running, client: DnsManagementClient) -> None:
    client.zones.create_or_update("rg-other", "short.test", Zone(location="global"))
    client.zones.begin_delete("rg-other", "short.test").result()
    assert ask(running, "short.test", "SOA").rcode() == dns.rcode.REFUSED


def test_the_port_stays_when_the_world_is_reset(running: Running, client: DnsManagementClient) -> None:
    """A world of its own, so that the others keep theirs."""
    with start_in_thread(seed=4) as other:
        before = other.dns_server
        import asyncio

        asyncio.run_coroutine_threadsafe(other.server.reset(), other._loop).result(timeout=10)
        assert other.dns_server == before
        assert ask(other, "example.test", "SOA").rcode() == dns.rcode.REFUSED
