"""What a client sees that connects to a node: real TLS, and Service Fabric's REST interface as it is documented."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as xml

import pytest

from tests.sim.truth.wire import Wire

WorldOf = Callable[..., Wire]
FABRIC = "{http://schemas.microsoft.com/2011/01/fabric}"
# The vendor's sentence, word for word, with the parts that vary.
CERTIFICATE_EVENT = re.compile(
    r"Certificate expiration: thumbprint = (?P<thumbprint>[0-9a-f]{40}), "
    r"expiration = (?P<expires>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}), "
    r"remaining lifetime is \d+:\d{1,2}:\d\d:\d\d\.\d{3}, please refresh ahead of time to avoid catastrophic failure\. "
    r"Warning threshold Security/CertificateExpirySafetyMargin is configured at 30:0:00:00\.000, "
    r"if needed, you can adjust it to fit your refresh process\."
)
MEMBERS_OF_AN_EVENT = {
    "SourceId",
    "Property",
    "HealthState",
    "TimeToLiveInMilliSeconds",
    "Description",
    "SequenceNumber",
    "RemoveWhenExpired",
    "IsExpired",
    "SourceUtcTimestamp",
    "LastModifiedUtcTimestamp",
    "LastOkTransitionAt",
    "LastWarningTransitionAt",
    "LastErrorTransitionAt",
}


def test_every_node_ends_tls_itself_on_both_of_its_ports(world_of: WorldOf) -> None:
    world = world_of()
    for name, node in world.nodes().items():
        shown = world.node(node["IpAddressOrFQDN"], f"/Nodes/{name}?api-version=6.0")
        assert (shown.thumbprint, shown.status, shown.body["Name"]) == (world.facts["thumbprint"], 200, name)
        assert world.served(node["IpAddressOrFQDN"], 19000) == world.served(node["IpAddressOrFQDN"], 19080)


def test_the_intermediate_comes_with_the_leaf_and_the_root_does_not(world_of: WorldOf) -> None:
    world = world_of()
    leaf, issuer = world.served("10.0.0.4")
    leaf.verify_directly_issued_by(issuer)
    assert issuer.subject != issuer.issuer


def test_only_a_client_whom_the_cluster_knows_is_let_in(world_of: WorldOf) -> None:
    world = world_of()
    assert world.node("10.0.0.4", "/Nodes", pem=world.stranger_pem()).status == 403
    assert world.node("10.0.0.4", "/Nodes", pem=world.client_pem("sf-cluster")).status == 200
    assert world.node("10.0.0.4", "/Nodes", method="DELETE").status == 405
    world.admin = None
    assert world.node("10.0.0.4", "/Nodes").status == 403


def test_a_node_s_health_names_the_certificate_that_it_presents_in_the_vendor_s_words(world_of: WorldOf) -> None:
    world = world_of()
    body = world.node(world.balanced, "/Nodes/_nt0_3/$/GetHealth?api-version=6.0").body
    events = {one["Property"]: one for one in body["HealthEvents"]}
    for role in ("cluster", "server", "client"):
        event = events[f"Certificate_{role}"]
        found = CERTIFICATE_EVENT.fullmatch(event["Description"])
        assert found is not None, event["Description"]
        assert found["thumbprint"].upper() == world.facts["thumbprint"]
        assert (event["SourceId"], event["HealthState"]) == ("System.FabricNode", "Ok")
        assert event["TimeToLiveInMilliSeconds"] == "P10675199DT02H48M05.4775807S", "infinite"
        assert set(event) >= MEMBERS_OF_AN_EVENT
    assert (body["AggregatedHealthState"], body["UnhealthyEvaluations"]) == ("Ok", [])


def test_thirty_days_before_its_end_a_certificate_is_a_warning_and_the_cluster_says_why(world_of: WorldOf) -> None:
    world = world_of(auto_renew=False)
    world.pass_time(days=199 - 20 - 29)
    health = world.node(world.balanced, "/$/GetClusterHealth?api-version=6.0").body
    assert health["AggregatedHealthState"] == "Warning"
    [nodes] = [one["HealthEvaluation"] for one in health["UnhealthyEvaluations"]]
    assert (nodes["Kind"], nodes["TotalCount"], len(nodes["UnhealthyEvaluations"])) == ("Nodes", 5, 5)
    first = nodes["UnhealthyEvaluations"][0]["HealthEvaluation"]
    causes = {one["HealthEvaluation"]["UnhealthyEvent"]["Property"] for one in first["UnhealthyEvaluations"]}
    assert causes == {"Certificate_cluster", "Certificate_server", "Certificate_client"}


@pytest.mark.parametrize(("flags", "shown"), [(0, 4), (1, 0), (2, 1), (4, 3), (6, 4), (8, 0), (65535, 4)])
def test_health_filters_are_flags_and_change_no_verdict(world_of: WorldOf, flags: int, shown: int) -> None:
    world = world_of(auto_renew=False)
    world.pass_time(days=199 - 20 - 29)
    body = world.node(world.balanced, f"/Nodes/_nt0_0/$/GetHealth?api-version=6.0&EventsHealthStateFilter={flags}").body
    assert (len(body["HealthEvents"]), body["AggregatedHealthState"]) == (shown, "Warning")


def test_nodes_are_listed_in_pages_and_by_status_and_a_missing_one_is_no_error(world_of: WorldOf) -> None:
    world = world_of()
    first = world.node(world.balanced, "/Nodes?api-version=6.3&MaxResults=2").body
    rest = world.node(world.balanced, f"/Nodes?api-version=6.3&ContinuationToken={first['ContinuationToken']}").body
    assert [one["Name"] for one in first["Items"] + rest["Items"]] == [f"_nt0_{number}" for number in range(5)]
    assert world.node(world.balanced, "/Nodes?api-version=6.3&NodeStatusFilter=down").body["Items"] == []
    assert world.node(world.balanced, "/Nodes/_nt9_0?api-version=6.0").status == 204
    missing = world.node(world.balanced, "/Nodes/_nt9_0/$/GetHealth?api-version=6.0")
    assert (missing.status, missing.body["Error"]["Code"]) == (404, "FABRIC_E_HEALTH_ENTITY_NOT_FOUND")
    assert world.node(world.balanced, "/Nodes?api-version=6.3&NodeStatusFilter=odd").status == 400


def test_the_manifest_says_by_what_nodes_present_and_whom_they_accept(world_of: WorldOf) -> None:
    world = world_of()
    thumbprint = world.facts["thumbprint"]
    presents, accepts = manifest(world)
    assert presents == {"X509FindType": "FindByThumbprint", "X509FindValue": thumbprint, "X509StoreName": "My"}
    assert accepts["Security"]["ClusterCertThumbprints"] == accepts["Security"]["ServerCertThumbprints"] == thumbprint
    assert accepts["UpgradeService"]["X509FindValue"] == thumbprint
    world.to_common_name()
    presents, accepts = manifest(world)
    name, pins = world.facts["common_name"], world.facts["issuer_thumbprint"]
    assert presents == {"X509FindType": "FindBySubjectName", "X509FindValue": name, "X509StoreName": "My"}
    assert accepts["Security/ClusterX509Names"] == accepts["Security/ServerX509Names"] == {name: pins}
    assert "ClusterCertThumbprints" not in accepts["Security"]
    assert accepts["FileStoreService"]["CommonName1Ntlmx509CommonName"] == name


def manifest(world: Wire) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """How the cluster certificate is found, and every section's parameters."""
    text = world.node(world.balanced, "/$/GetClusterManifest?api-version=6.0").body["Manifest"]
    root = xml.fromstring(text)
    found = root.find(f"{FABRIC}NodeTypes/{FABRIC}NodeType/{FABRIC}Certificates/{FABRIC}ClusterCertificate")
    assert found is not None
    presents = {name: value for name, value in found.attrib.items() if name != "Name"}
    sections = {
        section.get("Name", ""): {one.get("Name", ""): one.get("Value", "") for one in section}
        for section in root.iter(f"{FABRIC}Section")
    }
    return presents, sections


def test_an_upgrade_is_followed_domain_by_domain_through_its_three_walks(world_of: WorldOf) -> None:
    world = world_of()
    identity = world.identity("id-nodes")
    extension = world.extension(client_id=identity["properties"]["clientId"])
    assert world.done("PUT", world.scale_set, world.provisioned(extension, identity)) == "Succeeded"
    sent = world.ask("PUT", world.cluster_id, world.edited(world.cluster_id, world.name_it))
    assert sent.ok, sent.text
    versions, states, domains = set(), set(), set()
    while world.get(world.cluster_id)["properties"]["clusterState"] == "UpdatingUserCertificate":
        seen = world.node(world.balanced, "/$/GetUpgradeProgress?api-version=6.0").body
        states.add(seen["UpgradeState"])
        assert {one["State"] for one in seen["UpgradeDomains"]} <= {"Pending", "InProgress", "Completed"}
        if seen["CurrentUpgradeDomainProgress"]["DomainName"]:
            domain = seen["CurrentUpgradeDomainProgress"]["DomainName"]
            versions.add(seen["ConfigVersion"])
            domains.add(domain)
            names = [one["NodeName"] for one in seen["CurrentUpgradeDomainProgress"]["NodeUpgradeProgressList"]]
            assert names == [f"_nt0_{domain}"]
            assert seen["UpgradeDomainDurationInMilliseconds"].startswith("PT")
        world.pass_time(minutes=1)
    assert (len(versions), domains) == (3, {"0", "1", "2", "3", "4"})
    assert states == {"RollingForwardInProgress", "RollingForwardCompleted"}, "between two walks it says completed"
    last = world.node(world.balanced, "/$/GetUpgradeProgress?api-version=6.0").body
    assert (last["UpgradeState"], last["FailureReason"]) == ("RollingForwardCompleted", "None")


def test_the_version_is_the_one_that_azure_shows(world_of: WorldOf) -> None:
    world = world_of()
    said = world.node(world.balanced, "/$/GetClusterVersion?api-version=6.4").body
    assert said["Version"] == world.get(world.cluster_id)["properties"]["clusterCodeVersion"]
