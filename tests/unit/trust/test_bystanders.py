"""Clients keep the role that they had, and every node finds what its reverse proxy is to present."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sfcert.model.certificate import Certificate
from sfcert.model.observation import ClientCertificate, Declaration
from sfcert.model.proof import Proof
from sfcert.trust.bystanders import with_reverse_proxy
from sfcert.trust.moves import DeclareClients, DeclareCluster, DeclareReverseProxy, Move, Provision, RetireSecrets
from sfcert.trust.presentation import presents
from sfcert.trust.prove import LONGEST_STOP, prove, safe_to_stop_until
from sfcert.trust.validation import accepts
from sfcert.trust.world import Callers, Trusted, World, manifest_of
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
    pinned,
    thumbprint,
    world,
)

CAS = {"I": authority("I"), "J": authority("J")}
#: alice and bob are of one authority, carol of the other, under bob's name.
PEOPLE = {
    "alice": (cert("alice", name="alice.example.com"), "I"),
    "bob": (cert("bob", name="bob.example.com"), "I"),
    "carol": (cert("carol", name="bob.example.com"), "J"),
}


def by_print(letter: str, *, admin: bool) -> ClientCertificate:
    return ClientCertificate(kind="thumbprint", value=thumbprint(letter), issuers=(), is_admin=admin)


def named(name: str, *issuers: str, admin: bool) -> ClientCertificate:
    pins = tuple(thumbprint(one) for one in issuers)
    return ClientCertificate(kind="common-name", value=name, issuers=pins, is_admin=admin)


def called(*clients: ClientCertificate, declaration: Declaration | None = None, known: Sequence[str] = ()) -> World:
    """A world in which only clients are looked at: these lists, and everybody of `PEOPLE` (or those known) calling."""
    people = [PEOPLE[one] for one in (known or PEOPLE)]
    own = declaration or by_thumbprint("own")
    return World(
        declaration=own,
        groups=(),
        vault_names=(),
        certificates={leaf.thumbprint: leaf for leaf, _ in people},
        issuers={leaf.thumbprint: (CAS[by],) for leaf, by in people},
        rules=RULES,
        now=NOW,
        clients=clients,
        callers=Callers(thumbprints=tuple(leaf.thumbprint for leaf, _ in people), clients=clients, declaration=own),
    )


def declares(stage: str, *clients: ClientCertificate) -> DeclareClients:
    return DeclareClients(stage_id=stage, deadline_s=DAY, clients=clients)


ADMIN, READER = by_print("alice", admin=True), by_print("bob", admin=False)
ALICE, BOB = named("alice.example.com", "I", admin=True), named("bob.example.com", "I", admin=False)
START = called(ADMIN, READER)
GOOD = [declares("60-add", ADMIN, READER, ALICE, BOB), declares("80-forget", ALICE, BOB)]


def proof_of(start: World, plan: Sequence[Move]) -> Proof:
    return prove(start, plan, slack_s=DAY)


def test_names_beside_thumbprints_and_then_alone_let_everybody_in_as_before() -> None:
    proof = proof_of(START, GOOD)
    assert proof.verdict == "proved"
    assert proof.states > 0
    assert all(one.readings == {"phases": "proved", "single-walk": "proved"} for one in proof.stages)
    assert any("client alice" in line.lower() or "-> admin" in line for line in proof.stages[0].acceptance)


def test_a_thumbprint_that_goes_with_nothing_in_its_place_is_refuted_by_name() -> None:
    proof = proof_of(START, [declares("80-forget", ADMIN)])
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.stage == "80-forget"
    assert proof.counterexample.invariant == 2
    assert "(bob.example.com) is refused, which was let in as one that may only read" in proof.counterexample.sentence
    assert proof.counterexample.states[0].presents.startswith(thumbprint("bob")[:8])


def test_an_issuer_that_did_not_sign_is_refuted() -> None:
    assert proof_of(START, [declares("80", ALICE, named("bob.example.com", "J", admin=False))]).verdict == "refuted"


def test_a_reader_whom_a_name_makes_an_admin_is_refuted() -> None:
    proof = proof_of(START, [declares("60", ADMIN, READER, named("bob.example.com", "I", admin=True))])
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert "is let in as an admin, which was one that may only read" in proof.counterexample.sentence


def test_an_admin_who_would_only_read_is_refuted() -> None:
    assert proof_of(START, [declares("80", named("alice.example.com", "I", admin=False), READER)]).verdict == "refuted"


def test_the_clusters_own_certificate_needs_no_entry() -> None:
    own = by_thumbprint("alice")
    start = called(ADMIN, READER, declaration=own, known=("alice", "bob"))
    assert proof_of(start, [declares("80", READER)]).verdict == "proved"
    named_cluster = by_name("I", name="alice.example.com")
    start = called(ADMIN, READER, declaration=named_cluster, known=("alice", "bob"))
    assert proof_of(start, [declares("80", READER)]).verdict == "proved"


def test_who_was_not_let_in_before_is_not_held_against_the_plan() -> None:
    start = called(ADMIN, READER, known=("carol",))
    assert proof_of(start, [declares("80", ALICE)]).verdict == "proved"


def test_one_of_two_certificates_of_an_issuers_key_is_not_enough_to_know() -> None:
    start = called(ADMIN, known=("alice",))
    twins = {thumbprint("alice"): (CAS["I"], CAS["J"])}
    start = msgspec.structs.replace(start, issuers=twins)
    proof = proof_of(start, [declares("80", ALICE)])
    assert proof.verdict == "unknown"
    assert any("pin all of them" in fact for fact in proof.missing)
    both = named("alice.example.com", "I", "J", admin=True)
    assert proof_of(start, [declares("80", both)]).verdict == "proved"


def test_a_certificate_that_has_ended_calls_no_more() -> None:
    old = cert("old", day=-200, days=150, name="old.example.com")
    start = msgspec.structs.replace(
        called(by_print("old", admin=True), known=("alice",)),
        certificates={old.thumbprint: old},
        issuers={},
        callers=Callers(
            thumbprints=(old.thumbprint,), clients=(by_print("old", admin=True),), declaration=by_thumbprint("own")
        ),
    )
    assert proof_of(start, [declares("80")]).verdict == "proved"


def test_one_may_stop_between_for_a_year_where_no_date_breaks_it() -> None:
    until = safe_to_stop_until(START, GOOD)
    assert until == (START.now + LONGEST_STOP, START.now + LONGEST_STOP)


def test_a_client_of_the_clusters_own_certificate_is_lost_with_its_declaration() -> None:
    own, other = by_thumbprint("alice"), by_thumbprint("other")
    start = called(declaration=own, known=("alice",))
    drops = DeclareCluster(stage_id="60", deadline_s=DAY, declaration=other)
    proof = proof_of(start, [drops])
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert "is refused, which was let in as an admin" in proof.counterexample.sentence
    assert proof_of(start, [declares("50", ADMIN), drops]).verdict == "proved"


def test_nodes_that_still_have_the_old_list_are_looked_at_until_the_end_of_the_stage() -> None:
    """By name she depends on an issuer that ends tomorrow; the way back to her thumbprint may take two days."""
    ending = msgspec.structs.replace(CAS["I"], not_after_utc=NOW + timedelta(days=1))
    start = called(ADMIN, known=("alice",))
    start = msgspec.structs.replace(start, issuers={thumbprint("alice"): (ending,)})
    there = DeclareClients(stage_id="60", deadline_s=3600, clients=(ALICE,))
    for back_s, verdict in ((3600, "proved"), (2 * DAY, "refuted")):
        back = DeclareClients(stage_id="80", deadline_s=back_s, clients=(ADMIN,))
        assert prove(start, [there, back], slack_s=0).verdict == verdict
    own = msgspec.structs.replace(called(ADMIN, declaration=by_name("I", name="alice.example.com"), known=("alice",)))
    own = msgspec.structs.replace(own, clients=(), issuers={thumbprint("alice"): (ending,)})
    for back_s, verdict in ((3600, "proved"), (2 * DAY, "refuted")):
        back = DeclareCluster(stage_id="80", deadline_s=back_s, declaration=by_thumbprint("alice"))
        assert prove(own, [back], slack_s=0).verdict == verdict


def test_where_a_client_is_shut_out_at_rest_one_may_not_stop() -> None:
    until = safe_to_stop_until(START, [declares("60", ADMIN, READER), declares("80", ADMIN)])
    assert until == (START.now + LONGEST_STOP, None)


def test_a_reader_of_whom_nobody_can_say_whether_a_list_of_admins_lets_him_in_is_unknown() -> None:
    """By one of two certificates of his issuer's key he would be an admin."""
    start = called(READER, known=("bob",))
    twins = msgspec.structs.replace(start, issuers={thumbprint("bob"): (CAS["I"], CAS["J"])})
    doubtful = named("bob.example.com", "I", admin=True)
    assert proof_of(start, [declares("60", READER)]).verdict == "proved"
    assert proof_of(twins, [declares("60", READER)]).verdict == "proved"
    assert proof_of(twins, [declares("60", READER, doubtful)]).verdict == "unknown"
    was_so = msgspec.structs.replace(
        twins,
        clients=(READER, doubtful),
        callers=Callers(thumbprints=(thumbprint("bob"),), clients=(READER, doubtful), declaration=by_thumbprint("own")),
    )
    assert proof_of(was_so, [declares("60", READER, doubtful)]).verdict == "proved"


# -- mutations, and clients that live through them one by one ---------------------------------------------------------


entries = st.one_of(
    st.builds(lambda who, admin: by_print(who, admin=admin), st.sampled_from(sorted(PEOPLE)), st.booleans()),
    st.builds(
        lambda name, issuers, admin: named(name, *sorted(issuers), admin=admin),
        st.sampled_from(["alice.example.com", "bob.example.com"]),
        st.sets(st.sampled_from("IJ"), min_size=1),
        st.booleans(),
    ),
)
lists = st.lists(entries, max_size=4, unique=True).map(tuple)
owns = st.sampled_from([by_thumbprint("own"), by_thumbprint("alice"), by_name("J", name="bob.example.com")])


def role_at(own: Declaration, clients: Sequence[ClientCertificate], who: str) -> str | None:
    """How one node with these lists lets somebody in, without any of the proof's own code but `accepts`."""
    leaf, by = PEOPLE[who]
    trusted = manifest_of(own).trusted
    if accepts(trusted, leaf, (CAS[by],), RULES, NOW).ok:
        return "admin"
    for admin in (True, False):
        for one in clients:
            if one.is_admin is not admin:
                continue
            if one.kind == "thumbprint":
                rule = Trusted(thumbprints=(one.value,))
            else:
                issuers = [letter for letter, ca in CAS.items() if ca.thumbprint in one.issuers]
                rule = Trusted(names=(pinned(one.value, *issuers),))
            if accepts(rule, leaf, (CAS[by],), RULES, NOW).ok:
                return "admin" if admin else "user"
    return None


@given(owns, lists, st.lists(lists, min_size=1, max_size=3))
def test_what_is_proved_is_what_every_client_sees_at_every_node_of_every_walk(
    own: Declaration, start: tuple[ClientCertificate, ...], plan: list[tuple[ClientCertificate, ...]]
) -> None:
    """Node by node: while a stage walks, each node has the list before or the one after, whichever comes first."""
    moves = [declares(f"{number}0", *clients) for number, clients in enumerate(plan, 1)]
    proof = prove(called(*start, declaration=own), moves, slack_s=0)
    seen = {who: role_at(own, start, who) for who in PEOPLE}
    whole = all(
        role_at(own, node, who) == role
        for who, role in seen.items()
        if role is not None
        for pair in itertools.pairwise([start, *plan])
        for node in pair
    )
    assert (proof.verdict == "proved") == whole


@settings(max_examples=examples(60))
@given(st.data())
def test_a_mutated_plan_is_refuted_or_did_no_harm(data: st.DataObject) -> None:
    """Stages dropped or swapped, an issuer forgotten, a role turned, a name forgotten: refused clients are found."""
    plan = list(GOOD)
    kind = data.draw(st.sampled_from(["drop", "swap", "issuer", "role", "name"]))
    at = data.draw(st.integers(0, len(plan) - 1))
    if kind == "drop":
        del plan[at]
    elif kind == "swap":
        plan.reverse()
    else:
        clients = list(plan[at].clients)
        turned = data.draw(st.integers(0, len(clients) - 1))
        one = clients[turned]
        if kind == "issuer":
            clients[turned] = msgspec.structs.replace(one, issuers=(thumbprint("J"),) if one.issuers else ())
        elif kind == "role":
            clients[turned] = msgspec.structs.replace(one, is_admin=not one.is_admin)
        else:
            del clients[turned]
        plan[at] = declares(plan[at].stage_id, *clients)
    own = by_thumbprint("own")
    harmed = [
        who
        for who in ("alice", "bob")
        for move in plan
        if role_at(own, move.clients, who) != role_at(own, (ADMIN, READER), who)
    ]
    assert (proof_of(START, plan).verdict == "proved") == (not harmed)


# -- the reverse proxy ------------------------------------------------------------------------------------------------

PROXY = "proxy.example.com"
OWN, OLD = cert("own", day=10), cert("proxy", day=20, name=PROXY)
PROXY_SECRET = f"secret-{OLD.serial}"
SET = "/subscriptions/s/resourceGroups/g/providers/p/virtualMachineScaleSets/nt0"
TO_NAME = Declaration(kind="common-name", path="x", names=by_name(name=PROXY).names, store="My")


def proxied(**changes: object) -> World:
    """One scale set whose vm secrets bring the cluster's and the reverse proxy's certificate, both by thumbprint."""
    start = world(
        by_thumbprint("own"),
        (OWN, OLD),
        {"own": (CAS["I"],), "proxy": (CAS["J"],)},
        held=(OWN, OLD),
        versions=(OLD,),
        **changes,  # type: ignore[arg-type]  # keywords of one builder, by name
    )
    return with_reverse_proxy(start, by_thumbprint("proxy"), {SET: by_thumbprint("proxy")})


DELIVER = Provision(stage_id="40-provision", deadline_s=3600, scale_set_id=SET, observes=(URL,))
ON_CLUSTER = DeclareReverseProxy(stage_id="60-cluster", deadline_s=DAY, declaration=TO_NAME)
ON_NODES = DeclareReverseProxy(stage_id="70-nodes", deadline_s=3600, declaration=TO_NAME, scale_set_id=SET)
RETIRE = RetireSecrets(stage_id="80-retire", deadline_s=3600, scale_set_id=SET, keeps=(f"secret-{OWN.serial}",))
WHOLE: list[Move] = [DELIVER, ON_CLUSTER, ON_NODES, RETIRE]


def test_delivered_first_and_retired_last_every_node_finds_its_certificate() -> None:
    proof = proof_of(proxied(), WHOLE)
    assert proof.verdict == "proved", proof.counterexample
    assert all(one.readings == {"phases": "proved", "single-walk": "proved"} for one in proof.stages)


def test_a_name_that_no_certificate_carries_is_refuted() -> None:
    wrong = Declaration(kind="common-name", path="x", names=by_name(name="other.example.com").names, store="My")
    proof = proof_of(proxied(), [DELIVER, DeclareReverseProxy(stage_id="60", deadline_s=DAY, declaration=wrong)])
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.invariant == 3
    assert "the reverse proxy can load nothing to present" in proof.counterexample.sentence


def test_a_secret_that_goes_while_a_node_extension_still_names_it_is_refuted() -> None:
    """The vault has gone on: a new node gets the next version, not the one that its node extension names."""
    newer = cert("next", day=50, name=PROXY)
    start = world(
        by_thumbprint("own"),
        (OWN, OLD, newer),
        {"own": (CAS["I"],), "proxy": (CAS["J"],), "next": (CAS["J"],)},
        held=(OWN, OLD),
        versions=(newer, OLD),
    )
    start = with_reverse_proxy(start, by_thumbprint("proxy"), {SET: by_thumbprint("proxy")})
    assert proof_of(start, WHOLE).verdict == "proved"
    proof = proof_of(start, [DELIVER, ON_CLUSTER, RETIRE, ON_NODES])
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.invariant == 4
    assert "its node extension finds nothing to present for the reverse proxy" in proof.counterexample.sentence


def test_where_it_presents_nothing_already_the_plan_is_its_remedy() -> None:
    start = world(by_thumbprint("own"), (OWN, OLD), {"own": (CAS["I"],)}, held=(OWN,), versions=(OLD,))
    start = with_reverse_proxy(start, by_thumbprint("gone"), {})
    assert start.reverse_proxy is None
    assert any("presents" in one or "present" in one for one in start.inferences)
    assert proof_of(start, [DELIVER, ON_CLUSTER]).verdict == "proved"
    assert proof_of(start, [ON_CLUSTER]).verdict == "refuted"


def test_a_scale_set_that_nobody_knows_makes_it_unknown() -> None:
    lost = DeclareReverseProxy(stage_id="70", deadline_s=60, declaration=TO_NAME, scale_set_id="/lost")
    assert proof_of(proxied(), [lost]).verdict == "unknown"


def test_a_certificate_that_ends_before_the_stage_does_is_refuted() -> None:
    short = cert("proxy", day=20, days=80.5, name=PROXY)
    start = world(
        by_thumbprint("own"),
        (OWN, short),
        {"own": (CAS["I"],), "proxy": (CAS["J"],)},
        held=(OWN, short),
        versions=(short,),
    )
    start = with_reverse_proxy(start, by_thumbprint("proxy"), {})
    proof = proof_of(start, [DELIVER, ON_CLUSTER])
    assert proof.verdict == "refuted"
    assert proof.counterexample is not None
    assert proof.counterexample.invariant == 5


class _Nodes:
    """Four nodes that live through a plan one event at a time; each shows what its reverse proxy would load."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.secrets = {OWN.thumbprint, OLD.thumbprint}
        self.observes = False
        self.extension: Declaration = by_thumbprint("proxy")
        self.manifests: list[Declaration] = [by_thumbprint("proxy")] * 4
        self.stores = [{OWN.thumbprint, OLD.thumbprint} for _ in range(4)]
        self.known: dict[str, Certificate] = {one.thumbprint: one for one in (OWN, OLD)}

    def run(self, plan: Sequence[Move]) -> str | None:
        for move in plan:
            broken = self._stage(move)
            if broken:
                return f"{move.stage_id}: {broken}"
        return None

    def _stage(self, move: Move) -> str | None:
        if isinstance(move, Provision):
            self.observes = True
            for store in self.stores:
                store.add(OLD.thumbprint)
        elif isinstance(move, RetireSecrets):
            self.secrets = {OWN.thumbprint}
        elif isinstance(move, DeclareReverseProxy) and move.scale_set_id is not None:
            self.extension = move.declaration
        elif isinstance(move, DeclareReverseProxy):
            for domain in range(4):
                self.manifests[domain] = move.declaration
                if broken := self._happen():
                    return broken
        return self._happen()

    def _happen(self) -> str | None:
        if self.chance.random() < 0.6:
            fresh = set(self.secrets) | ({OLD.thumbprint} if self.observes else set())
            self.stores[self.chance.randrange(4)] = fresh
            if not self._finds(self.extension, fresh):
                return "a new node's extension finds nothing"
        for manifest, store in zip(self.manifests, self.stores, strict=True):
            if not self._finds(manifest, store):
                return "a reverse proxy presents nothing"
        return None

    def _finds(self, declared: Declaration, store: set[str]) -> bool:
        held = [holding(self.known[one]) for one in sorted(store)]
        return bool(presents(manifest_of(declared).presented, held, RULES, NOW + timedelta(hours=1)).certificates)


@settings(max_examples=examples(60))
@given(st.permutations(WHOLE), st.integers(0, 4), st.integers(0, 2**32))
def test_what_is_proved_for_the_reverse_proxy_never_breaks_when_nodes_live_through_it(
    plan: list[Move], length: int, seed: int
) -> None:
    """Every order and every part of the plan: what is called safe breaks in no life, what is refuted in some."""
    plan = plan[:length]
    lives = [_Nodes(random.Random(seed + number)).run(plan) for number in range(40)]
    if proof_of(proxied(), plan).verdict == "proved":
        assert not any(lives), next(one for one in lives if one)
    else:
        assert any(lives)


def test_the_lives_have_teeth() -> None:
    assert any(_Nodes(random.Random(seed)).run([RETIRE]) for seed in range(20))
    assert NAME != PROXY
