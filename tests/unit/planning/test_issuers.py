"""Whom a plan names as the source of its pins: nobody has seen the issuer of a certificate that is still to come."""

from __future__ import annotations

import pytest

from sfcert.planning.inputs import Inputs
from sfcert.planning.issuers import FoundIssuers, source_of_pins
from tests import make

SEEN = make.authority("Example Issuing CA A")
NEW, OLD = "AB" * 20, "CD" * 20


@pytest.mark.parametrize(
    ("pins", "says"),
    [
        ((SEEN.thumbprint,), "the chain that was served"),
        ((SEEN.thumbprint, NEW), "the chain that was served; ABABABAB… named with --issuer-thumbprints"),
        ((OLD, SEEN.thumbprint), "the chain that was served; CDCDCDCD… declared before"),
        ((NEW,), "ABABABAB… named with --issuer-thumbprints"),
        ((), "the chain that was served"),
    ],
    ids=["seen", "one named besides", "one declared besides", "named alone", "no pins are asked"],
)
def test_each_pin_is_told_by_who_vouches_for_it(pins: tuple[str, ...], says: str) -> None:
    issuers = FoundIssuers(verified=(SEEN,), pins=pins, source="the chain that was served")
    assert source_of_pins(pins, issuers, Inputs(issuer_thumbprints=(NEW,))) == says
