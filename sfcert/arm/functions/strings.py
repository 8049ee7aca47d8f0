"""The string functions of the template language. Floor 1.

Source: learn.microsoft.com, ARM template functions: string (read 2026-11). `True`/`False` as the text of a boolean
is what deployments showed to the authors of Azure/PSRule.Rules.Azure (issue 794).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from sfcert.arm.functions.builtin import (
    Builtin,
    EvaluationError,
    StaySymbolicError,
    need_int,
    need_list,
    need_text,
    wrong,
)
from sfcert.arm.symbolic import is_symbolic
from sfcert.arm.text import parse_text
from sfcert.errors import InputError

#: Far beyond what a template may hold (4 MB); ends a variable that doubles itself.
_LONGEST = 8 * 1024 * 1024
_HOLE = re.compile(r"\{\{|\}\}|\{(?P<index>[0-9]+)(?:,(?P<width>-?[0-9]+))?(?::(?P<form>[^}]*))?\}|[{}]")


def as_text(value: Any) -> str:
    """A value as `string()` and `concat()` write it: objects and arrays as JSON without blanks."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def concat(*args: Any) -> Any:
    if any(is_symbolic(arg) for arg in args):
        raise StaySymbolicError
    if args and isinstance(args[0], list):
        return [element for arg in args for element in need_list("concat", arg)]
    if any(isinstance(arg, (list, dict)) for arg in args):
        raise wrong("concat", "either strings or arrays", next(arg for arg in args if isinstance(arg, (list, dict))))
    joined = "".join(as_text(arg) for arg in args)
    if len(joined) > _LONGEST:
        raise EvaluationError(f"The template language function 'concat' made more than {_LONGEST} characters.")
    return joined


def format_text(form: Any, *args: Any) -> str:
    text = need_text("format", form)

    def fill(hole: re.Match[str]) -> str:
        if hole[0] in ("{{", "}}"):
            return hole[0][0]
        if hole["index"] is None or int(hole["index"]) >= len(args):
            raise EvaluationError(f"The template language function 'format' cannot fill the format string {text!r}.")
        value = args[int(hole["index"])]
        filled = _formatted(value, hole["form"]) if hole["form"] else as_text(value)
        width = int(hole["width"] or 0)
        return filled.rjust(width) if width >= 0 else filled.ljust(-width)

    return _HOLE.sub(fill, text)


def _formatted(value: Any, form: str) -> str:
    """The .NET standard number forms that templates use: D, N, F, X, P and a row of zeros."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return as_text(value)
    letter, digits = form[0], form[1:]
    sign, size = ("-" if value < 0 else ""), abs(value)
    if re.fullmatch(r"0+", form):
        return sign + str(round(size)).rjust(len(form), "0")
    if not re.fullmatch(r"[A-Za-z][0-9]*", form):
        raise EvaluationError(f"The number format '{form}' is not one that this reader knows (D, N, F, X, P or zeros).")
    places = int(digits) if digits else None
    if letter in "dD" and isinstance(size, int):
        return sign + str(size).rjust(places or 0, "0")
    if letter in "xX" and isinstance(value, int):
        digits_hex = format(value & 0xFFFFFFFF if value < 0 else value, "x" if letter == "x" else "X")
        return digits_hex.rjust(places or 0, "0")
    if letter in "nN":
        return f"{value:,.{2 if places is None else places}f}"
    if letter in "fF":
        return f"{value:.{2 if places is None else places}f}"
    if letter in "pP":
        return f"{value * 100:,.{2 if places is None else places}f} %"
    if letter in "gG":
        return str(value)
    raise EvaluationError(f"The number format '{form}' is not one that this reader knows (D, N, F, X, P or zeros).")


def to_lower(value: Any) -> str:
    return need_text("toLower", value).lower()


def to_upper(value: Any) -> str:
    return need_text("toUpper", value).upper()


def trim(value: Any) -> str:
    return need_text("trim", value).strip()


def split(value: Any, delimiters: Any) -> list[str]:
    text = need_text("split", value)
    marks = [need_text("split", mark) for mark in (delimiters if isinstance(delimiters, list) else [delimiters])]
    marks = [mark for mark in marks if mark]
    return re.split("|".join(re.escape(mark) for mark in marks), text) if marks else [text]


def join(parts: Any, delimiter: Any) -> str:
    return need_text("join", delimiter).join(as_text(part) for part in need_list("join", parts))


def replace(value: Any, old: Any, new: Any) -> str:
    text, old_text = need_text("replace", value), need_text("replace", old)
    if not old_text:
        raise EvaluationError("The template language function 'replace' cannot replace an empty string.")
    return text.replace(old_text, need_text("replace", new))


def substring(value: Any, start: Any, length: Any = None) -> str:
    text, first = need_text("substring", value), need_int("substring", start)
    count = len(text) - first if length is None else need_int("substring", length)
    if first < 0 or count < 0 or first + count > len(text):
        raise EvaluationError(
            "The index and length parameters of the template language function 'substring' must refer to a location "
            f"within the string: {first} and {count} in a string of {len(text)}."
        )
    return text[first : first + count]


def starts_with(value: Any, part: Any) -> bool:
    return need_text("startsWith", value).lower().startswith(need_text("startsWith", part).lower())


def ends_with(value: Any, part: Any) -> bool:
    return need_text("endsWith", value).lower().endswith(need_text("endsWith", part).lower())


def pad_left(value: Any, width: Any, char: Any = " ") -> str:
    mark = need_text("padLeft", char)
    if len(mark) != 1:
        raise EvaluationError("The template language function 'padLeft' pads with one character.")
    return as_text(value).rjust(need_int("padLeft", width), mark)


def base64_encode(value: Any) -> str:
    return base64.b64encode(need_text("base64", value).encode()).decode()


def base64_to_string(value: Any) -> str:
    try:
        return base64.b64decode(need_text("base64ToString", value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise EvaluationError("The template language function 'base64ToString' was given no base64 text.") from error


def parse_json(value: Any) -> Any:
    text = need_text("json", value)
    try:
        # the vendor's lenient reader, whose own examples write single quotes
        return parse_text(text).value
    except InputError as error:
        raise EvaluationError(f"The template language function 'json' was given no JSON: {text[:40]!r}.") from error


def base64_to_json(value: Any) -> Any:
    return parse_json(base64_to_string(value))


def data_uri(value: Any) -> str:
    return f"data:text/plain;charset=utf8;base64,{base64_encode(value)}"


def data_uri_to_string(value: Any) -> str:
    text = need_text("dataUriToString", value)
    head, comma, data = text.partition(",")
    if not head.startswith("data:") or not comma:
        raise EvaluationError("The template language function 'dataUriToString' was given no data URI.")
    return base64_to_string(data) if head.endswith(";base64") else uri_component_to_string(data)


# urllib is imported on use: few templates ask for it, and every command would pay


def uri(base: Any, relative: Any) -> str:
    from urllib.parse import urljoin

    return urljoin(need_text("uri", base), need_text("uri", relative))


def uri_component(value: Any) -> str:
    from urllib.parse import quote

    return quote(need_text("uriComponent", value), safe="-_.~")


def uri_component_to_string(value: Any) -> str:
    from urllib.parse import unquote

    return unquote(need_text("uriComponentToString", value))


FUNCTIONS = {
    "base64": Builtin(base64_encode, 1, 1),
    "base64tojson": Builtin(base64_to_json, 1, 1),
    "base64tostring": Builtin(base64_to_string, 1, 1),
    "concat": Builtin(concat, 1, None, structural=True),
    "datauri": Builtin(data_uri, 1, 1),
    "datauritostring": Builtin(data_uri_to_string, 1, 1),
    "endswith": Builtin(ends_with, 2, 2),
    "format": Builtin(format_text, 1, None),
    "join": Builtin(join, 2, 2),
    "json": Builtin(parse_json, 1, 1),
    "padleft": Builtin(pad_left, 2, 3),
    "replace": Builtin(replace, 3, 3),
    "split": Builtin(split, 2, 2),
    "startswith": Builtin(starts_with, 2, 2),
    "string": Builtin(as_text, 1, 1),
    "substring": Builtin(substring, 2, 3),
    "tolower": Builtin(to_lower, 1, 1),
    "toupper": Builtin(to_upper, 1, 1),
    "trim": Builtin(trim, 1, 1),
    "uri": Builtin(uri, 2, 2),
    "uricomponent": Builtin(uri_component, 1, 1),
    "uricomponenttostring": Builtin(uri_component_to_string, 1, 1),
}
