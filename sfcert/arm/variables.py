"""What is the value of a template's variable? Worked out when first asked for, kept, circles noticed. Floor 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfcert.arm.frame import Env, Frame, remembered
from sfcert.arm.functions import EvaluationError
from sfcert.arm.interpreter import evaluate, is_property_loop, unroll


def declare_variables(frame: Frame, section: Mapping[str, Any]) -> None:
    """Make a template's `variables` known to its frame, the loops of `variables.copy` among them."""
    for name, value in section.items():
        if is_property_loop(name, value):
            for index, loop in enumerate(value):
                loop_name = loop.get("name")
                if isinstance(loop_name, str):
                    frame.variable_loops[loop_name.lower()] = (index, loop)
        else:
            frame.variable_sources[name.lower()] = (name, value)


def variable_value(name: str, env: Env) -> Any:
    """The variable's value; variables see neither loops nor live resources.

    Raises:
        EvaluationError: no such variable, one that needs itself, or one that cannot be evaluated. Its `steps` start
            at the template's root, since the fault is not where the variable is used: `at_root` is set.
    """
    frame = env.frame
    key = name.lower()
    known, value = remembered(frame.variables, key, env.runtime)
    if known:
        return value
    if key not in frame.variable_sources and key not in frame.variable_loops:
        raise EvaluationError(f"The template variable '{name}' is not found.")
    token = f"variables {key}"
    if token in frame.pending:
        raise EvaluationError(f"The template variable '{name}' needs itself to be known: a circle.")
    frame.pending.append(token)
    place = Env(frame, env.runtime, live=False)
    steps: tuple[str | int, ...]
    if key in frame.variable_sources:
        declared, source = frame.variable_sources[key]
        steps = ("variables", declared)
    else:
        index, loop = frame.variable_loops[key]
        steps = ("variables", "copy", index)
    try:
        if key in frame.variable_sources:
            value = evaluate(source, place)
        else:
            _, value = unroll(dict(loop), place)
    except EvaluationError as error:
        raise error.rooted(*frame.source, *steps) from error.__cause__
    finally:
        frame.pending.remove(token)
    frame.variables[key] = (env.runtime, value)
    return value
