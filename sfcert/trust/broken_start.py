"""What can be proved where nodes refuse each other already, or will before the plan can help? Floor 2, pure.

A state is held against what would be without the stage: the state before it, left alone, at the same instant. A break
counts unless that very class was broken there too; so no pair is lost by the plan that would have held without it. Once
a stage has mended the state, every later one is held to the full invariants again, and what the plan leaves behind is
held to them at every instant. A cluster that has fallen apart carries no update: what goes through it needs a state
before it in which something holds, at every instant, and the stage that mends needs it where it begins. A machine that
is created on the way of a plan that begins after the end is promised nothing until the plan is done: whether a vault
gives out an expired version at all is not settled (reference 6.2). Missing facts stay missing: nothing unknown passes
by this.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sfcert.trust.invariants import Break, Judge, Outcome
from sfcert.trust.mending import ExpiredCounts, at_rest
from sfcert.trust.moves import (
    AddSecrets,
    DeclareClients,
    DeclareCluster,
    DeclareExtension,
    DeclareReverseProxy,
    Move,
    Provision,
    RetireSecrets,
)
from sfcert.trust.reach import Closure, Variant
from sfcert.trust.step import parts
from sfcert.trust.world import World


class BrokenStart:
    """Tells the breaks that a stage brings from those that were there before it. One for each stage."""

    def __init__(self, judge: Judge, closure: Closure, before: World, *, begins_ended: bool) -> None:
        self._judge, self._before, self._rest = judge, before, at_rest(before)
        self._closure, self._begins_ended = closure, begins_ended
        self.spared = 0

    def brought(self, breaks: Iterable[Break]) -> list[Break]:
        """Those that the stage has to answer for."""
        return [one for one in breaks if not self._was_there(one)]

    def _was_there(self, found: Break) -> bool:
        if found.variant.model is not None:
            spared = self._begins_ended
        else:
            spared = self._is_broken(found.variant, found.at)
        self.spared += spared
        return spared

    def _is_broken(self, variant: Variant, at: datetime) -> bool:
        """Whether nodes with this store are cut off before the stage. Unsettled or unknown is not broken."""
        shown = self._judge.presents(self._rest.presented, variant, at)
        verdicts = [self._judge.accepts(self._rest.trusted, one, at) for one in shown.certificates]
        return not shown.missing and all(verdict.ok is False for verdict in verdicts)

    def needs_to_hold_at(self, move: Move, instants: Sequence[datetime]) -> Sequence[datetime]:
        """The instants at which the state before the stage may not have fallen apart: none where it is not the cluster
        that carries it, the first where it is what mends, else all until its deadline."""
        updates = (
            AddSecrets,
            DeclareClients,
            DeclareCluster,
            DeclareExtension,
            DeclareReverseProxy,
            Provision,
            RetireSecrets,
        )
        if any(
            isinstance(part, updates) or (isinstance(part, ExpiredCounts) and not part.counts) for part in parts(move)
        ):
            return instants
        return instants[:1] if any(isinstance(part, ExpiredCounts) and part.declared for part in parts(move)) else ()

    def is_apart_at(self, at: datetime) -> bool:
        """Whether no node is left that others accept, but for those that were created on the way."""
        stores = [store for group in self._before.groups for store in group.stores]
        keys = [self._closure.key_of(one) for one in stores]
        return all(
            self._is_broken(
                Variant(group="", scale_set_id="", store=store, key=key, phrase="", weight=0, model=None), at
            )
            for store, key in zip(stores, keys, strict=True)
        )

    def note(self) -> str | None:
        """A sentence for the stage's proof, where something was spared."""
        if not self.spared:
            return None
        return (
            f"In {self.spared} of the cases that were looked at nodes refuse each other that would do so without this "
            "stage, too (a certificate has ended); none that would hold is lost by it."
        )


def apart_in(rest: Outcome) -> list[Break]:
    """The cases of a look at rest in which nodes that exist refuse each other, or can present nothing."""
    return [one for one in rest.breaks if one.variant.model is None and one.walk is not None]


def begins_ended(world: World) -> bool:
    """Whether everything that is declared and known has ended where the plan begins."""
    names = {name.common_name for name in world.declaration.names}
    leaves = [
        one
        for one in world.certificates.values()
        if one.thumbprint in world.declaration.thumbprints or one.common_name in names
    ]
    declared = {one.thumbprint for one in leaves} if names else set(world.declaration.thumbprints)
    return bool(leaves) and declared <= {one.thumbprint for one in leaves if one.not_after_utc <= world.now}
