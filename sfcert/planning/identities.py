"""Which identity is meant, and does it exist? One choice per scale set. Floor 4.

A scale set that has exactly one user-assigned identity keeps it: a second one breaks software that asks for a token
without a client id. Source: design, stage 20; reference 4.2, 4.3, 5.
"""

from __future__ import annotations

from sfcert.model.base import Value
from sfcert.model.ids import parse_resource_id, same_id
from sfcert.model.observation import Observation, ScaleSet
from sfcert.planning.inputs import Inputs
from sfcert.planning.reasons import Reasons


class ChosenIdentity(Value):
    """An identity for one scale set. `exists` False: this plan creates it. Ids are None where they were not seen."""

    id: str
    exists: bool
    is_assigned: bool
    principal_id: str | None
    client_id: str | None
    tenant_id: str | None

    @property
    def name(self) -> str:
        return parse_resource_id(self.id).name


def choose_identities(observation: Observation, inputs: Inputs, reasons: Reasons) -> dict[str, ChosenIdentity] | None:
    """One identity for each scale set, by scale set id; None where one cannot be named.

    Effects: adds to `reasons`.
    """
    chosen: dict[str, ChosenIdentity] = {}
    for scale_set in observation.scale_sets:
        one = _choose(observation, inputs, scale_set, reasons)
        if one is not None:
            chosen[scale_set.id] = one
    return chosen if len(chosen) == len(observation.scale_sets) else None


def default_identity_id(observation: Observation) -> str:
    """The identity that is created where there is none: in the cluster's group, named after it."""
    cluster = parse_resource_id(observation.cluster.id)
    name = f"{observation.cluster.name}-cert-reader"
    return f"{cluster.group_scope}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"


def _choose(observation: Observation, inputs: Inputs, scale_set: ScaleSet, reasons: Reasons) -> ChosenIdentity | None:
    in_use = _of_extension(scale_set)
    given = inputs.identity_id
    if in_use is not None and (given is None or same_id(given, in_use)):
        return _described(observation, scale_set, in_use)
    if in_use is not None:
        reasons.add(
            f"The Key Vault extension of {scale_set.name} fetches with {in_use}, and it has one identity for all its "
            "certificates. Leave --identity out, or change that extension first."
        )
        return None
    assigned = scale_set.user_identities
    if given is None and len(assigned) == 1:
        return _described(observation, scale_set, assigned[0].id)
    if given is None and len(assigned) > 1:
        listed = ", ".join(one.id for one in assigned)
        reasons.add(f"{scale_set.name} has several identities ({listed}). Name the one to fetch with by --identity.")
        return None
    wanted = given or default_identity_id(observation)
    if assigned and not any(same_id(one.id, wanted) for one in assigned):
        because = f"{scale_set.name} has the identity {assigned[0].id}; {wanted} would be a second one."
        reasons.needs("second-identity", because)
    return _described(observation, scale_set, wanted, given is not None, reasons)


def _of_extension(scale_set: ScaleSet) -> str | None:
    """The assigned identity whose client id an existing Key Vault extension uses."""
    for extension in scale_set.key_vault_extensions:
        for one in scale_set.user_identities:
            if extension.client_id and (one.client_id or "").lower() == extension.client_id.lower():
                return one.id
    return None


def _described(
    observation: Observation,
    scale_set: ScaleSet,
    identity_id: str,
    was_given: bool = False,
    reasons: Reasons | None = None,
) -> ChosenIdentity:
    known = observation.identity(identity_id)
    assigned = next((one for one in scale_set.user_identities if same_id(one.id, identity_id)), None)
    anywhere = assigned or next(
        (one for each in observation.scale_sets for one in each.user_identities if same_id(one.id, identity_id)), None
    )
    exists = known is not None or anywhere is not None
    if not exists and was_given and reasons is not None and not _is_known_to_be_absent(observation, identity_id):
        reasons.add(
            f"The identity {identity_id} was not read, so that nobody can say whether it exists. Capture again with "
            "--identity, or create it first."
        )
    return ChosenIdentity(
        id=known.id if known else anywhere.id if anywhere else identity_id,
        exists=exists,
        is_assigned=assigned is not None,
        principal_id=(known.principal_id if known else None) or (anywhere.principal_id if anywhere else None),
        client_id=(known.client_id if known else None) or (anywhere.client_id if anywhere else None),
        tenant_id=known.tenant_id if known else None,
    )


def _is_known_to_be_absent(observation: Observation, identity_id: str) -> bool:
    why = (observation.why_unread(identity_id) or "").lower()
    return "404" in why or "not found" in why or "notfound" in why
