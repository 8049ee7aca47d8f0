"""The ARM template language: what does this template say, and what would Azure be asked to do with it? Floor 1.

Knows no Service Fabric. Pure: time, ids and live resources come in through a `Runtime`. The names below are imported on
first use, so that importing the package costs nothing.

Text       parse_text(text, file=None) -> Document            .value .warnings .position(steps) -> Position | None
           parse_parameters(text, file=None) -> dict[str, ParameterInput]
Language   parse_expression(text) -> Node    print_expression(node) -> str    is_expression(text) -> bool
Unknowns   Symbolic (a str: "[expression]")  is_symbolic(value)  has_symbolic(value)  symbolic_paths(value)
           to_template(value)
Run time   Scope(...)   Runtime (Protocol)   SymbolicRuntime()   UNKNOWN   Partial
Expansion  placed(link, beside) -> link
           expand(template, parameters, scope, runtime=SymbolicRuntime(), *, options=ExpandOptions()) -> Expanded
           Expanded.resources .walk(runtime) .outputs(runtime) .parameters .notes
           Resource.type .name .id .api_version .condition .depends_on .loop .evaluate(runtime) .nested(runtime)
Paths      Path  parse_path(text)  diff(before, after) -> tuple[Change, ...]
           get_at(value, path)  set_at(value, path, new)  remove_at(value, path)  edit_at(value, path, function)
           has_at(value, path)  covers(owned, path)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sfcert.arm.changes import Change, ChangeKind, diff
    from sfcert.arm.edit import covers, edit_at, get_at, has_at, remove_at, set_at
    from sfcert.arm.expanded import Expanded, Loop, Note, Resource
    from sfcert.arm.expansion import ExpandOptions, expand, placed
    from sfcert.arm.expression import is_expression, parse_expression, print_expression
    from sfcert.arm.parameters import ParameterInput, parse_parameters
    from sfcert.arm.paths import Named, Path, parse_path
    from sfcert.arm.runtime import Runtime, Scope, SymbolicRuntime
    from sfcert.arm.symbolic import UNKNOWN, Partial, Symbolic, has_symbolic, is_symbolic, symbolic_paths, to_template
    from sfcert.arm.text import Document, Position, TextWarning, parse_text

_HOME = {
    "changes": ("Change", "ChangeKind", "diff"),
    "edit": ("covers", "edit_at", "get_at", "has_at", "remove_at", "set_at"),
    "expansion": ("ExpandOptions", "expand", "placed"),
    "expanded": ("Expanded", "Loop", "Note", "Resource"),
    "expression": ("is_expression", "parse_expression", "print_expression"),
    "parameters": ("ParameterInput", "parse_parameters"),
    "paths": ("Named", "Path", "parse_path"),
    "runtime": ("Runtime", "Scope", "SymbolicRuntime"),
    "symbolic": ("UNKNOWN", "Partial", "Symbolic", "has_symbolic", "is_symbolic", "symbolic_paths", "to_template"),
    "text": ("Document", "Position", "TextWarning", "parse_text"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "UNKNOWN",
    "Change",
    "ChangeKind",
    "Document",
    "ExpandOptions",
    "Expanded",
    "Loop",
    "Named",
    "Note",
    "ParameterInput",
    "Partial",
    "Path",
    "Position",
    "Resource",
    "Runtime",
    "Scope",
    "Symbolic",
    "SymbolicRuntime",
    "TextWarning",
    "covers",
    "diff",
    "edit_at",
    "expand",
    "get_at",
    "has_at",
    "has_symbolic",
    "is_expression",
    "is_symbolic",
    "parse_expression",
    "parse_parameters",
    "parse_path",
    "parse_text",
    "placed",
    "print_expression",
    "remove_at",
    "set_at",
    "symbolic_paths",
    "to_template",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # No submodule may carry a public name: importing it would put the module where the function belongs.
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
