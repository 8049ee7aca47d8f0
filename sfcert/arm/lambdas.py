"""The functions that take a lambda: `map`, `filter`, `sort`, `reduce`, `toObject`, `groupBy`, `mapValues`. Floor 1.

A lambda is no value: it lives only as an argument of these. Where the input or a decision inside is not known, the
whole call stays an expression. Source: learn.microsoft.com, ARM template functions: lambda (read 2026-11).
"""

from __future__ import annotations

from functools import cmp_to_key
from typing import Any

import msgspec

from sfcert.arm.expression import Call, Node, Text
from sfcert.arm.frame import Env
from sfcert.arm.functions import EvaluationError
from sfcert.arm.functions.builtin import kind
from sfcert.arm.interpreter import SPECIALS, check_arity, evaluate_node
from sfcert.arm.symbolic import Partial, Symbolic, has_symbolic, to_node


class _Lambda(msgspec.Struct, frozen=True):
    names: tuple[str, ...]
    body: Node
    env: Env

    def __call__(self, *values: Any) -> Any:
        # a lambda may leave out the trailing index
        result = evaluate_node(self.body, self.env.with_lambda(dict(zip(self.names, values, strict=False))))
        return Symbolic(self.body) if isinstance(result, Partial) else result

    def residual(self) -> Node:
        """The lambda with what is known outside it folded in."""
        unknown = {name: Symbolic(Call("lambdaVariables", (Text(name),))) for name in self.names}
        try:
            body = to_node(self(*unknown.values()))
        except EvaluationError:
            body = self.body
        return Call("lambda", (*(Text(name) for name in self.names), body))


class _Undecided(Exception):  # not an error: the call stays an expression
    pass


def _lambda(node: Node, env: Env, least: int, most: int) -> _Lambda:
    if not isinstance(node, Call) or node.key != "lambda" or len(node.args) < 1:
        raise EvaluationError("A function that takes a lambda was given something else.")
    names = node.args[:-1]
    if not all(isinstance(name, Text) for name in names) or not least <= len(names) <= most:
        raise EvaluationError(f"A lambda here takes {least} to {most} variables, each a string literal.")
    return _Lambda(tuple(name.value for name in names if isinstance(name, Text)), node.args[-1], env)


def _known(value: Any) -> Any:
    if has_symbolic(value):
        raise _Undecided
    return value


def _over(node: Call, env: Env) -> Any:
    """Every function whose first argument is what it runs over; the lambdas are among the others."""
    least, most = _ARITY[node.key]
    check_arity(node, least, most)
    subject = evaluate_node(node.args[0], env)
    if isinstance(subject, Partial):
        subject = Symbolic(node.args[0])
    try:
        if isinstance(subject, Symbolic):
            raise _Undecided
        wanted = dict if node.key == "mapvalues" else list
        if not isinstance(subject, wanted):
            expects = "an object" if wanted is dict else "an array"
            raise EvaluationError(
                f"The template language function '{node.name}' expects {expects}, not {kind(subject)}."
            )
        return _RUN[node.key](node, subject, env)
    except _Undecided:
        rest = (_rest(arg, env) for arg in node.args[1:])
        why = subject.why if isinstance(subject, Symbolic) else ""
        return Symbolic(Call(node.name, (to_node(subject), *rest)), why)


def _rest(arg: Node, env: Env) -> Node:
    if isinstance(arg, Call) and arg.key == "lambda":
        return _lambda(arg, env, 0, 3).residual()
    value = evaluate_node(arg, env)
    return arg if isinstance(value, Partial) else to_node(value)


def _map(node: Call, subject: list[Any], env: Env) -> list[Any]:
    function = _lambda(node.args[1], env, 1, 2)
    return [function(element, index) for index, element in enumerate(subject)]


def _filter(node: Call, subject: list[Any], env: Env) -> list[Any]:
    function = _lambda(node.args[1], env, 1, 2)
    return [element for index, element in enumerate(subject) if _truth(node, function(element, index))]


def _truth(node: Call, value: Any) -> bool:
    if not isinstance(_known(value), bool):
        raise EvaluationError(f"The lambda of '{node.name}' must give a boolean, not {kind(value)}.")
    return bool(value)


def _sort(node: Call, subject: list[Any], env: Env) -> list[Any]:
    function = _lambda(node.args[1], env, 2, 2)

    def compare(left: Any, right: Any) -> int:
        if _truth(node, function(left, right)):
            return -1
        return 1 if _truth(node, function(right, left)) else 0

    return sorted(subject, key=cmp_to_key(compare))


def _reduce(node: Call, subject: list[Any], env: Env) -> Any:
    function = _lambda(node.args[2], env, 2, 3)
    total = evaluate_node(node.args[1], env)
    for index, element in enumerate(subject):
        total = function(total, element, index)
    return total


def _to_object(node: Call, subject: list[Any], env: Env) -> dict[str, Any]:
    key_of = _lambda(node.args[1], env, 1, 1)
    value_of = _lambda(node.args[2], env, 1, 1) if len(node.args) > 2 else None
    return {_key(node, key_of(e)): value_of(e) if value_of is not None else e for e in subject}


def _group_by(node: Call, subject: list[Any], env: Env) -> dict[str, list[Any]]:
    key_of = _lambda(node.args[1], env, 1, 1)
    groups: dict[str, list[Any]] = {}
    for element in subject:
        groups.setdefault(_key(node, key_of(element)), []).append(element)
    return groups


def _map_values(node: Call, subject: dict[str, Any], env: Env) -> dict[str, Any]:
    function = _lambda(node.args[1], env, 1, 1)
    return {key: function(value) for key, value in subject.items()}


def _key(node: Call, value: Any) -> str:
    if not isinstance(_known(value), str):
        raise EvaluationError(f"The lambda of '{node.name}' must give a string as key, not {kind(value)}.")
    return str(value)


def _lambda_variables(node: Call, env: Env) -> Any:
    check_arity(node, 1, 1)
    name = node.args[0]
    if not isinstance(name, Text) or name.value.lower() not in env.lambdas:
        raise EvaluationError(
            "The template language function 'lambdaVariables' is used outside a lambda of that variable."
        )
    return env.lambdas[name.value.lower()]


def _bare_lambda(node: Call, env: Env) -> Any:
    raise EvaluationError("A lambda may stand only as an argument of a function that takes one.")


_RUN: dict[str, Any] = {
    "map": _map,
    "filter": _filter,
    "sort": _sort,
    "reduce": _reduce,
    "toobject": _to_object,
    "groupby": _group_by,
    "mapvalues": _map_values,
}
_ARITY = {
    "map": (2, 2),
    "filter": (2, 2),
    "sort": (2, 2),
    "reduce": (3, 3),
    "toobject": (2, 3),
    "groupby": (2, 2),
    "mapvalues": (2, 2),
}
SPECIALS.update(dict.fromkeys(_RUN, _over))
SPECIALS.update({"lambdavariables": _lambda_variables, "lambda": _bare_lambda})
