"""Does each node present what the declaration and the vault lead one to expect? Floor 3.

Only where node health was read: `Certificate_cluster` names the certificate that the transport presents now. Source:
service-fabric.md 8, 2.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sfcert.model.certificate import Certificate
from sfcert.model.observation import NodeSighting, Observation
from sfcert.rules.delivery import serving
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import Missing, cannot_tell

#: A poll and a look of the monitor take two hours; a day leaves room for both to be late.
LATE = timedelta(days=1)


def _newest(observation: Observation, now: datetime) -> Certificate | None:
    """The certificate that every node should have taken up by now; None where none has been there for a day."""
    ripe = [
        leaf
        for delivery, _, version, leaf in serving(observation)
        if delivery.how == "extension" and version.created_utc is not None and version.created_utc + LATE < now
    ]
    return max(ripe, key=lambda leaf: leaf.not_before_utc, default=None)


def _by_name(observation: Observation, node: NodeSighting, subject: str, now: datetime) -> Iterator[Judgement]:
    assert node.presents is not None
    names = [name.common_name for name in observation.cluster.certificate.names]
    leaf = next((one for one in observation.known_certificates() if one.thumbprint == node.presents), None)
    if leaf is None:
        what = f"The certificate {node.presents}, which {node.name} presents,"
        missing = Missing(reason="CertificateUnread", what=what, why="is in no vault that was read")
        yield cannot_tell(subject, missing, "it is one of the cluster's")
        return
    evidence = {"presents": leaf.thumbprint, "common_name": leaf.common_name}
    if leaf.common_name not in names:
        yield fail(
            subject,
            "NotDeclared",
            f"{node.name} presents {leaf.thumbprint} of {leaf.common_name}, which is not a declared name.",
            "Compare the cluster manifest with the declaration; a change may have been rolled back.",
            **evidence,
        )
    newest = _newest(observation, now)
    if newest is not None and newest.not_before_utc > leaf.not_before_utc and leaf.common_name in names:
        yield fail(
            subject,
            "Behind",
            f"{node.name} still presents {leaf.thumbprint}; {newest.thumbprint} has been in the vault for over a day.",
            "Look whether the extension has brought it, and whether its key can be read; then restart the machine.",
            newest=newest.thumbprint,
            **evidence,
        )


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    declared = observation.cluster.certificate
    if observation.cluster.state not in (None, "Ready"):
        return  # while a change walks the domains nodes differ, and cluster-not-at-rest says that it does
    for node in (observation.runtime.nodes or ()) if observation.runtime else ():
        if node.presents is None:
            continue
        subject = f"{observation.cluster.id}/nodes/{node.name}"
        if declared.kind == "common-name":
            yield from _by_name(observation, node, subject, now)
        elif declared.kind == "thumbprint" and node.presents not in declared.thumbprints:
            yield fail(
                subject,
                "NotDeclared",
                f"{node.name} presents {node.presents}, which is not declared.",
                "Compare the cluster manifest with the declaration; a change may have been rolled back.",
                presents=node.presents,
                declared=list(declared.thumbprints),
            )


RULE = Rule(
    id="node-presents-other",
    severity="error",
    reasons={
        "NotDeclared": "A node presents a certificate that the cluster does not declare.",
        "Behind": "A node has not taken up a version that has been in the vault for a day.",
    },
    severity_of={"Behind": "warning"},
    check=check,
)
