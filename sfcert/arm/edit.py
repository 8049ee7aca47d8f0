"""How is one place of a JSON value read or changed, with nothing else touched? Floor 1.

Every function returns a new value: what lies beside the path is the same object as before, keys keep their order and
their spelling. Keys and names are found without regard to case, as ARM finds them. Left out: edits of several places
at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from sfcert.arm.paths import Named, Path, Step, as_path
from sfcert.errors import Fault, InputError

_ABSENT: Final = object()


def get_at(value: Any, path: Path | str, default: Any = None) -> Any:
    """What stands at the path, or `default` where there is nothing. Effects: none."""
    for step in as_path(path):
        where = _slot(value, step)
        if where is None:
            return default
        value = value[where]
    return value


def has_at(value: Any, path: Path | str) -> bool:
    """Whether anything, even null, stands at the path. Effects: none."""
    return get_at(value, path, _ABSENT) is not _ABSENT


def set_at(value: Any, path: Path | str, new: Any) -> Any:
    """The value with `new` at the path.

    Args:
        value: any JSON value; not changed.
        path: missing objects on the way are made; a key that exists in another spelling keeps its own. An index one
            past the end, or a name that no element has, appends (for a name, `new` must then be the object that
            carries it).

    Raises:
        InputError: TemplateInvalid, where a step cannot be taken (an index into an object, a key of a number, …).

    Effects: none.
    """
    resolved = as_path(path)
    return _set(value, resolved, 0, lambda _: new)


def edit_at(value: Any, path: Path | str, function: Callable[[Any], Any]) -> Any:
    """The value with `function` applied to what stands at the path.

    Raises:
        InputError: TemplateInvalid, where nothing stands there: an edit never creates.

    Effects: none but the function's own.
    """
    resolved = as_path(path)
    if not has_at(value, resolved):
        raise _no_such(resolved, "nothing stands there to edit")
    return _set(value, resolved, 0, function)


def remove_at(value: Any, path: Path | str) -> Any:
    """The value without what stands at the path; the value itself where nothing stands there. Effects: none."""
    resolved = as_path(path)
    if not resolved.steps:
        raise _no_such(resolved, "the root cannot be removed")
    if not has_at(value, resolved):
        return value
    return _remove(value, resolved.steps)


def covers(owned_paths: Iterable[Path | str], path: Path | str) -> bool:
    """Whether a path is one of the owned ones, or lies below one.

    Args:
        owned_paths: any order; the root owns everything.
        path: keys and names are compared without regard to case, indexes exactly.

    Effects: none.
    """
    steps = [_folded(step) for step in as_path(path)]
    for owned in owned_paths:
        head = [_folded(step) for step in as_path(owned)]
        if steps[: len(head)] == head:
            return True
    return False


def _folded(step: Step) -> object:
    if isinstance(step, Named):
        return ("name", step.name.casefold())
    return step.casefold() if isinstance(step, str) else step


def find_key(container: dict[str, Any], key: str) -> str | None:
    """The spelling under which an object has this key: its own first, then one that differs in case.

    None if it has none.
    """
    if key in container:
        return key
    folded = key.casefold()
    return next((own for own in container if own.casefold() == folded), None)


def _slot(value: Any, step: Step) -> Any:
    """Key or index under which the step's place is found in this container, or None."""
    if isinstance(step, str):
        return find_key(value, step) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    if isinstance(step, int):
        return step if 0 <= step < len(value) else None
    return find_named(value, step.name)


def find_named(elements: list[Any], name: str) -> int | None:
    """Index of the first element whose `name` is this one without regard to case, or None."""
    folded = name.casefold()
    for index, element in enumerate(elements):
        own = name_of(element)
        if own is not None and own.casefold() == folded:
            return index
    return None


def name_of(element: Any) -> str | None:
    """The `name` of a list's element, where it is an object that has one as text."""
    if not isinstance(element, dict):
        return None
    key = find_key(element, "name")
    name = element[key] if key is not None else None
    return name if isinstance(name, str) else None


def _set(value: Any, path: Path, depth: int, function: Callable[[Any], Any]) -> Any:
    if depth == len(path):
        return function(value)
    step = path.steps[depth]
    slot = _slot(value, step)
    if slot is not None:
        changed = _set(value[slot], path, depth + 1, function)
        if isinstance(value, dict):
            return {key: changed if key == slot else old for key, old in value.items()}
        return [changed if index == slot else old for index, old in enumerate(value)]
    if isinstance(step, str):
        if value is not None and not isinstance(value, dict):
            raise _no_such(Path(path.steps[: depth + 1]), f"a key of {_kind(value)}")
        return {**(value or {}), step: _set(None, path, depth + 1, function)}
    elements: list[Any] = value if isinstance(value, list) else []
    if value is not None and not isinstance(value, list):
        raise _no_such(Path(path.steps[: depth + 1]), f"an element of {_kind(value)}")
    if isinstance(step, int):
        if step != len(elements):
            raise _no_such(Path(path.steps[: depth + 1]), f"the list has {len(elements)} elements")
        return [*elements, _set(None, path, depth + 1, function)]
    last = depth + 1 == len(path)
    element = _set(None if last else {"name": step.name}, path, depth + 1, function)
    if (name_of(element) or "").casefold() != step.name.casefold():
        raise _no_such(Path(path.steps[: depth + 1]), "what is appended does not carry that name")
    return [*elements, element]


def _remove(value: Any, steps: tuple[Step, ...]) -> Any:
    slot = _slot(value, steps[0])
    if len(steps) == 1:
        if isinstance(value, dict):
            return {key: old for key, old in value.items() if key != slot}
        return [old for index, old in enumerate(value) if index != slot]
    changed = _remove(value[slot], steps[1:])
    if isinstance(value, dict):
        return {key: changed if key == slot else old for key, old in value.items()}
    return [changed if index == slot else old for index, old in enumerate(value)]


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def _no_such(path: Path, why: str) -> InputError:
    return InputError(
        "TemplateInvalid", "A place in a definition cannot be reached.", [Fault(why, path=str(path) or "$")]
    )
