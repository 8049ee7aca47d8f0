"""Clients by thumbprint come to be let in by name, in two updates, and none of them is refused on the way."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sfcert.arm import remove_at, set_at
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.nodes.validation import Judge
from sfcert.sim.servicefabric.bystanders import role_in
from sfcert.sim.servicefabric.cluster import Cluster
from tests.e2e.killing import Effects, Killed, run_plan
from tests.e2e.site import Json, Site, command

PLAYBOOK = ("--playbook", "client-certificates")
MOVED = ("--accept", "clients-have-moved")


def known_clients(site: Site) -> tuple[str, ...]:
    """`--certificate` for the vault certificates that the world's clients use."""
    named = [("operator", "client_certificate_url"), ("reader", "reader_certificate_url")]
    urls = [(label, site.facts[fact].replace("/secrets/", "/certificates/")) for label, fact in named]
    return tuple(word for label, url in urls for word in ("--certificate", f"{label}={url}"))


def by_thumbprint(site: Site) -> list[Json]:
    return list(site.body(site.cluster_id)["properties"].get("clientCertificateThumbprints") or [])


def by_name(site: Site) -> list[Json]:
    return list(site.body(site.cluster_id)["properties"].get("clientCertificateCommonNames") or [])


def renewed_client(site: Site, common_name: str, *, authority: str = "Contoso Issuing CA 01") -> Any:
    """A newer certificate of a client, whose thumbprint is declared nowhere."""

    def do(azure: Azure) -> Any:
        now = azure.clock.now.replace(microsecond=0)
        found = azure.find_service("authority").get(authority)
        return found.issue(common_name, [], not_before=now - timedelta(hours=1), not_after=now + timedelta(days=90))

    return site.running.call(do)


def roles_of(site: Site, issued: Any) -> set[str | None]:
    """In which role each node would let somebody with this certificate in."""
    from sfcert.sim.nodes.certificate import read

    certificate = read(issued.leaf, issued.chain)

    def ask(cluster: Cluster) -> set[str | None]:
        judge = Judge(now=cluster.azure.clock.now)
        return {role_in(node.manifest, certificate, judge)[0] for node in cluster.nodes.values()}

    found: set[str | None] = site.of_cluster(ask)
    return found


@pytest.fixture
def two_clients(site_of: Callable[..., Site]) -> Site:
    return site_of("two-clients")


def test_names_are_declared_beside_the_thumbprints_and_the_plan_says_how_to_go_on(two_clients: Site) -> None:
    site = two_clients
    planned = site.plan(*PLAYBOOK, *known_clients(site))
    assert planned.code == 2, planned.out
    assert site.stages == ["60-add-client-names", "99-watch-clients"]
    assert site.planned["proof"]["verdict"] == "proved"
    assert any("--accept clients-have-moved" in one for one in site.planned["manual_steps"])
    assert command("permissions", str(site.plan_file)).json["Actions"].count("Microsoft.ServiceFabric/clusters/write")

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert by_name(site) == [
        {
            "isAdmin": admin,
            "certificateCommonName": name,
            "certificateIssuerThumbprint": site.facts["issuer_thumbprint"],
        }
        for admin, name in ((True, "operator.contoso.example"), (False, "reader.contoso.example"))
    ]
    assert len(by_thumbprint(site)) == 2
    assert site.plan(*PLAYBOOK, *known_clients(site)).code == 0
    assert any("--accept clients-have-moved" in one for one in site.planned["manual_steps"])


def test_thumbprints_go_once_it_is_accepted_that_clients_have_moved(two_clients: Site) -> None:
    site = two_clients
    presented = site.presented()
    assert site.plan(*PLAYBOOK, *known_clients(site), *MOVED).code == 2
    assert site.stages == ["60-add-client-names", "80-forget-client-thumbprints", "99-watch-clients"]
    assert "clients-have-moved" in site.planned["accepted"]

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert by_thumbprint(site) == []
    # the operator's own look at the nodes goes by its name now
    assert site.watch("--timeout", "1h").code == 0
    assert roles_of(site, renewed_client(site, "operator.contoso.example")) == {"admin"}
    assert roles_of(site, renewed_client(site, "reader.contoso.example")) == {"user"}
    assert roles_of(site, renewed_client(site, "reader.contoso.example", authority="Contoso Issuing CA 02")) == {None}
    assert roles_of(site, renewed_client(site, "stranger.contoso.example")) == {None}
    assert site.presented() == presented
    assert site.declares() == {}
    assert site.plan(*PLAYBOOK, *known_clients(site), *MOVED).code == 0


def test_each_stage_is_undone_as_it_says(two_clients: Site) -> None:
    """What a stage's undo names is written back, newest first, and the clients are declared as they were."""
    site = two_clients
    before = site.body(site.cluster_id)["properties"]
    assert site.plan(*PLAYBOOK, *known_clients(site), *MOVED).code == 2
    assert site.apply().code == 0
    for stage in reversed(site.planned["stages"]):
        assert stage["undo"]["possible"]

        def undone(body: Json, undo: Json = stage["undo"]) -> None:
            for path, value in (undo.get("sets") or {}).items():
                body.update(set_at(body, path, value))
            for path in undo.get("removes") or ():
                body.update(remove_at(body, path))

        site.change(site.cluster_id, undone)
    assert by_thumbprint(site) == before["clientCertificateThumbprints"]
    assert by_name(site) == []
    assert site.refusals() == []


def test_a_client_that_nobody_can_verify_stays_by_thumbprint_and_is_told(two_clients: Site) -> None:
    site = two_clients
    only = known_clients(site)[:2]
    assert site.plan(*PLAYBOOK, *only, *MOVED).code == 2
    assert any(site.facts["reader_thumbprint"] in one and "not seen" in one for one in site.planned["manual_steps"])
    assert site.apply().code == 0
    assert by_thumbprint(site) == [{"isAdmin": False, "certificateThumbprint": site.facts["reader_thumbprint"]}]
    assert site.refusals() == []


def test_with_no_client_verified_the_plan_is_blocked_and_names_what_to_give(two_clients: Site) -> None:
    assert two_clients.plan(*PLAYBOOK).code == 3
    assert "--certificate-pem" in " ".join(two_clients.planned["blocked_by"])
    assert two_clients.apply().code == 3
    assert not two_clients.writes()


def test_the_certificate_in_hand_serves_as_well_as_the_vault(two_clients: Site) -> None:
    site = two_clients

    def read(azure: Azure) -> bytes:
        found = azure.find_service("vaults").version_of(site.facts["reader_thumbprint"])
        return b"".join(one.public_bytes(Encoding.PEM) for one in (found.leaf, *found.chain))

    file = site.folder / "reader.pem"
    file.write_bytes(site.running.call(read))
    assert site.plan(*PLAYBOOK, "--certificate-pem", str(file)).code == 2
    assert site.apply().code == 0
    assert [one["certificateCommonName"] for one in by_name(site)] == ["reader.contoso.example"]


def test_killed_after_every_effect_it_ends_the_same(two_clients: Site, site_of: Callable[..., Site]) -> None:
    site = two_clients
    assert site.plan(*PLAYBOOK, *known_clients(site), *MOVED).code == 2
    for _ in range(2):
        with pytest.raises(Killed):
            run_plan(site, effects=Effects(after=0))
    effects = Effects()
    assert run_plan(site, effects=effects).complete
    assert effects.keys == []
    assert by_thumbprint(site) == []
    assert site.refusals() == []
    assert set(site.writes().values()) <= {1, 2}


def test_a_thumbprint_that_goes_too_early_is_told_as_a_refused_connection(two_clients: Site) -> None:
    """The simulator has teeth: nobody's plan, a thumbprint is taken away while nothing stands for it."""
    site = two_clients

    def forget(body: Json) -> None:
        body["properties"]["clientCertificateThumbprints"] = body["properties"]["clientCertificateThumbprints"][:1]

    site.change(site.cluster_id, forget)
    assert any("client reader.contoso.example" in one for one in site.refusals())


def test_a_client_by_name_gets_in_over_tls_and_a_stranger_does_not(two_clients: Site) -> None:
    """Over the wire, at a node's gateway: the same certificates that the lists are about."""
    site = two_clients
    assert site.plan(*PLAYBOOK, *known_clients(site), *MOVED).code == 2
    assert site.apply().code == 0
    assert _status(site, renewed_client(site, "reader.contoso.example")) == "200"
    assert _status(site, renewed_client(site, "stranger.contoso.example")) == "403"


def _status(site: Site, issued: Any) -> str:
    import socket

    host = str(site.of_cluster(lambda cluster: next(iter(cluster.nodes.values())).ip_address))
    port = site.running.call(lambda azure: azure.find_service("endpoints").port_for(host, 19080))
    file = Path(site.folder) / f"{issued.leaf.serial_number}.pem"
    key = issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(key + b"".join(one.public_bytes(Encoding.PEM) for one in (issued.leaf, *issued.chain)))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(file)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain, context.wrap_socket(plain) as wire:
        wire.sendall(b"GET /Nodes?api-version=6.0 HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n")
        return wire.recv(64).split(b" ")[1].decode()
