"""How does the goal come into the Key Vault VM extension of one scale set? New, or appended to the one there is.

Floor 4.

At most one such extension fits on a machine. An existing one keeps its name, place, version and schema; the goal's URL
is appended. Source: reference 4.1, 4.2, 4.4; design, *The Key Vault VM extension*.
"""

from __future__ import annotations

from typing import Any

from sfcert import dated
from sfcert.arm import get_at
from sfcert.arm.paths import Named
from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.observation import KeyVaultExtension, ScaleSet
from sfcert.planning.bodies import LiveValue, below, client_id_of, named
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Edit, filled, set_to

EXTENSIONS = "properties.virtualMachineProfile.extensionProfile.extensions"
NEW_NAME = "KVVMExtension"
POLLING_S = 3600
LINUX_STORE = "/var/lib/sfcerts"


class ExtensionChange(Value):
    """What a scale set's extension needs. No edits: it delivers the goal already. `name` and `type` are as they will
    be,
    `owned` the paths changed; the flags are those that hold afterwards."""

    name: str
    type: str
    edits: tuple[Edit, ...]
    owned: tuple[str, ...]
    links: bool
    syncs_first: bool
    keeps_two: bool


def change_extension(situation: Situation, scale_set: ScaleSet, reasons: Reasons) -> ExtensionChange | None:
    """What has to change, or None where the extension cannot deliver the goal; each obstacle is a reason."""
    existing = scale_set.key_vault_extensions
    if len(existing) > 1:
        listed = ", ".join(one.name for one in existing)
        reasons.add(
            f"{scale_set.name} has {len(existing)} Key Vault extensions ({listed}); a machine takes one. Merge them "
            "into one and plan again."
        )
        return None
    if situation.observation.cluster.os == "Linux":
        because = f"{scale_set.name} runs Linux, where nobody has shown that Service Fabric finds the delivered file."
        reasons.needs("linux-store-reads-extension-files", because)
    return _appended(situation, scale_set, existing[0], reasons) if existing else _new(situation, scale_set, reasons)


def _new(situation: Situation, scale_set: ScaleSet, reasons: Reasons) -> ExtensionChange | None:
    row = situation.extension_row()
    if row is None:
        reasons.add(
            f"The operating system of {scale_set.name} is not known, so that no Key Vault extension can be chosen. "
            "Capture the cluster with its vmImage and node extensions."
        )
        return None
    taken = {one.lower() for one in scale_set.extension_names}
    name = NEW_NAME if NEW_NAME.lower() not in taken else f"sfcert-{NEW_NAME}"
    management: dict[str, Any] = {"pollingIntervalInS": str(POLLING_S)}
    if row["has_link_on_renewal"]:
        management["linkOnRenewal"] = False
    if row["has_require_initial_sync"]:
        management["requireInitialSync"] = True
    management["observedCertificates"] = [_entry(situation, scale_set, is_object=row["observed"] == "objects")]
    path = named(*EXTENSIONS.split("."), Named(name))
    extension = {
        "name": name,
        "properties": {
            "publisher": "Microsoft.Azure.KeyVault",
            "type": row["type"],
            "typeHandlerVersion": row["version"],
            "autoUpgradeMinorVersion": True,
            "enableAutomaticUpgrade": False,
            "settings": {
                "secretsManagementSettings": management,
                "authenticationSettings": {"msiEndpoint": row["msi_endpoint"]},
            },
        },
    }
    return ExtensionChange(
        name=name,
        type=str(row["type"]),
        edits=(set_to(path, extension), filled(_client_id(situation, scale_set, path))),
        owned=(path,),
        links=False,
        syncs_first=True,
        keeps_two=False,
    )


def _appended(
    situation: Situation, scale_set: ScaleSet, existing: KeyVaultExtension, reasons: Reasons
) -> ExtensionChange | None:
    path = named(*EXTENSIONS.split("."), Named(existing.name))
    settings = below(path, "properties", "settings")
    management = below(settings, "secretsManagementSettings")
    major = existing.major
    if major is None or (major >= 4 and not _may_link(situation, scale_set, existing, reasons)):
        if major is None:
            reasons.add(f"The version of {existing.name} on {scale_set.name} is not known. Capture again.")
        return None
    edits: list[Edit] = []
    owned: list[str] = []
    reference = situation.goal.reference(scale_set.id)
    same = [
        (index, one)
        for index, one in enumerate(existing.observed)
        if one.reference is not None and one.reference.certificate_url.lower() == reference.certificate_url.lower()
    ]
    is_object = existing.observed[0].is_object if existing.observed else major >= 2
    if any(one.is_object != is_object for one in existing.observed):
        reasons.add(
            f"{existing.name} on {scale_set.name} mixes text and objects in observedCertificates. Make them one."
        )
        return None
    if not is_object and not _store_fits(situation, existing.store_name, existing.store_location):
        reasons.add(
            f"{existing.name} on {scale_set.name} (version {existing.version}) puts everything into "
            f"{existing.store_location}/{existing.store_name}, where Service Fabric does not look. Move it to "
            f"LocalMachine/{situation.store} or to version 3.0, and plan again."
        )
        return None
    at = below(management, "observedCertificates")
    if not same:
        edits.append(set_to(below(at, len(existing.observed)), _entry(situation, scale_set, is_object=is_object)))
        owned.append(at)
    for index, one in same:
        is_right = one.reference is not None and one.reference.version is None and one.reference.kind == "secrets"
        if is_object:
            is_right = is_right and _store_fits(situation, one.store_name, one.store_location)
        if not is_right:
            edits.append(set_to(below(at, index), _entry(situation, scale_set, is_object=is_object)))
            owned.append(at)
    flags = _flags(situation, scale_set, existing, management, reasons)
    edits += flags
    owned += [one.path for one in flags]
    if not existing.has_authentication or existing.client_id is None:
        endpoint = (situation.extension_row() or {}).get("msi_endpoint")
        authentication = below(settings, "authenticationSettings")
        edits.append(set_to(below(authentication, "msiEndpoint"), existing.msi_endpoint or endpoint))
        edits.append(filled(_client_id(situation, scale_set, path)))
        owned.append(authentication)
    body = situation.raw(scale_set.id).body
    # what holds nothing yet comes into being as a whole, and a difference is told there
    owned += [one for one in (settings, management) if edits and not get_at(body, one)]
    return ExtensionChange(
        name=existing.name,
        type=existing.type,
        edits=tuple(edits),
        owned=tuple(dict.fromkeys(owned)),
        links=major >= 4,
        syncs_first=True,
        keeps_two=major >= 4,
    )


def _flags(
    situation: Situation, scale_set: ScaleSet, existing: KeyVaultExtension, management: str, reasons: Reasons
) -> list[Edit]:
    """Top-level flags that the goal needs; a change for other certificates has to be accepted."""
    major = existing.major or 0
    if major >= 4:
        return []
    edits = []
    if situation.observation.cluster.os != "Linux" and existing.link_on_renewal is not False:
        edits.append(set_to(below(management, "linkOnRenewal"), False))
    if existing.require_initial_sync is not True:
        edits.append(set_to(below(management, "requireInitialSync"), True))
    goal = situation.goal.reference(scale_set.id).certificate_url.lower()
    others = [
        one.url for one in existing.observed if not one.reference or one.reference.certificate_url.lower() != goal
    ]
    if edits and others:
        names = " and ".join(one.path.rsplit(".", 1)[-1] for one in edits)
        because = f"{names} of {existing.name} on {scale_set.name} would change for {', '.join(others)} too."
        reasons.needs("extension-flag-for-others", because)
    return edits


def _may_link(situation: Situation, scale_set: ScaleSet, existing: KeyVaultExtension, reasons: Reasons) -> bool:
    """Version 4 always links a certificate to a newer one that carries all its names, and always uses CNG keys."""
    runtime = situation.observation.cluster.runtime
    if dated.runtime_at_least(runtime, "cng_keys_since") is not True:
        reasons.add(
            f"{existing.name} on {scale_set.name} is version {existing.version}, which keeps keys in CNG; the runtime "
            f"{runtime or 'that was not read'} cannot use them. Upgrade the cluster to 11.0 or later first."
        )
        return False
    goal = situation.goal.reference(scale_set.id).certificate_url.lower()
    for one in existing.observed:
        if one.reference is None or one.reference.certificate_url.lower() == goal:
            continue
        other = situation.observation.vault_certificate(one.reference)
        leaf = other.latest.certificate if other is not None and other.latest is not None else None
        if leaf is None or _includes(leaf, situation.goal.certificate) or _includes(situation.goal.certificate, leaf):
            reasons.add(
                f"{existing.name} on {scale_set.name} (version {existing.version}) links certificates whose names "
                f"include one another, and {one.url} {'was not read' if leaf is None else 'is such a one'}. Give it "
                "names of its own, or capture with access to its vault."
            )
            return False
    return True


def _includes(larger: Certificate, smaller: Certificate) -> bool:
    names = {one.lower() for one in smaller.dns_names}
    return bool(names) and names <= {one.lower() for one in larger.dns_names}


def _entry(situation: Situation, scale_set: ScaleSet, *, is_object: bool) -> Any:
    reference = situation.goal.reference(scale_set.id)
    url = f"{reference.vault_url}/secrets/{reference.name}"
    if not is_object:
        return url
    if situation.observation.cluster.os == "Linux":
        return {"url": url, "certificateStoreLocation": LINUX_STORE}
    store = situation.store
    return {
        "url": url,
        "certificateStoreName": "MY" if store.lower() == "my" else store,
        "certificateStoreLocation": "LocalMachine",
    }


def _store_fits(situation: Situation, name: str | None, location: str | None) -> bool:
    if situation.observation.cluster.os == "Linux":
        return location == LINUX_STORE
    return (name or "MY").lower() == situation.store.lower() and (location or "LocalMachine") == "LocalMachine"


def _client_id(situation: Situation, scale_set: ScaleSet, extension_path: str) -> LiveValue:
    path = below(extension_path, "properties", "settings", "authenticationSettings", "msiClientId")
    return client_id_of(situation.identities[scale_set.id].id, path)
