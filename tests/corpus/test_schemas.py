"""The vendor's schemas judge the evaluator: what is valid as written is valid once it is evaluated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from sfcert.arm import parse_text
from sfcert.arm.edit import get_at
from sfcert.arm.evaluate import known_function
from sfcert.arm.expansion import ExpandOptions, expand
from sfcert.arm.runtime import Scope
from sfcert.errors import InputError

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
SCHEMAS, TEMPLATES = SHARED / "schemas", SHARED / "corpus" / "templates"
HOST = "https://schema.management.azure.com/schemas/"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not SCHEMAS.is_dir(), reason="the vendor's schemas are not beside this checkout"),
]


def retrieve(uri: str) -> Any:
    text = (SCHEMAS / uri.removeprefix(HOST).rstrip("#")).read_text(encoding="utf-8-sig")
    return Resource.from_contents(json.loads(text), default_specification=DRAFT4)


REGISTRY: Any = Registry(retrieve=retrieve)  # type: ignore[call-arg]  # attrs names the private field without its bar


def _or_text(type_: str, *texts: str) -> Any:
    """A check that also takes the type as text: published templates write `"true"`, `"19000"`, and are taken."""
    strict = jsonschema.Draft4Validator.TYPE_CHECKER

    def check(_: Any, value: Any) -> bool:
        is_text = isinstance(value, str) and (value.lower() in texts if texts else value.isdigit())
        return is_text or strict.is_type(value, type_)

    return check


TOLERANT: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]  # the library leaves it untyped
    jsonschema.Draft4Validator,
    type_checker=jsonschema.Draft4Validator.TYPE_CHECKER.redefine("integer", _or_text("integer")).redefine(
        "boolean", _or_text("boolean", "true", "false")
    ),
)


def is_valid(type_: str, version: str, body: dict[str, Any]) -> bool:
    namespace, _, name = type_.partition("/")
    reference = f"{HOST}{version}/{namespace}.json#/resourceDefinitions/{name}"
    validator = TOLERANT({"$ref": reference}, registry=REGISTRY)
    return bool(validator.is_valid({"name": "x", **body, "type": type_, "apiVersion": version}))


def without_nulls(value: Any) -> Any:
    """Providers read a null as absent; the schemas do not say so."""
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def judged() -> list[Any]:
    """Resources of the corpus for whose type and version there is a schema."""
    cases = []
    for path in sorted(TEMPLATES.glob("*.json")):
        try:
            document = parse_text(path.read_bytes(), path.name)
            scope = Scope(subscription_id="s", resource_group="g", synthetic=True)
            expanded = expand(document, {}, scope, options=ExpandOptions(missing="symbolic"))
        except InputError:
            continue
        for one in expanded.walk():
            namespace = one.type.partition("/")[0]
            if one.type.count("/") == 1 and (SCHEMAS / str(one.api_version) / f"{namespace}.json").is_file():
                cases.append(pytest.param(document, one, id=f"{path.stem[-40:]} {one.type}"))
    return cases


@pytest.mark.parametrize(("document", "one"), judged())
def test_evaluating_makes_nothing_invalid(document: Any, one: Any) -> None:
    written = document.value
    for step in one.source:
        written = written[step]
    version = str(one.api_version)
    evaluated = json.loads(json.dumps(without_nulls(one.evaluate())))
    if is_valid(one.type, version, {**written, "properties": get_at(written, "properties", {})}):
        assert is_valid(one.type, version, evaluated)
    else:
        # published with a fault of its own: reading must not mend it silently
        assert not is_valid(one.type, version, evaluated)


def test_there_is_something_to_judge() -> None:
    assert len(judged()) >= 20


def functions_of_the_corpus() -> list[str]:
    page = SHARED / "corpus" / "FUNCTIONS.md"
    lines = page.read_text(encoding="utf-8").splitlines() if page.is_file() else []
    rows = [line.split("|")[1].strip() for line in lines if line.count("|") == 5]
    return [row for row in rows if row.isalnum() and row != "function"]


@pytest.mark.parametrize("name", functions_of_the_corpus())
def test_every_function_that_templates_use_is_known(name: str) -> None:
    assert known_function(name)
