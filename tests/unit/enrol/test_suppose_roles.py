"""A plan's forecast speaks of the world that it leads to, for clients and the reverse proxy as well."""

from __future__ import annotations

from typing import Any

from sfcert.cli.planned import plan_for
from sfcert.model.forecast import CertificateForecast
from sfcert.model.plan import Plan
from sfcert.planning.inputs import Inputs
from sfcert.sources.observe import observe
from tests import make, make_roles
from tests.planning.worlds import PLAYBOOKS, TEMPLATES

Json = dict[str, Any]


def planned(document: Json, playbook: str, *accepted: str) -> Plan:
    observation = observe(make.from_document(document))
    return plan_for(
        observation,
        Inputs(playbook=playbook, accepted=accepted),
        now=observation.observed_at_utc,
        playbooks=PLAYBOOKS,
        templates=TEMPLATES,
        version="test",
    )


def told(plan: Plan, role: str) -> list[CertificateForecast]:
    assert plan.forecast is not None
    return [one for one in plan.forecast.certificates if role in one.roles]


def test_a_reverse_proxy_by_name_rotates_by_itself_once_the_plan_is_done() -> None:
    document = make_roles.with_proxy(
        make.document(make.common_name_world()), make.leaf("proxy", common_name="proxy.example.com")
    )
    plan = planned(document, "reverse-proxy-to-common-name", "reverse-proxy-extension-by-name")
    assert plan.status == "ready"
    (proxy,) = told(plan, "reverse-proxy")
    assert (proxy.selected, proxy.arrives, proxy.renews) == ("name", "extension", "vault")
    (cluster,) = told(plan, "cluster")
    assert cluster.selected == "name"


def test_a_certificate_that_the_cluster_names_by_thumbprint_too_stays_for_a_person() -> None:
    document = make.document(
        make.world(reverse_proxy=make.leaf(), policy=make.policy(action="AutoRenew", issuer="ExampleCA"))
    )
    plan = planned(document, "reverse-proxy-to-common-name", "reverse-proxy-extension-by-name", "ends-frozen")
    assert plan.status == "ready"
    assert any(one.selected == "thumbprint" for one in told(plan, "cluster"))
    assert all(one.renews != "vault" for one in told(plan, "cluster"))


def test_clients_by_name_are_no_thumbprints_any_more() -> None:
    document = make_roles.with_client(
        make.document(make.world()), make.leaf("alice", common_name="alice.example.com"), vault_name="alice"
    )
    beside = planned(document, "client-certificates")
    assert [one.selected for one in told(beside, "client")][:1] == ["thumbprint"]
    alone = planned(document, "client-certificates", "clients-have-moved")
    assert alone.status == "ready"
    assert not any(one.selected == "thumbprint" for one in told(alone, "client"))
