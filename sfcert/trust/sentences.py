"""How is a case told to people? Node classes, counter-examples and notes as words. Floor 2.

Leaves out finding them (`sfcert.trust.invariants`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sfcert.model.certificate import Certificate
from sfcert.model.proof import CounterExample, NodeClass
from sfcert.trust.delivery import is_invented
from sfcert.trust.invariants import Break, Judge
from sfcert.trust.reach import Closure, Variant
from sfcert.trust.world import Group, Manifest, Store, label


def counterexample(judge: Judge, stage: str, found: Break, start: datetime, *, stopped: bool) -> CounterExample:
    """The smallest case as one sentence and the classes that make it.

    Args:
        start: the instant from which the proof runs; a case that only comes later is one of time.
        stopped: the case is one of standing still after the stage.
    """
    invariant = 6 if stopped else 5 if found.at > start else found.invariant
    return CounterExample(
        stage=stage,
        invariant=invariant,
        sentence=_sentence(judge, stage, found, start, stopped=stopped),
        states=_states(judge, found),
    )


def node_classes(
    judge: Judge, closure: Closure, groups: Sequence[Group], manifest: Manifest, at: datetime
) -> tuple[NodeClass, ...]:
    """The classes of a world at rest: scale sets whose nodes hold the same are told once."""
    merged: dict[int, tuple[list[str], Store]] = {}
    for group in groups:
        for store in group.stores:
            key = closure.key_of(store)
            names, _ = merged.setdefault(key, ([], store))
            count = f" ({store.nodes} nodes)" if store.nodes else ""
            names.append(f"{group.name}{count}")
    found = []
    for key, (names, store) in merged.items():
        variant = Variant(group="", scale_set_id="", store=store, key=key, phrase="", weight=0, model=None)
        found.append(
            NodeClass(
                name=", ".join(names),
                runs=judge.describe(manifest),
                holds=_holds(judge, store),
                presents=_presents(judge, manifest, variant, at),
            )
        )
    return tuple(found)


def told(certificates: dict[str, Certificate], thumbprint: str) -> str:
    """A certificate for a sentence; one that the proof invented has no thumbprint to speak of."""
    known = certificates.get(thumbprint)
    if known is not None and is_invented(known):
        return f"a new version ({known.common_name})"
    return label(certificates, thumbprint)


def _holds(judge: Judge, store: Store) -> tuple[str, ...]:
    held = (told(judge.certificates, one.certificate.thumbprint) for one in store.holdings)
    return (*held, *(f"{one} (never seen)" for one in store.unknown))


def _presents(judge: Judge, manifest: Manifest, variant: Variant, at: datetime) -> str:
    shown = judge.presents(manifest.presented, variant, at)
    names = [told(judge.certificates, one.thumbprint) for one in shown.certificates]
    if shown.missing:
        return " or ".join([*names, "something that was never seen"])
    return " or ".join(names) if names else f"nothing: {shown.why}"


def _sentence(judge: Judge, stage: str, found: Break, start: datetime, *, stopped: bool) -> str:
    when = f" at {found.at:%Y-%m-%d %H:%M}Z" if found.at > start else ""
    opening = f"After {stage}{when}" if stopped else f"In {stage}{when}"
    if found.told is not None:
        return f"{opening}, {found.told}."
    who, why = found.variant.phrase, _why(judge, found)
    assert found.runs is not None, "a class was looked at"
    if found.walk is None:
        assert found.judges is not None, "a record was asked"
        wanted, record = judge.describe(found.runs), judge.describe(found.judges)
        return (
            f"{opening}, {who.rstrip(',')}, whose node extension looks for {wanted[wanted.index('P:') + 2 :]}, has "
            f"nothing to offer that the resource provider's record {record[2 : record.index(' P:')]} takes: {why}."
        )
    old, new = found.walk
    if found.presented is None:
        return f"{opening}, {_place(judge, found.runs, old, new)}{who} can load nothing to present: {why}."
    shown = told(judge.certificates, found.presented)
    shown = "it" if who.endswith(shown) else shown
    if found.judges == found.runs:
        place = _place(judge, found.runs, old, new)
        return f"{opening}, {place}{who} presents {shown} and others like it refuse it: {why}."
    upgraded, still = judge.describe(new), judge.describe(old)
    if found.runs == new:
        return (
            f"{opening}, while upgrade domain 0 already runs {upgraded}, {who} there presents {shown}, and the nodes "
            f"of the other domains, which still run {still}, refuse it: {why}."
        )
    return (
        f"{opening}, while upgrade domain 0 already runs {upgraded}, {who} in another domain, which still runs "
        f"{still}, presents {shown}, and domain 0 refuses it: {why}."
    )


def _why(judge: Judge, found: Break) -> str:
    """The reason, without the thumbprints of certificates that the proof invented."""
    if found.presented is None or not is_invented(judge.certificates[found.presented]):
        return found.why
    if "is not pinned" in found.why:
        return "its issuer is not pinned"
    return found.why.replace(f"{found.presented[:8]}…", "the new version")


def _place(judge: Judge, runs: Manifest, old: Manifest, new: Manifest) -> str:
    if old == new:
        return f"with {judge.describe(runs)} everywhere, "
    if runs == new:
        return f"while upgrade domain 0 already runs {judge.describe(new)}, there "
    return f"while some upgrade domain still runs {judge.describe(old)}, there "


def _states(judge: Judge, found: Break) -> tuple[NodeClass, ...]:
    assert found.runs is not None, "a class was looked at"
    if found.told is not None:
        holds = _holds(judge, found.variant.store)
        shown = "nothing" if found.presented is None else told(judge.certificates, found.presented)
        return (NodeClass(name=found.variant.phrase, runs=judge.describe(found.runs), holds=holds, presents=shown),)
    first = NodeClass(
        name=found.variant.phrase,
        runs=judge.describe(found.runs),
        holds=_holds(judge, found.variant.store),
        presents=_presents(judge, found.runs, found.variant, found.at),
    )
    if found.judges is None:
        return (first,)
    name = "the resource provider" if found.walk is None else "any node that runs this"
    return first, NodeClass(name=name, runs=judge.describe(found.judges), holds=(), presents="")
