"""Tables and sentences on a terminal of any width, and where there is none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.sources.inspect import inspect
from sfcert.views.inspect import inspect_human
from sfcert.views.text import PLAIN, Page, table
from tests import make

THUMBPRINT = "8D8C0D323477946EEDFC33C91F8E243946D1C2A6"
ID = "/subscriptions/7d0f2d3a-1111-4a53-9c1e-0d5a5b6c7d8e/resourceGroups/rg/providers/Microsoft.Compute/x/nt0"
NODES = [
    ("_nt0_0", "ud 0", "Up", THUMBPRINT, "inferred, not seen", "until 2027-04-21 10:00 UTC"),
    ("_nt0_10", "ud 1", "Down", "?", "not seen", ""),
]


def terminal(width: int) -> Page:
    return Page(width=width, is_terminal=True)


def test_without_a_terminal_a_row_is_one_line_however_wide() -> None:
    assert PLAIN.table(NODES) == table(NODES)
    assert PLAIN.pairs([("id", ID)]) == [f"  id  {ID}"]
    assert PLAIN.flow(f"on {ID}", 2) == [f"  on {ID}"]


def test_a_table_that_fits_is_the_same_on_a_terminal() -> None:
    assert terminal(120).table(NODES) == table(NODES)


def test_a_row_that_does_not_fit_goes_on_below_itself_in_columns_of_its_own() -> None:
    assert terminal(80).table(NODES, indent=4) == [
        f"    _nt0_0   ud 0  Up    {THUMBPRINT}",
        "        inferred, not seen  until 2027-04-21 10:00 UTC",
        "    _nt0_10  ud 1  Down  ?",
        "        not seen",
    ]


def test_a_value_goes_on_below_itself_and_a_long_id_is_cut_in_the_middle() -> None:
    first, *more = terminal(50).pairs([("names", "one.example.com, two.example.com, three.example.com"), ("id", ID)])
    assert (first, more[0]) == ("  names  one.example.com, two.example.com,", "         three.example.com")
    assert re.fullmatch(r"  id     /subscriptions/.*….*/nt0", more[1])


def test_a_sentence_keeps_both_ends_of_an_id() -> None:
    lines = terminal(60).flow(f"nt0: 5 nodes, Silver, on {ID}", 2)
    assert lines[0] == "  nt0: 5 nodes, Silver, on"
    assert re.fullmatch(r" {6}/subscriptions/.*….*/nt0", lines[1])


_CELLS = st.text("abc/ ", max_size=90)


@given(st.lists(st.tuples(_CELLS, _CELLS, _CELLS), max_size=4), st.integers(40, 130), st.integers(0, 4))
def test_no_line_is_wider_than_the_terminal_and_short_words_stay_whole(
    rows: list[tuple[str, ...]], width: int, indent: int
) -> None:
    page = terminal(width)
    for lines in (page.table(rows, indent), *(page.flow(row[0], indent) for row in rows)):
        assert max((len(line) for line in lines), default=0) <= width
    shown = " ".join(page.table(rows, indent)).split()
    if all(len(word) <= 30 for row in rows for cell in row for word in cell.split()):
        assert shown == [word for row in rows for cell in row for word in cell.split()]


@pytest.mark.parametrize("width", [20, 40])
def test_a_terminal_that_is_too_narrow_is_written_to_as_one_of_forty(width: int) -> None:
    assert terminal(width).table(NODES) == terminal(40).table(NODES)


def test_an_inspection_fits_but_for_the_clusters_own_id() -> None:
    observation = make.observation(make.common_name_world())
    inspected = inspect(observation)
    head, *lines = inspect_human(inspected, observation, page=terminal(80)).splitlines()
    assert head == inspected.cluster.id
    assert [line for line in lines if len(line) > 80] == []
    whole = inspect_human(inspected, observation)
    assert any(len(line) > 80 for line in whole.splitlines()[1:])
    assert all(word in whole.split() for line in lines for word in line.split() if "…" not in word)
