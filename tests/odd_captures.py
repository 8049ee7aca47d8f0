"""Captures as nobody would make them on purpose: odd dates, authorities, orders and settings, and edits by hand.

Everything follows from a seed. `drawn` keeps to what Azure could answer; `edited` does not. Not a test:
`tests/properties` asks the questions, `python -m tests.soak` asks them many times.
"""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sfcert.model.bundle import Bundle
from sfcert.model.plan import Plan
from sfcert.model.rehearsal import Hardship
from sfcert.planning.inputs import Inputs
from tests import make

Json = dict[str, Any]
URL = f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}"
EVERYTHING = (
    "ends-frozen",
    "extension-flag-for-others",
    "issuer-next-time",
    "linux-store-reads-extension-files",
    "second-identity",
)
_PLAYBOOKS = (
    *["thumbprint-to-common-name"] * 4,
    "rotate-by-thumbprint",
    "change-issuer",
    "add-certificate",
    "cleanup",
)
_AUTHORITIES = (*["Example Issuing CA A"] * 3, "Example Issuing CA B")


@dataclass(frozen=True)
class Odd:
    """A capture with what is asked of it; `told` says in words what is odd."""

    bundle: Bundle
    inputs: Inputs
    told: str


def drawn(seed: int) -> Odd:
    """A capture that Azure could have answered."""
    dice = random.Random(f"odd {seed}")
    world = _world(dice)
    document = make.document(world)
    told = [*_settings(dice, document), *_orders(dice, document), *_flags(dice, document)]
    names = {"*": URL} if dice.random() < 0.7 else {}
    accepted = dice.choice([(), EVERYTHING, EVERYTHING])
    inputs = Inputs(playbook=dice.choice(_PLAYBOOKS), certificates=names, accepted=accepted)
    words = f"{inputs.playbook}, runtime {world.runtime}, {world.os}, by name {world.by_name}, {told}"
    return Odd(make.from_document(document), inputs, words)


def hardship_for(plan: Plan) -> Hardship:
    """What a plan from an odd capture has to come through. Where a new machine could not join before anything was sent,
    as the plan's own findings say, nobody adds one or re-images it."""
    closed = any(one.rule == "thumbprint-auto-refreshed" and one.reason == "AlreadyReplaced" for one in plan.findings)
    return "usual" if closed else "hostile"


def _leaf(dice: random.Random, label: str, *, named: bool = False) -> make.Issued:
    dates = {
        "not_before": make.NOW - timedelta(days=dice.choice([5, 20, 30, 30, 60, 90])),
        "not_after": make.NOW + timedelta(days=dice.choice([40, 100, 150, 150, 250])),
    }
    if not named and dice.random() < 0.12:
        return make.leaf(label, ca=dice.choice(_AUTHORITIES), common_name="old.example.com", **dates)
    if not named and dice.random() < 0.08:
        return make.certificate(key_label=f"leaf-{label}", **dates)
    return make.leaf(label, ca=dice.choice(_AUTHORITIES), **dates)


def _world(dice: random.Random) -> make.World:
    shapes = []
    for number in range(dice.choice([1, 1, 2, 3])):
        durability = dice.choice(["Bronze", "Silver", "Silver", "Gold"])
        count = 5 if durability != "Bronze" or number == 0 else dice.choice([1, 3, 5])
        mode = dice.choice(["Automatic", "Automatic", "Automatic", "Manual", "Rolling"])
        shapes.append(make.NodeTypeShape(f"nt{number}", count, durability, is_primary=number == 0, mode=mode))
    current = _leaf(dice, "1")
    goal = _leaf(dice, "2", named=True) if dice.random() < 0.6 else None
    knobs: Json = {
        "node_types": tuple(shapes),
        "current": current,
        "goal": goal,
        "secondary": dice.choice([None, None, goal, _leaf(dice, "3")]),
        "rbac": dice.random() < 0.6,
        "has_stores": dice.random() < 0.6,
        "policy": make.policy(
            **dice.choice([{"action": "AutoRenew", "issuer": "ExampleCA"}, {"issuer": "ExampleCA"}, {}])
        ),
        "runtime": dice.choice(["11.4.268.1", "11.4.268.1", "10.1.2175.9590", "7.2.445.9590", "7.1.409.9590"]),
        "os": dice.choice(["Windows"] * 5 + ["Linux"]),
        "reverse_proxy": dice.choice([None, None, None, current, _leaf(dice, "4")]),
    }
    knobs["has_identity"] = dice.random() < 0.5
    knobs["has_access"] = knobs["has_identity"] and dice.random() < 0.6
    knobs["has_extension"] = knobs["has_access"] and dice.random() < 0.5
    if dice.random() < 0.25:
        knobs |= {"by_name": True, "has_identity": True, "has_access": True, "has_extension": True}
        knobs["has_secrets"] = dice.random() < 0.4
    world = make.world(**knobs)
    if dice.random() < 0.2:
        extra = _leaf(dice, "9", named=True)
        world = make.world(**knobs, versions=tuple(dict.fromkeys((world.now_declared, world.leads_to, extra))))
    return world


def _settings(dice: random.Random, document: Json) -> list[str]:
    parameters = document["resources"][make.CLUSTER_ID]["body"]["properties"]["fabricSettings"][0]["parameters"]
    found = []
    for name, chance in (("UseSecondaryIfNewer", 0.2), ("EnforcePrevalidationOnSecurityChanges", 0.5)):
        if dice.random() < chance:
            parameters.append({"name": name, "value": "false"})
            found.append(f"{name} false")
    return found


def _orders(dice: random.Random, document: Json) -> list[str]:
    """The order of creation need not be that of validity; a version may be disabled."""
    versions = document["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]["versions"]
    order = list(range(len(versions)))
    found = []
    if dice.random() < 0.3:
        dice.shuffle(order)
        found.append("created in another order")
    begun = make.NOW - timedelta(days=4)
    for rank, at in enumerate(order):
        versions[at]["attributes"]["created"] = int((begun + timedelta(hours=rank)).timestamp())
    if dice.random() < 0.1:
        dice.choice(versions)["attributes"]["enabled"] = False
        found.append("a version is disabled")
    return found


def _flags(dice: random.Random, document: Json) -> list[str]:
    found = []
    for resource in document["resources"].values():
        profile = resource["body"].get("properties", {}).get("virtualMachineProfile", {})
        for extension in profile.get("extensionProfile", {}).get("extensions", []):
            management = extension["properties"]["settings"].get("secretsManagementSettings")
            for flag in ("requireInitialSync", "linkOnRenewal"):
                if management is not None and flag in management and dice.random() < 0.15:
                    del management[flag]
                    found.append(f"no {flag}")
    return found


# -- edits by hand -----------------------------------------------------------------------------------------------------


def edited(seed: int) -> tuple[Json, list[str]]:
    """A capture's document with one to three places made odd, and which: names, kinds and spellings as they come."""
    dice = random.Random(f"edited {seed}")
    world = dice.choice(
        [
            make.world(),
            make.common_name_world(),
            make.world(secondary=make.leaf("s"), reverse_proxy=make.leaf("rp")),
            make.world(os="Linux"),
            make.world(rbac=False, has_identity=True, has_access=True, has_extension=True),
        ]
    )
    document: Json = json.loads(json.dumps(make.document(world)))
    told = []
    for _ in range(dice.choice([1, 1, 1, 2, 3])):
        steps = dice.choice([one for one in _places(document, ()) if one])
        holder: Any = document
        for step in steps[:-1]:
            holder = holder[step]
        told.append(f"{_edit(dice, holder, steps[-1])} {'/'.join(map(str, steps))}")
    return document, told


def _places(value: Any, at: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, part in inner for place in _places(part, (*at, key)))]


def _edit(dice: random.Random, holder: Any, key: Any) -> str:
    old = holder[key]
    others: dict[str, Any] = {
        "null": None,
        "text": "xyz",
        "mark": "\u200e\u0000ä",
        "number": -1,
        "truth": True,
        "listed": [old],
        "wrapped": {"a": old},
        "emptied": type(old)() if isinstance(old, dict | list | str) else "",
        "shouted": old.upper() if isinstance(old, str) else old,
    }
    kind = dice.choice(["removed", "doubled", *others])
    if kind == "removed":
        del holder[key]
    elif kind == "doubled" and isinstance(holder, list):
        holder.append(copy.deepcopy(old))
    elif kind == "doubled":
        holder[f"{key}X"] = copy.deepcopy(old)
    else:
        holder[key] = others[kind]
    return kind
