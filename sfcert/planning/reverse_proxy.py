"""How does the reverse proxy come to go by name, on the cluster and on the nodes? `reverse-proxy-to-common-name`.

Floor 4. What delivers its certificate is that of the cluster role (`provision`, `freeze`, `secrets`), asked for this
role. No issuer is pinned: the provider refuses one here (UnsupportedIssuerThumbprintPair). Leaves out what the callers
of the proxy trust. Source: reference 1.1, 1.2, 1.4, 1.5 (its shape in the node extension is unverified), 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from sfcert import dated
from sfcert.arm import get_at, has_at
from sfcert.model.ids import parse_resource_id
from sfcert.model.observation import Declaration, Observation, PinnedName, ScaleSet
from sfcert.planning.bodies import below
from sfcert.planning.cluster import cluster_step_facts
from sfcert.planning.freeze import left_frozen, served_by
from sfcert.planning.goal import FoundGoal, find_goal
from sfcert.planning.identities import choose_identities
from sfcert.planning.inputs import Inputs
from sfcert.planning.order import canary_order, scale_set_labels
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step, removed, set_to, step_of_scale_set
from sfcert.playbook import Playbook, StageDefinition
from sfcert.trust.bystanders import with_reverse_proxy
from sfcert.trust.moves import DeclareReverseProxy
from sfcert.trust.world import VaultName, World

THUMBPRINT, NAMES = "properties.reverseProxyCertificate", "properties.reverseProxyCertificateCommonNames"
#: Below this runtime a reverse proxy by name is known to take up a renewed certificate only when it starts anew.
_RESTARTS_BELOW = "6.1.0"


def reverse_proxy_situation(
    observation: Observation, inputs: Inputs, playbook: Playbook, reasons: Reasons
) -> Situation | None:
    """What the questions about the reverse proxy look at; None where it cannot be led to a name.

    Effects: adds to `reasons`.
    """
    if not _can_be_moved(observation, reasons):
        return None
    goal = find_goal(observation, inputs, reasons, playbook.aim, "reverse-proxy")
    if goal is None:
        return None
    identities = choose_identities(observation, inputs, reasons)
    if identities is None:
        return None
    return Situation(
        observation=observation,
        inputs=inputs,
        found_goal=goal,
        scale_sets=canary_order(observation),
        labels=scale_set_labels(observation),
        identities=identities,
        aim=playbook.aim,
        role="reverse-proxy",
        declares=_declares(observation, goal),
    )


def reverse_proxy_world(world: World, situation: Situation) -> World:
    """The world of the proof, with what the reverse proxy is to present looked at on every node.

    A cluster that goes by name already lets the vault renew what its nodes present; where an earlier run of this plan
    has given that back, nothing freezes it again. So its next version counts as after any resumed renewal
    (`issuer-seen-before`).

    Effects: none.
    """
    names = {one.common_name for one in situation.observation.cluster.certificate.names}
    settled = tuple(
        replace(one, resumed=True) if one.renews and _carries(world, one, names) else one for one in world.vault_names
    )
    if settled != world.vault_names:
        told = "What the vault renews for the nodes already counts as renewal that was given back: issuer-seen-before."
        world = replace(world, vault_names=settled, inferences=(*world.inferences, told))
    on_nodes = {
        one.id: one.node_extension.reverse_proxy
        for one in situation.scale_sets
        if one.node_extension.reverse_proxy.kind in ("thumbprint", "common-name")
    }
    return with_reverse_proxy(world, situation.observation.cluster.reverse_proxy, on_nodes)


def _carries(world: World, vault_name: VaultName, names: set[str]) -> bool:
    """Whether what a vault certificate brings carries one of these names."""
    found = (world.certificates.get(one) for one in vault_name.versions)
    return any(one is not None and one.common_name in names for one in found)


def declare_reverse_proxy_on_cluster(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """One step, or none where the reverse proxy goes by this name already.

    Effects: none.
    """
    cluster = situation.observation.cluster
    now, names = cluster.reverse_proxy, _names(situation.observation, situation.goal)
    if now.kind == "common-name" and now.names == names:
        return []
    value = {
        "commonNames": [{"certificateCommonName": one.common_name, "certificateIssuerThumbprint": ""} for one in names],
        "x509StoreName": situation.store,
    }
    properties = situation.raw(cluster.id).body.get("properties") or {}
    before = {path: properties.get(path.partition(".")[2]) for path in (THUMBPRINT, NAMES)}
    return [
        Step(
            definition=definition,
            subject=cluster.id,
            scope=parse_resource_id(cluster.id).group_scope,
            names={"name": situation.goal.common_name, "goal_short": f"{situation.goal.thumbprint[:8]}…"},
            facts=cluster_step_facts(situation) | {"declares": _declares(situation.observation, situation.goal)},
            edits={cluster.id: (set_to(NAMES, value), removed(THUMBPRINT))},
            owned={cluster.id: (THUMBPRINT, NAMES)},
            move=DeclareReverseProxy(
                stage_id="",
                deadline_s=0,
                declaration=Declaration(kind="common-name", path=NAMES, names=names, store=situation.store),
            ),
            undo={
                "resource": cluster.id,
                "declaration": list(now.thumbprints),
                "sets": {path: one for path, one in before.items() if one is not None},
                "removes": [path for path, one in before.items() if one is None],
            },
            group="cluster",
        )
    ]


def declare_reverse_proxy_on_nodes(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each scale set whose node extension names a thumbprint for the reverse proxy, in canary order.

    Effects: adds to `reasons`: how a node extension takes a name there was never seen.
    """
    names = [one.common_name for one in _names(situation.observation, situation.goal)]
    steps = []
    for scale_set in situation.scale_sets:
        now = scale_set.node_extension.reverse_proxy
        if now.kind == "none" or (now.kind == "common-name" and [one.common_name for one in now.names] == names):
            continue
        if now.kind in ("unresolved", "both"):
            reasons.add(
                f"The node extension of {scale_set.name} declares its reverse proxy certificate in a way that cannot "
                f"be planned from ({now.kind}). Correct it first."
            )
            continue
        because = f"The node extension of {scale_set.name} names a thumbprint for the reverse proxy, which has to go."
        reasons.needs("reverse-proxy-extension-by-name", because)
        steps.append(_on_nodes(situation, definition, scale_set, names))
    return steps


def _on_nodes(situation: Situation, definition: StageDefinition, scale_set: ScaleSet, names: list[str]) -> Step:
    now = scale_set.node_extension.reverse_proxy
    settings = below(scale_set.node_extension.path, "settings")
    first, second = below(settings, "reverseProxyCertificate"), below(settings, "reverseProxyCertificateSecondary")
    store = now.store or situation.store
    raw = situation.raw(scale_set.id).body
    before = {path: get_at(raw, path) for path in (first, second) if has_at(raw, path)}
    gone = [path for path in (first, second) if path not in before]
    return step_of_scale_set(
        definition,
        scale_set,
        names={"scale_set": situation.labels[scale_set.id], "name": situation.goal.common_name},
        facts={
            "scale_set_id": scale_set.id,
            "declares": {"role": "reverse-proxy", "common_names": names},
            "thumbprint": situation.goal.thumbprint,
            "certificate_url": situation.goal.reference(scale_set.id).certificate_url,
        },
        edits=(set_to(first, {"commonNames": names, "x509StoreName": store}), removed(second)),
        owned=(first, second),
        move=DeclareReverseProxy(
            stage_id="",
            deadline_s=0,
            scale_set_id=scale_set.id,
            declaration=Declaration(
                kind="common-name",
                path=now.path,
                names=tuple(PinnedName(common_name=one, issuers=(), issuers_text="") for one in names),
                store=store,
            ),
        ),
        undo={"resource": scale_set.id, "declaration": list(now.thumbprints), "sets": before, "removes": gone},
    )


def left_to_the_reverse_proxy(situation: Situation, steps: Sequence[Step]) -> tuple[str, ...]:
    """What people have to do once the reverse proxy goes by name.

    Effects: none.
    """
    goal = situation.goal
    found = list(left_frozen(situation, steps))
    for one in goal.certificates:
        for where in served_by(situation, one):
            found.append(
                f"{one.url} still serves {where}: lead that to the common name, or rotate it, before the certificate "
                "may renew."
            )
        if not one.renews_itself and not served_by(situation, one):
            found.append(
                f"Nothing renews {one.url} by itself: bring a new version under the name {goal.common_name} before "
                f"{goal.certificate.not_after_utc:%Y-%m-%d}."
            )
    runtime = situation.observation.cluster.runtime
    if _restarts(runtime):
        found.append(
            f"With the runtime {runtime} a running reverse proxy was seen to keep its certificate until it starts "
            "anew: restart the nodes, one update domain after the other, after each renewal."
        )
    found.append(
        "What the reverse proxy serves is not seen from here: after the first renewal, look with a TLS client at its "
        "port on one node. Its callers must trust whoever signs the next certificate; nothing pins an issuer for it."
    )
    return tuple(found)


def _restarts(runtime: str | None) -> bool:
    try:
        return dated.runtime_key(runtime or "") < dated.runtime_key(_RESTARTS_BELOW)
    except ValueError:
        return False


def _can_be_moved(observation: Observation, reasons: Reasons) -> bool:
    declared = observation.cluster.reverse_proxy
    told = {
        "none": "The cluster declares no reverse proxy certificate, so that there is none to lead to a name.",
        "both": "The cluster declares thumbprints and common names for the reverse proxy at once, which the provider "
        "refuses. Take one of them away first.",
        "unresolved": "The reverse proxy's declaration could not be resolved from the template. Give the parameter "
        "values.",
    }.get(declared.kind)
    if not told and declared.malformed:
        listed = ", ".join(repr(one) for one in declared.malformed)
        told = f"The reverse proxy declares what is no thumbprint ({listed}). Correct it first."
    if told:
        reasons.add(told)
    return not told


def _names(observation: Observation, goal: FoundGoal) -> tuple[PinnedName, ...]:
    """What the reverse proxy is declared by in the end: other names that stand there stay, no name has a pin."""
    others = [one.common_name for one in observation.cluster.reverse_proxy.names]
    every = dict.fromkeys((*others, goal.common_name))
    return tuple(PinnedName(common_name=one, issuers=(), issuers_text="") for one in every)


def _declares(observation: Observation, goal: FoundGoal) -> dict[str, Any]:
    return {"role": "reverse-proxy", "common_names": [one.common_name for one in _names(observation, goal)]}
