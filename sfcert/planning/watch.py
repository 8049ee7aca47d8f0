"""What is looked at in the end? Stage 99. Floor 4. Seen on the nodes, not assumed."""

from __future__ import annotations

from datetime import timedelta

from sfcert.planning.cluster import cluster_step_facts, declared_facts
from sfcert.planning.renewal import renewal_lead_s
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import Nothing


def watch(situation: Situation, definition: StageDefinition) -> list[Step]:
    """The one step that ends a plan; none where what is to be seen is not issued yet."""
    if situation.goal_is_to_come:
        return []
    cluster = situation.observation.cluster
    names, facts = {}, {}
    if situation.found_goal is not None:
        names = {"goal_short": f"{situation.goal.thumbprint[:8]}…", "renewal": _renewal(situation)}
        facts = cluster_step_facts(situation)
    return [
        Step(
            definition=definition,
            subject=cluster.id,
            scope=cluster.id,
            names=names,
            facts=facts | {"declares": declared_facts(situation)},
            move=Nothing(stage_id="", deadline_s=0),
        )
    ]


def _renewal(situation: Situation) -> str:
    for one in situation.goal.certificates:
        lead = renewal_lead_s(one, one.versions[0])
        if lead:
            return f"{situation.goal.certificate.not_after_utc - timedelta(seconds=lead):%Y-%m-%d}"
    return f"{situation.goal.certificate.not_after_utc:%Y-%m-%d} at the latest; nothing renews it by itself"
