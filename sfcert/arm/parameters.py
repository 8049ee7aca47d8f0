"""Which values do a template's parameters have, and are they allowed? Floor 1.

Reads parameter files and holds given values and defaults to their declarations. Left out: prompts, and reading of vault
secrets (a `reference` to one stays unknown). Source: learn.microsoft.com, ARM parameters and parameter files (read
2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from sfcert.arm.expression import Call, Text
from sfcert.arm.frame import Env, Frame, member, remembered
from sfcert.arm.functions import EvaluationError
from sfcert.arm.functions.builtin import kind
from sfcert.arm.functions.numbers import same
from sfcert.arm.interpreter import evaluate
from sfcert.arm.symbolic import Symbolic
from sfcert.arm.text import Document, parse_text
from sfcert.errors import Fault, InputError

_KINDS: dict[str, tuple[str, ...]] = {
    "string": ("String",),
    "securestring": ("String",),
    "int": ("Integer",),
    "bool": ("Boolean",),
    "array": ("Array",),
    "object": ("Object",),
    "secureobject": ("Object",),
}


class ParameterInput(msgspec.Struct, frozen=True):
    """A value given from outside. `reference` is the raw key vault reference where the value is not in the file."""

    value: Any = None
    reference: Any = None


class Declared(msgspec.Struct, frozen=True):
    """A parameter of a template with what it came to."""

    name: str
    type: str
    secure: bool
    value: Any


def parse_parameters(text: str | bytes, file: str | None = None) -> dict[str, ParameterInput]:
    """The values of a parameter file, or of a bare object `{name: {"value": …}}`.

    Returns:
        By the file's own spelling of the names (templates find them without regard to case).

    Raises:
        InputError: TemplateSyntax for text that is not JSON, TemplateInvalid for entries with neither value nor
            reference.

    Effects: none.
    """
    return parameters_of(parse_text(text, file))


def parameters_of(document: Document) -> dict[str, ParameterInput]:
    """As parse_parameters, from a parsed document."""
    whole = document.value
    if not isinstance(whole, dict):
        raise _refused(document, [document.fault("a parameter file is an object")])
    wrapped = member(whole, "parameters")
    at: tuple[str, ...] = ("parameters",) if isinstance(wrapped, dict) else ()
    entries = wrapped if isinstance(wrapped, dict) else {k: v for k, v in whole.items() if not _is_header(k)}
    found: dict[str, ParameterInput] = {}
    faults: list[Fault] = []
    for name, entry in entries.items():
        if isinstance(entry, dict) and ("value" in entry or "reference" in entry or "expression" in entry):
            found[name] = ParameterInput(entry.get("value"), entry.get("reference", entry.get("expression")))
        elif isinstance(entry, dict) and not entry:
            continue
        else:
            faults.append(document.fault(f"the parameter '{name}' has neither 'value' nor 'reference'", (*at, name)))
    if faults:
        raise _refused(document, faults)
    return found


def _is_header(key: str) -> bool:
    return key.startswith("$") or key.lower() in ("contentversion", "metadata")


def _refused(document: Document, faults: list[Fault]) -> InputError:
    name = document.file or "The text"
    return InputError("TemplateInvalid", f"{name} is not a parameter file.", faults)


def declare_parameters(
    frame: Frame, section: Mapping[str, Any], given: Mapping[str, Any], types: Mapping[str, Any]
) -> None:
    """Make a template's parameters and the values given for them known to its frame.

    Args:
        frame: of the template.
        section: its `parameters`.
        given: values by name in any case; a `Symbolic` where the value is not known.
        types: its `definitions`, for `$ref`.

    Raises:
        EvaluationError: a value is given for a parameter that is not declared (the vendor refuses that too).
    """
    for name, declaration in section.items():
        resolved = resolve_type(declaration, types) if isinstance(declaration, dict) else {}
        frame.parameter_declarations[name.lower()] = (name, resolved)
    for name, value in given.items():
        if name.lower() not in frame.parameter_declarations:
            raise EvaluationError(
                f"The template parameters '{name}' in the parameters file are not valid; they are not present in the "
                "original template and can therefore not be provided at deployment time."
            )
        frame.parameter_inputs[name.lower()] = value


def resolve_type(declaration: Mapping[str, Any], types: Mapping[str, Any]) -> Mapping[str, Any]:
    """A declaration with what its `$ref` chain adds; an unknown `$ref` adds nothing."""
    resolved = dict(declaration)
    for _ in range(16):
        reference = resolved.pop("$ref", None)
        if not isinstance(reference, str):
            break
        target = member(types, reference.rpartition("/")[2])
        if not isinstance(target, dict):
            break
        resolved = {**target, **resolved}
    return resolved


def parameter_value(name: str, env: Env) -> Any:
    """The parameter's value: as given, else its default, else null where it may be, else unknown or refused.

    Raises:
        EvaluationError: not declared, without a value, of the wrong type, or not allowed.
    """
    frame = env.frame
    key = name.lower()
    known, value = remembered(frame.parameters, key, env.runtime)
    if known:
        return value
    if key not in frame.parameter_declarations:
        raise EvaluationError(
            f"The template parameter '{name}' is not found. "
            "Please see https://aka.ms/arm-syntax-parameters for usage details."
        )
    declared, declaration = frame.parameter_declarations[key]
    token = f"parameters {key}"
    if token in frame.pending:
        raise EvaluationError(f"The template parameter '{name}' needs itself to be known: a circle.")
    frame.pending.append(token)
    try:
        value = _given_or_default(key, declared, declaration, env)
        if frame.missing_symbolic and _is_loosely_typed(declaration, value):
            text = f"the parameter '{declared}' is text where its type says {member(declaration, 'type')}"
            frame.notes.append(((*frame.source, "parameters", declared), text))
        else:
            check_value(declared, declaration, value)
        if frame.hides is not None and is_secure(declaration) and frame.hides(value):
            value = Symbolic(Call("parameters", (Text(declared),)), f"the parameter '{declared}' is a secret")
    except EvaluationError as error:
        raise error.rooted(*frame.source, "parameters", declared) from error.__cause__
    finally:
        frame.pending.remove(token)
    frame.parameters[key] = (env.runtime, value)
    return value


def _given_or_default(key: str, declared: str, declaration: Mapping[str, Any], env: Env) -> Any:
    frame = env.frame
    nullable = member(declaration, "nullable") is True
    if key in frame.parameter_inputs:
        value = frame.parameter_inputs[key]
        # a null is "not given" where the declaration has an answer to that
        if value is not None or (nullable and member(declaration, "defaultValue", frame) is frame):
            return value
    default = member(declaration, "defaultValue", frame)
    if default is not frame:
        try:
            return evaluate(default, Env(frame, env.runtime, live=False))
        except EvaluationError as error:
            raise error.under("defaultValue") from error.__cause__
    if nullable:
        return None
    if frame.missing_symbolic:
        return Symbolic(Call("parameters", (Text(declared),)), f"the parameter '{declared}' was given no value")
    raise EvaluationError(f"The value for the template parameter '{declared}' is not provided.")


def check_value(name: str, declaration: Mapping[str, Any], value: Any) -> None:
    """Hold a parameter's value to type, allowedValues and bounds.

    What is not known passes: it is not known to be wrong.
    """
    if isinstance(value, Symbolic) or (value is None and member(declaration, "nullable") is True):
        return
    type_ = str(member(declaration, "type", "")).lower()
    expected = _KINDS.get(type_)
    if expected is not None and kind(value) not in expected:
        raise EvaluationError(
            f"Template parameter JToken type is not valid. Expected '{', '.join(expected)}'. Actual '{kind(value)}'. "
            f"The parameter is '{name}'."
        )
    allowed = member(declaration, "allowedValues")
    if isinstance(allowed, list) and not _is_allowed(value, allowed):
        shown = ", ".join(str(choice) for choice in allowed)
        what = "the value" if type_.startswith("secure") else f"The value '{value}'"
        raise EvaluationError(f"{what} for the template parameter '{name}' is not valid; allowed are '{shown}'.")
    size = len(value) if isinstance(value, (str, list)) else value if isinstance(value, int) else None
    for low, high in (("minLength", "maxLength"), ("minValue", "maxValue")):
        if size is None or (low == "minLength") != isinstance(value, (str, list)):
            continue
        least, most = member(declaration, low), member(declaration, high)
        below = isinstance(least, int) and size < least
        if below or (isinstance(most, int) and size > most):
            bound = f"at least {least}" if below else f"at most {most}"
            raise EvaluationError(f"The template parameter '{name}' must be {bound} ({low[3:].lower()} {size}).")


def _is_allowed(value: Any, allowed: list[Any]) -> bool:
    # text is compared without regard to case, as deployments do (Azure/bicep, issue 2489)
    # an array may be any choice from the allowed elements
    def matches(candidate: Any) -> bool:
        if isinstance(candidate, str):
            return any(isinstance(choice, str) and choice.lower() == candidate.lower() for choice in allowed)
        return any(same(choice, candidate) for choice in allowed)

    return matches(value) or (isinstance(value, list) and all(matches(element) for element in value))


def _is_loosely_typed(declaration: Mapping[str, Any], value: Any) -> bool:
    """Whether text stands for a number or a boolean: many published templates write `"5"` for an int."""
    type_ = str(member(declaration, "type", "")).lower()
    if not isinstance(value, str) or isinstance(value, Symbolic):
        return False
    return (type_ == "int" and value.strip().isdigit()) or (type_ == "bool" and value.lower() in ("true", "false"))


def is_secure(declaration: Mapping[str, Any]) -> bool:
    """Whether the parameter's values must never be shown."""
    return str(member(declaration, "type", "")).lower().startswith("secure")
