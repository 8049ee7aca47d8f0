"""The three faces of a plan say the same, stably, and never show what a plan must not hold."""

from __future__ import annotations

import json
from html import unescape
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from sfcert.cli.planned import plan_for
from sfcert.cli.shipped import playbooks_folder, templates_folder
from sfcert.errors import InputError
from sfcert.model.codec import digest_of, pretty, read_plan
from sfcert.model.plan import Plan
from sfcert.planning.inputs import Inputs
from sfcert.views.plan import plan_human, plan_markdown
from sfcert.views.plan_page import plan_html
from sfcert.views.text import Page, duration, short_value
from tests import make


def planned(world: make.World, **inputs: Any) -> Plan:
    return plan_for(
        make.observation(world),
        Inputs(**inputs),
        now=make.NOW,
        playbooks=playbooks_folder(),
        templates=templates_folder(),
        version="test",
    )


@pytest.fixture(scope="module")
def ready() -> Plan:
    return planned(make.world())


@pytest.fixture(scope="module")
def blocked() -> Plan:
    return planned(make.world(state="UpgradeServiceUnreachable"))


def test_every_face_names_every_stage_and_the_digest(ready: Plan) -> None:
    for text in (plan_human(ready), plan_markdown(ready), plan_html(ready)):
        assert ready.digest in text
        for stage in ready.stages:
            assert stage.id in text


def test_a_stage_that_touches_several_resources_tells_whose_each_property_is() -> None:
    """Two scale sets have an extension of one name each: without theirs nobody could tell the lines apart."""
    shapes = (make.NodeTypeShape("nt0", 5, "Silver", is_primary=True), make.NodeTypeShape("nt1", 5, "Silver"))
    found = planned(make.world(node_types=shapes), playbook="thumbprint-to-common-name-single")
    human, markdown, page = plan_human(found), plan_markdown(found), plan_html(found)
    for name in ("shop", "nt0", "nt1"):
        assert human.count(f"      of {name}:\n") == 1
    for name in ("nt0", "nt1"):
        told = f"+ {name}: properties.virtualMachineProfile.extensionProfile.extensions[name='KVVMExtension']: "
        assert markdown.count(told) == 1
        assert unescape(page).count(told) == 1
    assert "of shop:" not in plan_human(planned(make.world()))


def test_every_face_of_a_blocked_plan_gives_each_reason(blocked: Plan) -> None:
    assert blocked.blocked_by
    for text in (plan_human(blocked, page=Page(width=10_000)), plan_markdown(blocked)):
        for reason in blocked.blocked_by:
            assert reason in text


def test_the_page_is_whole_and_fetches_nothing(ready: Plan) -> None:
    class Reader(HTMLParser):
        outside: tuple[str, ...] = ()

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.outside += (tag,) if tag in ("script", "link", "img", "iframe") else ()
            fetched = [value or "" for name, value in attrs if name in ("src", "href", "onclick")]
            self.outside += tuple(value for value in fetched if not value.startswith("#"))

    reader = Reader()
    reader.feed(plan_html(ready))
    assert reader.outside == ()


def test_what_a_template_holds_is_shown_as_text_and_never_as_markup(ready: Plan) -> None:
    sly = msgspec.structs.replace(ready.stages[0], action="<script>alert(1)</script>")
    page = plan_html(msgspec.structs.replace(ready, stages=(sly,)))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_markdown_is_stable_and_fits_a_pull_request_comment() -> None:
    shapes = tuple(make.NodeTypeShape(name=f"nt{at}", is_primary=at == 0) for at in range(9))
    first, second = (plan_markdown(planned(make.world(node_types=shapes))) for _ in range(2))
    assert first == second
    assert len(first) < 65_536


def test_lines_are_no_wider_than_the_page_where_words_allow_it(ready: Plan) -> None:
    for line in plan_human(ready, page=Page(width=80)).splitlines():
        assert len(line) <= 80 or max(map(len, line.split())) > 60


def test_colours_only_where_they_were_asked_for(ready: Plan) -> None:
    assert "\x1b[" not in plan_human(ready)
    assert "\x1b[" in plan_human(ready, page=Page(colour=True))


def test_a_plan_written_and_read_again_is_the_same_and_an_edited_one_is_not(ready: Plan) -> None:
    text = pretty(ready)
    assert read_plan(text.encode(), "plan.json") == ready
    assert digest_of(ready) == ready.digest
    with pytest.raises(InputError, match="changed after it was written"):
        read_plan(text.replace(make.COMMON_NAME, "other.example.com", 1).encode(), "plan.json")


def test_a_key_of_a_later_minor_version_is_passed_over_but_counts_in_the_digest(ready: Plan) -> None:
    later = json.loads(pretty(ready)) | {"wave": 3}
    later["digest"] = digest_of(later)
    assert read_plan(json.dumps(later).encode(), "plan.json").stages == ready.stages
    later["wave"] = 4
    with pytest.raises(InputError, match="changed after it was written"):
        read_plan(json.dumps(later).encode(), "plan.json")


@pytest.mark.parametrize(
    ("seconds", "says"), [(0, "0 s"), (59, "59 s"), (3600, "1 h"), (93_780, "1 d 2 h"), (86_400 * 3, "3 d")]
)
def test_durations_read_as_people_say_them(seconds: int, says: str) -> None:
    assert duration(seconds) == says


def test_long_values_are_cut_in_the_middle() -> None:
    assert len(short_value("x" * 500, 60)) <= 60
    assert short_value(None) == "nothing"


def test_an_empty_plan_that_leaves_something_to_people_does_not_say_that_all_is_done(ready: Plan) -> None:
    done = msgspec.structs.replace(ready, status="nothing-to-do", stages=(), manual_steps=())
    assert plan_human(done).startswith("nothing to do: the cluster is what the playbook leads to")
    waits = msgspec.structs.replace(done, manual_steps=("Bring the next version.",))
    assert plan_human(waits).startswith("nothing to do for now: what comes next is told under By people")


def test_marks_and_letters_of_the_review_are_explained_where_they_are_used(ready: Plan) -> None:
    said = " ".join(plan_human(ready).split())
    assert "V is what a node accepts" in plan_html(ready)
    for used, explained in (
        ("[runtime]", "[runtime] is asked of"),
        ("[tls]", "[tls] seen in"),
        ("V:{", "V is what a node"),
    ):
        assert used in said
        assert said.index(explained) <= said.index(used)
