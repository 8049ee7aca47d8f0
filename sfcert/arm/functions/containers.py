"""The functions on arrays, objects and anything with a length. Floor 1.

Left out: those that take a lambda (see `evaluate`). Source: learn.microsoft.com, ARM template functions: array,
object (read 2026-11). The order of `objectKeys` is *assumed* to be that of `items`, which is documented as
alphabetical.
"""

from __future__ import annotations

from typing import Any

from sfcert.arm.edit import find_key
from sfcert.arm.functions.builtin import (
    Builtin,
    EvaluationError,
    StaySymbolicError,
    need_int,
    need_list,
    need_object,
    need_text,
    wrong,
)
from sfcert.arm.functions.numbers import same
from sfcert.arm.symbolic import has_symbolic, is_symbolic


def array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def create_array(*args: Any) -> list[Any]:
    return list(args)


def create_object(*args: Any) -> dict[str, Any]:
    if len(args) % 2:
        raise EvaluationError("The template language function 'createObject' expects an even number of parameters.")
    if any(is_symbolic(key) for key in args[::2]):
        raise StaySymbolicError
    return {need_text("createObject", key): value for key, value in zip(args[::2], args[1::2], strict=True)}


def length(value: Any) -> int:
    if isinstance(value, (str, list, dict)):
        return len(value)
    raise wrong("length", "an array, an object or a string", value)


def empty(value: Any) -> bool:
    if value is None or isinstance(value, (str, list, dict)):
        return not value
    raise wrong("empty", "an array, an object or a string", value)


def contains(container: Any, item: Any) -> bool:
    if isinstance(container, str):
        if has_symbolic(item):
            raise StaySymbolicError
        return need_text("contains", item if isinstance(item, str) else str(item)) in container
    if isinstance(container, dict):
        if has_symbolic(item):
            raise StaySymbolicError
        if find_key(container, need_text("contains", item)) is not None:
            return True
        if any(is_symbolic(key) for key in container):
            raise StaySymbolicError
        return False
    if isinstance(container, list):
        if has_symbolic(item):
            raise StaySymbolicError
        if any(not has_symbolic(element) and same(element, item) for element in container):
            return True
        if has_symbolic(container):
            raise StaySymbolicError
        return False
    raise wrong("contains", "an array, an object or a string", container)


def first(value: Any) -> Any:
    if isinstance(value, str):
        return value[:1]
    elements = need_list("first", value)
    return elements[0] if elements else None


def last(value: Any) -> Any:
    if isinstance(value, str):
        return value[-1:]
    elements = need_list("last", value)
    return elements[-1] if elements else None


def skip(value: Any, count: Any) -> Any:
    number = max(0, need_int("skip", count))
    return value[number:] if isinstance(value, str) else need_list("skip", value)[number:]


def take(value: Any, count: Any) -> Any:
    number = max(0, need_int("take", count))
    return value[:number] if isinstance(value, str) else need_list("take", value)[:number]


def index_of(container: Any, item: Any) -> int:
    if isinstance(container, str):
        return container.lower().find(need_text("indexOf", item).lower())
    elements = need_list("indexOf", container)
    return next((index for index, element in enumerate(elements) if same(element, item)), -1)


def last_index_of(container: Any, item: Any) -> int:
    if isinstance(container, str):
        return container.lower().rfind(need_text("lastIndexOf", item).lower())
    elements = need_list("lastIndexOf", container)
    return next((index for index in range(len(elements) - 1, -1, -1) if same(elements[index], item)), -1)


def union(*args: Any) -> Any:
    if isinstance(args[0], dict):
        merged: dict[str, Any] = {}
        for arg in args:
            merged = _merged(merged, need_object("union", arg))
        return merged
    if has_symbolic(list(args)):
        raise StaySymbolicError
    distinct: list[Any] = []
    for arg in args:
        distinct.extend(e for e in need_list("union", arg) if not any(same(e, known) for known in distinct))
    return distinct


def _merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Objects under one key are merged in their turn; otherwise the later value counts."""
    result = dict(left)
    for key, value in right.items():
        own = find_key(result, key)
        if own is None:
            result[key] = value
            continue
        old = result[own]
        if isinstance(old, dict) and isinstance(value, dict):
            result[own] = _merged(old, value)
        elif (is_symbolic(old) and isinstance(value, dict)) or (is_symbolic(value) and isinstance(old, dict)):
            # the unknown side may turn out to be an object, to be merged
            raise StaySymbolicError
        else:
            result[own] = value
    return result


def shallow_merge(objects: Any) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for part in need_list("shallowMerge", objects):
        result.update(need_object("shallowMerge", part))
    return result


def intersection(*args: Any) -> Any:
    if isinstance(args[0], dict):
        shared = dict(args[0])
        for arg in args[1:]:
            other = need_object("intersection", arg)
            shared = {key: value for key, value in shared.items() if key in other and same(value, other[key])}
        return shared
    common: list[Any] = []
    for element in need_list("intersection", args[0]):
        everywhere = all(any(same(element, e) for e in need_list("intersection", arg)) for arg in args[1:])
        if everywhere and not any(same(element, known) for known in common):
            common.append(element)
    return common


def number_range(start: Any, count: Any) -> list[int]:
    begin, many = need_int("range", start), need_int("range", count)
    if not 0 <= many <= 10_000:
        raise EvaluationError(f"The template language function 'range' makes 0 to 10000 numbers, not {many}.")
    return list(range(begin, begin + many))


def flatten(value: Any) -> list[Any]:
    flat: list[Any] = []
    for element in need_list("flatten", value):
        if is_symbolic(element):
            raise StaySymbolicError
        if isinstance(element, list):
            flat.extend(element)
        else:
            flat.append(element)
    return flat


def items(value: Any) -> list[Any]:
    members = need_object("items", value)
    if any(is_symbolic(key) for key in members):
        raise StaySymbolicError
    return [{"key": key, "value": members[key]} for key in sorted(members, key=str.lower)]


def object_keys(value: Any) -> list[str]:
    members = need_object("objectKeys", value)
    if any(is_symbolic(key) for key in members):
        raise StaySymbolicError
    return sorted(members, key=str.lower)


def try_get(value: Any, *path: Any) -> Any:
    """The value under keys and indexes, or null; null too where a value on the way is null."""
    for step in path:
        if is_symbolic(value) or is_symbolic(step):
            raise StaySymbolicError
        if isinstance(value, dict) and isinstance(step, str):
            key = find_key(value, step)
            if key is None and any(is_symbolic(known) for known in value):
                raise StaySymbolicError
            value = value[key] if key is not None else None
        elif isinstance(value, list) and isinstance(step, int) and not isinstance(step, bool):
            value = value[step] if 0 <= step < len(value) else None
        else:
            return None
    return value


def index_from_end(value: Any, index: Any) -> Any:
    elements, back = need_list("indexFromEnd", value), need_int("indexFromEnd", index)
    if not 1 <= back <= len(elements):
        raise EvaluationError(f"The template language function 'indexFromEnd' has no element {back} from the end.")
    return elements[-back]


def try_index_from_end(value: Any, index: Any) -> Any:
    back = need_int("tryIndexFromEnd", index)
    return value[-back] if isinstance(value, list) and 1 <= back <= len(value) else None


FUNCTIONS = {
    "array": Builtin(array, 1, 1, structural=True),
    "contains": Builtin(contains, 2, 2, structural=True),
    "createarray": Builtin(create_array, 0, None, structural=True),
    "createobject": Builtin(create_object, 0, None, structural=True),
    "empty": Builtin(empty, 1, 1, structural=True),
    "first": Builtin(first, 1, 1, structural=True),
    "flatten": Builtin(flatten, 1, 1, structural=True),
    "indexfromend": Builtin(index_from_end, 2, 2, structural=True),
    "indexof": Builtin(index_of, 2, 2),
    "intersection": Builtin(intersection, 2, None),
    "items": Builtin(items, 1, 1, structural=True),
    "last": Builtin(last, 1, 1, structural=True),
    "lastindexof": Builtin(last_index_of, 2, 2),
    "length": Builtin(length, 1, 1, structural=True),
    "objectkeys": Builtin(object_keys, 1, 1, structural=True),
    "range": Builtin(number_range, 2, 2),
    "shallowmerge": Builtin(shallow_merge, 1, 1),
    "skip": Builtin(skip, 2, 2, structural=True),
    "take": Builtin(take, 2, 2, structural=True),
    "tryget": Builtin(try_get, 2, None, structural=True),
    "tryindexfromend": Builtin(try_index_from_end, 2, 2, structural=True),
    "union": Builtin(union, 1, None, structural=True),
}
