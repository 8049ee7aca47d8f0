"""The vendor's tables of starting states and of the upgrades that lead there (reference 3.2 and 3.3)."""

from __future__ import annotations

import pytest

from sfcert.trust.rules import RuntimeRules
from sfcert.trust.starting_state import starting_state
from tests.unit.trust.small import RULES, by_name, by_thumbprint, cert, thumbprint

G = cert("G", day=50, days=100)
KNOWN = {
    one.thumbprint: one
    for one in (
        G,
        cert("old", day=1, days=900),
        cert("older", day=0, days=900),
        cert("new", day=60),
        cert("tie", day=50),
    )
}


def letters(upgrades: tuple[tuple[str, ...], ...]) -> list[list[str]]:
    names = {thumbprint(one): one for one in ("G", "old", "older", "new", "tie")}
    return [[names[one] for one in step] for step in upgrades]


@pytest.mark.parametrize(
    ("declared", "valid", "upgrades", "alone"),
    [
        pytest.param(["G"], True, [], [], id="the goal alone"),
        pytest.param(["G", "G"], True, [], [], id="the goal in both places"),
        pytest.param(["G", "old"], True, [], [["G"]], id="goal primary, older secondary"),
        pytest.param(["old", "G"], True, [], [["G"]], id="older primary, goal secondary"),
        pytest.param(["old"], False, [["old", "G"]], [["old", "G"], ["G"]], id="an older one alone"),
        pytest.param(["new"], False, [["G", "new"], ["G"]], [["G", "new"], ["G"]], id="a newer one alone"),
        pytest.param(["new", "G"], False, [["G"]], [["G"]], id="newer primary, goal secondary"),
        pytest.param(["G", "new"], False, [["G"]], [["G"]], id="goal primary, newer secondary"),
        pytest.param(["tie", "G"], False, [["G"]], [["G"]], id="equal begins are not valid"),
        pytest.param(
            ["older", "old"],
            False,
            [["old"], ["old", "G"]],
            [["old"], ["old", "G"], ["G"]],
            id="two others, both older",
        ),
        pytest.param(
            ["old", "new"], False, [["new"], ["G", "new"], ["G"]], [["new"], ["G", "new"], ["G"]], id="one of two newer"
        ),
    ],
)
def test_table(declared: list[str], valid: bool, upgrades: list[list[str]], alone: list[list[str]]) -> None:
    found = starting_state(by_thumbprint(*declared), G, KNOWN, RULES)
    assert found.valid is valid
    assert letters(found.upgrades) == upgrades
    assert letters(found.to_goal_alone) == alone


def test_older_runtimes_read_the_end_instead_of_the_begin() -> None:
    found = starting_state(by_thumbprint("old", "G"), G, KNOWN, RuntimeRules(selects_newest=False))
    assert found.valid is False


@pytest.mark.parametrize(
    ("declared", "valid", "upgrades"),
    [
        pytest.param(["G", "old"], True, [], id="the goal is the primary"),
        pytest.param(["old", "G"], False, [["G"]], id="the goal is the secondary, which nobody presents"),
        pytest.param(["old"], False, [["old", "G"], ["G"]], id="an older one alone"),
        pytest.param(["old", "new"], False, [["old"], ["old", "G"], ["G"]], id="the primary is what is presented"),
    ],
)
def test_where_the_primary_alone_counts(declared: list[str], valid: bool, upgrades: list[list[str]]) -> None:
    rules = RuntimeRules(use_secondary_if_newer=False)
    found = starting_state(by_thumbprint(*declared), G, KNOWN, rules)
    assert found.valid is valid
    assert letters(found.upgrades) == upgrades


def test_what_is_not_known_is_said() -> None:
    assert starting_state(by_thumbprint("unseen"), G, KNOWN, RULES).valid is None
    assert starting_state(by_thumbprint("old"), G, KNOWN, RuntimeRules(selects_newest=None)).valid is None
    assert starting_state(by_name("I"), G, KNOWN, RULES).valid is None
