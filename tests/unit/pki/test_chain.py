"""A chain put in order, and what is left over."""

from __future__ import annotations

import pytest

from sfcert.model.certificate import Certificate
from sfcert.pki import in_order
from tests import make

ISSUED = make.leaf()
LEAF = ISSUED.facts
CHAIN = (LEAF, *(one.facts for one in ISSUED.chain))
TWIN = make.authority("Example Issuing CA A", key_label="ca Example Issuing CA A", root="Another Root")
OTHER = make.leaf("3", ca="Example Issuing CA B")
STRANGERS = (OTHER.facts, OTHER.chain[0].facts)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(CHAIN, id="in order"),
        pytest.param(CHAIN[::-1], id="root first"),
        pytest.param((*CHAIN, *CHAIN), id="twice"),
    ],
)
def test_each_is_followed_by_the_one_that_signed_it_and_is_there_once(given: tuple[Certificate, ...]) -> None:
    assert in_order(given, LEAF) == (CHAIN, ())


def test_what_none_of_them_needs_is_left_over_in_the_order_given() -> None:
    assert in_order((STRANGERS[0], *CHAIN[::-1], STRANGERS[1]), LEAF) == (CHAIN, STRANGERS)


def test_an_issuer_that_was_certified_again_comes_after_the_line_and_once() -> None:
    found, left_over = in_order((TWIN.facts, *CHAIN, TWIN.facts, TWIN.chain[0].facts), LEAF)
    assert (set(found), len(found), left_over) == ({*CHAIN, TWIN.facts, TWIN.chain[0].facts}, len(CHAIN) + 2, ())


def test_a_self_signed_leaf_needs_nobody() -> None:
    own = make.certificate(key_label="own").facts
    assert in_order((*CHAIN, own), own) == ((own,), CHAIN)
