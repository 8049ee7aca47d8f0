"""Where does a declared resource land? Its scope, its id, and the type and name that go with them. Floor 1.

Left out: what lies in the scope already. Source: learn.microsoft.com, set scope for extension resources, set name and
type for child resources (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sfcert.arm import identifiers
from sfcert.arm.evaluate import evaluate
from sfcert.arm.expanded import DEPLOYMENT_TYPE
from sfcert.arm.expression import Call, Text
from sfcert.arm.frame import Env, member
from sfcert.arm.functions.builtin import EvaluationError, kind
from sfcert.arm.runtime import Scope
from sfcert.arm.symbolic import Symbolic, to_node


def needed_text(raw: Mapping[str, Any], key: str, env: Env) -> str:
    """A key that every resource needs, evaluated; at its place in the fault where it is no text."""
    try:
        value = evaluate(member(raw, key), env)
        if not isinstance(value, str) or not value:
            found = "an empty one" if value == "" else kind(value)
            raise EvaluationError(f"A resource needs '{key}' as a string, not {found}.")
        return value
    except EvaluationError as error:
        raise error.under(key) from error.__cause__


def is_below(type_: str, parent_type: str) -> bool:
    """Whether a type is written in full below its parent's, as `A/b/c` below `A/b`."""
    return type_.lower().startswith(parent_type.lower() + "/")


def target_scope(raw: Mapping[str, Any], type_: str, scope: Scope, env: Env) -> Scope:
    """The scope of a resource; a nested deployment may name another group or subscription."""
    if type_.lower() != DEPLOYMENT_TYPE:
        return scope
    subscription, group = member(raw, "subscriptionId"), member(raw, "resourceGroup")
    if subscription is not None:
        known = needed_text(raw, "subscriptionId", env)
        scope = msgspec.structs.replace(
            scope, level="subscription", subscription_id=known, resource_group=None, synthetic=False
        )
    if group is not None:
        scope = msgspec.structs.replace(
            scope, level="resourceGroup", resource_group=needed_text(raw, "resourceGroup", env)
        )
    return scope


def scope_id(text: str, scope: Scope) -> str:
    """An extension's `scope` as an id: given as an id, or as `Type/name` in the deployment's own scope."""
    if isinstance(text, Symbolic) or text.startswith("/"):
        return text if isinstance(text, Symbolic) else text.rstrip("/")
    if scope.id is None or "." not in text.partition("/")[0]:
        return Symbolic(Call("resourceId", (Text(text),)))
    return f"{scope.id}/providers/{text}"


def identity(type_: str, name: str, scope: Scope, extension_of: str | None) -> tuple[str, str, str]:
    """Id, type and name. `A/b/providers/c` with `x/N/y` is resource y of type N/c on the resource x."""
    base = extension_of if extension_of is not None else scope.id
    is_group = type_.lower() == "microsoft.resources/resourcegroups" and not isinstance(name, Symbolic)
    if is_group and scope.subscription_id is not None:
        return identifiers.resource_group_id(scope.subscription_id, name), type_, name
    if isinstance(type_, Symbolic) or isinstance(name, Symbolic) or isinstance(base, Symbolic) or base is None:
        nodes = (
            to_node(type_),
            *(to_node(part) for part in ([name] if isinstance(name, Symbolic) else name.split("/"))),
        )
        if extension_of is not None:
            return Symbolic(Call("extensionResourceId", (to_node(extension_of), *nodes))), type_, name
        return Symbolic(Call("resourceId", nodes)), type_, name
    try:
        id_ = identifiers.under(base, type_, name.split("/"))
    except EvaluationError:
        raise EvaluationError(
            f"The template resource '{name}' for type '{type_}' has incorrect segment lengths. A nested resource type "
            "must have identical number of segments as its resource name. A root resource type must have segment "
            "length one greater than its resource name."
        ).under("name") from None
    if "/providers/" in type_:
        split = identifiers.split_id(id_)
        if split is not None:
            return id_, split[1], split[2]
    return id_, type_, name
