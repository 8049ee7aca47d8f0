"""What has to go before an authority may be forgotten, and when may it? Stages 60 and 70 of `change-issuer`. Floor 4.

Selection by name ignores pins: as long as an extension can bring a certificate of the same name from the old authority,
that one could be presented, so it is observed no more before its pin goes. Leaves out pinning the new authority
(`cluster`) and bringing its certificate (`provision`). Source: reference 2.1, 3.4 (a change of pins alone walks once).
"""

from __future__ import annotations

from sfcert.arm.paths import Named
from sfcert.model.ids import VaultReference, parse_resource_id
from sfcert.model.observation import ScaleSet
from sfcert.planning.bodies import below, named
from sfcert.planning.cluster import cluster_step_facts, declared_facts
from sfcert.planning.declarations import NAMES, cluster_name, declared_name
from sfcert.planning.key_vault_extension import EXTENSIONS, change_extension
from sfcert.planning.provision import delivery_facts
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step, removed, step_of_scale_set
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import DeclareCluster, Provision


def forgets_an_issuer(situation: Situation) -> bool:
    """Whether some issuer that is pinned, or will be meanwhile, is not to stay."""
    return situation.final_pins is not None and not set(situation.goal.pins) <= set(situation.final_pins)


def stop_observing(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each scale set whose extension observes another certificate of the declared name, in canary order.

    Effects: adds to `reasons`, where an extension cannot be edited.
    """
    if not forgets_an_issuer(situation):
        return []
    steps = []
    for scale_set in situation.scale_sets:
        rivals = _rivals(situation, scale_set)
        change = change_extension(situation, scale_set, reasons) if rivals else None
        if change is None:
            continue
        at = named(*EXTENSIONS.split("."), Named(change.name), "properties", "settings", "secretsManagementSettings")
        at = below(at, "observedCertificates")
        gone = {reference.certificate_url.lower() for _, reference in rivals}
        steps.append(
            step_of_scale_set(
                definition,
                scale_set,
                names={
                    "scale_set": situation.labels[scale_set.id],
                    "name": situation.goal.common_name,
                    "rivals": " and ".join(reference.name for _, reference in rivals),
                },
                facts=delivery_facts(situation, scale_set, change),
                # from the last to the first, so that each index still means what it meant
                edits=tuple(removed(below(at, index)) for index, _ in reversed(rivals)),
                owned=(at,),
                move=Provision(
                    stage_id="",
                    deadline_s=0,
                    scale_set_id=scale_set.id,
                    observes=tuple(
                        one.certificate_url
                        for one in situation.observed_after(scale_set)
                        if one.certificate_url.lower() not in gone
                    ),
                    sequenced=True,
                    syncs_first=change.syncs_first,
                    links=change.links,
                    keeps_two=change.keeps_two,
                    store=situation.store,
                ),
                undo={"extension": change.name, "urls": [reference.certificate_url for _, reference in rivals]},
            )
        )
    return steps


def forget_issuers(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """The step that leaves only the pins that stay; none where no pin has to go.

    Effects: none.
    """
    final = situation.final_pins
    if final is None or not forgets_an_issuer(situation):
        return []
    cluster = situation.observation.cluster
    gone = [one for one in situation.goal.pins if one not in final]
    return [
        Step(
            definition=definition,
            subject=cluster.id,
            scope=parse_resource_id(cluster.id).group_scope,
            names={
                "name": situation.goal.common_name,
                "goal_short": f"{situation.goal.thumbprint[:8]}…",
                "pins": ", ".join(f"{one[:8]}…" for one in final),
                "gone": ", ".join(f"{one[:8]}…" for one in gone),
            },
            facts=cluster_step_facts(situation) | {"issuers": list(final), "declares": declared_facts(situation)},
            edits={cluster.id: cluster_name(situation, final)},
            owned={cluster.id: (NAMES,)},
            move=DeclareCluster(stage_id="", deadline_s=0, declaration=declared_name(situation, final)),
            undo={"pins": gone, "resource": cluster.id},
            group="cluster",
        )
    ]


def _rivals(situation: Situation, scale_set: ScaleSet) -> list[tuple[int, VaultReference]]:
    """What the extension observes besides the goal that carries the declared name, with its index in the list."""
    goal = situation.goal.reference(scale_set.id).certificate_url.lower()
    found = []
    for extension in scale_set.key_vault_extensions:
        for index, one in enumerate(extension.observed):
            if one.reference is None or one.reference.certificate_url.lower() == goal:
                continue
            certificate = situation.observation.vault_certificate(one.reference)
            names = {
                version.certificate.common_name
                for version in (certificate.versions if certificate else ())
                if version.certificate is not None
            }
            if situation.goal.common_name in names:
                found.append((index, one.reference))
    return found
