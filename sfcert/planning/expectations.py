"""Has anything moved that a stage carries? The digest of a resource's body, without what may move. Floor 4.

Plans write it; whoever applies one computes it again from the live resource and compares.
"""

from __future__ import annotations

from sfcert.arm import remove_at
from sfcert.model.codec import sha256_of
from sfcert.model.ids import parse_resource_id
from sfcert.model.plan import Expectation, Json
from sfcert.planning.bodies import Body
from sfcert.planning.read_only import CLUSTER, strip


def expectation_of(body: Body) -> Expectation:
    """What a stage that carries this body expects to find: the body as the stages before it leave it."""
    return Expectation(
        resource=body.id,
        api_version=body.api_version,
        paths_sha256=sha256_of(_folded(body.plain)),
        without=body.without,
    )


def compared_body(expectation: Expectation, raw: Json) -> Json:
    """What of a live GET is compared: everything but read-only and write-only properties and what may move.

    Two bodies that compare equal have equal digests; a difference between two of these tells what moved.

    Effects: none.
    """
    kind = parse_resource_id(expectation.resource).type.lower()
    kept = strip(kind, raw)
    if kind == CLUSTER:
        mode = (kept.get("properties") or {}).get("upgradeMode")
        if not (isinstance(mode, str) and mode.lower() == "manual"):
            kept = remove_at(kept, "properties.clusterCodeVersion")
    for path in expectation.without:
        kept = remove_at(kept, path)
    return _folded(kept)


def _folded(body: Json) -> Json:
    """The body with the ids of its identities in lower case: Azure gives them back in a spelling of its own."""
    identity = body.get("identity")
    assigned = identity.get("userAssignedIdentities") if isinstance(identity, dict) else None
    if not isinstance(identity, dict) or not isinstance(assigned, dict):
        return body
    folded = {key.lower(): value for key, value in assigned.items()}
    return {**body, "identity": {**identity, "userAssignedIdentities": folded}}


def holds(expectation: Expectation, raw: Json) -> bool:
    """Whether a live GET is what the stage expects."""
    return sha256_of(compared_body(expectation, raw)) == expectation.paths_sha256
