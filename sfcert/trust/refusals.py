"""What would the resource provider itself refuse? Its checks of a change of declaration, with its own names. Floor 2.

Made before the first call, because the provider cannot see the stores and says only this much. Leaves out its checks of
scale sets and of everything that is no certificate.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from sfcert.model.observation import ClientCertificate, Declaration, PinnedName

Role = Literal["cluster", "reverse-proxy"]
_HEX = re.compile(r"[0-9A-Fa-f ]*")
_BAD_THUMBPRINT = {
    "cluster": "InvalidClusterCertificateThumbprint",
    "reverse-proxy": "InvalidReverseProxyCertificateThumbprint",
}


def refusals(
    before: Declaration,
    after: Declaration,
    *,
    role: Role = "cluster",
    clients: Sequence[ClientCertificate] = (),
    settings: Mapping[str, Mapping[str, str]] | None = None,
    scales_too: bool = False,
) -> tuple[tuple[str, str], ...]:
    """Why the provider would not take `after` in the place of `before`.

    Args:
        clients: the declared client certificates that go with `after`.
        settings: the cluster's fabricSettings that go with `after`.
        scales_too: the same request changes capacity or the reliability level.

    Returns:
        (code, sentence) pairs, in the order of the checks; empty when it would be taken.

    Effects: none.
    Source: reference 1.2 (`SettingsValidator`); the change of a declaration's kind is exempt from the counting rules.
    What is only defined there, with nobody knowing where it is made, counts as a refusal too.
    """
    found = [*refusals_of_definition(after, role=role, clients=clients, settings=settings)]
    found += _of_the_change(before, after, role)
    if scales_too and _is_changed(before, after):
        told = "The request changes certificates and the scale or reliability at once."
        found.append(("CertificateAndScaleUpgradeTogetherNotAllowed", told))
    return tuple(dict.fromkeys(found))


def refusals_of_definition(
    declared: Declaration,
    *,
    role: Role = "cluster",
    clients: Sequence[ClientCertificate] = (),
    settings: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[tuple[str, str], ...]:
    """Why the provider would not take a declaration by itself, whatever stands there now. As `refusals`."""
    found = [*_of_names(declared, role), *_of_thumbprints(declared, role)]
    if declared.kind == "both" or (declared.thumbprints and declared.names):
        found.append(
            ("InvalidCommonNameThumbprintPair", "Thumbprints and common names are declared for the same role at once.")
        )
    is_secured = bool(declared.thumbprints or declared.names or declared.malformed)
    if clients and not is_secured and declared.kind == "none" and role == "cluster":
        found.append(
            ("ClientCertDefinedWithoutServerCert", "Client certificates are declared without a cluster certificate.")
        )
    for client in clients:
        found += _of_client(client)
    if role == "cluster" and any(name.issuers_text.strip() for name in declared.names):
        for section in settings or {}:
            if section.lower().endswith("certificateissuerstores"):
                told = (
                    f"The fabricSettings section {section} names the stores of trusted issuers, and the common name "
                    "pins issuers; the provider takes one of the two."
                )
                found.append(("IssuerCertStoreAndIssuerPinningCannotBeTogether", told))
    return tuple(dict.fromkeys(found))


def _of_client(client: ClientCertificate) -> list[tuple[str, str]]:
    if client.kind == "common-name" and not client.value.strip():
        return [("InvalidCommonName", "The common name of a client is empty.")]
    if client.kind == "common-name" and not client.issuers:
        told = f"The client {client.value} is declared by common name without an issuer."
        return [("ClientCommonNameDefinedWithoutIssuerThumbprint", told)]
    if client.kind == "thumbprint" and not _HEX.fullmatch(client.value):
        told = f"The thumbprint of a client holds a character that is not hex: {client.value!r}."
        return [("InvalidClientCertificateThumbprint", told)]
    return []


def _of_names(after: Declaration, role: Role) -> list[tuple[str, str]]:
    found = []
    names = [name.common_name for name in after.names]
    if any(not name.strip() for name in names):
        found.append(("InvalidCommonName", "A common name is empty."))
    if len(names) > 2:
        found.append(("InvalidCommonNameCount", f"{len(names)} common names are declared; two are the limit."))
    if len(set(names)) < len(names):
        found.append(("DupeCommonNameNotAllowedForClusterCert", "The same common name is declared twice."))
    for name in after.names:
        found += _of_issuers(name, role)
    return found


def _of_issuers(name: PinnedName, role: Role) -> list[tuple[str, str]]:
    text = name.issuers_text
    if not text.strip():
        return []
    if role == "reverse-proxy":
        return [("UnsupportedIssuerThumbprintPair", f"{name.common_name}: the reverse proxy takes no issuer pins.")]
    # The provider splits at commas and trims nothing: ' AB' and 'AB' are two entries to it, 'ab' and 'AB' one.
    parts = [part.lower() for part in text.split(",")]
    if any(not _HEX.fullmatch(part) for part in parts) or len(set(parts)) < len(parts):
        told = f"The issuer list of {name.common_name} holds a character that is not hex, or an entry twice."
        return [("InvalidCertificateIssuerThumbprints", told)]
    return []


def _of_thumbprints(after: Declaration, role: Role) -> list[tuple[str, str]]:
    if not after.malformed:
        return []
    told = "A thumbprint holds a character that is not hex: " + ", ".join(repr(one) for one in after.malformed)
    return [(_BAD_THUMBPRINT[role], told)]


def _is_changed(before: Declaration, after: Declaration) -> bool:
    return (before.thumbprints, before.names) != (after.thumbprints, after.names)


def _of_the_change(before: Declaration, after: Declaration, role: Role) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    secured, stays = bool(before.thumbprints or before.names), bool(after.thumbprints or after.names)
    if role == "cluster" and secured != stays:
        verb = "Adding" if stays else "Removing"
        told = "The first certificate cannot be added to an unsecured cluster, nor the last one removed."
        return [(f"AuthenticationTypeCannotBeChangedBy{verb}Certificate", told)]
    if bool(before.names) != bool(after.names) or before.kind == "both" or after.kind == "both":
        return found
    old = list(dict.fromkeys(before.thumbprints or tuple(name.common_name for name in before.names)))
    new = list(dict.fromkeys(after.thumbprints or tuple(name.common_name for name in after.names)))
    if len(old) == 2 and len(new) == 2 and old != new:
        told = "Two certificates are changed to two others, or swapped. Remove one first."
        found.append(("TwoCertificatesToTwoCertificatesNotAllowed", told))
    if {len(old), len(new)} == {1, 2} and not set(old) & set(new):
        told = "A change between one and two certificates keeps none of them."
        found.append(("CertificateUpgradeWithNoIntersectionNotAllowed", told))
    if before.thumbprints and after.thumbprints and len(old) == len(new) == 1 and old != new:
        # Where it is made is not known, and the provider's own flow could do it: a plan does without.
        told = "One certificate takes the place of the only other one. Add it beside that first, then remove that."
        found.append(("AddAndRemoveCertificateNotAllowed", told))
    for name in after.names:
        past = next((one for one in before.names if one.common_name == name.common_name), None)
        if past and past.issuers and name.issuers and not set(past.issuers) & set(name.issuers):
            told = f"The old and the new issuers of {name.common_name} have none in common."
            found.append(("IssuerThumbprintUpgradeWithNoIntersection", told))
    return found
