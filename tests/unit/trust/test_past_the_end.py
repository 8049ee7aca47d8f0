"""Who can go on past the end, or come back after it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sfcert.trust.past_the_end import can_be_recovered, setting_helps
from tests import make

ENDED = {"not_before": make.NOW - timedelta(days=90), "not_after": make.NOW - timedelta(days=1)}
OWN, OTHER, ISSUED = make.certificate(**ENDED), make.certificate(key_label="other", **ENDED), make.leaf(**ENDED)


@pytest.mark.parametrize(
    ("world", "leaf", "helps", "comes_back"),
    [
        (make.world(current=OWN), OWN, True, True),
        (make.world(current=ISSUED), ISSUED, False, False),
        (make.world(current=OWN), OTHER, False, False),
        (make.world(current=OWN, os="Linux"), OWN, False, False),
        (make.common_name_world(current=ISSUED), ISSUED, False, True),
        (make.common_name_world(current=OWN), OWN, False, True),
        (make.common_name_world(current=OWN), make.certificate("other.example.com", **ENDED), False, False),
    ],
    ids=[
        "self-signed, by thumbprint, Windows",
        "from an authority",
        "not declared",
        "Linux",
        "by name",
        "by name, self-signed",
        "another name",
    ],
)
def test_the_setting_helps_a_declared_self_signed_thumbprint_and_a_new_version_helps_a_name(
    world: make.World, leaf: make.Issued, helps: bool, comes_back: bool
) -> None:
    cluster = make.observation(world).cluster
    assert setting_helps(cluster, leaf.facts) is helps
    assert can_be_recovered(cluster, leaf.facts) is comes_back
