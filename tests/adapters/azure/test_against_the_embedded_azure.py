"""Capture, apply and watch through the official SDKs, over TLS, against the embedded Azure."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from sfcert.azure.node_trust import NodeTrust
from sfcert.azure.nodes import ServiceFabricNodes
from sfcert.azure.retries import Retries
from sfcert.azure.tunnel import Route
from sfcert.converge.node_table import node_table
from sfcert.errors import InputError, RemoteError
from sfcert.model.codec import canonical
from sfcert.model.progress import Event
from sfcert.sources.observe import observe
from sfcert.workflows.apply import apply
from sfcert.workflows.watch import watch

from .conftest import Site

EMPTY = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "resources": [],
}


class Killed(BaseException):
    """The process died here."""


def test_a_capture_reads_everything_and_a_second_one_is_equal(site: Site) -> None:
    first = site.capture()
    assert first.unread == ()
    observation = observe(first)
    assert observation.cluster.certificate.thumbprints == (site.facts["thumbprint"],)
    assert len(observation.scale_sets[0].instances or ()) == 5
    assert observation.vaults[0].certificates is not None
    assert observation.vaults[0].certificates[0].versions[0].chain_source == "tls"
    assert canonical(site.capture()) == canonical(first)


def test_every_node_shows_what_it_presents_by_tls_and_by_health(site: Site) -> None:
    table = node_table(observe(site.capture()))
    assert table.level == "tls"
    assert table.presenting(site.facts["thumbprint"]) == 5


def test_an_unknown_cluster_is_told_as_such(site: Site) -> None:
    site.facts["cluster_id"] += "-none"
    with pytest.raises(InputError) as caught:
        site.capture()
    assert caught.value.token == "ClusterNotFound"


def test_a_server_that_the_cluster_does_not_declare_gets_no_request(site: Site) -> None:
    nodes = site.ports.nodes
    assert isinstance(nodes, ServiceFabricNodes)
    stranger = ServiceFabricNodes(
        site.facts["management_endpoint"],
        NodeTrust(thumbprints=frozenset({"0" * 40})),
        Retries(site.ports.clock),
        nodes._route,
        client_certificate=nodes._client_certificate,
    )
    with pytest.raises(RemoteError, match="Nothing was sent"):
        stranger.fetch_runtime()


def test_nothing_listens_there(site: Site) -> None:
    nodes = ServiceFabricNodes(None, NodeTrust(), Retries(site.ports.clock), Route())
    with pytest.raises(RemoteError) as caught:
        nodes.fetch_presented("127.0.0.1", 1)
    assert caught.value.token == "RemoteUnreachable"


def test_the_pfx_gives_the_issuers_and_no_key(site: Site) -> None:
    version = site.facts["certificate_url"].rsplit("/", 1)[-1]
    chain = site.issuers.fetch_pfx_chain(site.facts["vault_url"], site.facts["certificate_name"], version)
    assert chain
    assert not any(b"PRIVATE" in one for one in chain)


@pytest.mark.parametrize("site", ["one-node-type", "rbac-vault", "manual-mode"], indirect=True)
def test_the_whole_rollover_is_applied_and_seen_on_every_node(site: Site) -> None:
    plan = site.plan()
    assert (plan.status, plan.proof.verdict) == ("ready", "proved")
    outcome = apply(plan, site.ports, confirm=lambda question: True, emit=lambda told: None)
    assert outcome.complete
    assert outcome.stop.frozen == ()
    after = observe(site.capture())
    assert after.cluster.certificate.kind == "common-name"
    table = watch(plan, site.ports, emit=lambda told: None, timeout_s=7200)
    assert table.presenting(site.facts["thumbprint"]) == len(table.rows) == 5


def test_a_second_run_of_a_finished_plan_sends_nothing(site: Site) -> None:
    plan = site.plan()
    apply(plan, site.ports, confirm=lambda question: True, emit=lambda told: None)
    events: list[Event] = []
    again = apply(plan, site.ports, confirm=lambda question: False, emit=events.append)
    assert again.complete
    assert not any(one.type == "stage-sent" for one in events)


def test_killed_at_every_boundary_it_comes_to_the_same_end_with_each_write_once(site: Site) -> None:
    """One run after the other, each killed right after its first effect, until nothing is left to do."""
    plan = site.plan()
    done: list[str] = []

    def steps(key: str, effect: Callable[[], Any]) -> Any:
        effect()
        done.append(key)
        raise Killed(key)

    for _ in range(40):
        try:
            outcome = apply(plan, site.ports, confirm=lambda question: True, emit=lambda told: None, steps=steps)
        except Killed:
            continue
        break
    assert outcome.complete
    assert len(done) == len(set(done)) >= 8
    assert observe(site.capture()).cluster.certificate.kind == "common-name"


def test_a_write_that_is_challenged_on_its_way_leaves_no_connection_open(site: Site) -> None:
    """The way of an error holds on to all that it passed, until the garbage is taken away."""
    scope = site.facts["cluster_id"].split("/providers/")[0]
    for fault in ("token-revoked", "answer-cut"):
        site.running.call(lambda azure, one=fault: azure.faults.arm(one, {"times": 1, "match": "/deployments/"}))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        with pytest.raises(RemoteError):
            site.ports.arm.start_deployment(scope, "d", EMPTY, {})
        gc.collect()
    assert site.running.call(lambda azure: dict(azure.faults.struck)) == {"token-revoked": 1, "answer-cut": 1}
    assert [str(one.message) for one in told if issubclass(one.category, ResourceWarning)] == []
