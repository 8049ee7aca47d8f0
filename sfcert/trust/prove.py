"""Can two nodes ever refuse each other while this plan runs? The proof, stage by stage. Floor 2, pure.

Every stage is looked at in every state that it can pass through (`reach`), under each reading of the resource provider,
at every instant at which a certificate begins or ends until all deadlines so far and the slack have passed. Facts that
are missing make it unknown; where the outcome turns on a named assumption it is unknown until that is accepted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from sfcert import dated
from sfcert.model.base import Value
from sfcert.model.proof import Assumption, CounterExample, Proof, ProofVerdict, StageProof
from sfcert.trust.broken_start import BrokenStart, apart_in, begins_ended
from sfcert.trust.bystanders import look_at_bystanders
from sfcert.trust.invariants import Judge, Outcome, look_at_provider, look_at_walk
from sfcert.trust.mending import at_rest, manifests_between
from sfcert.trust.moves import Move, Nothing, Provision, Together
from sfcert.trust.phases import READINGS, is_documented_as_walked_in_phases
from sfcert.trust.reach import Closure, Reach
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.sentences import counterexample, node_classes
from sfcert.trust.step import after, strangers
from sfcert.trust.world import Manifest, World

LINUX = "linux-store-reads-extension-files"
NEXT = "issuer-next-time"
#: For how long at most a state is called safe to stop in, whatever the dates. Assumed: nobody plans longer.
LONGEST_STOP = timedelta(days=365)
_ELSEWHERE = "the extension's files"


class _Reading(Value):
    """One way to read what is not verified."""

    linux_reads: bool
    next_as_newest: bool


class _Mending(Value):
    """How a stage of a recovery is held: whether everything had ended where the plan begins, and whether it is the
    last one."""

    begins_ended: bool
    is_last: bool


_Staged = tuple[StageProof, CounterExample | None, tuple[str, ...]]


class Memo:
    """What was worked out once for one start: states after moves, what they can reach, and judgements on them.

    Serves several questions about plans from the same `World` object, in which equal stage ids name equal moves; holds
    only what follows from its keys, so that an answer never depends on what was asked before.
    """

    def __init__(self, rules: RuntimeRules) -> None:
        self._rules = rules
        # A judge knows stores by the numbers that its own closure gave them.
        self._lookers: dict[bool, tuple[Judge, Closure]] = {}
        # Worlds are kept beside their ids, so that no id is given away a second time.
        self._after: dict[tuple[int, str], tuple[World, World]] = {}
        self._at_depth: dict[int, list[World]] = {}
        self._depth: dict[int, int] = {}
        self._rest: dict[tuple[int, bool, datetime], tuple[World, Outcome]] = {}
        self._left_alone: dict[tuple[int, bool], tuple[World, Reach]] = {}
        self._stages: dict[tuple[object, ...], _Staged] = {}

    def lookers(self, *, next_as_newest: bool) -> tuple[Judge, Closure]:
        if next_as_newest not in self._lookers:
            self._lookers[next_as_newest] = Judge(self._rules), Closure(next_as_newest=next_as_newest)
        return self._lookers[next_as_newest]

    def after(self, world: World, move: Move) -> World:
        """The world after a move; where another order of as many moves led to an equal one, that very one."""
        key = id(world), move.stage_id
        if key not in self._after:
            done = after(world, move)
            depth = self._depth.get(id(world), 0) + 1
            met = self._at_depth.setdefault(depth, [])
            known = next((one for one in met if one == done), None)
            if known is None:
                met.append(done)
                self._depth.setdefault(id(done), depth)
            self._after[key] = world, known or done
        return self._after[key][1]

    def stage(
        self,
        before: World,
        done: World,
        move: Move,
        spent_s: int,
        readings: Sequence[str],
        *,
        next_as_newest: bool,
        mending: _Mending | None,
    ) -> _Staged:
        """One stage of a plan, looked at once however many orders of the plan hold it."""
        stops = move.safe_to_stop_until_utc
        key = id(before), id(done), move.stage_id, stops, spent_s, tuple(readings), next_as_newest, mending
        if key not in self._stages:
            self._stages[key] = _stage(
                self, before, done, move, spent_s, readings, next_as_newest=next_as_newest, mending=mending
            )
        return self._stages[key]

    def at_rest(self, world: World, at: datetime, *, next_as_newest: bool) -> Outcome:
        """The state that a stage leaves, left alone: what may still happen then, happens."""
        key = id(world), next_as_newest, at
        if key not in self._rest:
            judge, closure = self.lookers(next_as_newest=next_as_newest)
            whose = id(world), next_as_newest
            if whose not in self._left_alone:
                reach = closure.reach(world, world, Nothing(stage_id="", deadline_s=0))
                judge.learn(reach.certificates, reach.issuers)
                self._left_alone[whose] = world, reach
            self._rest[key] = world, _at_rest(judge, self._left_alone[whose][1], world, at)
        return self._rest[key][1]


class _Run(Value):
    """The whole plan under one reading."""

    verdict: ProofVerdict
    stages: tuple[StageProof, ...]
    counterexample: CounterExample | None
    missing: tuple[str, ...]


def prove(
    world: World,
    moves: Sequence[Move],
    *,
    slack_s: int,
    readings: Sequence[str] = READINGS,
    accepted: Collection[str] = (),
    recovers: bool = False,
    memo: Memo | None = None,
) -> Proof:
    """Whether every two nodes accept each other in every state from the first move to the last, and the invariants that
    go with it (`sfcert.trust.invariants`).

    Args:
        world: where the plan starts; `world.now` is the earliest instant that any stage may begin.
        moves: one per stage, in order. None: nothing is looked at, and that is proved.
        slack_s: seconds beyond the deadlines of a stage and all before it.
        readings: those of the resource provider that must hold, of `phases.READINGS`.
        accepted: ids of assumptions that the operator accepts (`dated.toml`).
        recovers: the start may be broken already: each stage is then held against the state before it, and what the
            plan leaves behind to all invariants (`broken_start`).
        memo: of this world and its rules, where more is asked about it than this.

    Returns:
        One `StageProof` per move. Where the verdict is refuted, the smallest case of the first stage that breaks. Where
        it turns on an assumption the verdict is unknown, the case is given all the same, and `missing` names
        `--accept ID`. `assumptions` are lines `id: text`.

    Raises:
        Nothing.

    Effects: none. Equal inputs give equal proofs.
    """
    lacking = (*world.missing, *(fact for move in moves for fact in strangers(world, move)))
    if lacking:
        # A fact that is missing may be the one that decides: a case that is built without it shows nothing.
        blank = tuple(_not_looked_at(move, readings) for move in moves)
        return _proof(world, _Run(verdict="unknown", stages=blank, counterexample=None, missing=lacking), ())
    if world.rules.selects_newest is None:
        return _of_either_runtime(world, moves, slack_s, readings, accepted, recovers)
    ids = [NEXT, *([LINUX] if world.os == "Linux" else [])]
    memo = memo or Memo(world.rules)

    def run(taken: Collection[str]) -> _Run:
        return _run(world, moves, slack_s, readings, _reading(ids, taken), memo, recovers=recovers)

    firm = run(accepted)
    if firm.verdict == "proved":
        return _proof(world, firm, ())
    open_ids = [one for one in ids if one not in accepted]
    for chosen in ([one] for one in open_ids):
        if run({*accepted, *chosen}).verdict == "proved":
            return _proof(world, firm, chosen)
    if len(open_ids) > 1 and run(ids).verdict == "proved":
        return _proof(world, firm, open_ids)
    return _proof(world, firm, ())


def assumptions(world: World, moves: Sequence[Move], *, slack_s: int) -> tuple[Assumption, ...]:
    """The closed assumptions that bear on this plan, and whether the outcome turns on them."""
    turned = prove(world, moves, slack_s=slack_s).missing
    ids = [NEXT, *([LINUX] if world.os == "Linux" else [])]
    return tuple(
        Assumption(id=one, text=_text(one), turns=any(f"--accept {one}:" in fact for fact in turned)) for one in ids
    )


def safe_to_stop_until(
    world: World, moves: Sequence[Move], *, slack_s: int = 0, memo: Memo | None = None
) -> tuple[datetime | None, ...]:
    """Until when one may stop after each stage, aware UTC: the instant at which the state that it leaves breaks, less
    the slack; a year from now where nothing breaks it. None: that state does not hold even now, or it cannot be told.

    Renewal that is not frozen counts with every version that it may bring.
    """
    if world.missing or any(strangers(world, move) for move in moves) or world.rules.selects_newest is None:
        return tuple(None for _ in moves)
    found: list[datetime | None] = []
    memo = memo or Memo(world.rules)
    far = world.now + timedelta(days=36500)
    at = world
    for move in moves:
        at = memo.after(at, move)
        until: datetime | None = None
        if at.expired_declared is not None:
            # what is set on nodes alone goes with any upgrade, which nobody has to ask for
            found.append(None)
            continue
        for instant in _instants(at, world.now, far):
            outcome = memo.at_rest(at, instant, next_as_newest=False)
            if outcome.breaks or outcome.missing:
                until = instant - timedelta(seconds=slack_s) if instant > world.now else None
                break
        else:
            # where expired counts, no date breaks it: that is no reason to leave it so
            until = world.now + LONGEST_STOP
        found.append(until if until is None or until > world.now else None)
    return tuple(found)


def _reading(ids: Sequence[str], taken: Collection[str]) -> _Reading:
    return _Reading(linux_reads=LINUX not in ids or LINUX in taken, next_as_newest=NEXT in taken)


def _text(assumption_id: str) -> str:
    row = dated.assumption(assumption_id)
    assert row is not None, f"{assumption_id} is in the closed list"
    return str(row["text"])


def _proof(world: World, run: _Run, turning: Sequence[str]) -> Proof:
    verdict, stages = run.verdict, run.stages
    missing = list(run.missing)
    if turning:
        verdict = "unknown"
        missing += [f"--accept {one}: {_text(one)}" for one in turning]
        told = "Holds only where this is accepted: " + ", ".join(turning) + "."
        stages = tuple(
            stage
            if stage.verdict == "proved"
            else msgspec.structs.replace(stage, verdict="unknown", notes=(*stage.notes, told))
            for stage in stages
        )
    lines = [f"{row['id']}: {row['text']}" for row in dated.rows("standing_assumptions")]
    return Proof(
        verdict=verdict,
        states=sum(stage.states for stage in stages),
        pairs=sum(stage.pairs for stage in stages),
        assumptions=(*lines, *world.inferences),
        counterexample=run.counterexample,
        stages=stages,
        missing=tuple(dict.fromkeys(missing)),
    )


def _not_looked_at(move: Move, readings: Sequence[str]) -> StageProof:
    return StageProof(
        stage=move.stage_id,
        verdict="unknown",
        states=0,
        pairs=0,
        readings=dict.fromkeys(readings, "unknown"),
        before=(),
        after=(),
        acceptance=(),
    )


def _of_either_runtime(
    world: World,
    moves: Sequence[Move],
    slack_s: int,
    readings: Sequence[str],
    accepted: Collection[str],
    recovers: bool,
) -> Proof:
    """The runtime's version is not known: what holds for old and new alike holds."""
    proofs = []
    for newest in (True, False):
        rules = msgspec.structs.replace(world.rules, selects_newest=newest, cng_keys=newest)
        changed = msgspec.structs.replace(world, rules=rules)
        proofs.append(prove(changed, moves, slack_s=slack_s, readings=readings, accepted=accepted, recovers=recovers))
    if proofs[0].verdict == proofs[1].verdict:
        return proofs[1] if proofs[0].verdict == "proved" else proofs[0]
    worse = next(proof for proof in proofs if proof.verdict != "proved")
    missing = (*worse.missing, "the runtime version (clusterCodeVersion)")
    return msgspec.structs.replace(worse, verdict="unknown", missing=missing)


def _run(
    world: World,
    moves: Sequence[Move],
    slack_s: int,
    readings: Sequence[str],
    reading: _Reading,
    memo: Memo,
    *,
    recovers: bool,
) -> _Run:
    if not reading.linux_reads:
        # the same stages bring their certificates elsewhere: nothing that was worked out so far is about them
        world, moves, memo = _unseen_by_linux(world), [_unseen_move(move) for move in moves], Memo(world.rules)
    stages: list[StageProof] = []
    first: CounterExample | None = None
    missing: dict[str, None] = {}
    spent = slack_s
    at = world
    ended = recovers and begins_ended(world)
    for move in moves:
        spent += move.deadline_s
        done = memo.after(at, move)
        mending = _Mending(begins_ended=ended, is_last=move is moves[-1]) if recovers else None
        stage, case, facts = memo.stage(
            at, done, move, spent, readings, next_as_newest=reading.next_as_newest, mending=mending
        )
        stages.append(stage)
        first = first or case
        missing |= dict.fromkeys(facts)
        at = done
    verdicts = {stage.verdict for stage in stages}
    verdict: ProofVerdict = "refuted" if "refuted" in verdicts else "unknown" if "unknown" in verdicts else "proved"
    return _Run(verdict=verdict, stages=tuple(stages), counterexample=first, missing=tuple(missing))


def _stage(
    memo: Memo,
    before: World,
    done: World,
    move: Move,
    spent_s: int,
    readings: Sequence[str],
    *,
    next_as_newest: bool,
    mending: _Mending | None,
) -> _Staged:
    start = before.now
    judge, closure = memo.lookers(next_as_newest=next_as_newest)
    instants = tuple(_instants(before, start, start + timedelta(seconds=spent_s)))
    reach = closure.reach(before, done, move)
    judge.learn(reach.certificates, reach.issuers)
    judge.learn(done.certificates, done.issuers)
    shared = Outcome()
    shared.missing |= dict.fromkeys(reach.missing)
    for number, instant in enumerate(instants):
        shared.add(look_at_provider(judge, before, done, reach.variants, instant, number))
        shared.add(look_at_bystanders(judge, before, done, reach.variants, instant, number))
    per_reading: dict[str, Outcome] = {}
    for reading in readings:
        path = manifests_between(before, done, reading)
        key = next((one for one in per_reading if manifests_between(before, done, one) == path), None)
        if key is not None:
            per_reading[reading] = per_reading[key]
            continue
        outcome = per_reading[reading] = Outcome()
        for number, instant in enumerate(instants):
            for order, (old, new) in enumerate(_neighbours(path)):
                outcome.add(look_at_walk(judge, old, new, reach.variants, instant, (number, order)))
    notes = []
    if mending is not None:
        broken = BrokenStart(judge, closure, before, begins_ended=mending.begins_ended)
        for outcome in {id(one): one for one in (shared, *per_reading.values())}.values():
            outcome.breaks = broken.brought(outcome.breaks)
        notes += [told] if (told := broken.note()) else []
        for instant in broken.needs_to_hold_at(move, instants):
            if broken.is_apart_at(instant):
                shared.breaks += apart_in(memo.at_rest(before, instant, next_as_newest=next_as_newest))
    verdicts = {one: _verdict(outcome, shared) for one, outcome in per_reading.items()}
    counting = dict(per_reading)
    if is_documented_as_walked_in_phases(before.declaration, done.declaration) and "phases" in counting:
        walked = counting.pop("single-walk", None)
        if walked is not None and walked.breaks:
            notes.append(
                "Walked once, this change would break; the vendor has it made on running clusters in phases "
                "(assumption thumbprint-walks), and by phases it was judged."
            )
    whole = Outcome()
    whole.add(shared)
    for outcome in {id(one): one for one in counting.values()}.values():
        whole.add(outcome)
    smallest, stopped = whole.smallest, False
    if smallest is None and move.safe_to_stop_until_utc is not None:
        for instant in _instants(done, start, move.safe_to_stop_until_utc):
            rest = memo.at_rest(done, instant, next_as_newest=next_as_newest)
            whole.add(rest)
            if rest.smallest is not None:
                smallest, stopped = rest.smallest, True
                break
    if smallest is None and mending is not None and mending.is_last:
        # what a recovery leaves behind is compared with nothing: there all of it has to hold
        for instant in instants:
            rest = memo.at_rest(done, instant, next_as_newest=next_as_newest)
            whole.add(rest)
            smallest = smallest or rest.smallest
    case = counterexample(judge, move.stage_id, smallest, start, stopped=stopped) if smallest else None
    verdict: ProofVerdict = "refuted" if case else "unknown" if whole.missing else "proved"
    stage = StageProof(
        stage=move.stage_id,
        verdict=verdict,
        states=whole.states,
        pairs=whole.pairs,
        readings=verdicts,
        before=node_classes(judge, closure, before.groups, at_rest(before), start),
        after=node_classes(judge, closure, done.groups, at_rest(done), start),
        acceptance=tuple(sorted(whole.acceptance)),
        notes=tuple(notes),
    )
    return stage, case, tuple(whole.missing)


def _verdict(outcome: Outcome, shared: Outcome) -> ProofVerdict:
    if outcome.breaks or shared.breaks:
        return "refuted"
    return "unknown" if outcome.missing or shared.missing else "proved"


def _at_rest(judge: Judge, reach: Reach, world: World, at: datetime) -> Outcome:
    outcome = Outcome()
    outcome.missing |= dict.fromkeys(reach.missing)
    manifest = at_rest(world)
    outcome.add(look_at_walk(judge, manifest, manifest, reach.variants, at, (0, 0)))
    outcome.add(look_at_provider(judge, world, world, reach.variants, at, 0))
    outcome.add(look_at_bystanders(judge, world, world, reach.variants, at, 0))
    return outcome


def _neighbours(path: Sequence[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    if len(path) == 1:
        yield path[0], path[0]
    else:
        yield from pairwise(path)


def _instants(world: World, start: datetime, end: datetime) -> Iterator[datetime]:
    """The start, and every later instant up to the end at which a certificate begins or ends: between two of them no
    judgement changes."""
    yield start
    found = set()
    for certificates in (world.certificates.values(), *world.issuers.values()):
        for one in certificates:
            found |= {one.not_before_utc, one.not_after_utc}
    yield from sorted(one for one in found if start < one <= end)


def _unseen_by_linux(world: World) -> World:
    """The reading in which Service Fabric does not find the files that the extension writes."""
    groups = tuple(
        msgspec.structs.replace(
            group,
            deliveries=tuple(msgspec.structs.replace(one, store=_ELSEWHERE) for one in group.deliveries),
        )
        for group in world.groups
    )
    return msgspec.structs.replace(world, groups=groups)


def _unseen_move(move: Move) -> Move:
    if isinstance(move, Provision):
        return msgspec.structs.replace(move, store=_ELSEWHERE)
    if isinstance(move, Together):
        return msgspec.structs.replace(move, moves=tuple(_unseen_move(one) for one in move.moves))
    return move
