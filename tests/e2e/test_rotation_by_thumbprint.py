"""A cluster that stays on thumbprints gets its next certificate, and no node refuses another on the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.site import Site


@pytest.mark.parametrize("world", ["one-node-type", "manual-mode", "reverse-proxy"])
def test_the_next_thumbprint_takes_the_place_of_the_old_one(world: str, site_of: Callable[..., Site]) -> None:
    """In phases only: a second thumbprint is documented to be added on running clusters, which one walk would break."""
    site = site_of(world)
    new = site.renew()
    planned = site.plan("--playbook", "rotate-by-thumbprint")
    assert planned.code == 2, planned.out
    assert site.planned["proof"]["verdict"] == "proved"

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert applied.last("run-done")["stages"] == site.stages
    assert site.refusals() == []
    assert site.presented() == {new}
    assert site.plan("--playbook", "rotate-by-thumbprint").code == 0


def test_with_nothing_new_in_the_vault_there_is_nothing_to_rotate(site: Site) -> None:
    assert site.plan("--playbook", "rotate-by-thumbprint").code == 0
    assert site.planned["status"] == "nothing-to-do"
    assert site.apply().code == 0
    assert not site.writes()
