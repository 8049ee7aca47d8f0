"""The law that no world crashes a rule: any place of a world may be gone, empty, of another type or an expression."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.errors import InputError
from sfcert.rules import audit
from sfcert.sources.observe import observe
from tests import make

WORLDS = (
    make.document(make.common_name_world(has_secrets=True, reverse_proxy=make.leaf("proxy"))),
    make.document(make.world(secondary=make.leaf("2"), has_extension=True, has_identity=True, rbac=False)),
)
ODD: tuple[Any, ...] = (None, "", "[parameters('x')]", 0, -1, True, [], {}, [None], "CN=x, O=y", "A" * 40)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        found += _places(one, (*path, key))
    return found


#: Only raw bodies: the frame of a bundle is held to its types by the codec.
PLACES = tuple(
    (number, ("resources", key, "body", *path))
    for number, document in enumerate(WORLDS)
    for key, resource in document["resources"].items()
    for path in _places(resource["body"]["properties"], ("properties",))
)


@pytest.mark.parametrize("source", ["bundle", "template"])
@given(
    st.lists(st.sampled_from(range(len(PLACES))), min_size=1, max_size=3), st.lists(st.sampled_from(ODD), min_size=3)
)
def test_no_odd_value_crashes_a_rule(source: str, chosen: list[int], values: list[Any]) -> None:
    world = PLACES[chosen[0]][0]
    document = copy.deepcopy(WORLDS[world]) | {"source": source}
    for number, value in zip(chosen, values, strict=False):
        if PLACES[number][0] != world:
            continue
        here: Any = document
        *way, last = PLACES[number][1]
        try:
            for step in way:
                here = here[step]
            here[last] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change has taken this place away
    try:
        seen = observe(make.from_document(document))
    except InputError:
        return  # said to the user in words
    crashed = [one.evidence["traceback"] for one in audit(seen, now=make.NOW).findings if one.reason == "RuleCrashed"]
    assert crashed == []
