"""Service Fabric's own REST client, the vendor's, unmodified: it takes the simulated nodes for real ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sim.truth.conftest import world_of as world_of  # the fixture
from tests.sim.truth.wire import Wire

with warnings.catch_warnings():
    # msrest is no longer maintained and speaks as libraries did when it was written.
    warnings.simplefilter("ignore")
    from azure.servicefabric import ServiceFabricClientAPIs
    from azure.servicefabric.models import FabricErrorException
    from msrest.authentication import Authentication


class ByCertificate(Authentication):
    """A client certificate, and no server names to check: nodes present the cluster's certificate under any address."""

    def __init__(self, pem: Path) -> None:
        self._pem = str(pem)

    def signed_session(self, session: Any = None) -> Any:
        session = session or super().signed_session()
        session.cert, session.verify, session.trust_env = self._pem, False, False
        return session


@pytest.fixture
def client_of(world_of: Callable[..., Wire]) -> Callable[..., Any]:
    def make(address: str | None = None, **options: Any) -> tuple[Wire, Any]:
        world = world_of(**options)
        assert world.admin is not None
        client = ServiceFabricClientAPIs(ByCertificate(world.admin), f"https://{address or world.balanced}:19080")
        client.config.proxies.add("https", world.running.proxy_url)
        client.config.connection.verify = False
        client.config.connection.cert = str(world.admin)
        client.config.retry_policy.retries = 0
        return world, client

    return make


pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


def test_nodes_and_their_health_are_read(client_of: Any) -> None:
    world, client = client_of()
    listed = client.get_node_info_list(max_results=2)
    rest = client.get_node_info_list(continuation_token=listed.continuation_token)
    names = [one.name for one in listed.items + rest.items]
    assert names == [f"_nt0_{number}" for number in range(5)]
    node = client.get_node_info("_nt0_1")
    assert (node.node_status, node.health_state, node.ip_address_or_fqdn) == ("Up", "Ok", "10.0.0.5")
    assert node.node_up_at.tzinfo is not None
    health = client.get_node_health("_nt0_1")
    event = next(one for one in health.health_events if one.property == "Certificate_cluster")
    assert world.facts["thumbprint"].lower() in event.description
    assert event.time_to_live_in_milli_seconds.days == 10675199
    assert client.get_node_info("_nt0_77") is None
    with pytest.raises(FabricErrorException) as caught:
        client.get_node_health("_nt0_77")
    assert caught.value.error.error.code == "FABRIC_E_HEALTH_ENTITY_NOT_FOUND"


def test_the_cluster_s_health_is_read_with_what_is_behind_it(client_of: Any) -> None:
    world, client = client_of(auto_renew=False)
    assert client.get_cluster_health().aggregated_health_state == "Ok"
    world.pass_time(days=199 - 20 - 29)
    health = client.get_cluster_health(nodes_health_state_filter=2)
    assert (health.aggregated_health_state, health.node_health_states) == ("Warning", [])
    nodes = health.unhealthy_evaluations[0].health_evaluation
    assert (nodes.kind, nodes.total_count) == ("Nodes", 5)
    node = nodes.unhealthy_evaluations[0].health_evaluation
    event = node.unhealthy_evaluations[0].health_evaluation.unhealthy_event
    assert (node.node_name, event.source_id) == ("_nt0_0", "System.FabricNode")
    counts = {one.entity_kind: one.health_state_count for one in health.health_statistics.health_state_count_list}
    assert counts["Node"].warning_count == 5


def test_manifest_version_and_upgrade_progress_are_read(client_of: Any) -> None:
    world, client = client_of()
    assert world.facts["thumbprint"] in client.get_cluster_manifest().manifest
    assert client.get_cluster_version().version == "11.4.268.1"
    before = client.get_cluster_upgrade_progress()
    assert before.upgrade_state == "RollingForwardCompleted"
    setting = {"name": "Hosting", "parameters": [{"name": "A", "value": "1"}]}
    body = world.edited(world.cluster_id, lambda one: one["properties"]["fabricSettings"].append(setting))
    assert world.ask("PUT", world.cluster_id, body).ok
    world.pass_time(minutes=1)
    progress = client.get_cluster_upgrade_progress()
    assert progress.upgrade_state == "RollingForwardInProgress"
    assert progress.current_upgrade_domain_progress.domain_name == "0"
    assert [one.state for one in progress.upgrade_domains] == ["InProgress", "Pending", "Pending", "Pending", "Pending"]


def test_each_node_answers_for_itself(client_of: Any) -> None:
    _, client = client_of(address="10.0.0.7")
    assert client.get_node_info("_nt0_3").ip_address_or_fqdn == "10.0.0.7"
