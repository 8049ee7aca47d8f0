"""Which JSON does this template give for these values? Rendered, parsed, and from then on only the parsed form.

Floor 1.

One environment per directory: sandboxed, strict about undefined names, no globals, no escaping but the `json` filter,
through which every value goes. Templates hold *if present* and *for each*, nothing that needs thinking.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, UndefinedError
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sfcert.errors import Fault, InputError


def _json(value: Any) -> str:
    """A value as JSON text; an undefined one fails by its name instead of being written."""
    if isinstance(value, StrictUndefined):
        str(value)  # raises UndefinedError, which names what is missing
    return json.dumps(value, ensure_ascii=False, sort_keys=False)


@cache
def _environment(directory: Path) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(directory),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()
    environment.filters = {"json": _json}
    environment.tests = {name: environment.tests[name] for name in ("defined", "none", "undefined")}
    return environment


def render_template(directory: Path, template: str, values: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """One stage's template as plain JSON.

    Args:
        directory: the templates directory; nothing outside it can be read.
        template: path below it, such as `update-cluster/main.json.j2`.
        values: plain JSON values by name, made for this template; names that it does not use are an error of ours, not
            of the template's, and are not looked for here.
        stage: the stage's id, for the message.

    Returns:
        The parsed object, keys in the order of the template.

    Raises:
        InputError: TemplateRenderFailed; names template, line, the missing name and the stage.

    Effects: reads template files (kept in memory afterwards).
    """
    environment = _environment(directory)
    try:
        text = environment.get_template(template).render(dict(values))
    except TemplateNotFound as error:
        raise _failed(template, stage, f"there is no file {error.name} in {directory}") from error
    except TemplateSyntaxError as error:
        raise _failed(error.name or template, stage, error.message or "syntax", error.lineno) from error
    except UndefinedError as error:
        raise _failed(template, stage, error.message or "a name is missing", _line_in_template(error)) from error
    except (SecurityError, TemplateError) as error:
        raise _failed(template, stage, error.message or type(error).__name__, _line_in_template(error)) from error
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        # what an expression of the template's author may raise on the values that it is given
        raise _failed(template, stage, str(error), _line_in_template(error)) from error
    try:
        parsed = json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except ValueError as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        where = f"the rendered text is not JSON (line {line} of it)" if line else "the rendered text is not JSON"
        raise _failed(template, stage, f"{where}: {error}") from error
    if not isinstance(parsed, dict):
        raise _failed(template, stage, "the rendered text is no JSON object")
    return parsed


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = sorted({key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1})
        raise ValueError(f"the key {twice[0]!r} stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _line_in_template(error: BaseException) -> int | None:
    """The line of the template, which jinja2 writes into the traceback as the deepest frame that is no Python file."""
    line: int | None = None
    trace = error.__traceback__
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.endswith(".py"):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _failed(template: str, stage: str, why: str, line: int | None = None) -> InputError:
    fault = Fault(why, template, line)
    return InputError("TemplateRenderFailed", f"The template of stage {stage} could not be rendered.", [fault])
