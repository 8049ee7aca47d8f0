"""The reverse proxy comes to go by name, whatever the cluster itself goes by, and serves on every node throughout."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sfcert.arm import remove_at, set_at
from sfcert.sim.worlds.specs import THREE
from tests.e2e.killing import Effects, Killed, KilledAt, run_plan
from tests.e2e.site import Json, Site

PLAYBOOK = ("--playbook", "reverse-proxy-to-common-name")
SHAPE = ("--accept", "reverse-proxy-extension-by-name")
NAME = "proxy.contoso.example"


def served(site: Site) -> set[str | None]:
    """Which thumbprints the reverse proxies of all nodes present."""
    return set(
        site.of_cluster(
            lambda cluster: [node.proxied.thumbprint if node.proxied else None for node in cluster.nodes.values()]
        )
    )


def declared(site: Site) -> Json:
    """How the cluster declares the reverse proxy."""
    properties = site.body(site.cluster_id)["properties"]
    names = ("reverseProxyCertificate", "reverseProxyCertificateCommonNames")
    return {name: properties[name] for name in names if name in properties}


def on_node_extension(site: Site) -> Json:
    node = next(one for one in site.extensions() if one["properties"]["publisher"] == "Microsoft.Azure.ServiceFabric")
    return dict(node["properties"]["settings"])


def by(name: str) -> Json:
    return {
        "reverseProxyCertificateCommonNames": {
            "commonNames": [{"certificateCommonName": name, "certificateIssuerThumbprint": ""}],
            "x509StoreName": "My",
        }
    }


def renew_proxy(site: Site, *, authority: str | None = None) -> str:
    """The vault renews the reverse proxy's own certificate. Returns the new thumbprint."""
    url = site.facts["vault_url"]
    renewed = site.running.call(
        lambda azure: azure.find_service("vaults").renew_now(url, "sf-proxy", authority=authority)
    )
    return str(renewed.thumbprint)


def pass_hours(site: Site, hours: float) -> None:
    site.running.call(lambda azure: azure.clock.advance(hours * 3600))


@pytest.mark.parametrize("by_name", [False, True], ids=["cluster by thumbprint", "cluster by name"])
def test_its_own_certificate_is_found_by_name_and_the_next_one_is_taken_up(
    by_name: bool, site_of: Callable[..., Site]
) -> None:
    site = site_of("own-reverse-proxy", by_name=by_name)
    cluster = site.body(site.cluster_id)["properties"]
    presented = site.presented()
    planned = site.plan(*PLAYBOOK, *SHAPE)
    assert planned.code == 2, planned.out
    assert site.planned["proof"]["verdict"] == "proved"
    assert {one[:2] for one in site.stages} >= {"10", "40", "60", "70", "80", "90", "99"}

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert applied.last("run-done")["stages"] == site.stages
    assert site.refusals() == []
    assert declared(site) == by(NAME)
    assert on_node_extension(site)["reverseProxyCertificate"] == {"commonNames": [NAME], "x509StoreName": "My"}
    assert served(site) == {site.facts["proxy_thumbprint"]}
    assert site.presented() == presented
    after = site.body(site.cluster_id)["properties"]
    for role in ("certificate", "certificateCommonNames", "clientCertificateThumbprints", "fabricSettings"):
        assert after.get(role) == cluster.get(role)
    assert site.plan(*PLAYBOOK, *SHAPE).code == 0

    # from any authority: nothing pins an issuer for this role
    renewed = renew_proxy(site, authority=site.facts["other_issuer"])
    pass_hours(site, 6)
    assert served(site) == {renewed}
    assert site.presented() == presented
    assert site.refusals() == []


def test_without_the_acceptance_of_its_shape_in_the_node_extension_nothing_is_sent(
    site_of: Callable[..., Site],
) -> None:
    site = site_of("own-reverse-proxy")
    assert site.plan(*PLAYBOOK).code == 3
    assert "--accept reverse-proxy-extension-by-name" in " ".join(site.planned["blocked_by"])
    assert site.apply().code == 3
    assert not site.writes()


def test_a_certificate_that_the_cluster_names_by_thumbprint_too_stays_frozen(site_of: Callable[..., Site]) -> None:
    site = site_of("reverse-proxy")
    assert site.plan(*PLAYBOOK, *SHAPE).code == 3
    assert "--accept ends-frozen" in " ".join(site.planned["blocked_by"])
    assert site.plan(*PLAYBOOK, *SHAPE, "--accept", "ends-frozen").code == 2
    assert not any(one.startswith(("80-", "90-")) for one in site.stages)
    assert any("still serves the cluster's own certificate" in one for one in site.planned["manual_steps"])

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert declared(site) == by(site.facts["common_name"])
    assert served(site) == site.presented() == {site.facts["thumbprint"]}
    assert "renewal-left-frozen" in {one["rule"] for one in site.audit().json["findings"]}
    assert site.plan(*PLAYBOOK, *SHAPE, "--accept", "ends-frozen").code == 0


def test_after_it_the_cluster_follows_and_gives_back_the_renewal_that_was_left_frozen(
    site_of: Callable[..., Site],
) -> None:
    """Both roles with one certificate, one playbook after the other: in the end one renewal serves both."""
    site = site_of("reverse-proxy")
    assert site.plan(*PLAYBOOK, *SHAPE, "--accept", "ends-frozen").code == 2
    assert site.apply().code == 0
    told = site.plan()
    assert told.code == 2, told.out
    assert site.stage_like("90-resume-renewal")
    applied = site.apply()
    assert applied.code == 0, applied.err
    renewed = site.renew()
    pass_hours(site, 6)
    assert served(site) == site.presented() == {renewed}
    assert site.refusals() == []
    assert "renewal-left-frozen" not in {one["rule"] for one in site.audit().json["findings"]}


def test_a_cluster_that_went_first_and_ended_frozen_is_followed_by_its_reverse_proxy(
    site_of: Callable[..., Site],
) -> None:
    site = site_of("reverse-proxy")
    assert site.plan("--accept", "ends-frozen").code == 2
    assert site.apply().code == 0
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    assert site.stage_like("90-resume-renewal")
    assert site.apply().code == 0
    renewed = site.renew()
    pass_hours(site, 6)
    assert served(site) == site.presented() == {renewed}
    assert site.refusals() == []


def test_a_cluster_by_name_with_the_same_certificate_needs_no_delivery(site_of: Callable[..., Site]) -> None:
    site = site_of("reverse-proxy", by_name=True)
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    assert not any(one.startswith(("20-", "30-", "40-")) for one in site.stages)
    assert site.apply().code == 0
    assert declared(site) == by(site.facts["common_name"])
    renewed = site.renew()
    pass_hours(site, 6)
    assert served(site) == site.presented() == {renewed}
    assert site.refusals() == []


@pytest.mark.parametrize("reading", ["phases", "single"])
def test_it_comes_through_whichever_way_the_provider_walks(reading: str, site_of: Callable[..., Site]) -> None:
    site = site_of("own-reverse-proxy", node_types=THREE)
    site.switch("staging", {"reading": reading})
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    assert {one["readings"]["single-walk"] for one in site.planned["proof"]["stages"]} == {"proved"}
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert served(site) == {site.facts["proxy_thumbprint"]}
    assert site.refusals() == []


def test_each_declaration_is_undone_as_it_says(site_of: Callable[..., Site]) -> None:
    site = site_of("own-reverse-proxy")
    before, on_nodes = declared(site), on_node_extension(site)["reverseProxyCertificate"]
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    last = next(one for one in site.stages if one.startswith("70-"))
    assert site.apply("--until", last).code == 0
    assert declared(site) == by(NAME)
    stages = {stage["id"]: stage["undo"] for stage in site.planned["stages"]}
    for stage in (last, "60-declare-reverse-proxy-name"):
        undo = stages[stage]
        assert undo["possible"]

        def undone(body: Json, undo: Json = undo) -> None:
            for path, value in undo["sets"].items():
                body.update(set_at(body, path, value))
            for path in undo["removes"]:
                body.update(remove_at(body, path) or {})

        site.change(undo["resource"], undone)
    pass_hours(site, 2)
    assert declared(site) == before
    assert on_node_extension(site)["reverseProxyCertificate"] == on_nodes
    assert served(site) == {site.facts["proxy_thumbprint"]}
    assert site.refusals() == []


def test_killed_after_every_effect_and_while_it_waits_it_ends_the_same(site_of: Callable[..., Site]) -> None:
    whole = site_of("own-reverse-proxy")
    assert whole.plan(*PLAYBOOK, *SHAPE).code == 2
    effects = Effects()
    assert run_plan(whole, effects=effects).complete
    site = site_of("own-reverse-proxy")
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    with pytest.raises(Killed):
        run_plan(site, emit=KilledAt("waiting", site.stage_like("40-provision")))
    for _ in effects.keys[:-1]:
        try:
            run_plan(site, effects=Effects(after=0))
        except Killed:
            continue
        break
    assert run_plan(site).complete
    assert site.plain_writes() == whole.plain_writes()
    assert site.end_state() == whole.end_state()
    assert site.refusals() == []


def test_machines_in_manual_mode_are_brought_up_to_date_stage_by_stage(site_of: Callable[..., Site]) -> None:
    site = site_of("own-reverse-proxy", mode="Manual")
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    assert {one[:2] for one in site.stages} >= {"45", "75", "85"}
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert served(site) == {site.facts["proxy_thumbprint"]}
    assert site.refusals() == []


def test_a_machine_that_comes_later_finds_the_certificate_by_its_name(site_of: Callable[..., Site]) -> None:
    site = site_of("own-reverse-proxy")
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    assert site.apply().code == 0

    def grow(body: Json) -> None:
        body["sku"]["capacity"] += 1

    site.change(site.scale_set_id, grow)
    pass_hours(site, 2)
    assert site.of_cluster(lambda cluster: len([node for node in cluster.nodes.values() if node.in_ring])) == 6
    assert served(site) == {site.facts["proxy_thumbprint"]}
    assert site.refusals() == []


def test_where_the_node_extension_takes_no_names_the_stage_fails_and_says_so(site_of: Callable[..., Site]) -> None:
    """The other reading of what was accepted: it shows at the first scale set, before any vm secret is gone."""
    site = site_of("own-reverse-proxy")
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    site.switch("proxy-names-unread", True)
    secrets = site.body(site.scale_set_id)["properties"]["virtualMachineProfile"]["osProfile"]["secrets"]
    applied = site.apply()
    assert applied.code not in (0, 70)
    assert site.body(site.scale_set_id)["properties"]["virtualMachineProfile"]["osProfile"]["secrets"] == secrets
    assert served(site) == {site.facts["proxy_thumbprint"]}
    assert site.refusals() == []


def test_a_runtime_whose_proxy_has_to_start_anew_is_told_of(site_of: Callable[..., Site]) -> None:
    """The simulator's switch for what was reported of 6.0: a renewed certificate waits for the node's next start."""
    site = site_of("own-reverse-proxy")
    assert site.plan(*PLAYBOOK, *SHAPE).code == 2
    assert any("look with a TLS client at its port" in one for one in site.planned["manual_steps"])
    assert site.apply().code == 0
    site.switch("reverse-proxy-needs-restart", True)
    renew_proxy(site)
    pass_hours(site, 6)
    assert served(site) == {site.facts["proxy_thumbprint"]}


def test_a_proxy_that_loses_its_certificate_is_told_as_a_refused_connection(site_of: Callable[..., Site]) -> None:
    """The simulator has teeth: nobody's plan, a name that no certificate carries."""
    site = site_of("own-reverse-proxy")

    def wrong(body: Json) -> None:
        del body["properties"]["reverseProxyCertificate"]
        body["properties"] |= by("nobody.contoso.example")

    site.change(site.cluster_id, wrong)
    assert any("ReverseProxyCertificateNotFound" in one for one in site.refusals())
