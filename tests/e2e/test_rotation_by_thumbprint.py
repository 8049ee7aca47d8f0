"""A cluster that stays on thumbprints gets its next certificate, and no node refuses another on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.site import Site, command


@pytest.mark.parametrize("world", ["one-node-type", "manual-mode", "reverse-proxy"])
def test_the_next_thumbprint_takes_the_place_of_the_old_one(world: str, site_of: Callable[..., Site]) -> None:
    """In phases only: a second thumbprint is documented to be added on running clusters, which one walk would break."""
    site = site_of(world)
    new = site.renew()
    site.goes_through("--playbook", "rotate-by-thumbprint")
    assert site.presented() == {new}
    assert site.plan("--playbook", "rotate-by-thumbprint").code == 0


def test_with_nothing_new_in_the_vault_there_is_nothing_to_rotate(site: Site) -> None:
    assert site.plan("--playbook", "rotate-by-thumbprint").code == 0
    assert site.planned["status"] == "nothing-to-do"
    assert site.apply().code == 0
    assert not site.writes()


def test_a_self_signed_certificate_is_enrolled_first_and_then_rotated_to(site_of: Callable[..., Site]) -> None:
    """What a plan does not do as a stage, because a vm secret names a version that has to be there."""
    site = site_of(friendly=True)
    name, vault = str(site.facts["certificate_name"]), str(site.facts["vault_url"])
    policy = site.folder / "policy.yaml"
    policy.write_text(f"subject: CN={site.facts['common_name']}\nissuer: Self\nrenewal: {{by: sfcert}}\n")
    rotate = ("--playbook", "rotate-by-thumbprint")
    told = site.plan(*rotate, "--enrol-policy", str(policy))
    assert told.code == 1
    assert "has no stage that enrols" in told.err
    assert "`sfcert enrol NAME" in told.err

    enrolled = command("enrol", name, "--vault", vault, "--policy", str(policy), "--for-cluster", site.cluster_id)
    assert enrolled.code == 0, enrolled.err
    assert site.plan(*rotate).code == 2, site.planned["blocked_by"]
    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.presented() == {site.planned["goal"]["thumbprint"]}
