"""Is the world still the one that the plan was made for? Fingerprints, what moved, what is already so. Floor 5.

The plan holds a digest of what it carries, and in its template the body itself; so a difference can be shown place by
place without a second copy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from sfcert.arm import Change, ChangeKind, covers, diff, get_at, has_at, remove_at
from sfcert.errors import InputError, RefusedError, RemoteError
from sfcert.model.ids import parse_resource_id, same_id
from sfcert.model.plan import Expectation, PropertyChange, Stage
from sfcert.planning.expectations import compared_body, holds
from sfcert.planning.read_only import READ_ONLY, strip
from sfcert.workflows.run import Run

Json = dict[str, Any]
#: What Azure itself moves on every resource; no stage owns it and no plan relies on it.
VOLATILE = ("etag", "systemData", "properties.provisioningState", "properties.uniqueId", "properties.timeCreated")
#: What autoscale may move at any time.
_SCALED = ("sku.capacity",)
_CLIENT_ID = re.compile(r"\[reference\('(?P<id>[^']+)', '[^']+'\)\.clientId\]")
_LONGEST = 20


def fetch_body(run: Run, resource_id: str, api_version: str) -> Json | None:
    """A fresh body in the form in which the plan saw it; None where there is no such resource."""
    try:
        body = run.ports.arm.fetch(resource_id, api_version)
    except RemoteError as error:
        if error.status == 404:
            return None
        raise
    found = run.redacted(body)
    assert isinstance(found, dict)
    return found


def moved_since(run: Run, stage: Stage, *, spared: Collection[str] = ()) -> list[str]:
    """What of a stage's expectations no longer holds, one line each; empty where all of it does.

    Args:
        spared: resources that are not looked at.

    Effects: one read for each expectation.
    """
    lines: list[str] = []
    for expectation in stage.expects:
        if any(same_id(expectation.resource, one) for one in spared):
            continue
        body = fetch_body(run, expectation.resource, expectation.api_version)
        if body is None:
            lines.append(f"{expectation.resource} does not exist any more")
        elif not holds(expectation, run.as_planned(body)):
            lines.extend(_differences(stage, expectation, body))
    return lines


def _differences(stage: Stage, expectation: Expectation, body: Json) -> list[str]:
    planned = _carried(stage, expectation.resource)
    live = compared_body(expectation, body)
    lines = []
    if planned is not None:
        spared = (
            *expectation.without,
            *_owned(stage, expectation.resource),
            "apiVersion",
            "dependsOn",
            "name",
            "type",
            "id",
        )
        for change in diff(planned, live):
            if not covers(spared, change.path) and not _is_expression(change.before):
                lines.append(f"{parse_resource_id(expectation.resource).name}: {_said(change)}")
    if not lines:
        lines.append(f"{expectation.resource}: what the plan carries of it has moved")
    return lines[:_LONGEST] + ([f"and {len(lines) - _LONGEST} more places"] if len(lines) > _LONGEST else [])


def _owned(stage: Stage, resource_id: str) -> Iterable[str]:
    """The paths of one resource that a stage owns. A stage of several resources writes `<resource id>:<path>`."""
    for owned in stage.owned_paths:
        if not owned.startswith("/"):
            yield owned
            continue
        of, _, path = owned.partition(":")
        if same_id(of, resource_id):
            yield path


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("[") and not value.startswith("[[")


def _said(change: Change) -> str:
    match change.kind:
        case ChangeKind.CREATE:
            return f"{change.path} is new: {change.after!r}"
        case ChangeKind.DELETE:
            return f"{change.path} is gone; the plan carries {change.before!r}"
        case _:
            return f"{change.path} was {change.before!r}, is {change.after!r}"


def _carried(stage: Stage, resource_id: str) -> Json | None:
    """The resource's body inside the stage's template, nested deployments included; None where it is not there."""
    if stage.deployment is None:
        return None
    parsed = parse_resource_id(resource_id)

    def search(template: Json) -> Json | None:
        listed = template.get("resources") or ()
        for one in listed.values() if isinstance(listed, dict) else listed:
            kind, name = str(one.get("type", "")).lower(), str(one.get("name", "")).rsplit("/", 1)[-1]
            if kind == parsed.type.lower() and name.lower() == parsed.name.lower():
                return dict(one)
            nested = (one.get("properties") or {}).get("template")
            if isinstance(nested, dict) and (found := search(nested)) is not None:
                return found
        return None

    return search(stage.deployment.template)


def writable(resource_id: str, body: Json) -> Json:
    """A body without what Azure alone sets."""
    kind = parse_resource_id(resource_id).type.lower()
    if kind in READ_ONLY:
        return strip(kind, body)
    kept: Json = body
    for path in VOLATILE:
        kept = remove_at(kept, path)
    return kept


def refuse_stale(run: Run, stage: Stage, *, spared: Collection[str] = ()) -> None:
    """Raise where the stage's expectations do not hold.

    Args:
        spared: resources that an attempt of this stage has changed already.

    Raises:
        RefusedError: PlanStale, with a line for each place that moved.
    """
    lines = moved_since(run, stage, spared=spared)
    if lines:
        raise RefusedError(
            "PlanStale",
            f"The plan is stale: something that stage {stage.id} carries or relies on has moved.",
            evidence=lines,
            override="Nothing was sent for this stage. Plan again; what is done already stays done.",
        )


def is_already_so(stage: Stage, resource_id: str, body: Json | None) -> bool:
    """Whether every change that a deployment stage makes to one resource is in its live body already. Where the stage
    names no change of it, no.

    Args:
        body: a fresh GET. What Azure alone sets in it does not count, but tells what a `reference` of the stage is.
    """
    changes = stage.changes_of(resource_id)
    if body is None or not changes:
        return False
    try:
        held = writable(resource_id, body)
        return all(_holds(held, body, change, _below(change, changes)) for change in changes)
    except InputError:
        # a path that does not lie inside this body: nothing can be told from it
        return False


def _below(change: PropertyChange, changes: Iterable[PropertyChange]) -> list[str]:
    """Paths of other changes inside this one: a new extension, and in it the value that is known at run time only."""
    return [one.path for one in changes if one is not change and covers((change.path,), one.path)]


def _holds(held: Json, raw: Json, change: PropertyChange, below: Iterable[str]) -> bool:
    if change.kind == "Delete":
        return not has_at(held, change.path)
    for path in below:
        held = remove_at(held, path)
    if not has_at(held, change.path):
        return False
    after = _client_id(change.after, raw) if _is_expression(change.after) else change.after
    return not diff(after, get_at(held, change.path))


def _client_id(expression: str, raw: Json) -> Any:
    """The client id behind `[reference(identity, …).clientId]`, where the body itself carries that identity.

    Anything else is returned as it is, and equals nothing that is live.
    """
    asked = _CLIENT_ID.fullmatch(expression)
    carried = (raw.get("identity") or {}).get("userAssignedIdentities") or {}
    for identity_id, value in carried.items():
        if asked is not None and same_id(asked["id"], identity_id):
            return (value or {}).get("clientId", expression)
    return expression


def foreign_changes(stage: Stage, resource_id: str, before: Json, after: Json) -> tuple[list[str], list[str]]:
    """What a write changed on one resource beside the stage's own paths: (changed or gone, newly there).

    A value that appears may be the provider's own default and is only noted; one that changed or went is not ours.
    """
    spared = [*_owned(stage, resource_id), *_SCALED, *_without(stage, resource_id)]
    harmful: list[str] = []
    noted: list[str] = []
    for change in diff(writable(resource_id, before), writable(resource_id, after)):
        if covers(spared, change.path) or _is_instance_count(str(change.path)):
            continue
        (noted if change.kind is ChangeKind.CREATE else harmful).append(_said(change))
    return harmful, noted


def _without(stage: Stage, resource_id: str) -> Iterable[str]:
    for one in stage.expects:
        if same_id(one.resource, resource_id):
            yield from one.without


def _is_instance_count(path: str) -> bool:
    return path.lower().endswith((".vminstancecount", ".clustercodeversion"))
