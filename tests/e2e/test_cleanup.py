"""What a rollover leaves behind goes, and no node notices it."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.site import Json, Site


def test_a_second_thumbprint_and_its_secret_go_after_the_nodes_present_the_newer_one(
    site_of: Callable[..., Site],
) -> None:
    """Somebody rotated as far as two thumbprints and stopped there; cleaning up ends it."""
    site = site_of("one-node-type")
    new = site.renew()
    planned = site.plan("--playbook", "rotate-by-thumbprint")
    assert planned.code == 2, planned.out
    last = next(one for one in site.stages if one.startswith("50-2-drop-"))
    added = site.stages[site.stages.index(last) - 1]
    stopped = site.apply("--until", added)
    assert stopped.code in (0, 2, 3), stopped.err
    site.goes_through("--playbook", "cleanup")
    assert site.presented() == {new}
    profile: Json = site.body(site.scale_set_id)["properties"]["virtualMachineProfile"]["osProfile"]
    assert len([one for group in profile["secrets"] for one in group["vaultCertificates"]]) == 1
    assert site.plan("--playbook", "cleanup").code == 0
