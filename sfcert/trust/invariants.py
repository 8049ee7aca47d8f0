"""Does it hold in these states? The invariants over the classes of one walk, at one instant. Floor 2.

    1  any two coexisting classes accept each other, both ways
    2  the resource provider accepts at least one credential of every node extension, by the record before and after;
       clients that were let in still are (`sfcert.trust.bystanders`)
    3  every class can load what it presents
    4  a node that is created now joins
    5  all of it until the deadline plus slack
    6  every stage that is marked safe to stop after is

Any cut is possible, so that the classes of a walk all coexist: each presented certificate is put to each list of trust
once, which says the same as putting every pair to every pair. Leaves out which states there are (`sfcert.trust.reach`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.observation import Declaration
from sfcert.trust.mending import at_rest
from sfcert.trust.phases import describe
from sfcert.trust.presentation import Presentation, presents
from sfcert.trust.reach import Variant
from sfcert.trust.rules import RuntimeRules, rules_of_extension
from sfcert.trust.validation import Acceptance, accepts
from sfcert.trust.world import Manifest, Presented, Trusted, World, manifest_of, same_store


class Break(Value):
    """One way in which an invariant breaks. `runs` presents to `judges`; equal where all nodes run the same. `told` is
    the case in words, where it is none between nodes."""

    rank: tuple[int, ...]
    invariant: int
    at: datetime
    variant: Variant
    runs: Manifest | None
    judges: Manifest | None
    presented: str | None
    why: str
    walk: tuple[Manifest, Manifest] | None
    told: str | None = None


class Outcome:
    """What a look at many states gave."""

    def __init__(self) -> None:
        self.breaks: list[Break] = []
        self.missing: dict[str, None] = {}
        self.acceptance: dict[str, None] = {}
        self.states = 0
        self.pairs = 0

    def add(self, other: Outcome) -> None:
        self.breaks += other.breaks
        self.missing |= other.missing
        self.acceptance |= other.acceptance
        self.states += other.states
        self.pairs += other.pairs

    @property
    def smallest(self) -> Break | None:
        return min(self.breaks, key=lambda one: one.rank, default=None)


class Judge:
    """Answers for one set of certificates and one set of rules; equal questions are answered once."""

    def __init__(self, rules: RuntimeRules) -> None:
        self.certificates: dict[str, Certificate] = {}
        self._issuers: dict[str, tuple[Certificate, ...]] = {}
        self._rules = rules
        self._extension_rules = rules_of_extension(rules)
        self._presented: dict[tuple[RuntimeRules, Presented, int, datetime], Presentation] = {}
        self._accepted: dict[tuple[Trusted, str, datetime], Acceptance] = {}
        self._told: dict[Manifest, str] = {}
        self._manifests: dict[Declaration, Manifest] = {}

    def learn(self, certificates: dict[str, Certificate], issuers: dict[str, tuple[Certificate, ...]]) -> None:
        """Take in certificates that a stage may bring; what is known by thumbprint never changes."""
        self.certificates |= certificates
        self._issuers |= issuers

    def presents(self, presented: Presented, variant: Variant, at: datetime) -> Presentation:
        """What the runtime presents."""
        return self._choice(self._rules, presented, variant, at)

    def offers(self, presented: Presented, variant: Variant, at: datetime) -> Presentation:
        """What the node extension shows to the resource provider."""
        return self._choice(self._extension_rules, presented, variant, at)

    def _choice(self, rules: RuntimeRules, presented: Presented, variant: Variant, at: datetime) -> Presentation:
        key = rules, presented, variant.key, at
        known = self._presented.get(key)
        if known is None:
            store = variant.store
            known = self._presented[key] = presents(presented, store.holdings, rules, at, unknown=store.unknown)
        return known

    def accepts(self, trusted: Trusted, leaf: Certificate, at: datetime) -> Acceptance:
        key = trusted, leaf.thumbprint, at
        known = self._accepted.get(key)
        if known is None:
            issuers = self._issuers.get(leaf.thumbprint)
            known = self._accepted[key] = accepts(trusted, leaf, issuers, self._rules, at)
        return known

    def manifest(self, declaration: Declaration) -> Manifest:
        known = self._manifests.get(declaration)
        if known is None:
            known = self._manifests[declaration] = manifest_of(declaration)
        return known

    def describe(self, manifest: Manifest) -> str:
        if manifest not in self._told:
            self._told[manifest] = describe(manifest)
        return self._told[manifest]


def look_at_walk(
    judge: Judge, old: Manifest, new: Manifest, variants: Sequence[Variant], at: datetime, order: tuple[int, int]
) -> Outcome:
    """Invariants 1, 3 and 4 over all classes of one walk, or of a rest where `old` and `new` are one.

    Args:
        order: (number of the instant, number of the walk); both count in what makes a counter-example small.
    """
    outcome = Outcome()
    manifests = (old,) if old == new else (old, new)
    offered: dict[tuple[str, int], tuple[Certificate, Variant, Manifest]] = {}
    classes = 0
    for step, manifest in enumerate(manifests):
        seen: set[int] = set()
        for variant in variants:
            if variant.key in seen:
                continue
            seen.add(variant.key)
            classes += 1
            shown = judge.presents(manifest.presented, variant, at)
            for fact in shown.missing:
                outcome.missing[fact] = None
            if not shown.certificates and not shown.missing:
                outcome.breaks.append(
                    Break(
                        rank=(order[0], variant.weight, order[1], step),
                        invariant=3 if variant.model is None else 4,
                        at=at,
                        variant=variant,
                        runs=manifest,
                        judges=None,
                        presented=None,
                        why=shown.why,
                        walk=(old, new),
                    )
                )
            for certificate in shown.certificates:
                known = offered.get((certificate.thumbprint, step))
                if known is None or variant.weight < known[1].weight:
                    offered[certificate.thumbprint, step] = (certificate, variant, manifest)
    for (thumbprint, step), (certificate, variant, manifest) in offered.items():
        for validating, validator in enumerate(manifests):
            verdict = judge.accepts(validator.trusted, certificate, at)
            line = f"presents {thumbprint[:8]}… -> {judge.describe(validator)}: "
            if verdict.ok:
                outcome.acceptance[f"{line}accepted, {verdict.rule}"] = None
                continue
            outcome.acceptance[f"{line}{'unknown' if verdict.ok is None else 'refused'}, {verdict.why}"] = None
            for fact in verdict.missing:
                outcome.missing[fact] = None
            if verdict.ok is False:
                outcome.breaks.append(
                    Break(
                        rank=(order[0], variant.weight, order[1], step, validating),
                        invariant=1 if variant.model is None else 4,
                        at=at,
                        variant=variant,
                        runs=manifest,
                        judges=validator,
                        presented=thumbprint,
                        why=verdict.why,
                        walk=(old, new),
                    )
                )
    outcome.states += classes
    outcome.pairs += classes * (classes + 1) // 2
    return outcome


def look_at_provider(
    judge: Judge, before: World, done: World, variants: Sequence[Variant], at: datetime, order: int
) -> Outcome:
    """Invariant 2: each node extension has a credential that the provider's record takes, by either record.

    A node extension by thumbprint has every declared certificate that it can load; by common name only the one that
    selection gives it, or each that it may (`rules_of_extension`).
    Source: reference 1.5, 3.5 (inferred) and section 7 row 8.
    """
    outcome = Outcome()
    records = tuple(dict.fromkeys((at_rest(before), at_rest(done))))
    declared: dict[str, tuple[Declaration, Declaration]] = {}
    for group in before.groups:
        target = done.group(group.scale_set_id)
        declared[group.scale_set_id] = (group.declaration, target.declaration if target else group.declaration)
    checked: set[tuple[Declaration, int]] = set()
    for variant in variants:
        old, new = declared[variant.scale_set_id]
        mine = (old,) if variant.model == "before" else (new,) if variant.model == "after" else (old, new)
        for declaration in dict.fromkeys(mine):
            if (declaration, variant.key) in checked:
                continue
            checked.add((declaration, variant.key))
            outcome.states += 1
            for number, record in enumerate(records):
                outcome.pairs += 1
                why = _provider_refuses(judge, declaration, record, variant, at, outcome)
                if why is not None:
                    outcome.breaks.append(
                        Break(
                            rank=(order, variant.weight, 100, number),
                            invariant=2,
                            at=at,
                            variant=variant,
                            runs=manifest_of(declaration),
                            judges=record,
                            presented=None,
                            why=why,
                            walk=None,
                        )
                    )
    return outcome


def _provider_refuses(
    judge: Judge, declaration: Declaration, record: Manifest, variant: Variant, at: datetime, outcome: Outcome
) -> str | None:
    wanted, trusted = judge.manifest(declaration).presented, record.trusted
    if wanted.names:
        shown = judge.offers(wanted, variant, at)
        for fact in shown.missing:
            outcome.missing[fact] = None
        if not shown.certificates:
            return None if shown.missing else shown.why
        verdicts = [judge.accepts(trusted, one, at) for one in shown.certificates]
        for verdict in verdicts:
            for fact in verdict.missing:
                outcome.missing[fact] = None
        return next((verdict.why for verdict in verdicts if verdict.ok is False), None)
    unseen = set(variant.store.unknown) & set(wanted.thumbprints)
    held = [
        one.certificate
        for one in variant.store.holdings
        if one.certificate.thumbprint in wanted.thumbprints and one.has_key and same_store(one.store, wanted.store)
    ]
    verdicts = [judge.accepts(trusted, one, at) for one in held]
    if any(verdict.ok for verdict in verdicts):
        return None
    if unseen:
        for one in sorted(unseen):
            outcome.missing[f"the certificate {one}: its bytes"] = None
        return None
    if not verdicts:
        return "none of the thumbprints that its node extension names is in the store"
    for verdict in verdicts:
        for fact in verdict.missing:
            outcome.missing[fact] = None
    if any(verdict.ok is None for verdict in verdicts):
        return None
    return "; ".join(dict.fromkeys(verdict.why for verdict in verdicts))
