"""Does each node serve its certificate with the intermediate that signed it? Floor 3.

Windows sends what its own stores hold. A node that sends a leaf alone does not hold the intermediate, and whoever
validates by name needs the direct issuer. Only where a node's handshake was seen. Leaves out roots, which nobody has
to send. Source: service-fabric.md 2.3, 7 row 17.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.pki import direct_issuers
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import Missing, cannot_tell


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    if observation.cluster.certificate.kind != "common-name":
        return  # by thumbprint nobody asks for the issuer
    known = observation.known_certificates()
    for node in (observation.runtime.nodes or ()) if observation.runtime else ():
        if node.served is None or len(node.served) != 1 or node.served[0].is_self_signed:
            continue
        leaf, subject = node.served[0], f"{observation.cluster.id}/nodes/{node.name}"
        issuers = direct_issuers(leaf, known)
        if not issuers:
            what = f"The issuer of {leaf.thumbprint}, which {node.name} serves alone,"
            missing = Missing(reason="IssuerUnknown", what=what, why="is not known")
            yield cannot_tell(subject, missing, "an intermediate is missing")
        elif not any(issuer.is_self_signed for issuer in issuers):
            yield fail(
                subject,
                "IntermediateNotServed",
                f"{node.name} serves {leaf.thumbprint} without the intermediate that signed it, "
                f"{issuers[0].thumbprint}: a peer that cannot fetch that one finds no issuer and refuses the node.",
                "Put the whole chain into the vault's certificate, so that the extension installs the intermediate, "
                "or install it into the CA store of every node.",
                served=leaf.thumbprint,
                issuer=issuers[0].thumbprint,
            )


RULE = Rule(
    id="chain-incomplete",
    severity="warning",
    reasons={"IntermediateNotServed": "A node serves a leaf without the intermediate that signed it."},
    check=check,
)
