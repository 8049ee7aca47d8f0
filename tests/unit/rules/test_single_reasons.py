"""Reasons that need facts which the builders' documents do not carry."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sfcert.model.observation import Observation
from sfcert.rules.engine import judge
from sfcert.rules.registry import rule_named
from sfcert.rules.time_budget_short import seconds_of
from sfcert.rules.validity_over_maximum import public_maximum_days
from tests import make

change = msgspec.structs.replace


def _with_leaf(**facts: Any) -> Observation:
    """The healthy world by name, with other facts of its one leaf."""
    seen = make.observation(make.common_name_world())
    (vault,) = seen.vaults
    assert vault.certificates is not None
    (certificate,) = vault.certificates
    (version,) = certificate.versions
    assert version.certificate is not None
    version = change(version, certificate=change(version.certificate, **facts))
    certificate = change(certificate, versions=(version,))
    return change(seen, vaults=(change(vault, certificates=(certificate,)),))


@pytest.mark.parametrize(
    ("facts", "reason", "severity"),
    [
        ({"key_type": "EC", "key_bits": 256}, "NotRsa", "error"),
        ({"key_type": "RSA", "key_bits": 1024}, "TooShort", "warning"),
    ],
)
def test_keys_that_service_fabric_cannot_or_should_not_use(facts: dict[str, Any], reason: str, severity: str) -> None:
    found = judge(rule_named("key-unusable"), _with_leaf(**facts), make.NOW)
    assert [(one.reason, one.severity) for one in found] == [(reason, severity)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1H30M", 5400), ("PT15M", 900), ("pt2h", 7200), ("PT45S", 45), ("PT", None), ("P1D", None), ("90", None)],
)
def test_durations_of_the_scale_set(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("year", "days"), [((2025, 1, 1), 398), ((2026, 3, 15), 200), ((2027, 3, 14), 200), ((2030, 1, 1), 47)]
)
def test_the_public_maximum_of_the_day(year: tuple[int, int, int], days: int) -> None:
    assert public_maximum_days(make.NOW.replace(year=year[0], month=year[1], day=year[2])) == days
