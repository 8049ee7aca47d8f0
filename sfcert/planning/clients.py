"""How do client certificates come to be let in by name, and when may their thumbprints go? `client-certificates`.

Floor 4. One update of the cluster adds the names beside the thumbprints. A second one takes the thumbprints away, only
where somebody vouches that every such client gets in by its name: Azure does not show which certificate a client
presents. Nothing that nodes hold or present is touched. Source: reference 1.1, 1.4, 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from sfcert.model.ids import parse_resource_id
from sfcert.model.observation import ClientCertificate, Observation
from sfcert.planning.client_goal import NAMES, THUMBPRINTS, ClientGoal, find_clients
from sfcert.planning.inputs import Inputs
from sfcert.planning.order import canary_order, scale_set_labels
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation, raw_of
from sfcert.planning.step import Step, set_to
from sfcert.playbook import Playbook, StageDefinition
from sfcert.trust.moves import DeclareClients
from sfcert.trust.world import Callers, World

HAVE_MOVED = "clients-have-moved"


def clients_situation(
    observation: Observation, inputs: Inputs, playbook: Playbook, reasons: Reasons
) -> Situation | None:
    """What the questions about client certificates look at; None where nothing can be said of them.

    Effects: adds to `reasons`.
    """
    properties = raw_of(observation, observation.cluster.id).body.get("properties") or {}
    goal = find_clients(observation, inputs, properties, reasons)
    if goal is None:
        return None
    return Situation(
        observation=observation,
        inputs=inputs,
        found_goal=None,
        scale_sets=canary_order(observation),
        labels=scale_set_labels(observation),
        identities={},
        aim=playbook.aim,
        role="clients",
        declares=_in_the_end(observation, inputs, goal),
        clients=goal,
    )


def clients_world(world: World, situation: Situation) -> World:
    """The world of the proof: the clients alone, because no stage changes what nodes hold, present or trust.

    Effects: none.
    """
    goal = situation.clients
    assert goal is not None, "the playbook is about clients"
    known = {one.certificate.thumbprint: one.certificate for one in goal.known}
    told = "No stage changes what nodes hold, present or trust of each other, so that the clients alone are looked at."
    return replace(
        world,
        groups=(),
        vault_names=(),
        certificates=known,
        issuers={one.certificate.thumbprint: one.issuers for one in goal.known if one.issuers},
        missing=(),
        inferences=(told,),
        callers=Callers(thumbprints=tuple(known), clients=world.clients, declaration=world.declaration),
    )


def add_client_names(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """The step that lets clients in by name beside their thumbprints; none where all names stand there already.

    Effects: none.
    """
    goal = situation.clients
    assert goal is not None, "the playbook is about clients"
    if not goal.adds:
        return []
    cluster, path = situation.observation.cluster, f"properties.{NAMES}"
    thumbprints = tuple(one for one in cluster.clients if one.kind == "thumbprint")
    before = [one for one in cluster.clients if one.kind == "common-name"]
    after = (*thumbprints, *goal.named)
    raw = (situation.raw(cluster.id).body.get("properties") or {}).get(NAMES) or []
    return [
        Step(
            definition=definition,
            subject=cluster.id,
            scope=parse_resource_id(cluster.id).group_scope,
            names={"names": _listed(goal.adds)},
            facts={"declares": declared_clients(after), "let_in": declared_clients(goal.named)},
            edits={cluster.id: (set_to(path, goal.names),)},
            owned={cluster.id: (path,)},
            move=DeclareClients(stage_id="", deadline_s=0, clients=after),
            undo={"resource": cluster.id, "sets": {path: raw}, "names": [one.value for one in before]},
            group="cluster",
        )
    ]


def forget_client_thumbprints(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """The step that takes the thumbprints away for which something else stands; none without the acceptance.

    Effects: none.
    """
    goal = situation.clients
    assert goal is not None, "the playbook is about clients"
    if not goal.goes or HAVE_MOVED not in situation.inputs.accepted:
        return []
    cluster, path = situation.observation.cluster, f"properties.{THUMBPRINTS}"
    after = _without(situation.observation, goal)
    raw = (situation.raw(cluster.id).body.get("properties") or {}).get(THUMBPRINTS) or []
    gone = [one.value for one in goal.goes]
    return [
        Step(
            definition=definition,
            subject=cluster.id,
            scope=parse_resource_id(cluster.id).group_scope,
            names={"thumbprints": _listed([f"{one[:8]}…" for one in gone])},
            facts={
                "declares": _in_the_end(situation.observation, situation.inputs, goal),
                "let_in": declared_clients(goal.named),
            },
            edits={cluster.id: (set_to(path, goal.keeps),)},
            owned={cluster.id: (path,)},
            move=DeclareClients(stage_id="", deadline_s=0, clients=after),
            undo={"resource": cluster.id, "sets": {path: raw}, "thumbprints": gone},
            group="cluster",
        )
    ]


def _without(observation: Observation, goal: ClientGoal) -> tuple[ClientCertificate, ...]:
    """The clients once the thumbprints are gone for which something else stands."""
    kept = (one for one in observation.cluster.clients if one.kind == "thumbprint" and one not in goal.goes)
    return (*kept, *goal.named)


def _in_the_end(observation: Observation, inputs: Inputs, goal: ClientGoal) -> dict[str, Any]:
    """What the gates expect of the clients once the plan is done."""
    if HAVE_MOVED in inputs.accepted:
        return declared_clients(_without(observation, goal)) | {"gone": [one.value for one in goal.goes]}
    thumbprints = (one for one in observation.cluster.clients if one.kind == "thumbprint")
    return declared_clients((*thumbprints, *goal.named))


def declared_clients(clients: Sequence[ClientCertificate]) -> dict[str, Any]:
    """What the declaration gates expect of the clients."""
    return {
        "role": "clients",
        "clients": [
            {"kind": one.kind, "value": one.value, "issuers": list(one.issuers), "is_admin": one.is_admin}
            for one in clients
        ],
    }


def left_to_clients(situation: Situation, steps: Sequence[Step]) -> tuple[str, ...]:
    """What people have to do for their clients: how to go on, what stays by thumbprint and why.

    Effects: none.
    """
    goal = situation.clients
    assert goal is not None, "the playbook is about clients"
    found = []
    forgets = any(step.definition.does == "forget-client-thumbprints" for step in steps)
    if goal.goes and not forgets:
        listed = _listed([one.value for one in goal.goes])
        found.append(
            f"These thumbprints stay declared beside what stands for them: {listed}. See that each of these clients "
            "gets in by its name: with a newer certificate of the same name and issuer, whose thumbprint is declared "
            "nowhere. Then plan again with --accept clients-have-moved, which takes the thumbprints away."
        )
    for thumbprint in goal.by_cluster:
        found.append(
            f"{thumbprint} is let in by the cluster's own declaration, as every cluster certificate is an admin "
            "client: it needs no entry of its own. Who presents it follows the cluster's declaration from then on, "
            "through each of its rotations."
        )
    for thumbprint, why in goal.stays:
        found.append(f"The client {thumbprint} stays declared by thumbprint: {why}")
    for one in goal.known:
        if one.declared in goal.goes and one.declared.value not in goal.by_cluster:
            found.append(
                f"The client {one.certificate.common_name} goes on by name until {one.certificate.not_after_utc:%F}: "
                "renew its certificate under the same name from one of the issuers "
                f"{', '.join(issuer.thumbprint for issuer in one.issuers)}; another issuer has to be added first, with "
                "--issuer-thumbprints."
            )
    return tuple(dict.fromkeys(found))


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
