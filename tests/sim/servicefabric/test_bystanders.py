"""Clients and reverse proxies in the embedded Azure: who is let in as what, and what a reverse proxy shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.nodes.certificate import read
from sfcert.sim.nodes.manifest import Manifest, Trusts
from sfcert.sim.nodes.validation import Judge
from sfcert.sim.servicefabric.bystanders import role_in
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.worlds.build import operator_of, put
from tests.sim.nodes.test_endpoints import client_pem, fetch, run

World = Any
MakeWorld = Callable[..., World]
Json = dict[str, Any]


def cluster_of(world: World) -> Any:
    return world.azure.service("clusters", Clusters).get(world.facts["cluster_id"])


def changed(world: World, edit: Callable[[Json], None], resource_id: str | None = None) -> None:
    """Somebody reads a resource, edits it and writes it back, through to its end."""
    rid = parse_id(resource_id or world.facts["cluster_id"])
    body = world.azure.provider_of(rid.type).get(rid, "2024-07-01", {})
    edit(body)
    put(world.azure, rid.text, "2024-07-01", body, operator_of(world.azure))


def kept(world: World, name: str) -> Any:
    return world.vaults.content(world.facts["vault_url"]).certificate(name).latest


def named(world: World, common_name: str, *, admin: bool, issuer: str = "issuer_thumbprint") -> Json:
    pins = world.facts[issuer]
    return {"isAdmin": admin, "certificateCommonName": common_name, "certificateIssuerThumbprint": pins}


def refused(world: World) -> list[tuple[str, str]]:
    return [(one.caller, one.reason.split(":")[0]) for one in world.azure.journal.refusals]


def test_a_client_gets_the_highest_role_among_the_rules_that_match(made_world: MakeWorld) -> None:
    world = made_world("two-clients")
    version = kept(world, "sf-reader")
    reader, judge = read(version.leaf, version.chain), Judge(now=world.azure.clock.now)
    listed = Trusts(frozenset({reader.thumbprint}))
    by_name = Trusts(names=(("reader.contoso.example", frozenset({world.facts["issuer_thumbprint"]})),))
    other = Trusts(names=(("reader.contoso.example", frozenset({world.facts["other_issuer_thumbprint"]})),))
    empty = Manifest(version="1", finds=None, trusts=Trusts(frozenset({"AB" * 20})))
    cases = [
        ({"user_clients": listed}, "user"),
        ({"user_clients": by_name}, "user"),
        ({"user_clients": by_name, "admin_clients": listed}, "admin"),
        ({"user_clients": other}, None),
        ({"trusts": listed, "user_clients": other}, "admin"),
        ({}, None),
    ]
    for changes, role in cases:
        assert role_in(replace(empty, **changes), reader, judge)[0] == role, changes  # type: ignore[arg-type]  # by name


def test_a_client_that_loses_its_place_is_told_once_and_one_that_has_a_name_is_not(made_world: MakeWorld) -> None:
    world = made_world("two-clients")

    def rename(body: Json) -> None:
        body["properties"]["clientCertificateCommonNames"] = [named(world, "operator.contoso.example", admin=True)]
        body["properties"]["clientCertificateThumbprints"] = []

    changed(world, rename)
    assert {caller for caller, _ in refused(world)} == {"client reader.contoso.example"}
    nodes = [one.refuser for one in world.azure.journal.refusals]
    assert len(nodes) == len(set(nodes))


def test_a_reader_whom_a_name_makes_an_admin_is_told(made_world: MakeWorld) -> None:
    world = made_world("two-clients")

    def lift(body: Json) -> None:
        body["properties"]["clientCertificateCommonNames"] = [named(world, "reader.contoso.example", admin=True)]

    changed(world, lift)
    assert set(refused(world)) == {("client reader.contoso.example", "RoleChanged")}


def test_a_client_whose_certificate_has_ended_calls_no_more(made_world: MakeWorld) -> None:
    world = made_world("two-clients")
    world.azure.clock.advance(timedelta(days=150).total_seconds())
    world.vaults.renew_now(world.facts["vault_url"], world.facts["certificate_name"])
    world.azure.clock.advance(timedelta(days=40).total_seconds())
    assert not any("client" in caller for caller, _ in refused(world))


def test_a_client_by_name_is_let_in_over_the_wire(made_world: MakeWorld, tmp_path: Path) -> None:
    world = made_world("two-clients")
    pem = client_pem(tmp_path, kept(world, "sf-reader"))
    pem.write_bytes(pem.read_bytes() + b"".join(_pem(one) for one in kept(world, "sf-reader").chain))

    def rename(body: Json) -> None:
        body["properties"]["clientCertificateCommonNames"] = [named(world, "reader.contoso.example", admin=False)]
        body["properties"]["clientCertificateThumbprints"] = body["properties"]["clientCertificateThumbprints"][:1]

    changed(world, rename)
    host = next(iter(cluster_of(world).nodes.values())).ip_address
    assert run(world, lambda ports: fetch(ports.port(host, 19080), "/Nodes", pem))[1] == 200

    def other(body: Json) -> None:
        entry = named(world, "reader.contoso.example", admin=False, issuer="other_issuer_thumbprint")
        body["properties"]["clientCertificateCommonNames"] = [entry]

    changed(world, other)
    assert run(world, lambda ports: fetch(ports.port(host, 19080), "/Nodes", pem))[1] == 403


def _pem(certificate: Any) -> bytes:
    found: bytes = certificate.public_bytes(Encoding.PEM)
    return found


def proxy_by(name: str) -> Callable[[Json], None]:
    def edit(body: Json) -> None:
        del body["properties"]["reverseProxyCertificate"]
        entry = {"certificateCommonName": name, "certificateIssuerThumbprint": ""}
        body["properties"]["reverseProxyCertificateCommonNames"] = {"commonNames": [entry], "x509StoreName": "My"}

    return edit


def test_the_reverse_proxys_port_shows_its_own_certificate_to_anybody(made_world: MakeWorld) -> None:
    world = made_world("own-reverse-proxy")
    host = next(iter(cluster_of(world).nodes.values())).ip_address
    shown, status, _ = run(world, lambda ports: fetch(ports.port(host, 19081), "/app/service"))
    assert (shown, status) == (world.facts["proxy_thumbprint"], 404)
    changed(world, proxy_by("proxy.contoso.example"))
    assert run(world, lambda ports: fetch(ports.port(host, 19081), "/"))[0] == world.facts["proxy_thumbprint"]


def test_a_cluster_without_a_reverse_proxy_has_no_such_port(made_world: MakeWorld) -> None:
    world = made_world("one-node-type")
    host = next(iter(cluster_of(world).nodes.values())).ip_address
    assert run(world, lambda ports: ports.port(host, 19081)) is None


def test_a_name_that_nobody_carries_leaves_callers_without_an_answer(made_world: MakeWorld) -> None:
    world = made_world("own-reverse-proxy")
    changed(world, proxy_by("nobody.contoso.example"))
    assert set(refused(world)) == {("a caller of the reverse proxy", "ReverseProxyCertificateNotFound")}


def test_a_machine_whose_node_extension_names_a_proxy_certificate_that_is_not_there_does_not_join(
    made_world: MakeWorld,
) -> None:
    world = made_world("own-reverse-proxy")

    def wrong(body: Json) -> None:
        profile = body["properties"]["virtualMachineProfile"]
        node = profile["extensionProfile"]["extensions"][0]["properties"]["settings"]
        node["reverseProxyCertificate"] = {"thumbprint": "AB" * 20, "x509StoreName": "My"}

    with pytest.raises(Exception, match="reverse proxy certificate"):
        changed(world, wrong, world.facts["scale_set_ids"][0])


def test_names_on_nodes_are_read_unless_the_switch_says_that_they_are_not(made_world: MakeWorld) -> None:
    def by_name(body: Json) -> None:
        profile = body["properties"]["virtualMachineProfile"]
        node = profile["extensionProfile"]["extensions"][0]["properties"]["settings"]
        node["reverseProxyCertificate"] = {"commonNames": ["proxy.contoso.example"], "x509StoreName": "My"}

    world = made_world("own-reverse-proxy")
    changed(world, by_name, world.facts["scale_set_ids"][0])
    world = made_world("own-reverse-proxy")
    world.azure.switches["proxy-names-unread"] = True
    with pytest.raises(Exception, match="a thumbprint is expected"):
        changed(world, by_name, world.facts["scale_set_ids"][0])
