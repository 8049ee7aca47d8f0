"""The functions on numbers, and those that compare and convert. Floor 1.

Whole numbers are 64 bits wide; division rounds toward zero and a remainder has the sign of the dividend, as in .NET.
Left out: `if`, `and`, `or`, `coalesce`, which are lazy (see `evaluate`). Source: learn.microsoft.com, ARM template
functions: numeric, comparison, logical (read 2026-11).
"""

from __future__ import annotations

from typing import Any

from sfcert.arm.functions.builtin import Builtin, EvaluationError, need_int, need_text, wrong

_WIDEST = 2**63


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: text with regard to case, objects whatever their order, 1 is not true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def _whole(name: str, result: int) -> int:
    if not -_WIDEST <= result < _WIDEST:
        raise EvaluationError(f"The result of the template language function '{name}' does not fit 64 bits.")
    return result


def add(left: Any, right: Any) -> int:
    return _whole("add", need_int("add", left) + need_int("add", right))


def sub(left: Any, right: Any) -> int:
    return _whole("sub", need_int("sub", left) - need_int("sub", right))


def mul(left: Any, right: Any) -> int:
    return _whole("mul", need_int("mul", left) * need_int("mul", right))


def div(left: Any, right: Any) -> int:
    dividend, divisor = need_int("div", left), need_int("div", right)
    if divisor == 0:
        raise EvaluationError("The template language function 'div' cannot divide by zero.")
    quotient = abs(dividend) // abs(divisor)
    return quotient if (dividend < 0) == (divisor < 0) else -quotient


def mod(left: Any, right: Any) -> int:
    dividend, divisor = need_int("mod", left), need_int("mod", right)
    if divisor == 0:
        raise EvaluationError("The template language function 'mod' cannot divide by zero.")
    return dividend - divisor * div(dividend, divisor)


def to_int(value: Any) -> int:
    if isinstance(value, str):
        try:
            return _whole("int", int(value.strip()))
        except ValueError as error:
            raise EvaluationError(f"The template language function 'int' cannot read {value!r} as a number.") from error
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong("int", "a string or a number", value)
    return int(value)


def to_float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise wrong("float", "a string or a number", value)
    try:
        return float(value)
    except ValueError as error:
        raise EvaluationError(f"The template language function 'float' cannot read {value!r} as a number.") from error


def to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    text = need_text("bool", value).strip().lower()
    if text not in ("true", "false"):
        raise EvaluationError(f"The template language function 'bool' cannot read {value!r} as a boolean.")
    return text == "true"


def _numbers(name: str, args: tuple[Any, ...]) -> list[int]:
    values = args[0] if len(args) == 1 and isinstance(args[0], list) else list(args)
    if not values:
        raise EvaluationError(f"The template language function '{name}' needs at least one number.")
    return [need_int(name, value) for value in values]


def minimum(*args: Any) -> int:
    return min(_numbers("min", args))


def maximum(*args: Any) -> int:
    return max(_numbers("max", args))


def _ordered(name: str, left: Any, right: Any) -> tuple[Any, Any]:
    texts = isinstance(left, str) and isinstance(right, str)
    numbers = all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in (left, right))
    if not texts and not numbers:
        raise wrong(name, "two strings or two numbers", right if isinstance(left, (str, int)) else left)
    return left, right


def less(left: Any, right: Any) -> bool:
    low, high = _ordered("less", left, right)
    return bool(low < high)


def less_or_equals(left: Any, right: Any) -> bool:
    low, high = _ordered("lessOrEquals", left, right)
    return bool(low <= high)


def greater(left: Any, right: Any) -> bool:
    low, high = _ordered("greater", left, right)
    return bool(low > high)


def greater_or_equals(left: Any, right: Any) -> bool:
    low, high = _ordered("greaterOrEquals", left, right)
    return bool(low >= high)


def negate(value: Any) -> bool:
    if not isinstance(value, bool):
        raise wrong("not", "a boolean", value)
    return not value


def fail(message: Any) -> Any:
    raise EvaluationError(need_text("fail", message))


FUNCTIONS = {
    "add": Builtin(add, 2, 2),
    "bool": Builtin(to_bool, 1, 1),
    "div": Builtin(div, 2, 2),
    "equals": Builtin(same, 2, 2),
    "fail": Builtin(fail, 1, 1),
    "false": Builtin(lambda: False, 0, 0),
    "float": Builtin(to_float, 1, 1),
    "greater": Builtin(greater, 2, 2),
    "greaterorequals": Builtin(greater_or_equals, 2, 2),
    "int": Builtin(to_int, 1, 1),
    "less": Builtin(less, 2, 2),
    "lessorequals": Builtin(less_or_equals, 2, 2),
    "max": Builtin(maximum, 1, None),
    "min": Builtin(minimum, 1, None),
    "mod": Builtin(mod, 2, 2),
    "mul": Builtin(mul, 2, 2),
    "not": Builtin(negate, 1, 1),
    "null": Builtin(lambda: None, 0, 0),
    "sub": Builtin(sub, 2, 2),
    "true": Builtin(lambda: True, 0, 0),
}
