"""Captures that somebody edited: every place that edits count on is named where it has another shape."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.planning.reasons import Reasons
from sfcert.planning.shapes import check_shapes
from sfcert.sources.observe import observe
from tests import make

PROFILE = "properties.virtualMachineProfile"


def told(path: str, value: Any) -> tuple[str, ...]:
    document = make.document(make.world(has_identity=True))
    here = document["resources"][make.scale_set_id()]["body"]
    *steps, last = path.split(".")
    for step in steps:
        here = here[int(step) if step.isdigit() else step]
    here[int(last) if last.isdigit() else last] = value
    reasons = Reasons(())
    assert check_shapes(observe(make.from_document(document)), reasons) is (not reasons)
    return reasons.sentences()


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("identity", 7, "identity"),
        ("identity.userAssignedIdentities", "x", "identity.userAssignedIdentities"),
        (f"{PROFILE}.osProfile", "x", f"{PROFILE}.osProfile"),
        (f"{PROFILE}.osProfile.secrets", 7, f"{PROFILE}.osProfile.secrets"),
        (f"{PROFILE}.osProfile.secrets.0", "x", f"{PROFILE}.osProfile.secrets[0]"),
        (f"{PROFILE}.osProfile.secrets.0.sourceVault", "x", f"{PROFILE}.osProfile.secrets[0].sourceVault"),
        (f"{PROFILE}.osProfile.secrets.0.vaultCertificates.0", -1, "secrets[0].vaultCertificates"),
        (f"{PROFILE}.extensionProfile.extensions.0.name", ["x"], f"{PROFILE}.extensionProfile.extensions"),
        (f"{PROFILE}.extensionProfile.extensions.0.properties.settings", None, "properties.settings"),
    ],
)
def test_an_odd_shape_is_named_by_its_place(path: str, value: Any, named: str) -> None:
    [sentence] = told(path, value)
    assert f"{named} of the scale set nt0 is not" in sentence


@pytest.mark.parametrize("value", [None, [], [{"sourceVault": None, "vaultCertificates": None}]])
def test_what_azure_may_answer_is_fit(value: Any) -> None:
    assert told(f"{PROFILE}.osProfile.secrets", value) == ()
