"""What is said of a certificate whose end has come, or comes before a rotation in peace is done? Floor 3, pure."""

from __future__ import annotations

from datetime import datetime

from sfcert.enrol.dependencies import Dependency
from sfcert.model.forecast import LastMoment
from sfcert.model.observation import Cluster
from sfcert.trust.past_the_end import PLAYBOOK, can_be_recovered, setting_helps


def end_notes(cluster: Cluster, dependency: Dependency, moment: LastMoment | None, now: datetime) -> tuple[str, ...]:
    """Sentences; the playbook is named where it has stages for this certificate.

    Args:
        moment: the last moment for a person, None where there is none.

    Effects: none.
    """
    leaf, is_clusters = dependency.leaf, "cluster" in dependency.roles
    if leaf.not_after_utc <= now:
        if is_clusters and can_be_recovered(cluster, leaf):
            return (f"It has expired. What may still be done: sfcert plan --playbook {PLAYBOOK}.",)
        return ("It has expired.",)
    if is_clusters and moment is not None and moment.is_passed and setting_helps(cluster, leaf):
        told = "The last moment for a rotation in peace has passed. Nodes can be told to go on past its end first: "
        return (f"{told}sfcert plan --playbook {PLAYBOOK}.",)
    return ()
