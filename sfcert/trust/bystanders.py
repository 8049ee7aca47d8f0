"""Do those keep what they have who are no nodes, or speak for none? Clients, and the reverse proxy. Floor 2.

    2  a client that was let in where the plan starts is let in by every list that a node may run with, in the same role
    3  every node can load what its reverse proxy is to present
    4  a node that is created now can, too, and finds what its node extension names for the reverse proxy

What did not hold where the plan starts is not held against it. Leaves out who calls the reverse proxy: its callers are
strangers, and whom they trust is not declared here. Source: reference 1.1, 1.4, 1.5, 2.1 to 2.3 (a caller gets the
highest role among the rules that match; cluster certificates are admin clients).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from sfcert.model.base import Value
from sfcert.model.observation import ClientCertificate, Declaration, PinnedName
from sfcert.trust.invariants import Break, Judge, Outcome
from sfcert.trust.moves import Nothing
from sfcert.trust.reach import Closure, Variant
from sfcert.trust.world import Holding, Store, Trusted, World, label, manifest_of

#: Where a case of this page stands among others of one instant: after those between nodes.
_RANK = 200


class LetIn(Value):
    """One judgement of a client: `role` is `admin`, `user` or None; `missing` where nobody can say."""

    role: str | None
    rule: str
    missing: tuple[str, ...] = ()


def let_in(
    judge: Judge, declaration: Declaration, clients: Sequence[ClientCertificate], thumbprint: str, at: datetime
) -> LetIn:
    """In which role a node with these lists lets the client with this certificate in.

    Args:
        declaration: the cluster's own: whoever presents a cluster certificate is an admin client.
        at: aware UTC.

    Effects: none.
    """
    leaf = judge.certificates[thumbprint]
    own = manifest_of(declaration).trusted
    missing: list[str] = []
    for role, trusted in (
        ("admin", _with(own, clients, is_admin=True)),
        ("user", _with(None, clients, is_admin=False)),
    ):
        verdict = judge.accepts(trusted, leaf, at)
        if verdict.ok:
            return LetIn(role=role, rule=verdict.rule, missing=tuple(missing))
        if verdict.ok is None:
            missing += verdict.missing
        last = verdict
    return LetIn(role=None, rule=last.why, missing=tuple(missing))


def look_at_bystanders(
    judge: Judge, before: World, done: World, variants: Sequence[Variant], at: datetime, order: int
) -> Outcome:
    """The invariants of this page over every state of one stage at one instant; nothing where no such role moves."""
    outcome = Outcome()
    if before.callers is not None:
        _look_at_clients(judge, before, done, at, order, outcome)
    if before.reverse_proxy is not None or done.reverse_proxy is not None:
        _look_at_reverse_proxy(judge, before, done, variants, at, order, outcome)
    return outcome


def with_reverse_proxy(world: World, declared: Declaration, on_nodes: Mapping[str, Declaration]) -> World:
    """The world with the reverse proxy looked at, as far as it works there.

    Args:
        declared: the cluster's.
        on_nodes: by scale set id, what a node extension names for it.

    Returns:
        What presents nothing already, or nobody can say, is left out and told in `inferences`: the plan may be its
        remedy, and its state before is not the plan's doing.
    """
    groups = tuple(msgspec.structs.replace(one, reverse_proxy=on_nodes.get(one.scale_set_id)) for one in world.groups)
    whole = msgspec.structs.replace(world, reverse_proxy=declared, groups=groups)
    if _holds_at_rest(whole):
        return whole
    told = "The reverse proxy has nothing to present on some node already, or nobody can say: it is looked at from then"
    told += " on only when it goes by name."
    return msgspec.structs.replace(world, inferences=(*world.inferences, told))


def _holds_at_rest(world: World) -> bool:
    closure, judge = Closure(next_as_newest=False), Judge(world.rules)
    reach = closure.reach(world, world, Nothing(stage_id="", deadline_s=0))
    judge.learn(reach.certificates, reach.issuers)
    outcome = look_at_bystanders(judge, world, world, reach.variants, world.now, 0)
    return not outcome.breaks and not outcome.missing


def _with(own: Trusted | None, clients: Iterable[ClientCertificate], *, is_admin: bool) -> Trusted:
    """The lists of one role: its clients, and for admins the cluster's own certificates."""
    mine = [one for one in clients if one.is_admin is is_admin]
    thumbprints = tuple(one.value for one in mine if one.kind == "thumbprint")
    names = tuple(
        PinnedName(common_name=one.value, issuers=one.issuers, issuers_text=",".join(one.issuers))
        for one in mine
        if one.kind == "common-name"
    )
    if own is None:
        return Trusted(thumbprints=thumbprints, names=names)
    return Trusted(thumbprints=(*own.thumbprints, *thumbprints), names=(*own.names, *names))


def _look_at_clients(judge: Judge, before: World, done: World, at: datetime, order: int, outcome: Outcome) -> None:
    assert before.callers is not None
    lists = tuple(dict.fromkeys((before.clients, done.clients)))
    records = tuple(dict.fromkeys((before.declaration, done.declaration)))
    for thumbprint in before.callers.thumbprints:
        was = let_in(judge, before.callers.declaration, before.callers.clients, thumbprint, at)
        if was.role is None:
            continue
        for number, clients in enumerate(lists):
            for record in records:
                outcome.states += 1
                outcome.pairs += 1
                now = let_in(judge, record, clients, thumbprint, at)
                line = f"client {label(judge.certificates, thumbprint)} -> {now.role or 'refused'}, {now.rule}"
                outcome.acceptance[line] = None
                if now.role == was.role:
                    # with every list that is in doubt it would be let in as it was
                    if was.role == "user":
                        outcome.missing |= dict.fromkeys(one for one in now.missing if one not in was.missing)
                    continue
                if now.missing:
                    outcome.missing |= dict.fromkeys(now.missing)
                    continue
                outcome.breaks.append(_client_break(judge, before, thumbprint, was, now, at, (order, 0, _RANK, number)))


def _client_break(
    judge: Judge, world: World, thumbprint: str, was: LetIn, now: LetIn, at: datetime, rank: tuple[int, ...]
) -> Break:
    who = f"the client with {label(judge.certificates, thumbprint)}"
    if now.role is None:
        why = f"is refused, which was let in as {_article(was.role)}: {now.rule}"
    else:
        why = f"is let in as {_article(now.role)}, which was {_article(was.role)}: {now.rule}"
    store = Store(holdings=(Holding(certificate=judge.certificates[thumbprint]),))
    variant = Variant(group="", scale_set_id="", store=store, key=-1, phrase=who, weight=0, model=None)
    return Break(
        rank=rank,
        invariant=2,
        at=at,
        variant=variant,
        runs=manifest_of(world.declaration),
        judges=None,
        presented=thumbprint,
        why=why,
        walk=None,
        told=f"{who} {why}",
    )


def _article(role: str | None) -> str:
    return "an admin" if role == "admin" else "one that may only read"


def _look_at_reverse_proxy(
    judge: Judge, before: World, done: World, variants: Sequence[Variant], at: datetime, order: int, outcome: Outcome
) -> None:
    declared = [one for one in (before.reverse_proxy, done.reverse_proxy) if one is not None]
    checked: set[tuple[Declaration, int, bool]] = set()
    for variant in variants:
        wanted = [(one, False) for one in declared]
        for world, model in ((before, "before"), (done, "after")):
            group = world.group(variant.scale_set_id)
            if variant.model == model and group is not None and group.reverse_proxy is not None:
                wanted.append((group.reverse_proxy, True))
        for number, (one, by_extension) in enumerate(dict.fromkeys(wanted)):
            if (one, variant.key, by_extension) in checked:
                continue
            checked.add((one, variant.key, by_extension))
            outcome.states += 1
            shown = judge.presents(manifest_of(one).presented, variant, at)
            outcome.missing |= dict.fromkeys(shown.missing)
            if shown.certificates or shown.missing:
                continue
            who = variant.phrase.rstrip(",")
            whom = "its node extension finds nothing" if by_extension else "the reverse proxy can load nothing"
            outcome.breaks.append(
                Break(
                    rank=(order, variant.weight, _RANK, number),
                    invariant=3 if variant.model is None else 4,
                    at=at,
                    variant=variant,
                    runs=manifest_of(one),
                    judges=None,
                    presented=None,
                    why=shown.why,
                    walk=None,
                    told=f"{who}: {whom} to present for the reverse proxy ({shown.why})",
                )
            )
