"""Which way leads to a node, and which server is taken for one."""

from __future__ import annotations

import pytest

from sfcert.azure.node_trust import NodeTrust
from sfcert.azure.tunnel import Route, route_from
from sfcert.model.observation import PinnedName
from tests import make


@pytest.mark.parametrize(
    ("rule", "host", "past"),
    [
        ("*", "any.example", True),
        (".contoso.com", "sf.contoso.com", True),
        ("contoso.com", "notcontoso.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("localhost", "LOCALHOST", True),
        ("", "a.example", False),
    ],
)
def test_no_proxy_lets_past_what_it_names(rule: str, host: str, past: bool) -> None:
    assert Route("http://proxy:1", (rule,)).is_past_proxy(host) is past


def test_the_route_comes_from_the_variables_and_lower_case_wins() -> None:
    route = route_from({"HTTPS_PROXY": "http://a:1", "https_proxy": "http://b:2", "NO_PROXY": "x, y"})
    assert route == Route("http://b:2", ("x", " y"))
    assert route_from({}) == Route()


def pinned(*issuers: str) -> NodeTrust:
    name = PinnedName(common_name=make.COMMON_NAME, issuers=issuers, issuers_text=",".join(issuers))
    return NodeTrust(names=(name,))


def test_a_declared_thumbprint_is_a_node() -> None:
    leaf = make.leaf().facts
    assert NodeTrust(thumbprints=frozenset({leaf.thumbprint})).refusal([leaf]) is None


def test_the_declared_name_from_a_pinned_issuer_is_a_node_also_without_the_chain_served() -> None:
    issued = make.leaf()
    issuer = issued.chain[0].facts
    assert pinned(issuer.thumbprint).refusal([issued.facts, issuer]) is None
    known = NodeTrust(names=pinned(issuer.thumbprint).names, issuers=(issuer,))
    assert known.refusal([issued.facts]) is None


def test_the_declared_name_from_another_issuer_is_refused() -> None:
    stranger = make.leaf("x", ca="Somebody Else")
    refusal = pinned(make.leaf().chain[0].thumbprint).refusal([stranger.facts, *(one.facts for one in stranger.chain)])
    assert refusal is not None
    assert "not pinned" in refusal


def test_a_name_without_pins_and_an_empty_chain_are_refused() -> None:
    issued = make.leaf()
    assert pinned().refusal([issued.facts, *(one.facts for one in issued.chain)]) is not None
    assert pinned().refusal([]) is not None
