"""The functions that look at the place where they stand: lazy logic, parameters, loops, ids, run time. Floor 1.

Each takes the call with its arguments unevaluated. `if`, `and`, `or`, `coalesce` evaluate no more than Azure does,
and where a condition is not known they keep what either branch would be. Left out: functions with lambdas (see
`lambdas`).
"""

from __future__ import annotations

from typing import Any

from sfcert.arm import identifiers
from sfcert.arm.expression import Call, Node
from sfcert.arm.frame import Env
from sfcert.arm.functions import EvaluationError
from sfcert.arm.functions.builtin import kind
from sfcert.arm.interpreter import SPECIALS, arguments, check_arity, evaluate_node, residual
from sfcert.arm.parameters import parameter_value
from sfcert.arm.symbolic import UNKNOWN, Partial, Symbolic, has_symbolic, is_symbolic, to_node
from sfcert.arm.variables import variable_value


def _value(node: Node, env: Env) -> Any:
    value = evaluate_node(node, env)
    return Symbolic(node) if isinstance(value, Partial) else value


def _branch(node: Node, env: Env) -> Any:
    """A branch that may never be taken: what cannot be evaluated there is no fault yet, and stays as it was written."""
    try:
        return _value(node, env)
    except EvaluationError:
        return Symbolic(node)


def _if(node: Call, env: Env) -> Any:
    check_arity(node, 3, 3)
    condition = _value(node.args[0], env)
    if isinstance(condition, Symbolic):
        branches = (to_node(_branch(arg, env)) for arg in node.args[1:])
        return Symbolic(Call(node.name, (condition.node, *branches)), condition.why)
    if not isinstance(condition, bool):
        raise EvaluationError(
            f"The template language function 'if' expects a boolean condition, not {kind(condition)}."
        )
    return evaluate_node(node.args[1 if condition else 2], env)


def _connective(node: Call, env: Env) -> Any:
    """`and` ends at the first false, `or` at the first true, also beyond a part that is not known."""
    check_arity(node, 2, None)
    decisive = node.key == "or"
    open_parts: list[Symbolic] = []
    for arg in node.args:
        value = _branch(arg, env) if open_parts else _value(arg, env)
        if isinstance(value, Symbolic):
            open_parts.append(value)
        elif not isinstance(value, bool):
            raise EvaluationError(f"The template language function '{node.name}' expects booleans, not {kind(value)}.")
        elif value is decisive:
            return decisive
    if not open_parts:
        return not decisive
    if len(open_parts) == 1:
        return open_parts[0]
    return Symbolic(Call(node.name, tuple(part.node for part in open_parts)), open_parts[0].why)


def _coalesce(node: Call, env: Env) -> Any:
    check_arity(node, 1, None)
    for position, arg in enumerate(node.args):
        value = _value(arg, env)
        if isinstance(value, Symbolic):
            rest = tuple(to_node(_branch(other, env)) for other in node.args[position + 1 :])
            return Symbolic(Call(node.name, (value.node, *rest)), value.why) if rest else value
        if value is not None:
            return value
    return None


def _name(node: Call, env: Env) -> str | Symbolic:
    check_arity(node, 1, 1)
    name = _value(node.args[0], env)
    if not isinstance(name, str):
        raise EvaluationError(f"The template language function '{node.name}' expects a name, not {kind(name)}.")
    return name


def _parameters(node: Call, env: Env) -> Any:
    name = _name(node, env)
    if isinstance(name, Symbolic):
        return residual(node, [name])
    if env.arguments is not None:
        if name.lower() not in env.arguments:
            raise EvaluationError(f"The template function has no parameter '{name}'.")
        return env.arguments[name.lower()]
    return parameter_value(name, env)


def _variables(node: Call, env: Env) -> Any:
    name = _name(node, env)
    if isinstance(name, Symbolic):
        return residual(node, [name])
    if env.arguments is not None:
        raise EvaluationError("A user-defined function cannot read the template's variables.")
    return variable_value(name, env)


def _copy_index(node: Call, env: Env) -> Any:
    check_arity(node, 0, 2)
    values = arguments(node, env)
    name = values.pop(0).lower() if values and isinstance(values[0], str) else env.loop
    offset = values[0] if values else 0
    if name is None or name not in env.loops:
        where = f"'{name}'" if name else "a copy loop"
        raise EvaluationError(f"The template language function 'copyIndex' is used outside {where}.")
    index = env.loops[name]
    if isinstance(index, Symbolic):
        return Symbolic(Call("add", (index.node, to_node(offset)))) if offset != 0 else index
    if isinstance(offset, bool) or not isinstance(offset, int):
        raise EvaluationError("The template language function 'copyIndex' expects a whole number as its offset.")
    return index + offset


def _resource_id(node: Call, env: Env) -> Any:
    """`resourceId` and its kin: leading arguments without a slash choose the scope, then the type, then the names."""
    check_arity(node, 2, None)
    values = arguments(node, env)
    if has_symbolic(values):
        return residual(node, values)
    if any(not isinstance(value, str) for value in values):
        raise EvaluationError(f"The template language function '{node.name}' expects strings.")
    at = 1 if node.key == "extensionresourceid" else next((i for i, value in enumerate(values) if "/" in value), -1)
    if at < 0 or at > 2 or "/" not in values[at]:
        raise EvaluationError(
            f"Unable to evaluate template language function '{node.name}': function requires a fully qualified "
            "resource type 'Microsoft.Provider/type' as one of its first arguments."
        )
    scope_id = _scope_of(node, values[:at], env)
    if scope_id is None:
        return residual(node, values)
    return identifiers.under(scope_id, values[at], values[at + 1 :], node.name)


def _scope_of(node: Call, given: list[str], env: Env) -> str | None:
    scope = env.frame.scope
    if node.key == "extensionresourceid":
        return given[0]
    if node.key == "tenantresourceid":
        return ""
    if is_symbolic(scope.subscription_id) and len(given) < 2:
        return None
    if node.key == "managementgroupresourceid":
        group = given[0] if given else scope.management_group
        return None if group is None else f"/providers/Microsoft.Management/managementGroups/{group}"
    if node.key == "subscriptionresourceid":
        subscription = given[0] if given else scope.subscription_id
        return None if subscription is None else f"/subscriptions/{subscription}"
    if not given:
        return scope.id
    subscription = given[0] if len(given) == 2 else scope.subscription_id
    return None if subscription is None else identifiers.resource_group_id(subscription, given[-1])


def _reference(node: Call, env: Env) -> Any:
    check_arity(node, 1, 3)
    _only_live(node, env)
    values = arguments(node, env)
    target = values[0]
    if not isinstance(target, str):
        raise EvaluationError(
            f"The template language function 'reference' expects a name or an id, not {kind(target)}."
        )
    version = values[1] if len(values) > 1 else None
    full = len(values) > 2 and str(values[2]).lower() == "full"
    if not isinstance(target, Symbolic):
        found = env.frame.find(target)
        if found:
            values[0], version = found[0].id, version or found[0].api_version
        elif not target.startswith("/"):
            if env.frame.missing_symbolic:
                return residual(node, values)
            raise EvaluationError(
                f"The template reference '{target}' is not valid: could not find template resource or resource copy "
                "with this name."
            )
    if has_symbolic(values):
        return residual(node, values)
    answer = env.runtime.reference(values[0], version, full, env.frame.scope)
    return residual(node, values) if answer is UNKNOWN else answer


def _references(node: Call, env: Env) -> Any:
    """All resources of a loop, by its symbolic name (languageVersion 2.0)."""
    check_arity(node, 1, 2)
    _only_live(node, env)
    values = arguments(node, env)
    full = len(values) > 1 and str(values[1]).lower() == "full"
    if has_symbolic(values):
        return residual(node, values)
    found = env.frame.find(str(values[0]))
    answers = [env.runtime.reference(target.id, target.api_version, full, env.frame.scope) for target in found]
    return residual(node, values) if not found or any(answer is UNKNOWN for answer in answers) else answers


def _list(node: Call, env: Env) -> Any:
    check_arity(node, 1, 3)
    _only_live(node, env)
    values = arguments(node, env)
    target = values[0]
    if isinstance(target, str) and not isinstance(target, Symbolic):
        found = env.frame.find(target)
        if found:
            values[0] = found[0].id
    if has_symbolic(values) or not isinstance(values[0], str):
        return residual(node, values)
    rest = [*values[1:], None, None]
    answer = env.runtime.list_function(node.name, values[0], rest[0], rest[1], env.frame.scope)
    return residual(node, values) if answer is UNKNOWN else answer


def _only_live(node: Call, env: Env) -> None:
    if not env.live:
        raise EvaluationError(
            f"The template function '{node.name}' is not expected at this location: it may stand in a resource's "
            "properties and in outputs only."
        )


def _ambient(node: Call, env: Env) -> Any:
    """Functions without arguments that say where and by whom the template is deployed."""
    check_arity(node, 0, 0)
    runtime, scope = env.runtime, env.frame.scope
    answers = {
        "resourcegroup": runtime.resource_group,
        "subscription": runtime.subscription,
        "managementgroup": runtime.management_group,
        "tenant": runtime.tenant,
        "deployment": runtime.deployment,
        "deployer": runtime.deployer,
    }
    answer = answers[node.key](scope) if node.key in answers else runtime.environment()
    return Symbolic(node) if answer is UNKNOWN else answer


def _utc_now(node: Call, env: Env) -> Any:
    check_arity(node, 0, 1)
    values = arguments(node, env)
    answer = UNKNOWN if has_symbolic(values) else env.runtime.utc_now(values[0] if values else None)
    return residual(node, values) if answer is UNKNOWN else answer


def _new_guid(node: Call, env: Env) -> Any:
    check_arity(node, 0, 0)
    answer = env.runtime.new_guid()
    return Symbolic(node) if answer is UNKNOWN else answer


def _other(node: Call, env: Env) -> Any:
    values = arguments(node, env)
    answer = UNKNOWN if has_symbolic(values) else env.runtime.other(node.name, values, env.frame.scope)
    return residual(node, values) if answer is UNKNOWN else answer


SPECIALS.update({"if": _if, "and": _connective, "or": _connective, "coalesce": _coalesce})
SPECIALS.update({"parameters": _parameters, "variables": _variables, "copyindex": _copy_index})
SPECIALS.update({"reference": _reference, "references": _references, "list*": _list})
SPECIALS.update({"utcnow": _utc_now, "newguid": _new_guid})
for _key in ("", "subscription", "tenant", "managementgroup", "extension"):
    SPECIALS[f"{_key}resourceid"] = _resource_id
for _key in ("resourcegroup", "subscription", "managementgroup", "tenant", "deployment", "deployer", "environment"):
    SPECIALS[_key] = _ambient
for _key in ("providers", "pickzones", "tologicalzone", "tologicalzones", "tophysicalzone", "tophysicalzones"):
    SPECIALS[_key] = _other
for _key in ("getsecret", "externalinput", "roledefinitions"):
    SPECIALS[_key] = _other
