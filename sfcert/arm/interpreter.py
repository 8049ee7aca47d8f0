"""What is the value of this part of a template, here? Floor 1.

Evaluates JSON values whose strings may be expressions. What the runtime cannot tell stays an expression with its
known parts folded in: never a guess. `specials` and `lambdas` register what they add; import `evaluate` to have them.
Left out: parameters' declarations, resources, loops over resources (see `parameters`, `expansion`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sfcert.arm.edit import find_key
from sfcert.arm.expression import (
    Call,
    ExpressionError,
    Index,
    Node,
    Number,
    Property,
    Text,
    is_expression,
    parse_node,
    unescape_literal,
)
from sfcert.arm.frame import Env, member
from sfcert.arm.functions import BUILTINS, Builtin, EvaluationError, StaySymbolicError
from sfcert.arm.symbolic import Partial, Symbolic, has_symbolic, to_node

#: No template of use evaluates deeper; a circle that nothing else notices ends here.
MAX_LOOP = 800

Special = Callable[[Call, Env], Any]
#: Functions that see their arguments unevaluated, or the place where they stand; `specials` fills it.
SPECIALS: dict[str, Special] = {}


def evaluate(value: Any, env: Env) -> Any:
    """The value of a part of a template.

    Args:
        value: any JSON value of the template.
        env: where it stands.

    Returns:
        The same shape, expressions replaced by their values (or by Symbolic), property loops unrolled, `[[` unescaped.

    Raises:
        EvaluationError: with the keys and indexes below `value` in `steps`.

    Effects: those of the runtime in `env`.
    """
    if isinstance(value, str):
        if not value or value[0] != "[" or isinstance(value, Symbolic):
            return value
        return evaluate_text(value, env)
    if isinstance(value, dict):
        return _object(value, env)
    if isinstance(value, list):
        elements = []
        for index, element in enumerate(value):
            try:
                elements.append(evaluate(element, env))
            except EvaluationError as error:
                raise error.under(index) from error.__cause__
        return elements
    return value


def evaluate_text(text: str, env: Env) -> Any:
    """The value of one string of a template."""
    if not is_expression(text):
        return unescape_literal(text)
    try:
        node = parse_node(text)
    except ExpressionError as error:
        raise EvaluationError(f"{error.message} in the expression {text!r}", column=error.column) from error
    value = evaluate_node(node, env)
    return Symbolic(node) if isinstance(value, Partial) else value


def _object(value: dict[str, Any], env: Env) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, part in value.items():
        try:
            if is_property_loop(key, part):
                for index, loop in enumerate(part):
                    try:
                        name, elements = unroll(loop, env)
                    except EvaluationError as error:
                        raise error.under(index) from error.__cause__
                    result[name] = elements
                continue
            name = key
            if key[:1] == "[":
                name = evaluate_text(key, env)
                if not isinstance(name, str):
                    raise EvaluationError(f"The key {key!r} evaluates to something that is not a string.")
            result[name] = evaluate(part, env)
        except EvaluationError as error:
            raise error.under(key) from error.__cause__
    return result


def is_property_loop(key: str, part: Any) -> bool:
    """Whether this member is the `copy` of a property loop, and not a property that happens to be called so."""
    return (
        key.lower() == "copy"
        and isinstance(part, list)
        and bool(part)
        and all(isinstance(loop, dict) and find_key(loop, "name") and find_key(loop, "count") for loop in part)
    )


def unroll(loop: dict[str, Any], env: Env) -> tuple[str, Any]:
    """Name and elements of one property or variable loop.

    Returns:
        A list, or, where the count is not known, the equivalent `map(range(0, count), lambda(…))` as Symbolic.
    """
    name = evaluate(member(loop, "name"), env)
    if not isinstance(name, str):
        raise EvaluationError("A copy loop needs a name.").under("name")
    try:
        count = evaluate(member(loop, "count"), env)
        source = member(loop, "input")
        if isinstance(count, Symbolic):
            index = Symbolic(Call("lambdaVariables", (Text(name),)))
            body = to_node(evaluate(source, env.with_loop(name, index, bare=env.loop is None)))
            over = Call("range", (Number(0), count.node))
            return name, Symbolic(Call("map", (over, Call("lambda", (Text(name), body)))), count.why)
    except EvaluationError as error:
        raise error.under("count" if not error.steps else "input") from error.__cause__
    elements = []
    for number in range(loop_count(name, count)):
        try:
            elements.append(evaluate(source, env.with_loop(name, number, bare=env.loop is None)))
        except EvaluationError as error:
            raise error.under("input") from error.__cause__
    return name, elements


def loop_count(name: str, count: Any) -> int:
    """A loop's count, checked as the vendor does."""
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_LOOP:
        raise EvaluationError(f"The copy count of '{name}' must be a whole number from 0 to {MAX_LOOP}, not {count!r}.")
    return count


def evaluate_node(node: Node, env: Env) -> Any:
    """The value of an expression's tree: a JSON value, a Symbolic, or a Partial that awaits its property."""
    if isinstance(node, Call):
        return _call(node, env)
    if isinstance(node, (Text, Number)):
        return node.value
    target = evaluate_node(node.target, env)
    if isinstance(node, Property):
        return _property(node.target, target, node.name)
    index = evaluate_node(node.index, env)
    if isinstance(index, Partial):
        index = Symbolic(node.index)
    return _index(node.target, target, index)


def _property(source: Node, target: Any, name: str) -> Any:
    if isinstance(target, Symbolic):
        return Symbolic(Property(target.node, name), target.why)
    if isinstance(target, Partial):
        key = next((own for own in target.known if own.lower() == name.lower()), None)
        return Symbolic(Property(source, name)) if key is None else target.known[key]
    if not isinstance(target, dict):
        raise EvaluationError(
            f"The language expression property '{name}' can't be evaluated: there is no object before it."
        )
    key = find_key(target, name)
    if key is None:
        if any(isinstance(own, Symbolic) for own in target):
            return Symbolic(Property(to_node(target), name))
        available = ", ".join(target)
        raise EvaluationError(
            f"The language expression property '{name}' doesn't exist, available properties are '{available}'."
        )
    return target[key]


def _index(source: Node, target: Any, index: Any) -> Any:
    if isinstance(target, Partial):
        if isinstance(index, str) and not isinstance(index, Symbolic):
            return _property(source, target, index)
        target = Symbolic(source)
    if isinstance(target, Symbolic) or isinstance(index, Symbolic):
        why = target.why if isinstance(target, Symbolic) else index.why
        return Symbolic(Index(to_node(target), to_node(index)), why)
    if isinstance(target, dict) and isinstance(index, str):
        return _property(source, target, index)
    if isinstance(target, list) and isinstance(index, int) and not isinstance(index, bool):
        if not 0 <= index < len(target):
            raise EvaluationError(
                f"The language expression property array index '{index}' is out of bounds: "
                f"there are {len(target)} elements."
            )
        return target[index]
    raise EvaluationError(f"The language expression index {index!r} does not fit the value before it.")


def _call(node: Call, env: Env) -> Any:
    if node.namespace is not None:
        return _user_function(node, env)
    key = node.key
    special = SPECIALS.get(key)
    if special is not None:
        return special(node, env)
    builtin = BUILTINS.get(key)
    if builtin is None:
        if key.startswith("list"):
            return SPECIALS["list*"](node, env)
        raise EvaluationError(f"The template function '{node.name}' is not valid.")
    return apply(node, builtin, arguments(node, env), env)


def arguments(node: Call, env: Env) -> list[Any]:
    """The values of a call's arguments; a Partial that is passed on is not known."""
    values = []
    for arg in node.args:
        value = evaluate_node(arg, env)
        values.append(Symbolic(arg) if isinstance(value, Partial) else value)
    return values


def apply(node: Call, builtin: Builtin, values: list[Any], env: Env) -> Any:
    """A standard function of known arguments, or the call as an expression where an unknown one matters."""
    check_arity(node, builtin.least, builtin.most)
    if builtin.structural:
        unknown = any(isinstance(value, Symbolic) for value in values) and node.key not in _TAKES_SYMBOLIC
    else:
        unknown = has_symbolic(values) or (node.key in _DERIVES and _from_placeholder(values, env))
    if not unknown:
        try:
            return builtin.function(*values)
        except StaySymbolicError:
            pass
    return residual(node, values)


#: Structural functions that may be given a symbolic argument itself: it becomes an element, or is not looked into.
_TAKES_SYMBOLIC = frozenset({"createarray", "createobject", "contains", "tryget", "concat"})
#: Functions whose result no longer shows that it was made from a placeholder.
_DERIVES = frozenset({"guid", "uniquestring", "base64", "substring", "take", "split", "replace", "length"})


def _from_placeholder(values: list[Any], env: Env) -> bool:
    """Whether an id that was written with a placeholder's subscription would be digested into something else."""
    scope = env.frame.scope
    if not scope.synthetic or scope.subscription_id is None:
        return False
    return any(isinstance(value, str) and scope.subscription_id in value for value in values)


def residual(node: Call, values: list[Any]) -> Symbolic:
    """The call as an expression whose arguments are folded to what is known."""
    args = [to_node(value) for value in values]
    if node.key == "concat":
        args = _joined(args)
    why = next((value.why for value in values if isinstance(value, Symbolic)), "")
    return Symbolic(Call(node.name, tuple(args)), why)


def _joined(args: list[Node]) -> list[Node]:
    """Neighbouring text of a `concat` becomes one, and a `concat` inside it is opened."""
    flat: list[Node] = []
    for arg in args:
        inner = list(arg.args) if isinstance(arg, Call) and arg.key == "concat" and arg.namespace is None else [arg]
        for part in inner:
            if isinstance(part, Text) and flat and isinstance(flat[-1], Text):
                flat[-1] = Text(flat[-1].value + part.value)
            else:
                flat.append(part)
    return flat


def check_arity(node: Call, least: int, most: int | None) -> None:
    """Refuse a call with too few or too many arguments."""
    given = len(node.args)
    if given < least or (most is not None and given > most):
        expected = str(least) if least == most else f"{least} to {most}" if most is not None else f"at least {least}"
        raise EvaluationError(
            f"Unable to evaluate template language function '{node.name}': "
            f"it expects {expected} argument(s), not {given}."
        )


def _user_function(node: Call, env: Env) -> Any:
    name = f"{node.namespace}.{node.name}"
    function = env.frame.functions.get(name.lower())
    if function is None:
        raise EvaluationError(f"The template function '{name}' is not valid.")
    check_arity(node, len(function.parameters), len(function.parameters))
    if name.lower() in env.frame.pending:
        raise EvaluationError(f"The template function '{name}' calls itself.")
    values = dict(zip((p.lower() for p in function.parameters), arguments(node, env), strict=True))
    env.frame.pending.append(name.lower())
    try:
        return evaluate(function.output, env.with_arguments(values))
    except EvaluationError as error:
        # a path inside the function's declaration would be read as one below the place of the call
        if not error.at_root:
            error.steps.clear()
        raise
    finally:
        env.frame.pending.pop()
