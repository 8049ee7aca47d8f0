"""Laws of the proof, against single nodes that are walked one by one: an independent and slower way to explore."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sfcert.model.certificate import Certificate
from sfcert.trust.invariants import Judge, look_at_walk
from sfcert.trust.moves import (
    DeclareCluster,
    DeclareExtension,
    FreezeRenewal,
    Move,
    Provision,
    ResumeRenewal,
    RetireSecrets,
)
from sfcert.trust.phases import is_documented_as_walked_in_phases, walks
from sfcert.trust.presentation import presents
from sfcert.trust.prove import prove
from sfcert.trust.reach import Variant
from sfcert.trust.validation import accepts
from sfcert.trust.world import Manifest, Presented, Store, Trusted, World, manifest_of
from tests.search import examples
from tests.unit.trust.small import (
    DAY,
    NAME,
    NOW,
    RULES,
    URL,
    authority,
    by_name,
    by_thumbprint,
    cert,
    holding,
    migration,
    pinned,
    thumbprint,
    world,
)

LETTERS = "ABCD"
CAS = {"I": authority("I"), "J": authority("J")}
leaves = st.fixed_dictionaries(
    {
        letter: st.builds(
            lambda day, name, letter=letter: cert(letter, day=day, name=name),
            st.sampled_from([0.0, 10.0, 10.0, 20.0]),
            st.sampled_from([NAME, NAME, "other.example.com"]),
        )
        for letter in LETTERS
    }
)
issuers = st.fixed_dictionaries({letter: st.sampled_from("IJ") for letter in LETTERS})
subsets = st.sets(st.sampled_from(LETTERS), max_size=3).map(sorted)
manifests = st.one_of(
    st.builds(
        lambda shown, more, pins: Manifest(
            trusted=Trusted(
                thumbprints=tuple(thumbprint(one) for one in sorted({*shown, *more})),
                names=(pinned(NAME, *pins),) if pins else (),
            ),
            presented=Presented(thumbprints=tuple(thumbprint(one) for one in shown)),
        ),
        st.lists(st.sampled_from(LETTERS), min_size=1, max_size=2, unique=True),
        subsets,
        st.sets(st.sampled_from("IJ")),
    ),
    st.builds(
        lambda more, pins: Manifest(
            trusted=Trusted(thumbprints=tuple(thumbprint(one) for one in more), names=(pinned(NAME, *sorted(pins)),)),
            presented=Presented(names=(NAME,)),
        ),
        subsets,
        st.sets(st.sampled_from("IJ"), min_size=1),
    ),
)
stores = st.lists(st.sets(st.sampled_from(LETTERS), min_size=1, max_size=3).map(sorted), min_size=1, max_size=2)


def _judge(known: dict[str, Certificate], signed: dict[str, str]) -> Judge:
    judge = Judge(RULES)
    judge.learn(
        {one.thumbprint: one for one in known.values()},
        {known[letter].thumbprint: (CAS[by],) for letter, by in signed.items()},
    )
    return judge


def _variants(known: dict[str, Certificate], held: Sequence[Sequence[str]]) -> list[Variant]:
    return [
        Variant(
            group="nt0",
            scale_set_id="nt0",
            store=Store(holdings=tuple(holding(known[one]) for one in letters)),
            key=at,
            phrase="a node",
            weight=0,
            model=None,
        )
        for at, letters in enumerate(held)
    ]


def _agree(
    known: dict[str, Certificate],
    signed: dict[str, str],
    one: tuple[Manifest, list[str]],
    other: tuple[Manifest, list[str]],
) -> bool:
    """Whether `other` accepts what `one` presents, whatever that may be."""
    shown = presents(one[0].presented, [holding(known[letter]) for letter in one[1]], RULES, NOW).certificates
    by = {known[letter].thumbprint: CAS[ca] for letter, ca in signed.items()}
    return bool(shown) and all(accepts(other[0].trusted, leaf, (by[leaf.thumbprint],), RULES, NOW).ok for leaf in shown)


@given(leaves, issuers, manifests, manifests, stores)
def test_classes_and_single_nodes_agree(
    known: dict[str, Certificate], signed: dict[str, str], old: Manifest, new: Manifest, held: list[list[str]]
) -> None:
    """Two nodes of each store, every cut, every ordered pair."""
    nodes = [letters for letters in held for _ in range(2)]
    whole = all(
        _agree(known, signed, (cut[a], nodes[a]), (cut[b], nodes[b]))
        for cut in itertools.product((old, new), repeat=len(nodes))
        for a, b in itertools.permutations(range(len(nodes)), 2)
    )
    outcome = look_at_walk(_judge(known, signed), old, new, _variants(known, held), NOW, (0, 0))
    assert not outcome.missing
    assert (not outcome.breaks) == whole


@given(leaves, issuers, manifests, manifests, stores, subsets, st.sets(st.sampled_from("IJ"), min_size=1))
def test_trusting_more_never_breaks_what_held(
    known: dict[str, Certificate],
    signed: dict[str, str],
    old: Manifest,
    new: Manifest,
    held: list[list[str]],
    more: list[str],
    pins: set[str],
) -> None:
    def wider(manifest: Manifest) -> Manifest:
        trusted = Trusted(
            thumbprints=(*manifest.trusted.thumbprints, *(thumbprint(one) for one in more)),
            names=(*manifest.trusted.names, pinned(NAME, *pins)),
        )
        return Manifest(trusted=trusted, presented=manifest.presented)

    variants = _variants(known, held)
    before = look_at_walk(_judge(known, signed), old, new, variants, NOW, (0, 0))
    after = look_at_walk(_judge(known, signed), wider(old), wider(new), variants, NOW, (0, 0))
    if not before.breaks:
        assert not after.breaks
    assert len(after.breaks) <= len(before.breaks)


# --- whole plans against nodes that live through them one by one -----------------------------------------------------

G, O = cert("G", day=50), cert("O", day=10)  # noqa: E741  # the reference's own letters: goal and other
START = world(
    by_thumbprint("O"),
    (G, O),
    {"G": (CAS["I"],), "O": (CAS["I"],)},
    held=(O,),
    versions=(G, O),
    renews=True,
)
GOOD = migration(START, by_name("I"), upgrades=[by_thumbprint("O", "G"), by_thumbprint("G")])


class _Life:
    """Four nodes of one scale set in four upgrade domains, and a vault, driven by chance through a plan.

    Knows nothing of classes: it applies one event at a time and looks at every pair after each.
    """

    def __init__(self, begin: World, chance: random.Random, reading: str) -> None:
        self.begin = begin
        self.chance = chance
        self.reading = reading
        self.declaration = begin.declaration
        self.secrets = list(begin.groups[0].secrets)
        self.observes = False
        self.sequenced = False
        self.renews = bool(begin.vault_names[0].renews)
        self.resumed = False
        self.known = dict(begin.certificates)
        self.signer = {key: found[0] for key, found in begin.issuers.items()}
        self.versions = list(begin.vault_names[0].versions)
        self.manifests = [manifest_of(begin.declaration)] * 4
        self.stores = [{one.certificate.thumbprint for one in begin.groups[0].stores[0].holdings} for _ in range(4)]
        self.planned = self.versions[0]
        self.broken: str | None = None

    def run(self, plan: Sequence[Move]) -> str | None:
        for move in plan:
            self._stage(move)
            if self.broken:
                return f"{move.stage_id}: {self.broken}"
            if isinstance(move, FreezeRenewal | Provision) and self.versions[0] != self.planned:
                return None  # the gate finds another newest version than planned for, and the run ends here
        return None

    def _stage(self, move: Move) -> None:
        if isinstance(move, FreezeRenewal):
            self.renews = False
        elif isinstance(move, ResumeRenewal):
            self.renews, self.resumed = True, True
        elif isinstance(move, Provision):
            self._happen()
            self.observes, self.sequenced = True, move.sequenced
            self._happen()
            for store in self.stores:
                store.add(self.versions[0])
        elif isinstance(move, RetireSecrets):
            self.secrets = []
        elif isinstance(move, DeclareCluster):
            self._walk(move)
        self._happen()

    def _walk(self, move: DeclareCluster) -> None:
        # A change that the vendor has walked in phases is walked so under either reading.
        documented = is_documented_as_walked_in_phases(self.declaration, move.declaration)
        path = walks(self.declaration, move.declaration, "phases" if documented else self.reading)
        for old, new in itertools.pairwise(path):
            fails_at = self.chance.choice([None, None, 1, 2, 3])
            for domain in range(fails_at or 4):
                self.manifests[domain] = new
                self._happen()
            if fails_at is not None:
                for domain in reversed(range(fails_at)):
                    self.manifests[domain] = old
                    self._happen()
                self.manifests = [new] * 4  # tried again and done
                self._look()
        self.declaration = move.declaration

    def _happen(self) -> None:
        for _ in range(self.chance.randrange(4)):
            event = self.chance.choice(["deliver", "reimage", "renew"])
            node = self.chance.randrange(4)
            if event == "deliver" and self.observes:
                self.stores[node].add(self.versions[0])
            elif event == "reimage":
                fresh = {one.thumbprint for one in self.secrets if one.thumbprint}
                if self.observes and (self.sequenced or self.chance.random() < 0.5):
                    fresh.add(self.versions[0])
                self.stores[node] = fresh
            elif event == "renew" and self.renews and len(self.versions) < 4:
                self._renew()
            self._look()

    def _renew(self) -> None:
        letter = f"next{len(self.versions)}"
        issued = cert(letter, day=60 + len(self.versions))
        self.known[issued.thumbprint] = issued
        stranger = not self.resumed and self.chance.random() < 0.5
        self.signer[issued.thumbprint] = authority("stranger") if stranger else CAS["I"]
        self.versions.insert(0, issued.thumbprint)

    def _look(self) -> None:
        shown = []
        for manifest, store in zip(self.manifests, self.stores, strict=True):
            held = [holding(self.known[one]) for one in sorted(store)]
            found = presents(manifest.presented, held, RULES, NOW).certificates
            if not found:
                self.broken = f"a node can load nothing, with {[one.certificate.serial for one in held]}"
                return
            shown.append(found)
        for manifest in self.manifests:
            for leaf in itertools.chain.from_iterable(shown):
                if not accepts(manifest.trusted, leaf, (self.signer[leaf.thumbprint],), RULES, NOW).ok:
                    self.broken = f"{leaf.serial} is refused"
                    return


@st.composite
def mutations(draw: st.DrawFn) -> list[Move]:
    """The good plan with up to two changes: a stage dropped, two swapped, renewal thawed, an issuer forgotten, a
    provisioning that nobody waits for."""
    plan = list(GOOD)
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(["drop", "swap", "thaw", "forget", "loose"]))
        at = draw(st.integers(0, len(plan) - 1))
        if kind == "drop":
            del plan[at]
        elif kind == "swap" and at + 1 < len(plan):
            other = draw(st.integers(0, len(plan) - 1))
            plan[at], plan[other] = plan[other], plan[at]
        elif kind == "thaw":
            plan.insert(at, ResumeRenewal(stage_id="thaw", deadline_s=60, certificate_urls=(URL,)))
        elif kind == "forget":
            plan = [
                msgspec.structs.replace(one, declaration=by_name("J"))
                if isinstance(one, DeclareCluster) and one.declaration.names
                else one
                for one in plan
            ]
        elif kind == "loose":
            plan = [
                msgspec.structs.replace(one, sequenced=False) if isinstance(one, Provision) else one for one in plan
            ]
    return plan


@settings(max_examples=examples(150))
@given(mutations(), st.integers(0, 2**32), st.sampled_from(["phases", "single-walk"]))
def test_what_is_proved_never_breaks_when_nodes_live_through_it(plan: list[Move], seed: int, reading: str) -> None:
    proof = prove(START, plan, slack_s=DAY, accepted=("issuer-next-time",))
    if proof.verdict != "proved":
        return
    for run in range(5):
        broken = _Life(START, random.Random(seed + run), reading).run(plan)
        assert broken is None, broken


def test_the_good_plan_is_proved_so_that_the_laws_have_something_to_say() -> None:
    assert prove(START, GOOD, slack_s=DAY).verdict == "proved"


def test_living_through_a_bad_plan_does_break_it() -> None:
    """The other judge has teeth: without the detour by thumbprint some life ends."""
    straight = [one for one in GOOD if not one.stage_id.startswith("5")]
    lives = [_Life(START, random.Random(seed), "single-walk").run(straight) for seed in range(50)]
    assert any(lives)


@given(st.data())
def test_dropping_or_swapping_stages_is_refuted_or_ends_where_the_good_plan_ends(data: st.DataObject) -> None:
    """A shorter or reordered plan that is proved all the same did the same work."""
    plan = list(GOOD)
    kind = data.draw(st.sampled_from(["drop", "swap"]))
    at = data.draw(st.integers(0, len(plan) - 1))
    if kind == "drop":
        del plan[at]
    else:
        other = data.draw(st.integers(0, len(plan) - 1))
        plan[at], plan[other] = plan[other], plan[at]
    proof = prove(START, plan, slack_s=DAY)
    if proof.verdict == "proved":
        clusters = [one.declaration for one in plan if isinstance(one, DeclareCluster)]
        extensions = [one.declaration for one in plan if isinstance(one, DeclareExtension)]
        provisioned = [one.stage_id for one in plan if isinstance(one, Provision)]
        assert provisioned or not clusters[-1].names
        # Whoever left the detour out or reordered it has not come to the common name by another way.
        if clusters[-1].names:
            assert {one.thumbprints for one in clusters if one.thumbprints} == {
                (O.thumbprint, G.thumbprint),
                (G.thumbprint,),
            } or (O.thumbprint, G.thumbprint) in {one.thumbprints for one in clusters}
        assert extensions
