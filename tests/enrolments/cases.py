"""What happens in one enrolment of the soak? Drawn from its seed. Not a test."""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from tests.enrolments.authority import DECIDED, ON_THE_WAY, Habits, Whim

Json = dict[str, Any]
Way = Literal["self", "integrated", "by-hand", "acme-dns", "acme-webroot"]
Who = Literal["killed", "same", "elsewhere"]
WAYS: tuple[Way, ...] = ("self", "integrated", "by-hand", "acme-dns", "acme-dns", "acme-webroot")
#: Faults of requests that a vault or a zone knows; a long operation there is none.
_OF_REQUESTS = (
    *("answer-lost", "answer-lost", "answer-cut", "answer-cut"),
    *("server-error", "unavailable", "throttling", "rate-limits", "write-conflict", "precondition-failed"),
    *("connection-reset", "slow-answer", "stale-read", "appears-late", "shuffled-lists", "token-expired", "etag-moves"),
)
_OWN: dict[str, Json] = {
    "slow-answer": {"delay_s": 20},
    "rate-limits": {"reads": 20, "writes": 3},
    "throttling": {"retry_after": 7},
    "stale-read": {"looks": 3},
    "appears-late": {"looks": 3},
}
_PLACES = ("create", "pending", "merge", "versions", "policy", "secrets", "issuers", "TXT", "certificates", "")
_PATHS = ("/dir", "/nonce", "/account", "/new-order", "/order", "/authz", "/challenge", "/finalize", "/certificate", "")
_CHANGES: tuple[Json, ...] = (
    {"validity_months": 6},
    {"tags": {"team": "core"}},
    {"renewal": {"lifetime_percentage": 60}},
    {"key": {"reuse": True}},
    {"dns_names": ["added.fabric.example.com"]},
    {"ekus": ["server_auth"]},
)
#: What people bring back in the place of what the authority signed, a few times.
_BROUGHT = ("good", "good", "reversed", "leaf alone", "other key", "other authority")


@dataclass(frozen=True)
class Break:
    """At the n-th effect of which run something happens: the process dies, or another has its whole run meanwhile."""

    run: int
    at: int
    is_after: bool
    who: Who

    def __str__(self) -> str:
        return f"{self.who} {'after' if self.is_after else 'before'} effect {self.at} of run {self.run}"


@dataclass(frozen=True)
class Case:
    """`pins` is what the cluster declares, None where none is named. `runs`: so often under the faults. `change` is
    made to the policy after the run of that number."""

    seed: int
    way: Way
    names: tuple[str, ...]
    policy: Json
    pins: Literal["right", "wrong"] | None
    faults: Mapping[str, Json]
    whims: tuple[Whim, ...]
    habits: Habits
    breaks: tuple[Break, ...]
    change: tuple[int, Json] | None
    brought: tuple[str, ...]
    runs: int
    issuer_is_new: bool
    dns: Mapping[str, int] = field(default_factory=dict)
    #: the same of the renewal that follows.
    later_faults: Mapping[str, Json] = field(default_factory=dict)
    later_whims: tuple[Whim, ...] = ()
    later_breaks: tuple[Break, ...] = ()

    @property
    def is_acme(self) -> bool:
        return self.way.startswith("acme")

    @property
    def is_merged(self) -> bool:
        return self.is_acme or self.way == "by-hand"

    def __str__(self) -> str:
        parts = [f"seed {self.seed}: {self.way}", f"{self.runs} runs", str(self.policy) if self.policy else ""]
        parts += [f"pins {self.pins}" if self.pins else "", f"changed {self.change}" if self.change else ""]
        parts += [f"{name} {options}" for name, options in self.faults.items()]
        parts += [str(one) for one in (*self.whims, *self.breaks)]
        parts += [f"dns {dict(self.dns)}" if self.dns else "", f"{self.habits}" if self.is_acme else ""]
        later = [*map(str, self.later_faults.items()), *map(str, (*self.later_whims, *self.later_breaks))]
        parts += [f"later: {'; '.join(later)}" if later else ""]
        return "; ".join(one for one in parts if one)


def quiet(way: Way, **changes: Any) -> Case:
    """A case in which nothing goes wrong but what `changes` says."""
    given: Json = {
        "seed": 1,
        "way": way,
        "names": (),
        "policy": {"renewal": {"by": "sfcert"}},
        "pins": None,
        "faults": {},
        "whims": (),
        "habits": Habits(),
        "breaks": (),
        "change": None,
        "brought": ("good",),
        "runs": 1,
        "issuer_is_new": False,
    }
    return Case(**(given | changes))


def drawn(seed: int) -> Case:
    """The case of this seed, the same in every process."""
    dice = random.Random(f"enrolment {seed}")
    way = dice.choice(WAYS)
    is_acme = way.startswith("acme")
    names: tuple[str, ...] = dice.choice(
        [(), (), ("www.fabric.example.com",), ("a.fabric.example.com", "b.fabric.example.com")]
    )
    policy: Json = {"renewal": {"by": "sfcert"}} if is_acme or dice.random() < 0.6 else {}
    if dice.random() < 0.3:
        policy["tags"] = {"owner": "web team"}
    if dice.random() < 0.15:
        policy["key"] = {"reuse": True}
    pins: Any = dice.choice([None, None, None, "right", "right", "wrong"])
    # the other authority is the one that such a cluster takes
    brought = _BROUGHT if pins != "wrong" else _BROUGHT[:-1]
    runs = dice.choice([1, 2, 2, 3, 4])
    # a cluster takes no certificate without client authentication
    changes = _CHANGES if pins is None else _CHANGES[:-1]
    return Case(
        seed=seed,
        way=way,
        names=names,
        policy=policy,
        pins=None if way == "self" else pins,
        faults=_faults(dice),
        whims=_whims(dice) if is_acme else (),
        habits=_habits(dice),
        breaks=_breaks(dice, runs),
        change=(dice.randrange(runs), deepcopy(dice.choice(changes))) if dice.random() < 0.2 else None,
        brought=tuple(dice.choice(brought) for _ in range(runs)),
        runs=runs,
        issuer_is_new=dice.random() < 0.4,
        dns=_dns(dice) if way == "acme-dns" else {},
        later_faults=_faults(dice) if dice.random() < 0.6 else {},
        later_whims=_whims(dice) if is_acme and dice.random() < 0.6 else (),
        later_breaks=_breaks(dice, 1),
    )


def _faults(dice: random.Random) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for _ in range(dice.choice([0, 1, 1, 2])):
        if dice.random() < 0.1:
            found["vault-issuer-refuses"] = {}
            continue
        name = dice.choice(_OF_REQUESTS)
        found[name] = {**_OWN.get(name, {}), **_hardness(dice)}
    return found


def _hardness(dice: random.Random) -> Json:
    only = {"method": dice.choice(["DELETE", "PUT", "POST", "GET"])} if dice.random() < 0.2 else {}
    return {**_how_often(dice), **only}


def _how_often(dice: random.Random) -> Json:
    match dice.randrange(5):
        case 0:
            return {"chance": round(dice.uniform(0.05, 0.5), 3)}
        case 1 | 2:
            return {"times": dice.randint(1, 4), "match": dice.choice(_PLACES), "after": dice.choice([0, 0, 1, 2])}
        case 3:
            return {"times": dice.randint(1, 8), "after": dice.randint(0, 25)}
        case _:
            return {"match": dice.choice(_PLACES), "for_s": dice.randint(60, 4000)}


def _whims(dice: random.Random) -> tuple[Whim, ...]:
    found = []
    for _ in range(dice.choice([0, 1, 1, 2])):
        if dice.random() < 0.55:
            name, path = dice.choice(ON_THE_WAY), dice.choice(_PATHS)
            found.append(Whim(name, dice.choice([1, 1, 2, 3, 12]), dice.choice([0, 0, 1, 3]), path))
        else:
            found.append(Whim(dice.choice(DECIDED), dice.choice([1, 1, 2]), dice.choice([0, 0, 0, 1, 4])))
    return tuple(found)


def _habits(dice: random.Random) -> Habits:
    return Habits(
        lists_orders=dice.random() < 0.5,
        reuses_orders=dice.random() < 0.3,
        reuses_authorizations=dice.random() < 0.4,
        has_renewal_information=dice.random() < 0.5,
        lives_of_orders=timedelta(minutes=20) if dice.random() < 0.15 else timedelta(days=7),
    )


def _breaks(dice: random.Random, runs: int) -> tuple[Break, ...]:
    if dice.random() < 0.4:
        return ()
    who: Who = dice.choice(["killed", "killed", "killed", "same", "elsewhere"])
    return (Break(dice.randrange(runs), dice.randrange(24), dice.random() < 0.5, who),)


def _dns(dice: random.Random) -> dict[str, int]:
    return dice.choice([{}, {}, {}, {"silent": dice.randint(1, 6)}, {"late": dice.randint(1, 40)}])
