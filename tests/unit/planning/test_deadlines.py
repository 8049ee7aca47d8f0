"""Deadlines come from the cluster's own figures, in hours."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from sfcert.model.enrolment import Acme, Issuer
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


HOUR = 3600


@pytest.mark.parametrize(
    ("formula", "facts", "seconds"),
    [
        ("vault-write", {}, HOUR // 4),
        ("small-deployment", {}, HOUR // 2),
        ("grant", {"seconds": 600}, HOUR // 2 + 600),
        ("grant", {}, HOUR // 2),
        ("cluster-upgrade", {}, 3 * 5 * 2 * HOUR),
        ("settings-upgrade", {}, 5 * 2 * HOUR),
        ("scale-set-update", {}, 5 * (5400 + 600)),
        ("instance-upgrade", {}, 5 * (5400 + 600)),
        ("everything-at-once", {}, 3 * 5 * 2 * HOUR + 5 * (5400 + 600)),
        ("watch", {}, 4 * HOUR),
        ("delivery", {}, 3 * HOUR),
        ("by-people", {}, 24 * HOUR),
        ("enrolment", {"issuer": Issuer(name="Self")}, HOUR // 2),
        ("enrolment", {"issuer": Issuer(name="acme", acme=Acme(directory="https://ca.example"))}, 2 * HOUR),
        ("enrolment", {"issuer": Issuer(name="ExampleCA")}, 24 * HOUR),
        ("enrolment", {"issuer": Issuer(name="Unknown")}, 72 * HOUR),
    ],
)
def test_a_silver_cluster_of_five_domains_gets_what_the_reference_says(
    formula: str, facts: dict[str, object], seconds: int
) -> None:
    observation = make.observation()
    assert deadline_for(formula, observation, observation.scale_sets[0], facts).seconds == seconds


def test_the_clusters_own_figures_win_and_the_smaller_bound_holds() -> None:
    observation = make.observation()
    for description, seconds, whose in (
        ({"upgradeTimeout": "02:00:00"}, 3 * 2 * HOUR, "the cluster's own"),
        ({"upgradeDomainTimeout": "01:00:00"}, 3 * 5 * HOUR, "the cluster's own"),
        ({"upgradeTimeout": "12:00:00", "upgradeDomainTimeout": "06:00:00"}, 3 * 12 * HOUR, "the cluster's own"),
        (None, 3 * 10 * HOUR, "the provider's usual"),
    ):
        own = replace(observation, cluster=replace(observation.cluster, upgrade_description=description))
        found = deadline_for("cluster-upgrade", own, None, {})
        assert found.seconds == seconds
        assert "3 phases" in found.computed_from
        assert whose in found.computed_from
        assert "1 walk" in deadline_for("settings-upgrade", own, None, {}).computed_from


def test_a_scale_set_gets_its_own_time_budget_and_the_pause_of_its_durability() -> None:
    observation = make.observation()
    own = replace(observation.scale_sets[0], extensions_time_budget="PT15M")
    assert deadline_for("scale-set-update", observation, own, {}).seconds == 5 * (900 + 600)
    unsaid = replace(observation.scale_sets[0], extensions_time_budget=None)
    assert deadline_for("scale-set-update", observation, unsaid, {}).seconds == 5 * (5400 + 600)
    bronze = make.observation(node_types=(make.NodeTypeShape(durability="Bronze"),))
    assert deadline_for("scale-set-update", bronze, bronze.scale_sets[0], {}).seconds == 5400 + HOUR
    assert deadline_for("instance-upgrade", bronze, bronze.scale_sets[0], {}).seconds == 5 * 5400
    manual = make.observation(node_types=(make.NodeTypeShape(mode="Manual"),))
    assert deadline_for("scale-set-update", manual, manual.scale_sets[0], {}).seconds == HOUR
