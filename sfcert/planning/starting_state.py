"""From which thumbprints may the conversion start, and who learns of them first? Stage 50. Floor 4.

Scale sets learn a further thumbprint first and the cluster second; on removal the cluster first, scale sets second; the
end is the goal alone. Source: reference 3.2 and 3.3 through `sfcert.trust.starting_state`; design, stage 50.
"""

from __future__ import annotations

from sfcert.model.ids import parse_resource_id
from sfcert.model.observation import Declaration, ScaleSet
from sfcert.pki import direct_issuers
from sfcert.planning.cluster import cluster_step_facts
from sfcert.planning.declarations import (
    CERTIFICATE,
    cluster_thumbprints,
    declared_name,
    extension_owned,
    extension_thumbprints,
)
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step, step_of_scale_set
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import DeclareCluster, DeclareExtension
from sfcert.trust.rules import rules_of
from sfcert.trust.starting_state import starting_state
from sfcert.trust.validation import accepts
from sfcert.trust.world import Trusted

Thumbprints = tuple[str, ...]


def reach_starting_state(
    situation: Situation, on_nodes: StageDefinition, on_cluster: StageDefinition, reasons: Reasons
) -> list[Step]:
    """The steps of stage 50; none where conversion may start right away, or where no thumbprint is declared.

    Effects: adds to `reasons`, where a date or a version is not known.
    """
    observation, goal = situation.observation, situation.goal
    declared = observation.cluster.certificate
    if not declared.thumbprints or declared.names:
        return []
    rules = rules_of(observation.cluster.runtime, observation.cluster.settings, observation.cluster.os)
    known = {one.thumbprint: one for one in observation.known_certificates()}
    state = starting_state(declared, goal.certificate, known, rules)
    if state.valid is None:
        reasons.add(
            f"Whether the conversion may start from {', '.join(declared.thumbprints)} is not known: {state.why}. Put "
            "that certificate into a vault that can be read, or read the runtime version, and capture again."
        )
        return []
    strays = [one for one in situation.scale_sets if not _would_pass(situation, one)]
    if state.valid and not strays:
        return []
    why = _capital(state.why) if not state.valid else "A node extension names a thumbprint that the name rule refuses"
    return _walk(situation, on_nodes, on_cluster, state.to_goal_alone or ((goal.thumbprint,),), why)


def reach_goal_alone(
    situation: Situation, on_nodes: StageDefinition, on_cluster: StageDefinition, reasons: Reasons
) -> list[Step]:
    """The steps until the goal is the only thumbprint that is declared, everywhere; none where it is,
    or where no thumbprint is declared.

    Effects: adds to `reasons`, where a date or a version is not known.
    """
    observation, goal = situation.observation, situation.goal
    rules = rules_of(observation.cluster.runtime, observation.cluster.settings, observation.cluster.os)
    known = {one.thumbprint: one for one in observation.known_certificates()}
    declared = observation.cluster.certificate
    if not declared.thumbprints or declared.names:
        return []
    state = starting_state(declared, goal.certificate, known, rules)
    if state.valid is None:
        reasons.add(
            f"In which order {goal.thumbprint} may take the place of {', '.join(declared.thumbprints)} is not known: "
            f"{state.why}. Put that certificate into a vault that can be read, or read the runtime version, and "
            "capture again."
        )
        return []
    return _walk(situation, on_nodes, on_cluster, state.to_goal_alone or ((goal.thumbprint,),), _capital(state.why))


def _walk(
    situation: Situation,
    on_nodes: StageDefinition,
    on_cluster: StageDefinition,
    targets: tuple[Thumbprints, ...],
    why: str,
) -> list[Step]:
    steps: list[Step] = []
    now: Thumbprints = situation.observation.cluster.certificate.thumbprints
    on_node = {one.id: one.node_extension.certificate.thumbprints for one in situation.scale_sets}
    for number, target in enumerate(targets, 1):
        is_more = set(target) > set(now)
        why = why if number == 1 else "Every node holds the goal and accepts it by now"
        cluster = [_on_cluster(situation, on_cluster, now, target, number, why)] if target != now else []
        nodes = [
            _on_nodes(situation, on_nodes, one, on_node[one.id], now, target, number, why)
            for one in situation.scale_sets
            if on_node[one.id] != target
        ]
        steps += [*nodes, *cluster] if is_more else [*cluster, *nodes]
        on_node = dict.fromkeys(on_node, target)
        now = target
    return steps


def _would_pass(situation: Situation, scale_set: ScaleSet) -> bool:
    """Whether every thumbprint of the node extension would be accepted by the goal's name rule with its pins."""
    thumbprints = scale_set.node_extension.certificate.thumbprints
    observation, goal = situation.observation, situation.goal
    if all(one == goal.thumbprint for one in thumbprints):
        return True
    known = {one.thumbprint: one for one in observation.known_certificates()}

    rules = rules_of(observation.cluster.runtime, observation.cluster.settings, observation.cluster.os)
    trusted = Trusted(names=declared_name(situation).names)
    for one in thumbprints:
        leaf = known.get(one)
        if leaf is None:
            return False
        issuers = direct_issuers(leaf, known.values())
        if accepts(trusted, leaf, issuers, rules, observation.observed_at_utc).ok is not True:
            return False
    return True


def _names(situation: Situation, now: Thumbprints, target: Thumbprints, number: int, why: str) -> dict[str, str]:
    more = set(target) > set(now)
    changed = [one for one in (target if more else now) if one not in (now if more else target)] or [target[0]]
    return {
        "step": str(number),
        "verb": "add" if more else "drop" if set(target) < set(now) else "align",
        "short": changed[0][:8],
        "thumbprints": " and ".join(f"{one[:8]}…" for one in target),
        "goal_short": f"{situation.goal.thumbprint[:8]}…",
        "why": why,
    }


def _on_cluster(
    situation: Situation, definition: StageDefinition, now: Thumbprints, target: Thumbprints, number: int, why: str
) -> Step:
    cluster = situation.observation.cluster
    declaration = Declaration(kind="thumbprint", path=CERTIFICATE, thumbprints=target, store=situation.store)
    return Step(
        definition=definition,
        subject=cluster.id,
        scope=parse_resource_id(cluster.id).group_scope,
        names=_names(situation, now, target, number, why),
        facts=cluster_step_facts(situation) | {"declares": {"thumbprints": list(target)}},
        edits={cluster.id: cluster_thumbprints(situation, target)},
        owned={cluster.id: (CERTIFICATE,)},
        move=DeclareCluster(stage_id="", deadline_s=0, declaration=declaration),
        undo={"declaration": list(now), "resource": cluster.id},
        group="cluster",
    )


def _on_nodes(
    situation: Situation,
    definition: StageDefinition,
    scale_set: ScaleSet,
    before: Thumbprints,
    now: Thumbprints,
    target: Thumbprints,
    number: int,
    why: str,
) -> Step:
    body = situation.raw(scale_set.id).body
    store = scale_set.node_extension.certificate.store or situation.store
    path = scale_set.node_extension.certificate.path
    declaration = Declaration(kind="thumbprint", path=path, thumbprints=target, store=store)
    names = _names(situation, now, target, number, why) | {"scale_set": situation.labels[scale_set.id]}
    return step_of_scale_set(
        definition,
        scale_set,
        names=names,
        facts={
            "scale_set_id": scale_set.id,
            "declares": {"thumbprints": list(target)},
            "thumbprint": situation.goal.thumbprint,
            "certificate_url": situation.goal.reference(scale_set.id).certificate_url,
        },
        edits=extension_thumbprints(situation, scale_set, body, target),
        owned=extension_owned(scale_set),
        move=DeclareExtension(stage_id="", deadline_s=0, scale_set_id=scale_set.id, declaration=declaration),
        undo={"declaration": list(before), "resource": scale_set.id},
        group="nodes",
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
