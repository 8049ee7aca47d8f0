"""What does each resource look like as the stages go on? The bodies that later stages carry. Floor 4."""

from __future__ import annotations

from msgspec.structs import replace

from sfcert.arm import covers, diff, has_at, remove_at, set_at
from sfcert.model.plan import PropertyChange
from sfcert.planning.bodies import Body, carried_body, with_live
from sfcert.planning.situation import Situation
from sfcert.planning.step import Edit, Step


class Ledger:
    """Bodies by resource id, as the steps so far have left them."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._bodies: dict[str, Body] = {}

    def body(self, resource_id: str) -> Body:
        key = resource_id.rstrip("/").lower()
        if key not in self._bodies:
            is_authored = self._situation.observation.source == "template"
            raw = self._situation.raw(resource_id)
            self._bodies[key] = carried_body(resource_id, raw, is_authored=is_authored)
        return self._bodies[key]

    def edited(self, step: Step) -> dict[str, Body]:
        """The bodies that a step carries, with its edits and those of all before it, by resource id; kept from now
        on."""
        found = {}
        for resource_id, edits in step.edits.items():
            body = self.body(resource_id)
            for edit in edits:
                body = _applied(body, edit)
            self._bodies[resource_id.rstrip("/").lower()] = body
            found[resource_id] = body
        return found


def changes_between(before: Body, after: Body, owned: tuple[str, ...]) -> tuple[PropertyChange, ...]:
    """What differs between two bodies of one resource, held to what the stage owns.

    Raises:
        AssertionError: a stage would change what it does not own: a bug.

    Effects: none.
    """
    found = [
        PropertyChange(path=str(one.path), kind=one.kind.value, before=one.before, after=one.after, resource=before.id)
        for one in diff(before.plain, after.plain)
    ]
    known = {one.path for one in before.live}
    found += [
        PropertyChange(path=one.path, kind="Create", before=None, after=one.expression, resource=before.id)
        for one in after.live
        if one.path not in known
    ]
    for change in found:
        assert covers(owned, change.path), f"{change.path} of {before.id} is not among {owned}"
    return tuple(found)


def _applied(body: Body, edit: Edit) -> Body:
    if edit.kind == "live":
        assert edit.live is not None
        return with_live(body, edit.live)
    if edit.kind == "remove":
        return replace(body, plain=remove_at(body.plain, edit.path)) if has_at(body.plain, edit.path) else body
    return replace(body, plain=set_at(body.plain, edit.path, edit.value))
