"""What Service Fabric's own REST interface says of the simulated cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as xml

import pytest

from sfcert.sim.servicefabric.rest import NO_CONTENT, NoSuchThing, answer

EXPIRATION = re.compile(r"thumbprint = ([0-9A-Fa-f]{40}), expiration = ([0-9-]+ [0-9:.]+)")
FABRIC = "{http://schemas.microsoft.com/2011/01/fabric}"


@pytest.fixture
def world(made_world: Callable[..., Any]) -> Any:
    return made_world("one-node-type")


def ask(world: Any, path: str, **query: str) -> Any:
    return answer(world.azure, world.cluster, path, query)


def test_nodes_come_in_pages(world: Any) -> None:
    first = ask(world, "/Nodes", MaxResults="2")
    rest = ask(world, "/Nodes", ContinuationToken=first["ContinuationToken"])
    names = [node["Name"] for node in first["Items"] + rest["Items"]]
    assert names == [f"_nt0_{number}" for number in range(5)]
    assert rest["ContinuationToken"] == ""
    assert {node["NodeStatus"] for node in rest["Items"]} == {"Up"}


def test_certificate_events_name_what_the_node_presents(world: Any) -> None:
    events = {event["Property"]: event for event in ask(world, "/Nodes/_nt0_0/$/GetHealth")["HealthEvents"]}
    for role in ("Certificate_cluster", "Certificate_server", "Certificate_client"):
        found = EXPIRATION.search(events[role]["Description"])
        assert found is not None
        assert found[1].upper() == world.facts["thumbprint"]
        assert (events[role]["SourceId"], events[role]["HealthState"]) == ("System.FabricNode", "Ok")


def test_the_warning_begins_a_margin_before_the_end(world: Any) -> None:
    world.pass_time(days=199 - 20 - 29)
    events = {event["Property"]: event for event in ask(world, "/Nodes/_nt0_0/$/GetHealth")["HealthEvents"]}
    assert events["Certificate_cluster"]["HealthState"] == "Warning"
    assert ask(world, "/$/GetClusterHealth")["AggregatedHealthState"] == "Warning"


def test_the_manifest_reads_as_the_cluster_runs(world: Any) -> None:
    root = xml.fromstring(ask(world, "/$/GetClusterManifest")["Manifest"])
    found = root.find(f"{FABRIC}NodeTypes/{FABRIC}NodeType/{FABRIC}Certificates/{FABRIC}ClusterCertificate")
    assert found is not None
    assert (found.get("X509FindType"), found.get("X509FindValue")) == ("FindByThumbprint", world.facts["thumbprint"])
    sections = {
        section.get("Name"): {p.get("Name"): p.get("Value") for p in section}
        for section in root.iter(f"{FABRIC}Section")
    }
    assert sections["Security"]["ClusterCertThumbprints"] == world.facts["thumbprint"]
    world.migrate()
    root = xml.fromstring(ask(world, "/$/GetClusterManifest")["Manifest"])
    names = next(s for s in root.iter(f"{FABRIC}Section") if s.get("Name") == "Security/ClusterX509Names")
    assert {p.get("Name"): p.get("Value") for p in names} == {
        world.facts["common_name"]: world.facts["issuer_thumbprint"]
    }


def test_progress_names_the_domain_and_its_nodes(world: Any) -> None:
    identity = world.give_identity()
    world.put(world.scale_set_ids[0], world.provisioned(world.scale_set_ids[0], identity))
    world.to_common_name()
    world.pass_time(minutes=1)
    progress = ask(world, "/$/GetUpgradeProgress")
    assert progress["UpgradeState"] == "RollingForwardInProgress"
    assert progress["CurrentUpgradeDomainProgress"]["NodeUpgradeProgressList"][0]["NodeName"] == "_nt0_0"
    states = [domain["State"] for domain in progress["UpgradeDomains"]]
    assert states == ["InProgress", "Pending", "Pending", "Pending", "Pending"]


def test_a_node_that_is_not_there_is_an_answer_without_content_and_its_health_an_error(world: Any) -> None:
    assert ask(world, "/Nodes/_nt9_0") is NO_CONTENT
    with pytest.raises(NoSuchThing) as caught:
        ask(world, "/Nodes/_nt9_0/$/GetHealth")
    assert caught.value.code == "FABRIC_E_HEALTH_ENTITY_NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/Nodes", {"NodeStatusFilter": "sideways"}),
        ("/Nodes/_nt0_0/$/GetHealth", {"EventsHealthStateFilter": "all"}),
        ("/$/GetClusterHealth", {"NodesHealthStateFilter": "-1"}),
    ],
)
def test_a_filter_that_is_none_is_refused(world: Any, path: str, query: dict[str, str]) -> None:
    with pytest.raises(NoSuchThing) as caught:
        ask(world, path, **query)
    assert (caught.value.code, caught.value.status) == ("E_INVALIDARG", "400 Bad Request")
