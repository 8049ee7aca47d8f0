"""Every ready-made world goes all the way to the common name, or is blocked with the reason that fits it.

In both readings of how the resource provider walks a certificate change, and with no connection refused between nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from sfcert.sim.worlds import WORLDS
from tests.e2e.site import Site

KNOWN = "https://kv-sf-demo.vault.azure.net/certificates/sf-cluster"
#: Worlds that need a word from a person, and what the plan says until it is given.
NEEDS: dict[str, tuple[tuple[str, ...], str]] = {
    "existing-extension": (("--accept", "extension-flag-for-others"), "--accept extension-flag-for-others"),
    "existing-extension-1": (("--accept", "extension-flag-for-others"), "--accept extension-flag-for-others"),
    "reverse-proxy": (("--accept", "ends-frozen"), "--accept ends-frozen"),
    "two-thumbprints": (("--certificate", KNOWN), "Name one with --certificate"),
    "no-clients": (("--accept", "arm-evidence-only"), "plan with --accept arm-evidence-only"),
}
#: Worlds that no word helps, and why.
BLOCKED = {
    "firewalled-vault": "The firewall of https://kv-sf-demo.vault.azure.net does not let the nodes of nt0 in",
    "self-signed": "is self-signed",
}
#: Where the nodes' own endpoint lets nobody in, nothing is seen of them.
UNSEEN = {"no-clients"}
READINGS = ("phases", "single")


@dataclass(frozen=True)
class Way:
    world: str
    reading: str

    def __str__(self) -> str:
        return f"{self.world} walked in {'phases' if self.reading == 'phases' else 'one walk'}"


#: What is no world of its own but an option of any: what is to be accepted, and why it is blocked until then.
LINUX = (("--accept", "linux-store-reads-extension-files"), "--accept linux-store-reads-extension-files")
WAYS = [Way(world, reading) for world in sorted(set(WORLDS) - set(BLOCKED)) for reading in READINGS]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_world_goes_to_the_common_name_and_no_node_refuses_another(way: Way, site_of: Callable[..., Site]) -> None:
    site = site_of(way.world, switches={"staging": {"reading": way.reading}})
    words, _ = NEEDS.get(way.world, ((), ""))
    site.goes_through(*words)
    assert not site.of_cluster(lambda cluster: cluster.down)
    assert site.presented() == {site.facts["thumbprint"]}
    assert site.declares() == {site.facts["common_name"]: site.facts["issuer_thumbprint"]}
    assert site.watch().code == (5 if way.world in UNSEEN else 0)
    if way.reading == "phases":
        assert site.plan(*words).code == 0, site.planned["stages"]
        assert site.audit().code == 0, site.audit().out


@pytest.mark.parametrize("world", sorted(set(NEEDS) - UNSEEN))
def test_a_world_that_needs_a_word_is_blocked_and_says_which(world: str, site_of: Callable[..., Site]) -> None:
    site = site_of(world)
    assert site.plan().code == 3
    assert NEEDS[world][1] in " ".join(site.planned["blocked_by"])
    refused = site.apply()
    assert (refused.code, refused.events[-1]["error"]["token"]) == (3, "PlanBlocked")
    assert not site.writes()


@pytest.mark.parametrize("world", sorted(BLOCKED))
def test_a_world_that_cannot_be_taken_there_is_blocked_with_its_reason(
    world: str, site_of: Callable[..., Site]
) -> None:
    site = site_of(world)
    assert site.plan().code == 3
    assert BLOCKED[world] in " ".join(site.planned["blocked_by"])
    refused = site.apply()
    assert (refused.code, refused.events[-1]["error"]["token"]) == (3, "PlanBlocked")
    assert BLOCKED[world] in refused.err
    assert not site.writes()


def test_a_cluster_that_shows_nothing_of_its_nodes_stops_the_run_until_that_is_accepted(
    site_of: Callable[..., Site],
) -> None:
    site = site_of("no-clients")
    assert site.plan().code == 2
    stopped = site.apply()
    assert (stopped.code, stopped.events[-1]["error"]["token"]) == (5, "NotConverged")
    assert NEEDS["no-clients"][1] in stopped.err
    assert site.refusals() == []


def test_linux_goes_to_the_common_name_once_its_open_question_is_accepted(site_of: Callable[..., Site]) -> None:
    site = site_of(linux=True)
    assert site.plan().code == 3
    assert LINUX[1] in " ".join(site.planned["blocked_by"])
    assert site.plan(*LINUX[0]).code == 2
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.declares() == {site.facts["common_name"]: site.facts["issuer_thumbprint"]}


def test_a_cluster_that_is_there_already_has_nothing_to_do(site_of: Callable[..., Site]) -> None:
    site = site_of(by_name=True)
    assert site.plan().code == 0, site.planned["stages"]
    assert site.apply().code == 0
    assert not site.writes()
    assert site.watch().code == 0


@pytest.mark.parametrize("reading", READINGS)
def test_the_vendor_s_one_deployment_arrives_where_it_is_proved(reading: str, site_of: Callable[..., Site]) -> None:
    """Its one stage owns paths of several resources at once."""
    playbook = ("--playbook", "thumbprint-to-common-name-single")
    site = site_of(switches={"staging": {"reading": reading}})
    assert site.plan(*playbook).code == 2
    applied = site.apply()
    assert applied.code == 0, applied.err
    assert site.declares() == {site.facts["common_name"]: site.facts["issuer_thumbprint"]}
    assert site.refusals() == []
    assert site.plan(*playbook).code == 0
