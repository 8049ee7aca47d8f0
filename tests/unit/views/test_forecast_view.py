"""A forecast as terminal text, JSON and a picture."""

from __future__ import annotations

import json
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from sfcert.enrol.forecast import forecast
from sfcert.model.forecast import Forecast
from sfcert.views.forecast import forecast_human, forecast_json, forecast_svg
from sfcert.views.text import Page
from tests import make

SVG = "{http://www.w3.org/2000/svg}"
DAY = timedelta(days=1)
SHORT = make.leaf("short", not_after=make.NOW + 5 * DAY)
WORLDS = {
    "by name": make.common_name_world(),
    "by thumbprint": make.world(),
    "passed": make.common_name_world(current=SHORT),
    "a proxy left over": make.world(reverse_proxy=make.leaf("rp", common_name="rp.example.com")),
    "nothing brings it": make.common_name_world(has_extension=False),
}


def told(name: str) -> Forecast:
    return forecast(make.observation(WORLDS[name]), make.NOW)


@pytest.mark.parametrize("name", WORLDS)
def test_the_picture_is_one_well_formed_svg_that_describes_itself(name: str) -> None:
    found = told(name)
    root = ElementTree.fromstring(forecast_svg(found))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    named = {root.find(f"{SVG}title").get("id"), root.find(f"{SVG}desc").get("id")}  # type: ignore[union-attr]  # both are there, or the test fails
    assert set((root.get("aria-labelledby") or "").split()) == named
    described = root.findtext(f"{SVG}desc") or ""
    assert all(one.subject in described for one in found.certificates)
    assert not [each for each in root.iter() if each.tag in (f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject")]


@pytest.mark.parametrize("name", WORLDS)
def test_nothing_is_drawn_outside_the_picture(name: str) -> None:
    root = ElementTree.fromstring(forecast_svg(told(name)))
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for rect in root.iter(f"{SVG}rect"):
        left, top = float(rect.get("x", "nan")), float(rect.get("y", "nan"))
        assert 0 <= left <= left + float(rect.get("width", "nan")) <= width
        assert 0 <= top <= top + float(rect.get("height", "nan")) <= height


def test_each_rotation_is_in_the_picture_and_in_the_text() -> None:
    found = told("by name")
    picture, text = forecast_svg(found), forecast_human(found)
    for one in found.certificates[0].rotations:
        assert one.on_nodes is not None
        assert f"rotation {one.number}: on the nodes {one.on_nodes.earliest_utc:%Y-%m-%d}" in picture
        assert f"{one.deadline_utc:%Y-%m-%d}" in text


def test_names_from_outside_cannot_become_markup() -> None:
    issued = make.leaf("odd", common_name='<b>&"x')
    plain = forecast(make.observation(make.world(current=issued)), make.NOW)
    odd = Forecast(
        cluster_id='/x/<script>alert("1")</script>',
        as_of_utc=plain.as_of_utc,
        horizon_utc=plain.horizon_utc,
        supposes="what-was-seen",
        certificates=plain.certificates,
        unknown=(),
        assumptions=(),
    )
    assert "<script" not in forecast_svg(odd)


def test_the_head_line_names_the_nearest_deadline_or_the_passed_one() -> None:
    assert forecast_human(told("by name")).startswith("the nearest deadline is 2027-04-11 07:59 UTC")
    assert forecast_human(told("passed")).startswith("1 deadline has passed")
    assert forecast_human(told("nothing brings it")).startswith("no deadline is known")


@pytest.mark.parametrize("width", [40, 72, 100, 120])
def test_lines_fit_the_page_but_for_words_that_cannot_be_broken(width: int) -> None:
    for name in WORLDS:
        for line in forecast_human(told(name), Page(width=width)).splitlines():
            assert len(line) <= max(width, 44) or max(map(len, line.split())) > 34


def test_json_is_one_document_of_its_format_with_whole_seconds_in_utc() -> None:
    document = json.loads(forecast_json(told("by name")))
    assert document["format"] == "sfcert.forecast/1"
    assert document["certificates"][0]["deadline"]["at_utc"] == "2027-04-11T07:59:00Z"
