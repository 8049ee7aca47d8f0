"""After the migration: the vault renews by itself, every node takes the new certificate, and nobody refuses anybody."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.site import Site

DAY_S = 86400


@pytest.mark.parametrize("world", ["one-node-type", "three-node-types", "rbac-vault", "existing-extension-1"])
def test_the_first_rotation_reaches_all_nodes_untouched_by_hands(world: str, site_of: Callable[..., Site]) -> None:
    site = site_of(world)
    site.plan("--accept", "extension-flag-for-others")
    assert site.apply().code == 0
    first, sent = site.facts["thumbprint"], site.writes()

    site.running.advance(170 * DAY_S)

    presented = site.presented()
    assert len(presented) == 1
    assert first not in presented
    assert site.refusals() == []
    assert not site.of_cluster(lambda cluster: cluster.down)
    assert site.writes() == sent
    watched = site.watch()
    assert watched.code == 0, watched.err
    assert str(presented.pop()) in watched.out
    assert site.audit().code == 0, site.audit().out
    assert site.plan("--accept", "extension-flag-for-others").code == 0, site.planned["stages"]


def test_two_years_of_rotations_end_without_a_refusal(site: Site) -> None:
    assert site.plan().code == 2
    assert site.apply().code == 0
    seen = set()
    for _ in range(24):
        site.running.advance(30 * DAY_S)
        seen |= site.presented()
    assert len(seen) >= 4
    assert None not in seen
    assert site.refusals() == []
    assert site.watch().code == 0


def test_without_the_migration_the_renewal_never_arrives(site: Site) -> None:
    """What the whole tool is for: by thumbprint the cluster goes on with the old certificate until it expires."""
    site.running.advance(170 * DAY_S)
    assert site.presented() == {site.facts["thumbprint"]}
    site.running.advance(30 * DAY_S)
    assert site.of_cluster(lambda cluster: cluster.state) != "Ready" or site.presented() == {None}
