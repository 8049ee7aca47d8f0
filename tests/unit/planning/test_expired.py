"""What may still be done after an expiry is told only where everything declared has expired."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from sfcert.model.observation import Observation
from sfcert.planning.expired import recovery_steps
from sfcert.sources.observe import observe
from tests import make

EXPIRED: dict[str, Any] = {"not_before": make.NOW - timedelta(days=90), "not_after": make.NOW - timedelta(days=1)}


def seen(**knobs: Any) -> Observation:
    return observe(make.from_document(make.document(make.world(**knobs))))


def self_signed() -> make.Issued:
    return make.certificate(key_label="leaf-s", **EXPIRED)


def test_where_what_is_declared_lives_nothing_is_told() -> None:
    assert recovery_steps(seen()) == ()


def test_where_one_of_two_declared_certificates_lives_nothing_is_told() -> None:
    assert recovery_steps(seen(current=self_signed(), secondary=make.leaf("b"), goal=make.leaf("b"))) == ()


def test_where_the_date_of_what_is_declared_is_not_known_nothing_is_told() -> None:
    observation = seen(current=self_signed())
    declared = replace(observation.cluster.certificate, thumbprints=("A" * 40,))
    assert recovery_steps(replace(observation, cluster=replace(observation.cluster, certificate=declared))) == ()


@pytest.mark.parametrize(("value", "told"), [("true", "is on already"), ("false", "to true in the cluster")])
def test_a_setting_that_is_on_is_not_asked_for_again(value: str, told: str) -> None:
    observation = seen(current=self_signed())
    settings = {"Security": {"AcceptExpiredPinnedClusterCertificate": value}}
    steps = recovery_steps(replace(observation, cluster=replace(observation.cluster, settings=settings)))
    assert told in steps[0]
    assert "recover-expired" in " ".join(steps)
