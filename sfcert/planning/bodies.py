"""What does a deployment carry? A resource's whole body, without what it must not own. Floor 4.

A deployment of an existing resource is a PUT of its whole body. So the raw GET is kept but for read-only and write-only
properties; what may move while the plan waits (capacity, instance counts, redacted values, an identity's client id) is
taken from the live resource at run time. Source: design, Bodies; reference 1.1 and 5.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from sfcert.arm import Path, get_at, has_at, parse_path, remove_at, set_at
from sfcert.arm.expression import escape_literal
from sfcert.arm.paths import Named
from sfcert.model.base import Value
from sfcert.model.bundle import RawResource
from sfcert.model.ids import parse_resource_id
from sfcert.planning.api_versions import api_version_for
from sfcert.planning.read_only import SCALE_SET, strip

Json = dict[str, Any]
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class LiveValue(Value):
    """One place of the body that is filled at run time: `expression` is evaluated by the outer template and reaches the
    nested one as a parameter of this name and type."""

    path: str
    parameter: str
    type: str
    expression: str


class Body(Value):
    """What is carried. `plain` holds neither read-only nor write-only properties and nothing at the live paths.

    `is_authored`: it comes from an authored template, whose text is escaped already and keeps its expressions.
    """

    id: str
    type: str
    name: str
    api_version: str
    plain: Json
    live: tuple[LiveValue, ...]
    is_authored: bool = False

    @property
    def without(self) -> tuple[str, ...]:
        """The places that may move without making the plan stale."""
        return tuple(sorted(one.path for one in self.live))


def carried_body(resource_id: str, raw: RawResource, *, is_authored: bool = False) -> Body:
    """What a stage carries of a cluster or scale set that was read.

    Raises:
        KeyError: the resource is of another type: a bug.

    Effects: none.
    """
    parsed = parse_resource_id(resource_id)
    api_version = api_version_for(parsed.type, raw.api_version)
    plain = strip(parsed.type, raw.body)
    full = f"reference('{_quoted(resource_id)}', '{api_version}', 'Full')"
    if parsed.type.lower() == SCALE_SET:
        live = [LiveValue(path="sku", parameter="sku", type="object", expression=f"[{full}.sku]")]
        live = live if has_at(plain, "sku") else []
    else:
        live = _instance_counts(plain, full)
        plain = _without_automatic_version(plain)
    live += _redacted(raw.body, plain, full)
    for one in live:
        plain = remove_at(plain, one.path)
    return Body(
        id=resource_id,
        type=parsed.type,
        name=parsed.name,
        api_version=api_version,
        plain=plain,
        live=tuple(live),
        is_authored=is_authored,
    )


def with_live(body: Body, value: LiveValue) -> Body:
    """The body with one more place that is filled at run time, or with that place filled by this value."""
    others = tuple(one for one in body.live if one.path != value.path)
    return replace(body, plain=remove_at(body.plain, value.path), live=(*others, value))


def template_values(body: Body) -> Json:
    """The body as the update templates take it: literals escaped, live places as parameters."""
    written = body.plain if body.is_authored else escaped(body.plain)
    for one in body.live:
        written = set_at(written, one.path, f"[parameters('{one.parameter}')]")
    parameters = {one.parameter: one for one in body.live}
    return {
        "type": body.type,
        "api_version": body.api_version,
        "name": body.name,
        "live": [
            {"parameter": one.parameter, "type": one.type, "expression": one.expression} for one in parameters.values()
        ],
        "top": [{"name": key, "value": value} for key, value in written.items() if key != "properties"],
        "properties": written.get("properties", {}),
    }


def escaped(value: Any) -> Any:
    """A JSON value as a template has to write it: no text in it is taken for an expression."""
    if isinstance(value, str):
        return escape_literal(value)
    if isinstance(value, dict):
        return {escape_literal(key): escaped(part) for key, part in value.items()}
    if isinstance(value, list):
        return [escaped(part) for part in value]
    return value


def client_id_of(identity_id: str, path: str) -> LiveValue:
    """The client id of an identity, which may not exist yet, at a place of a scale set's body."""
    api_version = api_version_for("Microsoft.ManagedIdentity/userAssignedIdentities", None)
    expression = f"[reference('{_quoted(identity_id)}', '{api_version}').clientId]"
    return LiveValue(path=path, parameter="msiClientId", type="string", expression=expression)


def _instance_counts(plain: Json, full: str) -> list[LiveValue]:
    found = []
    for index, node_type in enumerate(get_at(plain, "properties.nodeTypes") or ()):
        name = get_at(node_type, "name")
        if isinstance(name, str) and has_at(node_type, "vmInstanceCount"):
            path = Path(("properties", "nodeTypes", Named(name), "vmInstanceCount"))
            found.append(
                LiveValue(
                    path=str(path),
                    parameter=f"vmInstanceCount{index}",
                    type="int",
                    expression=f"[{full}.properties.nodeTypes[{index}].vmInstanceCount]",
                )
            )
    return found


def _without_automatic_version(plain: Json) -> Json:
    """The code version belongs to the provider unless upgrades are Manual; sending an old one would turn it back."""
    mode = get_at(plain, "properties.upgradeMode")
    if isinstance(mode, str) and mode.lower() == "manual":
        return plain
    without: Json = remove_at(plain, "properties.clusterCodeVersion")
    return without


def _redacted(raw: Any, plain: Json, full: str) -> list[LiveValue]:
    """Values that the capture left out as secret-like: they come from the live resource, as secure parameters."""
    found: list[LiveValue] = []

    def visit(value: Any, steps: tuple[str | int, ...]) -> None:
        if isinstance(value, dict):
            if "$redacted" in value:
                path = str(Path(steps))
                if has_at(plain, path):
                    name = f"carried{len(found)}"
                    expression = f"[{full}{''.join(_accessor(step) for step in steps)}]"
                    found.append(LiveValue(path=path, parameter=name, type="secureString", expression=expression))
                return
            for key, part in value.items():
                visit(part, (*steps, key))
        elif isinstance(value, list):
            for index, part in enumerate(value):
                visit(part, (*steps, index))

    visit(raw, ())
    return found


def _accessor(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _IDENTIFIER.match(step) else f"['{_quoted(step)}']"


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def named(*steps: str | int | Named) -> str:
    """A path's text from its steps."""
    return str(Path(steps))


def below(path: str, *steps: str | int | Named) -> str:
    """A path's text, some steps further down."""
    return str(Path((*parse_path(path).steps, *steps)))
