"""Every real template of the corpus is read as its index says, or refused with file, line and column."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfcert.arm import parse_text, print_expression
from sfcert.arm.expression import is_expression, parse_node
from sfcert.arm.parameters import parameters_of
from sfcert.errors import InputError
from sfcert.model.bundle import Bundle
from sfcert.sources.template import read_template

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not beside this checkout"),
]
FILES = sorted(CORPUS.glob("*/*.json"))

#: A published template that uses a parameter which it does not declare: Azure refuses it too.
UNDECLARED = re.compile(r"UNDEFINED refs: parameters:(\w+)")


def index_rows() -> dict[str, dict[str, str]]:
    """The index's table of templates: file name -> column -> cell."""
    rows: dict[str, dict[str, str]] = {}
    heads: list[str] = []
    text = (CORPUS / "INDEX.md").read_text(encoding="utf-8") if CORPUS.is_dir() else ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if line.startswith("| file "):
            heads = cells
        elif line.startswith("| `") and "declaration" in heads:
            rows[cells[0].strip("`")] = dict(zip(heads, cells, strict=False))
    return rows


ROWS = index_rows()


def name_of(path: Path) -> str:
    return path.stem[-60:]


def read(path: Path) -> Bundle:
    return read_template(path.read_bytes(), path.name, now=NOW)


def outcome(path: Path, given: Path | None = None) -> Bundle | InputError:
    """The bundle, or the refusal as a value."""
    parameters = (given.read_bytes(), given.name) if given else (None, None)
    try:
        return read_template(path.read_bytes(), path.name, *parameters, now=NOW)
    except InputError as error:
        return error


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_is_read_or_refused_with_file_line_and_column(path: Path) -> None:
    found = outcome(path)
    if isinstance(found, InputError):
        assert found.faults
        assert all(fault.file == path.name and fault.line and fault.column for fault in found.faults)
    else:
        assert found.cluster_id in found.resources


def test_the_index_is_understood() -> None:
    assert len(ROWS) >= 30


@pytest.mark.parametrize("name", sorted(ROWS), ids=lambda name: name[-60:])
def test_is_read_as_the_index_says(name: str) -> None:
    row, path = ROWS[name], CORPUS / "templates" / name
    broken = re.search(r"UNPARSEABLE.*line (\d+) column (\d+)", row["oddities"])
    if broken:
        with pytest.raises(InputError) as caught:
            read(path)
        fault = caught.value.faults[0]
        assert (caught.value.token, fault.line, fault.column) == ("TemplateSyntax", int(broken[1]), int(broken[2]))
        return
    undeclared = UNDECLARED.search(row["oddities"])
    if undeclared:
        with pytest.raises(InputError, match=undeclared[1]):
            read(path)
        return
    bundle = read(path)
    properties = bundle.resources[bundle.cluster_id].body["properties"]
    sets = [raw for id_, raw in bundle.resources.items() if "/virtualMachineScaleSets/" in id_]
    node_types, scale_sets = (cell.strip() for cell in row["nodeTypes / VMSS"].split("/"))
    assert str(len(sets)) == scale_sets
    if node_types.isdigit():
        assert len(properties["nodeTypes"]) == int(node_types)
        assert properties["vmImage"] == row["OS (vmImage)"]
    assert declared_kinds(properties) == expected_kinds(row["declaration"])
    versions = row["SF / VMSS api"].split(" / ")
    assert bundle.resources[bundle.cluster_id].api_version == versions[0]
    assert {raw.api_version for raw in sets} == set(versions[1].split("; ")) - {"–"}


def declared_kinds(properties: dict[str, Any]) -> set[str]:
    certificate, names = properties.get("certificate"), properties.get("certificateCommonNames")
    found = set()
    if certificate:
        found.add("thumbprint+secondary" if certificate.get("thumbprintSecondary") else "thumbprint")
    if names:
        pinned = any(entry.get("certificateIssuerThumbprint") for entry in names["commonNames"])
        found.add("common name (issuer pinned)" if pinned else "common name")
    if properties.get("reverseProxyCertificate"):
        found.add("reverse-proxy thumbprint")
    return found


def expected_kinds(cell: str) -> set[str]:
    """The index's words; one template declares everything by nullable parameters, so nothing where none is given."""
    words = {word.strip() for word in cell.split(";")} - {"unsecured", "AAD"}
    return {word for word in words if "<expr>" not in word}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_expression_prints_and_reads_back(path: Path) -> None:
    try:
        value = parse_text(path.read_bytes(), path.name).value
    except InputError:
        return
    for text in strings(value):
        if is_expression(text):
            node = parse_node(text)
            assert parse_node(print_expression(node)) == node


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for key, part in value.items() for text in (key, *strings(part))]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


def pairs() -> list[tuple[Path, Path]]:
    """Parameter files with the template that lies beside them under the same stem."""
    found = []
    for path in FILES:
        stem = re.sub(r"[._]?parameters?", "", path.stem, flags=re.IGNORECASE).lower()
        stem = re.sub(r"(windows|linux)~$", r"\1~template", stem)
        partner = next((other for other in FILES if other != path and other.stem.lower() == stem), None)
        if partner is not None and "parameter" in path.stem.lower():
            found.append((path, partner))
    return found


@pytest.mark.parametrize(("given", "template"), pairs(), ids=name_of)
def test_a_parameter_file_leaves_no_parameter_of_its_template_open(given: Path, template: Path) -> None:
    bundle = outcome(template, given)
    if isinstance(bundle, InputError):
        assert bundle.faults
        assert all(fault.file in (given.name, template.name) and fault.line for fault in bundle.faults)
        return
    names = parameters_of(parse_text(given.read_bytes(), given.name))
    open_names = {one.why.split("'")[1] for one in bundle.unresolved if "was given no value" in one.why}
    assert not open_names & set(names)
