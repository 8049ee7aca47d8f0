"""Does the Key Vault extension know which identity to use? Floor 3. Source: service-fabric.md 4.2, 4.3."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import KeyVaultExtension, Observation, ScaleSet
from sfcert.rules.delivery import address, extensions, observes
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import Missing, cannot_tell, extension_body, is_open, open_value, resource_body

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
REMEDY = (
    'Put "authenticationSettings": {"msiEndpoint": …, "msiClientId": <client id>} beside secretsManagementSettings, '
    "with the client id of an identity that is assigned to this scale set."
)


def client_ids(observation: Observation, scale_set: ScaleSet) -> dict[str, str] | Missing:
    """Client id (lower-case) -> identity id, for each user-assigned identity of the scale set; or what is not known."""
    found: dict[str, str] = {}
    for assigned in scale_set.user_identities:
        identity = observation.identity(assigned.id)
        client_id = assigned.client_id or (identity.client_id if identity else None)
        if client_id is None:
            return Missing(reason="ResourceUnread", what=f"The client id of {assigned.id}", why="was not read")
        found[client_id.lower()] = assigned.id
    return found


def _judge(observation: Observation, scale_set: ScaleSet, extension: KeyVaultExtension) -> Iterator[Judgement]:
    subject = address(scale_set, extension)
    body = extension_body(observation, scale_set, extension.name)
    if extension.client_id is None and is_open(body, "settings", "authenticationSettings", "msiClientId"):
        return  # written, as an expression; which identity it gives is ARM's to resolve
    if extension.authentication_misplaced:
        yield fail(
            subject,
            "Misplaced",
            f"authenticationSettings of {extension.name} is inside secretsManagementSettings, where nobody reads it.",
            REMEDY,
            path=f"{extension.path}.settings.secretsManagementSettings.authenticationSettings",
        )
        return
    if not extension.has_authentication or not extension.client_id:
        yield fail(
            subject,
            "Missing",
            f"{scale_set.name} has a user-assigned identity, but {extension.name} does not say whose token to ask for.",
            REMEDY,
            msiClientId=extension.client_id,
        )
        return
    if not _GUID.fullmatch(extension.client_id):
        yield fail(
            subject,
            "NotAClientId",
            f"msiClientId of {extension.name} is not a client id (a GUID).",
            REMEDY,
            msiClientId=extension.client_id,
        )
        return
    if not extension.msi_endpoint and not is_open(body, "settings", "authenticationSettings", "msiEndpoint"):
        yield fail(
            subject,
            "EndpointMissing",
            f"{extension.name} gives a client id without msiEndpoint, which it then needs.",
            REMEDY,
            msiEndpoint=None,
        )
    known = client_ids(observation, scale_set)
    if isinstance(known, Missing):
        yield cannot_tell(subject, known, "the client id belongs to an identity of the scale set")
    elif extension.client_id.lower() not in known:
        yield fail(
            subject,
            "NotAssigned",
            f"The client id {extension.client_id} belongs to no identity that is assigned to {scale_set.name}.",
            REMEDY,
            msiClientId=extension.client_id,
            assigned=sorted(known),
        )


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        if not observes(observation, scale_set, extension):
            continue
        if is_open(resource_body(observation, scale_set.id), "identity", "userAssignedIdentities"):
            missing = open_value(f"The identities of {scale_set.name}")
            yield cannot_tell(address(scale_set, extension), missing, "the extension names one of them")
        elif scale_set.user_identities:
            yield from _judge(observation, scale_set, extension)
        elif not scale_set.has_system_identity:
            yield fail(
                address(scale_set, extension),
                "NoIdentity",
                f"{scale_set.name} has no managed identity, so {extension.name} cannot sign in to the vault.",
                "Assign a user-assigned identity that may read the vault's secrets.",
                identity=None,
            )


RULE = Rule(
    id="authentication-settings-missing",
    severity="error",
    reasons={
        "Missing": "The machine has a user-assigned identity and the extension names none.",
        "Misplaced": "authenticationSettings stands inside secretsManagementSettings.",
        "NotAClientId": "msiClientId is not a GUID.",
        "NotAssigned": "msiClientId belongs to no identity of the scale set.",
        "EndpointMissing": "msiClientId without msiEndpoint.",
        "NoIdentity": "The scale set has no managed identity at all.",
    },
    check=check,
)
