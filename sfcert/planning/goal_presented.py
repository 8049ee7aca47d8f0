"""Would nodes that go by the goal's name present the goal, of all that they hold? Floor 4, pure.

Selection by name looks at dates alone: a certificate of the same name that begins later stays the one presented,
whoever issued it, so that no plan could end with the goal on the nodes. Leaves out whether anybody accepts it.
Source: reference 2.1, 7 row 14.
"""

from __future__ import annotations

from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.trust.presentation import presents
from sfcert.trust.world import Holding, Presented, World


def check_goal_is_presented(situation: Situation, world: World, reasons: Reasons) -> None:
    """A reason for each certificate that nodes would present instead of the goal; none by thumbprint, where a
    declaration names its certificate, and none where no certificate is led to the nodes.

    Effects: adds to `reasons`.
    """
    if situation.found_goal is None or situation.aim == "thumbprint" or world.rules.selects_newest is None:
        return
    goal = situation.goal.certificate
    wanted = Presented(names=(situation.goal.common_name,), store=situation.store)
    coming = Holding(certificate=goal, store=situation.store)
    instead: dict[str, list[str]] = {}
    for group in world.groups:
        for store in group.stores:
            held = [one for one in store.holdings if one.certificate.thumbprint != goal.thumbprint]
            chosen = presents(wanted, [*held, coming], world.rules, world.now).certificates
            for one in chosen:
                if one.thumbprint != goal.thumbprint:
                    instead.setdefault(one.thumbprint, []).append(group.name)
    for thumbprint, groups in instead.items():
        one = world.certificates[thumbprint]
        by, ours, theirs = (
            ("begins", goal.not_before_utc, one.not_before_utc)
            if world.rules.selects_newest
            else ("ends", goal.not_after_utc, one.not_after_utc)
        )
        reasons.add(
            f"Nodes of {', '.join(dict.fromkeys(groups))} hold {thumbprint}, which carries the goal's name and {by} on "
            f"{theirs:%Y-%m-%d %H:%M}, the goal {goal.thumbprint} on {ours:%Y-%m-%d %H:%M}: by name they would present "
            f"the other one, not the goal. Issue a version that {by} later than {theirs:%Y-%m-%d %H:%M} UTC, and plan "
            "again."
        )
