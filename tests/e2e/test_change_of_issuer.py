"""A cluster by name changes its authority: pinned beside the old one first, the old one forgotten last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.kernel.azure import Azure
from tests.e2e.site import Site, command

PLAYBOOK = ("--playbook", "change-issuer")


def bring_from_the_other_authority(site: Site, name: str) -> str:
    """Somebody imports a certificate of the declared name, signed by the other authority. Returns its thumbprint."""

    def do(azure: Azure) -> Any:
        now = azure.clock.now.replace(microsecond=0)
        authorities, vaults = azure.find_service("authority"), azure.find_service("vaults")
        authority = authorities.get(site.facts["other_issuer"])
        common_name = site.facts["common_name"]
        issued = authority.issue(common_name, [common_name], not_before=now, not_after=now + timedelta(days=180))
        return vaults.import_version(site.facts["vault_url"], name, issued, policy=None, created=now)

    return str(site.running.call(do).thumbprint)


def chain_of_the_other_authority(site: Site) -> tuple[str, str]:
    """`--certificate-pem FILE` with the other authority's own certificate, as its operator publishes it."""

    def read(azure: Azure) -> bytes:
        authority = azure.find_service("authority").get(site.facts["other_issuer"])
        return b"".join(one.public_bytes(Encoding.PEM) for one in authority.chain)

    file = site.folder / "other-authority.pem"
    file.write_bytes(site.running.call(read))
    return "--certificate-pem", str(file)


@pytest.fixture
def by_name(site_of: Callable[..., Site]) -> Site:
    return site_of(by_name=True)


def test_a_certificate_of_another_authority_takes_the_place_of_the_old_one(by_name: Site) -> None:
    site = by_name
    new = bring_from_the_other_authority(site, "sf-cluster-b")
    url = f"{site.facts['vault_url']}/certificates/sf-cluster-b"
    words = (*PLAYBOOK, "--certificate", url, *chain_of_the_other_authority(site))
    planned = site.plan(*words)
    assert planned.code == 2, planned.out
    assert site.planned["proof"]["verdict"] == "proved"
    assert {one.split("-")[0] for one in site.stages} >= {"40", "50", "60", "70", "99"}

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.presented() == {new}
    assert site.declares() == {site.facts["common_name"]: site.facts["other_issuer_thumbprint"]}
    assert site.plan(*words).code == 0


def test_the_same_certificate_is_renewed_from_the_new_authority_between_two_plans(by_name: Site) -> None:
    site = by_name
    old, new = site.facts["issuer_thumbprint"], site.facts["other_issuer_thumbprint"]
    assert site.plan(*PLAYBOOK, "--issuer-thumbprints", new).code == 2
    assert any("plan change-issuer again" in step for step in site.planned["manual_steps"])
    assert site.apply().code == 0
    assert site.declares() == {site.facts["common_name"]: f"{old},{new}"}
    for waiting in (site.plan(*PLAYBOOK, "--issuer-thumbprints", new), command("apply", str(site.plan_file))):
        assert waiting.code == 0, waiting.err
        assert "is in the vault yet" in " ".join(waiting.out.split())

    renewed = site.renew(authority=site.facts["other_issuer"])
    site.running.call(lambda azure: azure.clock.advance(6 * 3600))
    assert site.presented() == {renewed}

    told = site.plan(*PLAYBOOK, "--issuer-thumbprints", new)
    assert told.code == 3
    assert "--accept issuer-next-time" in " ".join(site.planned["blocked_by"])
    planned = site.plan(*PLAYBOOK, "--issuer-thumbprints", new, "--accept", "issuer-next-time")
    assert planned.code == 2, planned.out
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.declares() == {site.facts["common_name"]: new}


def test_a_version_that_nobody_pinned_is_too_late_to_pin_safely_and_nothing_is_sent(by_name: Site) -> None:
    site = by_name
    site.renew(authority=site.facts["other_issuer"])
    assert site.plan(*PLAYBOOK, *chain_of_the_other_authority(site)).code == 3
    assert "Something is wrong before anything is changed" in " ".join(site.planned["blocked_by"])
    assert site.apply().code == 3
    assert not site.writes()
