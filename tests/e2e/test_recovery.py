"""Whole stories of certificates that end: before it, after it, by thumbprint and by name, and what cannot be helped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.server.mend import mend
from tests.e2e.site import Json, Site

MakeSite = Callable[..., Site]
LIFE_DAYS = 199 - 20
DAY, HOUR = 86400, 3600
PLAYBOOK = ("--playbook", "recover-expired")


def issued(site: Site, *, self_signed: bool = True, issuer: str = "Contoso Issuing CA 01") -> str:
    """As `issue`, now."""
    return site.running.call(lambda azure: issue(azure, site.facts, self_signed=self_signed, issuer=issuer))


def issue(azure: Azure, facts: Json, *, self_signed: bool, issuer: str = "Contoso Issuing CA 01") -> str:
    """Somebody puts a newer version of the cluster's certificate into the vault. Returns its thumbprint."""
    authority, now = azure.find_service("authority"), azure.clock.now.replace(microsecond=0)
    ends = now + timedelta(days=180)
    if self_signed:
        made = authority.self_signed("old-cluster.local", [], not_before=now, not_after=ends)
    else:
        made = authority.get(issuer).issue(facts["common_name"], [facts["common_name"]], not_before=now, not_after=ends)
    vaults = azure.find_service("vaults")
    return str(vaults.import_version(facts["vault_url"], facts["certificate_name"], made).thumbprint)


def newest(site: Site) -> str:
    """The newest version of the cluster's certificate in the vault."""
    url, name = site.facts["vault_url"], site.facts["certificate_name"]
    return str(
        site.running.call(
            lambda azure: azure.find_service("vaults").content(url).certificate(name).versions[-1].thumbprint
        )
    )


def chain_of(site: Site) -> tuple[str, str]:
    """The option that gives a plan the public chain: a cluster that is down serves none."""

    def read(azure: Azure) -> str:
        issuing = azure.find_service("authority").get("Contoso Issuing CA 01")
        stored = (
            azure.find_service("vaults").content(site.facts["vault_url"]).certificate(site.facts["certificate_name"])
        )
        shown = [stored.versions[0].leaf, *issuing.chain]
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in shown)

    path = site.folder / "chain.pem"
    path.write_text(site.running.call(read))
    return ("--certificate-pem", str(path))


def mended(site: Site, *, accept_expired: bool) -> None:
    """People go to every node, seed nodes first."""
    site.running.call(lambda azure: mend(azure, {"accept_expired": accept_expired}))


def meanwhile(site: Site, hours: float, act: Callable[[], object]) -> None:
    """Somebody does something while the plan is being applied."""
    site.running.call(lambda azure: azure.clock.after(hours * HOUR, act, "somebody"))


def definition(site: Site) -> Json:
    """What a plan may not leave changed in the cluster but the certificate."""
    body = site.body(site.cluster_id)
    return {"settings": body["properties"].get("fabricSettings"), "tags": body.get("tags")}


def applied(site: Site) -> list[str]:
    """Apply to the end. Returns the stages that were done."""
    done = site.apply()
    assert done.code == 0, done.err
    assert done.last("run-done")["stages"] == site.stages
    return site.stages


# -- before the end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", ["self-signed", "silver"])
def test_a_certificate_that_ends_soon_is_replaced_with_a_net_below(world: str, site_of: MakeSite) -> None:
    site = site_of(world, self_signed=True)
    site.running.advance((LIFE_DAYS - 3) * DAY)
    new, before = issued(site), definition(site)
    planned = site.plan(*PLAYBOOK)
    assert planned.code == 2, planned.out
    assert site.planned["proof"]["verdict"] == "proved"
    assert site.stages[0] == "05-accept-expired"

    applied(site)

    assert site.refusals() == []
    assert site.presented() == {new}
    assert definition(site) == before
    assert site.plan(*PLAYBOOK).code == 0
    assert site.planned["status"] == "nothing-to-do"


def test_where_the_end_comes_in_the_middle_nodes_go_on_and_planning_again_leads_to_the_end(site_of: MakeSite) -> None:
    """The vault gives an expired version to nobody, so that a stage fails; no node notices."""
    site = site_of("self-signed")
    site.running.advance(LIFE_DAYS * DAY - 2 * HOUR)
    new, before = issued(site), definition(site)
    assert site.plan(*PLAYBOOK).code == 2
    stopped = site.apply()
    assert stopped.code == 1, stopped.err
    assert "expired" in stopped.err
    assert site.plan(*PLAYBOOK).code == 2, site.planned["blocked_by"]

    applied(site)

    assert site.refusals() == []
    assert site.presented() == {new}
    assert definition(site) == before
    assert site.plan(*PLAYBOOK).code == 0


def test_time_is_bought_first_and_the_rotation_follows_when_a_version_has_come(site_of: MakeSite) -> None:
    site = site_of("self-signed")
    site.running.advance((LIFE_DAYS - 1) * DAY)
    before = definition(site)
    assert site.plan(*PLAYBOOK).code == 2
    assert applied(site) == ["05-accept-expired"]
    assert site.plan(*PLAYBOOK).code == 0, "nothing more can be done yet"
    site.running.advance(10 * DAY)
    assert site.refusals() == []
    new = issued(site)
    assert site.plan(*PLAYBOOK).code == 2

    assert "05-accept-expired" not in applied(site)

    assert site.presented() == {new}
    assert definition(site) == before
    assert site.refusals() == []


def test_what_the_first_stage_has_set_is_taken_back_after_a_rotation_by_another_playbook(site_of: MakeSite) -> None:
    """The way back of stage 05, by the plan that its undo names."""
    site = site_of("self-signed")
    site.running.advance((LIFE_DAYS - 9) * DAY)
    new, before = issued(site), definition(site)
    assert site.plan(*PLAYBOOK).code == 2
    assert site.planned["stages"][0]["undo"]["possible"] is True
    assert site.apply("--until", "05-accept-expired").code == 0
    assert definition(site) != before
    assert site.plan("--playbook", "rotate-by-thumbprint").code == 2, site.planned["blocked_by"]
    applied(site)
    assert site.plan(*PLAYBOOK).code == 2

    assert applied(site) == ["60-restore-setting", "99-watch-rotation"]

    assert definition(site) == before
    assert site.presented() == {new}
    assert site.refusals() == []
    assert site.plan(*PLAYBOOK).code == 0


# -- after the end -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "serves_expired"), [("self-signed", False), ("silver", True)])
def test_out_of_reach_people_mend_the_nodes_and_the_rest_are_stages(
    world: str, serves_expired: bool, site_of: MakeSite
) -> None:
    site = site_of(world, self_signed=True)
    if serves_expired:
        site.switch("vault-serves-expired", True)
    before = definition(site)
    site.running.advance((LIFE_DAYS + 2) * DAY)
    assert site.of_cluster(lambda cluster: cluster.down)
    new = issued(site)
    planned = site.plan(*PLAYBOOK)
    assert planned.code == 2, planned.out
    assert site.stages[:2] == ["03-mend-nodes", "05-accept-expired"]
    refused_before = len(site.refusals())
    meanwhile(site, 2, lambda: mend(site.running.azure, {"accept_expired": True}))

    applied(site)

    assert site.refusals()[refused_before:] == []
    assert site.presented() == {new}
    assert definition(site) == before
    assert site.plan(*PLAYBOOK).code == 0


def test_a_plan_that_waits_in_vain_for_people_says_so_sends_nothing_and_goes_on_later(site_of: MakeSite) -> None:
    site = site_of("self-signed")
    site.running.advance((LIFE_DAYS + 2) * DAY)
    assert site.plan(*PLAYBOOK).code == 2
    assert site.stages == ["03-mend-nodes", "05-accept-expired"]
    waited = site.apply()
    assert waited.code == 5, waited.err
    assert "cluster-reached" in waited.err
    assert not site.writes()
    mended(site, accept_expired=True)

    applied(site)

    assert site.of_cluster(lambda cluster: cluster.healthy)
    assert site.plan(*PLAYBOOK).code == 0, "the next version is brought by people"


def test_with_the_setting_on_since_before_the_end_it_stays_as_it_is(site_of: MakeSite) -> None:
    setting = {"name": "Security", "parameters": [{"name": "AcceptExpiredPinnedClusterCertificate", "value": "true"}]}
    site = site_of("self-signed", cluster_settings={"fabricSettings": [setting]})
    before = definition(site)
    site.running.advance((LIFE_DAYS + 2) * DAY)
    new = issued(site)
    assert site.plan(*PLAYBOOK).code == 2
    assert any("was on before this plan" in one for one in site.planned["manual_steps"])

    stages = applied(site)

    assert not {"05-accept-expired", "60-restore-setting"} & set(stages)
    assert site.presented() == {new}
    assert definition(site) == before
    assert site.refusals() == []


# -- by name -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heals", [True, False])
def test_by_name_people_have_a_version_issued_and_nodes_take_it_up(heals: bool, site_of: MakeSite) -> None:
    site = site_of("one-node-type", by_name=True, auto_renew=False)
    if heals:
        site.switch("quorum-heals", True)
    site.running.advance((LIFE_DAYS + 2) * DAY)
    assert site.of_cluster(lambda cluster: cluster.down)
    assert site.plan(*PLAYBOOK).code == 3, "who signed it is not known"
    planned = site.plan(*PLAYBOOK, *chain_of(site))
    assert planned.code == 2, planned.out
    assert site.stages == ["01-renew-sf-cluster", "02-await-delivery"]
    meanwhile(site, 2, lambda: issue(site.running.azure, site.facts, self_signed=False))
    if not heals:
        # they do not come back by themselves: the hint of the stage is followed
        meanwhile(site, 6, lambda: mend(site.running.azure, {}))

    applied(site)

    # a cluster is reached once its quorum is back; the last node finds the version at its own next look
    site.running.advance(DAY / 8)
    assert site.presented() == {newest(site)}
    assert site.of_cluster(lambda cluster: cluster.healthy)
    assert not site.writes()
    assert site.plan(*PLAYBOOK).code == 0


def test_by_name_a_version_from_an_issuer_that_is_not_pinned_does_not_open_the_gate(site_of: MakeSite) -> None:
    site = site_of("one-node-type", by_name=True, auto_renew=False)
    site.running.advance((LIFE_DAYS + 2) * DAY)
    assert site.plan(*PLAYBOOK, *chain_of(site)).code == 2
    issued(site, self_signed=False, issuer="Contoso Issuing CA 02")
    stopped = site.apply()
    assert stopped.code == 1, stopped.err
    assert "none of the issuers that are pinned" in stopped.err
    assert not site.writes()
    assert site.plan(*PLAYBOOK).code == 3


# -- what cannot be helped ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"self_signed": True, "linux": True}])
def test_what_no_stage_can_mend_is_told_to_people(options: Json, site_of: MakeSite) -> None:
    site = site_of("one-node-type", auto_renew=False, **options)
    site.running.advance((LIFE_DAYS + 2) * DAY)
    assert site.plan(*PLAYBOOK).code == 3
    assert any("mended by hand" in one for one in site.planned["manual_steps"])
    assert site.apply().code == 3
    assert not site.writes()


def test_long_before_the_end_there_is_nothing_to_recover(site_of: MakeSite) -> None:
    site = site_of("self-signed")
    assert site.plan(*PLAYBOOK).code == 0
    assert any("rotate-by-thumbprint" in one for one in site.planned["manual_steps"])
