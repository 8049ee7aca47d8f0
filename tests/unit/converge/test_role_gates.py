"""Gates of roles beside the cluster's own: clients and the reverse proxy, in the definition and in the manifest."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from tests import make, make_roles
from tests.unit.converge.test_gates import edited, look, seen

Json = dict[str, Any]
A, B, PIN, OTHER = "A" * 40, "B" * 40, "C" * 40, "D" * 40


def client(kind: str, value: str, *issuers: str, admin: bool = True) -> Json:
    return {"kind": kind, "value": value, "issuers": list(issuers), "is_admin": admin}


def cluster_with(**properties: Any) -> Any:
    document, cluster, _ = edited()
    cluster["properties"] |= properties
    return seen(document)


def with_manifest(manifest: str | None) -> Any:
    document, _, _ = edited()
    document["runtime"] = {"cluster_manifest": manifest, "nodes": []}
    return seen(document)


def manifest_of(**sections: dict[str, str]) -> str:
    """A manifest with these sections; `__` in a name stands for the slash."""
    text = ""
    for name, parameters in sections.items():
        inner = "".join(f"<Parameter Name={quoteattr(k)} Value={quoteattr(v)}/>" for k, v in parameters.items())
        text += f"<Section Name={quoteattr(name.replace('__', '/'))}>{inner}</Section>"
    return f"<ClusterManifest><FabricSettings>{text}</FabricSettings></ClusterManifest>"


NAMED = [{"isAdmin": True, "certificateCommonName": "Ops.example.com", "certificateIssuerThumbprint": f"{PIN},{OTHER}"}]
WANTED = [client("common-name", "ops.example.com", OTHER.lower(), PIN), client("thumbprint", A.lower(), admin=False)]
LISTED = [{"isAdmin": False, "certificateThumbprint": A}]


def test_the_definition_holds_just_these_clients_whatever_their_order_and_spelling() -> None:
    observation = cluster_with(clientCertificateCommonNames=NAMED, clientCertificateThumbprints=LISTED)
    assert look("cluster-declares", observation, role="clients", clients=WANTED).state == "passed"


@pytest.mark.parametrize(
    "wanted",
    [
        WANTED[:1],
        [*WANTED, client("thumbprint", B)],
        [client("common-name", "ops.example.com", PIN), WANTED[1]],
        [WANTED[0], client("thumbprint", A, admin=True)],
        [],
    ],
    ids=["one too many", "one too few", "an issuer too many", "another role", "none"],
)
def test_any_other_list_keeps_the_gate_shut_and_says_how_it_differs(wanted: list[Json]) -> None:
    observation = cluster_with(clientCertificateCommonNames=NAMED, clientCertificateThumbprints=LISTED)
    found = look("cluster-declares", observation, role="clients", clients=wanted)
    assert (found.state, found.reason) == ("open", "DeclaredDifferently")
    assert "lacks" in found.message or "still has" in found.message


def test_a_definition_that_shows_nothing_at_all_is_no_list_without_clients() -> None:
    document, _, _ = edited()
    document["resources"] = {make.CLUSTER_ID: {"api_version": "2021-06-01", "body": {"id": make.CLUSTER_ID}}}
    assert look("cluster-declares", seen(document), role="clients", clients=[]).state == "open"


LETS_IN = manifest_of(
    Security={"AdminClientCertThumbprints": B, "ClientCertThumbprints": A, "ClusterCertThumbprints": B},
    Security__AdminClientX509Names={"ops.example.com": f"{OTHER.lower()}, {PIN}"},
)


@pytest.mark.parametrize("kind", ["manifest-declares", "clients-let-in"])
def test_the_manifest_may_hold_more_than_what_is_wanted(kind: str) -> None:
    """The nodes' lists hold the cluster's own certificates too."""
    assert look(kind, with_manifest(LETS_IN), role="clients", clients=WANTED, level="runtime").state == "passed"
    found = look(kind, with_manifest(None), role="clients", clients=WANTED, level="runtime")
    assert found.state == "unknown"
    assert look(kind, with_manifest("no xml"), role="clients", clients=WANTED, level="runtime").state == "open"
    assert look(kind, with_manifest("<a/>"), role="clients", clients=[], level="runtime").state == "open"


@pytest.mark.parametrize(
    "wanted",
    [
        client("common-name", "ops.example.com", PIN, admin=False),
        client("common-name", "ops.example.com", "E" * 40),
        client("common-name", "other.example.com", PIN),
        client("thumbprint", A, admin=True),
        client("thumbprint", "E" * 40, admin=False),
    ],
    ids=["another role", "another issuer", "another name", "a reader as admin", "another thumbprint"],
)
def test_a_client_that_the_nodes_do_not_let_in_keeps_the_gate_shut(wanted: Json) -> None:
    found = look("clients-let-in", with_manifest(LETS_IN), role="clients", clients=[wanted], level="runtime")
    assert found.state == "open"
    assert "do not let" in found.message


def test_a_thumbprint_that_is_gone_is_gone_from_the_manifest_unless_it_is_the_clusters_own() -> None:
    expects: Json = {"role": "clients", "clients": [], "level": "runtime"}
    assert look("manifest-declares", with_manifest(LETS_IN), **expects, gone=[A]).state == "open"
    assert look("manifest-declares", with_manifest(LETS_IN), **expects, gone=[B, "E" * 40]).state == "passed"


def proxied(by: str, value: str) -> str:
    found = {"GatewayX509CertificateFindType": by, "GatewayX509CertificateFindValue": value}
    return manifest_of(ApplicationGateway__Http=found)


def test_the_reverse_proxy_is_asked_for_in_its_own_place() -> None:
    names: Json = {"role": "reverse-proxy", "common_names": ["proxy.example.com"]}
    entry = {"certificateCommonName": "proxy.example.com", "certificateIssuerThumbprint": ""}
    by_name = cluster_with(reverseProxyCertificateCommonNames={"commonNames": [entry]})
    assert look("cluster-declares", by_name, **names).state == "passed"
    assert look("cluster-declares", cluster_with(reverseProxyCertificate={"thumbprint": A}), **names).state == "open"
    pinned = {"commonNames": [entry | {"certificateIssuerThumbprint": PIN}]}
    assert look("cluster-declares", cluster_with(reverseProxyCertificateCommonNames=pinned), **names).state == "open"
    assert look("cluster-declares", cluster_with(), **names).state == "open"


@pytest.mark.parametrize(
    ("manifest", "state"),
    [
        (proxied("FindBySubjectName", "proxy.example.com"), "passed"),
        (proxied("FindByThumbprint", A), "open"),
        (proxied("FindBySubjectName", "other.example.com"), "open"),
        ("<ClusterManifest/>", "open"),
        (None, "unknown"),
    ],
    ids=["by this name", "still by thumbprint", "by another name", "names none", "unread"],
)
def test_the_manifest_tells_what_reverse_proxies_look_for(manifest: str | None, state: str) -> None:
    expects: Json = {"role": "reverse-proxy", "common_names": ["proxy.example.com"], "level": "runtime"}
    assert look("manifest-declares", with_manifest(manifest), **expects).state == state


def test_the_node_extension_is_asked_for_the_reverse_proxys_own_entry() -> None:
    document = make.document(make.world())
    make_roles.with_proxy(document, make.leaf("proxy", common_name="proxy.example.com"))
    expects: Json = {"role": "reverse-proxy", "common_names": ["proxy.example.com"]}
    assert look("extension-declares", seen(document), make.scale_set_id(), **expects).state == "open"
    settings = document["resources"][make.scale_set_id()]["body"]["properties"]["virtualMachineProfile"]
    node = settings["extensionProfile"]["extensions"][0]["properties"]["settings"]
    node["reverseProxyCertificate"] = {"commonNames": ["proxy.example.com"], "x509StoreName": "My"}
    assert look("extension-declares", seen(document), make.scale_set_id(), **expects).state == "passed"


def test_every_client_is_looked_for_also_after_one_that_is_let_in() -> None:
    missing = [client("thumbprint", "E" * 40, admin=False), client("common-name", "other.example.com", PIN)]
    for one in missing:
        for wanted in ([*WANTED, one], [one, *WANTED], [WANTED[1], one], [WANTED[0], one]):
            found = look("clients-let-in", with_manifest(LETS_IN), role="clients", clients=wanted, level="runtime")
            assert found.state == "open"
            assert one["value"].lower() in found.message.lower()


def test_the_clusters_own_thumbprint_is_let_in_without_an_entry() -> None:
    manifest = manifest_of(Security={"ClusterCertThumbprints": f"{A.lower()} , {B}"})
    for admin in (True, False):
        wanted = [client("thumbprint", A, admin=admin)]
        found = look("clients-let-in", with_manifest(manifest), role="clients", clients=wanted, level="runtime")
        assert found.state == "passed"
    assert look("clients-let-in", with_manifest(manifest), role="clients", level="runtime").state == "passed"


def test_who_is_not_let_in_is_told_with_the_role() -> None:
    for admin, said in ((True, "an admin"), (False, "may only read")):
        wanted = [client("thumbprint", "E" * 40, admin=admin)]
        found = look("clients-let-in", with_manifest(LETS_IN), role="clients", clients=wanted, level="runtime")
        assert said in found.message


def test_what_is_too_much_and_what_is_missing_are_told_apart() -> None:
    observation = cluster_with(clientCertificateCommonNames=NAMED, clientCertificateThumbprints=LISTED)
    lacks = look("cluster-declares", observation, role="clients", clients=[*WANTED, client("thumbprint", B)]).message
    has = look("cluster-declares", observation, role="clients", clients=WANTED[:1]).message
    assert ("lacks" in lacks, "still has" in lacks) == (True, False)
    assert ("lacks" in has, "still has" in has) == (False, True)


def test_a_reverse_proxy_that_looks_for_the_name_as_a_thumbprint_is_not_done() -> None:
    expects: Json = {"role": "reverse-proxy", "common_names": ["proxy.example.com"], "level": "runtime"}
    by_mistake = with_manifest(proxied("FindByThumbprint", "proxy.example.com"))
    assert look("manifest-declares", by_mistake, **expects).state == "open"
    nothing: Json = {"role": "reverse-proxy", "level": "runtime"}
    assert look("manifest-declares", with_manifest(proxied("FindBySubjectName", "x")), **nothing).state == "open"
