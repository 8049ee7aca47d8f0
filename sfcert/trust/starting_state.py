"""From which declared thumbprints may a cluster go to a common name, and how does it get there? Floor 2.

The vendor's table of valid starting states, and its table of upgrades that lead to one. Leaves out the proof that a
given cluster survives them (`sfcert.trust.prove`).
"""

from __future__ import annotations

from collections.abc import Mapping

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.observation import Declaration
from sfcert.trust.rules import RuntimeRules


class StartingState(Value):
    """`valid` is None where a date is not known. `upgrades` are the thumbprint lists (primary first) to declare one
    after another until the state is valid; `to_goal_alone` those that lead on to the goal as the only one, which is
    the safest state. Both are empty where nothing is to be done, or where nothing can be said."""

    valid: bool | None
    upgrades: tuple[tuple[str, ...], ...]
    to_goal_alone: tuple[tuple[str, ...], ...]
    why: str


def starting_state(
    declaration: Declaration, goal: Certificate, known: Mapping[str, Certificate], rules: RuntimeRules
) -> StartingState:
    """Whether conversion to the goal's common name may start from this declaration.

    Args:
        declaration: the cluster's, by thumbprint.
        goal: G, the certificate that the nodes shall present by name.
        known: certificates by thumbprint, for the dates of the others.

    Effects: none.
    Source: reference 3.2 and 3.3, which hold where both declared thumbprints count; where the primary alone does
    (`UseSecondaryIfNewer` false, 1.3) a goal that is the secondary is not in use. Equal dates are not documented: they
    count as *the other one is newer*.
    """
    g = goal.thumbprint
    thumbprints = declaration.thumbprints
    if not thumbprints:
        return StartingState(valid=None, upgrades=(), to_goal_alone=(), why="no thumbprint is declared")
    others = tuple(dict.fromkeys(one for one in thumbprints if one != g))
    if not others:
        return StartingState(valid=True, upgrades=(), to_goal_alone=(), why="the goal alone is declared")
    if any(one not in known for one in others) or (rules.selects_newest is None):
        fact = "the runtime version" if rules.selects_newest is None else "the dates of a declared certificate"
        return StartingState(valid=None, upgrades=(), to_goal_alone=(), why=f"{fact} is not known")

    def rank(one: Certificate) -> float:
        return (one.not_before_utc if rules.selects_newest else one.not_after_utc).timestamp()

    if len(others) == 2:
        # What the nodes present now is kept: dropping it would move presentation and trust in one walk.
        kept = max(others, key=lambda one: rank(known[one])) if rules.use_secondary_if_newer else thumbprints[0]
        rest = _from_one(kept, g, rules, goal_is_newer=rank(goal) > rank(known[kept]))
        why = "two other certificates are declared: one has to go before the goal can come"
        return StartingState(valid=False, upgrades=((kept,), *rest[0]), to_goal_alone=((kept,), *rest[1]), why=why)
    newer = rank(goal) > rank(known[others[0]])
    if g not in thumbprints:
        upgrades, alone = _from_one(others[0], g, rules, goal_is_newer=newer)
        why = "the goal is not declared yet"
        return StartingState(valid=False, upgrades=upgrades, to_goal_alone=alone, why=why)
    if not rules.use_secondary_if_newer and thumbprints[0] != g:
        why = "UseSecondaryIfNewer is false, so that nodes present the other declared certificate, which is the primary"
        return StartingState(valid=False, upgrades=((g,),), to_goal_alone=((g,),), why=why)
    if newer:
        why = "the goal is declared and newer than the other one"
        return StartingState(valid=True, upgrades=(), to_goal_alone=((g,),), why=why)
    why = "the other declared certificate is not older than the goal: nodes present it"
    return StartingState(valid=False, upgrades=((g,),), to_goal_alone=((g,),), why=why)


def _from_one(
    other: str, goal: str, rules: RuntimeRules, *, goal_is_newer: bool
) -> tuple[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]:
    if goal_is_newer:
        alone = (other, goal), (goal,)
        # Where the primary alone counts, a secondary is presented by nobody.
        return (alone[:1] if rules.use_secondary_if_newer else alone), alone
    return ((goal, other), (goal,)), ((goal, other), (goal,))
