"""Deadlines come from the cluster's own figures, in hours."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sfcert.model.enrolment import Issuer
from sfcert.planning.deadlines import FORMULAS, deadline_for, seconds_of, update_domains
from tests import make


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:45:00", 2700),
        ("1.00:00:00", 86400),
        ("10675199.02:48:05.4775807", 922337203685),
        ("12:00:00.5", 43200),
        ("PT1H30M", 5400),
        ("PT15M", 900),
        ("soon", None),
        (None, None),
    ],
)
def test_reads_both_spellings_of_a_duration(text: str | None, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_formula_gives_a_positive_sum_with_its_reason(formula: str) -> None:
    observation = make.observation()
    found = deadline_for(
        formula, observation, observation.scale_sets[0], {"seconds": 60, "issuer": Issuer(name="Unknown")}
    )
    assert found.seconds > 0
    assert found.computed_from


def test_an_unknown_formula_is_a_bug() -> None:
    with pytest.raises(KeyError):
        deadline_for("whenever", make.observation(), None, {})


def test_domains_that_were_seen_count_else_the_usual_five() -> None:
    observation = make.observation(node_types=(make.NodeTypeShape(count=3),))
    assert update_domains(observation) == 3
    unseen = replace(observation.scale_sets[0], instances=None)
    assert update_domains(replace(observation, scale_sets=(unseen,))) == 5


def test_gold_waits_longer_than_silver_and_silver_longer_than_bronze() -> None:
    found = []
    for durability in ("Bronze", "Silver", "Gold"):
        observation = make.observation(node_types=(make.NodeTypeShape(durability=durability),))
        found.append(deadline_for("scale-set-update", observation, observation.scale_sets[0], {}).seconds)
    assert found == sorted(found)
    assert len(set(found)) == 3
