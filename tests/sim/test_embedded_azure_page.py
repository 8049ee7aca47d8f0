"""The page of what is modelled names exactly what the simulator declares."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sfcert.sim import faults
from sfcert.sim.assemble import build

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "embedded-azure.md"


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_fault_has_its_page_and_no_page_is_of_a_fault_that_is_gone() -> None:
    written = {file.stem for file in (PAGE.parents[2] / "sfcert" / "sim" / "faults").glob("*.md")}
    assert written == set(faults.declared())


@pytest.mark.parametrize("name", sorted(faults.declared()))
def test_a_page_tells_what_a_right_client_does_where_it_is_from_and_every_option(name: str) -> None:
    page = faults.page_of(name)
    assert "A right client" in page or "A right plan" in page or "Nothing that is planned" in page
    assert "\nSource: " in page
    assert all(f"`{option}`" in page for option in faults.declared()[name].takes)


def test_every_served_namespace_is_named(text: str) -> None:
    azure = build(start=datetime(2026, 11, 22, tzinfo=UTC), seed=1)
    namespaces = {one.split("/")[0] for one in azure.provider_types()}
    assert {one for one in namespaces if f"`{one}/" not in text} == set()


def test_the_version_of_az_is_the_one_that_is_run(text: str) -> None:
    pinned = (PAGE.parents[2] / ".ci" / "azure-cli.txt").read_text(encoding="utf-8").strip()
    assert pinned == "azure-cli==" + re.findall(r"`az` ([0-9.]+) ", section(text, "What judges it"))[0]
