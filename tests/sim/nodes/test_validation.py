"""What a simulated node accepts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sfcert.sim.nodes.certificate import SERVER_AUTH
from sfcert.sim.nodes.manifest import Trusts
from sfcert.sim.nodes.validation import Judge, refusal


def named(name: str, *pins: str) -> Trusts:
    return Trusts(names=((name, frozenset(pins)),))


def test_a_declared_thumbprint_is_accepted_without_any_chain(paper: Any) -> None:
    certificate = paper.certificate(with_chain=False)
    assert refusal(certificate, Trusts(frozenset({certificate.thumbprint})), Judge(paper.now)) is None


@pytest.mark.parametrize(
    ("begins", "ends", "token"), [(1, 9, "CertificateNotYetValid"), (-9, -1, "CertificateExpired")]
)
def test_dates_are_fatal_for_thumbprints_too(paper: Any, begins: int, ends: int, token: str) -> None:
    certificate = paper.certificate(begins=begins, ends=ends)
    why = refusal(certificate, Trusts(frozenset({certificate.thumbprint})), Judge(paper.now))
    assert why is not None
    assert why.startswith(token)


def test_expired_is_tolerated_only_self_signed_by_thumbprint_and_when_set(paper: Any) -> None:
    judge = Judge(paper.now, accept_expired_pinned=True)
    own = paper.certificate(self_signed=True, ends=-1)
    issued = paper.certificate(ends=-1)
    assert refusal(own, Trusts(frozenset({own.thumbprint})), judge) is None
    assert refusal(own, Trusts(frozenset({own.thumbprint})), Judge(paper.now)) is not None
    assert refusal(issued, Trusts(frozenset({issued.thumbprint})), judge) is not None


def test_a_pin_is_the_direct_issuer_not_the_root(paper: Any) -> None:
    certificate = paper.certificate()
    judge = Judge(paper.now)
    assert refusal(certificate, named("sf.example", paper.issuer()), judge) is None
    assert refusal(certificate, named("sf.example", paper.root), judge) is not None
    assert refusal(certificate, named("sf.example", paper.issuer("Issuing 2")), judge) is not None


def test_without_pins_the_root_must_be_trusted(paper: Any) -> None:
    certificate = paper.certificate()
    assert refusal(certificate, named("sf.example"), Judge(paper.now, frozenset({paper.root}))) is None
    why = refusal(certificate, named("sf.example"), Judge(paper.now))
    assert why is not None
    assert why.startswith("UntrustedRoot")


def test_a_name_rule_needs_the_issuer_to_be_known(paper: Any) -> None:
    why = refusal(paper.certificate(with_chain=False), named("sf.example", paper.issuer()), Judge(paper.now))
    assert why is not None
    assert why.startswith("PartialChain")


def test_self_signed_is_accepted_by_name_only_when_pinned_to_itself(paper: Any) -> None:
    own = paper.certificate(self_signed=True)
    assert refusal(own, named("sf.example", own.thumbprint), Judge(paper.now)) is None
    assert refusal(own, named("sf.example"), Judge(paper.now)) is not None


@pytest.mark.parametrize(
    ("subject", "sans", "declared", "accepted"),
    [
        ("SF.Example", (), "sf.example", True),
        ("other", ("sf.example",), "SF.example", True),
        ("other", ("*.example",), "sf.example", True),
        ("other", ("*.example",), "a.sf.example", False),
        ("other", (), "sf.example", False),
    ],
    ids=["subject, any case", "a SAN", "a wildcard", "a wildcard covers one label", "another name"],
)
def test_names_are_compared_as_tls_does(
    paper: Any, subject: str, sans: tuple[str, ...], declared: str, accepted: bool
) -> None:
    certificate = paper.certificate(subject, sans=sans)
    assert (refusal(certificate, named(declared, paper.issuer()), Judge(paper.now)) is None) is accepted


def test_a_certificate_for_servers_only_still_passes_the_name_rule(paper: Any) -> None:
    certificate = paper.certificate(ekus=(SERVER_AUTH,))
    assert refusal(certificate, named("sf.example", paper.issuer()), Judge(paper.now)) is None


def test_a_chain_that_stops_before_the_root_needs_somewhere_to_fetch_it(paper: Any) -> None:
    whole = paper.certificate()
    cut = replace(whole, root_thumbprint=None, chain=whole.chain[:1])
    rule = named("sf.example", paper.issuer())
    assert refusal(cut, rule, Judge(paper.now)) is None
    assert refusal(cut, rule, Judge(paper.now, can_fetch_issuers=False)) is not None


def test_uniting_rules_never_narrows_a_name(paper: Any) -> None:
    assert named("a", "X").union(named("a", "Y")) == named("a", "X", "Y")
    assert named("a", "X").union(named("a")) == named("a")
