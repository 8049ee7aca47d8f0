"""Where does the setting that lets an expired certificate count stand, and how was it before? Floor 4, pure.

It goes into the cluster's fabricSettings beside what stands there, and out of it exactly as it was. Two tags of the
cluster keep who has set it and what was there, so that a run on another machine can take it back.
Source: reference 1.1 (shape), 1.3 (Dynamic; the vendor: apart from any other change).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfcert.arm import get_at, has_at
from sfcert.arm.paths import Named
from sfcert.model.ids import same_id
from sfcert.model.observation import Observation
from sfcert.planning.bodies import below, named
from sfcert.planning.step import Edit, removed, set_to

SECTION, PARAMETER = "Security", "AcceptExpiredPinnedClusterCertificate"
SETTING = f"{SECTION}/{PARAMETER}"
OWNER_TAG, WAS_TAG = "sfcert-expired-accepted-by", "sfcert-expired-accepted-was"
SETTINGS = "properties.fabricSettings"
_SECTION = named("properties", "fabricSettings", Named(SECTION))
_PARAMETER = below(_SECTION, "parameters", Named(PARAMETER))
_VALUE = below(_PARAMETER, "value")
#: What the second tag says where no value stood there: how much of the path there was.
_NO_SETTINGS, _NO_SECTION, _NO_PARAMETER, _VALUE_WAS = "no settings", "no section", "no parameter", "value "
Body = Mapping[str, Any]


def is_set_by(settings: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the cluster's own settings say that it counts."""
    return any(
        section.lower() == SECTION.lower() and name.lower() == PARAMETER.lower() and value.strip().lower() == "true"
        for section, values in settings.items()
        for name, value in values.items()
    )


def owner_of_setting(observation: Observation) -> str | None:
    """Who has set it, by the tag; None where nobody has left one."""
    return _tag(_body(observation), OWNER_TAG)


def expired_counts(observation: Observation, owner: str) -> tuple[tuple[Edit, ...], tuple[str, ...]] | None:
    """The edits that set it and remember how it was, and the paths that they own. None where settings or tags are no
    plain values, as an authored template may have them."""
    body = _body(observation)
    if not isinstance(get_at(body, SETTINGS, []), list) or not isinstance(body.get("tags", {}), dict):
        return None
    was = _was(body)
    value = {"name": PARAMETER, "value": "true"}
    if was == _NO_SETTINGS:
        edits = [set_to(SETTINGS, [{"name": SECTION, "parameters": [value]}])]
    elif was == _NO_SECTION:
        edits = [set_to(_SECTION, {"name": SECTION, "parameters": [value]})]
    elif was == _NO_PARAMETER:
        edits = [set_to(_PARAMETER, value)]
    else:
        edits = [set_to(_VALUE, "true")]
    tags = [set_to(named("tags", OWNER_TAG), owner), set_to(named("tags", WAS_TAG), was)]
    return (*edits, *tags), _owned(was, has_tags=has_at(body, "tags"))


def as_it_was(observation: Observation, *, by_this_plan: bool) -> tuple[tuple[Edit, ...], tuple[str, ...]] | None:
    """The edits that take it back, and the paths that they own; None where the tag that tells how it was is gone.

    Args:
        by_this_plan: this plan sets it, so that what was read is how it was; else an earlier run has left it, with
            its tags.
    """
    body = _body(observation)
    was = _was(body) if by_this_plan else _tag(body, WAS_TAG) or ""
    edit = {
        _NO_SETTINGS: removed(SETTINGS if by_this_plan or _is_alone(body) else _PARAMETER),
        _NO_SECTION: removed(_SECTION if by_this_plan or _is_alone_in_section(body) else _PARAMETER),
        _NO_PARAMETER: removed(_PARAMETER),
    }.get(was)
    if edit is None and not was.startswith(_VALUE_WAS):
        return None
    edits = [edit or set_to(_VALUE, was.removeprefix(_VALUE_WAS))]
    has_tags = has_at(body, "tags") if by_this_plan else True
    if has_tags:
        edits += [removed(named("tags", OWNER_TAG)), removed(named("tags", WAS_TAG))]
    else:
        edits.append(removed("tags"))
    return tuple(edits), _owned(was, has_tags=has_tags)


def value_before(observation: Observation, *, by_this_plan: bool) -> str | None:
    """The value that stood there before, None where there was none."""
    body = _body(observation)
    was = _was(body) if by_this_plan else _tag(body, WAS_TAG) or ""
    return was.removeprefix(_VALUE_WAS) if was.startswith(_VALUE_WAS) else None


def _body(observation: Observation) -> Body:
    resources = observation.bundle.resources
    return next((raw.body for key, raw in resources.items() if same_id(key, observation.cluster.id)), {})


def _tag(body: Body, name: str) -> str | None:
    tags = body.get("tags")
    found = tags.get(name) if isinstance(tags, dict) else None
    return found if isinstance(found, str) else None


def _was(body: Body) -> str:
    if not isinstance(get_at(body, SETTINGS), list):
        return _NO_SETTINGS
    if not has_at(body, _SECTION):
        return _NO_SECTION
    if not has_at(body, _PARAMETER):
        return _NO_PARAMETER
    return f"{_VALUE_WAS}{get_at(body, _VALUE)}"


def _is_alone(body: Body) -> bool:
    return len(get_at(body, SETTINGS) or ()) == 1 and _is_alone_in_section(body)


def _is_alone_in_section(body: Body) -> bool:
    """Whether nobody has put another parameter beside it since."""
    return len(get_at(body, below(_SECTION, "parameters")) or ()) == 1


def _owned(was: str, *, has_tags: bool) -> tuple[str, ...]:
    place = {_NO_SETTINGS: SETTINGS, _NO_SECTION: _SECTION, _NO_PARAMETER: _PARAMETER}.get(was, _VALUE)
    return (place, *((named("tags", OWNER_TAG), named("tags", WAS_TAG)) if has_tags else ("tags",)))
