"""What does the resource provider refuse at once? The checks on a cluster's new definition against its old one.

Pure but for raising. Source: reference 1.2 (codes and messages are the vendor's identifiers); where the sheet says that
only the standalone product is known to check, the check is left out here. Assumed: that a client's name without issuers
is refused, whose code is in the vendor's list and whose place is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.servicefabric.declared import finds_of

_ROLES = (
    ("certificate", "certificateCommonNames", "InvalidClusterCertificateThumbprint", "Cluster"),
    (
        "reverseProxyCertificate",
        "reverseProxyCertificateCommonNames",
        "InvalidReverseProxyCertificateThumbprint",
        "Reverse Proxy",
    ),
)
_HEX = re.compile(r"[0-9a-fA-F ]*")
_MAX_NAMES = 2


def _refuse(code: str, message: str) -> AzureFailure:
    return AzureFailure(400, code, message)


def check_definition(properties: Mapping[str, Any]) -> None:
    """Refuse a definition that is wrong by itself.

    Raises:
        AzureFailure: 400 with the vendor's code of the first check that fails.
    """
    for by_thumbprint, by_name, bad_thumbprint, role in _ROLES:
        single, names = properties.get(by_thumbprint), properties.get(by_name)
        entries = (names or {}).get("commonNames") or []
        if single and entries:
            raise _refuse(
                "InvalidCommonNameThumbprintPair",
                "Common names and issuer thumbprints should not be both defined for a particular certificate.",
            )
        for value in ((single or {}).get("thumbprint"), (single or {}).get("thumbprintSecondary")):
            if value and not _HEX.fullmatch(str(value)):
                raise _refuse(bad_thumbprint, f"{role} Certificate Thumbprint contains invalid characters")
        _check_names(entries, limited=True)
        if by_name.startswith("reverseProxy") and any(entry.get("certificateIssuerThumbprint") for entry in entries):
            raise _refuse(
                "UnsupportedIssuerThumbprintPair",
                "Issuer thumbprint is not supported for this particular certificate type yet.",
            )
    for entry in properties.get("clientCertificateThumbprints") or []:
        if not _HEX.fullmatch(str(entry.get("certificateThumbprint") or "")):
            raise _refuse(
                "InvalidClientCertificateThumbprint", "Client Certificate Thumbprint contains invalid characters"
            )
    named = properties.get("clientCertificateCommonNames") or []
    _check_names(named, limited=False)
    if any(not str(entry.get("certificateIssuerThumbprint") or "").strip() for entry in named):
        raise _refuse(
            "ClientCommonNameDefinedWithoutIssuerThumbprint",
            "Client issuer thumbprints must be defined if client common names are defined.",
        )
    clients = properties.get("clientCertificateThumbprints") or properties.get("clientCertificateCommonNames")
    if clients and _cluster(properties) is None:
        raise _refuse(
            "ClientCertDefinedWithoutServerCert", "Server Certificate must be defined if client certificate is defined."
        )
    stores = [
        section
        for section in properties.get("fabricSettings") or []
        if str(section.get("name", "")).lower().endswith("certificateissuerstores")
    ]
    pinned = [
        entry
        for entry in (properties.get("certificateCommonNames") or {}).get("commonNames") or []
        if entry.get("certificateIssuerThumbprint")
    ]
    if stores and pinned:
        raise _refuse(
            "IssuerCertStoreAndIssuerPinningCannotBeTogether",
            "Issuer certificate stores and issuer thumbprints cannot be used together.",
        )


def _check_names(entries: list[dict[str, Any]], *, limited: bool) -> None:
    names = [str(entry.get("certificateCommonName") or "") for entry in entries]
    if any(not name.strip() for name in names):
        raise _refuse("InvalidCommonName", "Common name must not be empty.")
    if limited and len(names) > _MAX_NAMES:
        raise _refuse(
            "InvalidCommonNameCount",
            "Up to 2 common names are supported for certificates except the client certificates.",
        )
    if limited and any(count > 1 for count in Counter(names).values()):
        raise _refuse(
            "DupeCommonNameNotAllowedForClusterCert",
            "Duplicated common names for the cluster certificate type is not supported.",
        )
    for entry in entries:
        # The vendor splits on the comma and trims nothing, so that "a, a" is two different entries; kept so.
        parts = [part.lower() for part in str(entry.get("certificateIssuerThumbprint") or "").split(",") if part]
        if any(not _HEX.fullmatch(part) for part in parts) or len(set(parts)) != len(parts):
            given = entry.get("certificateIssuerThumbprint")
            raise _refuse(
                "InvalidCertificateIssuerThumbprints",
                f"Certificate issuer thumbprints {given} are either invalid or contain duplicated entries.",
            )


def check_change(current: Mapping[str, Any], wanted: Mapping[str, Any], *, one_at_a_time: bool = False) -> None:
    """Refuse a change that the provider does not make in one step.

    Args:
        one_at_a_time: whether a thumbprint may not give way to another in one request. The message is defined in the
            vendor's library, and nobody knows who sends it.

    Raises:
        AzureFailure: 400 with the vendor's code.
    """
    old, new = _cluster(current), _cluster(wanted)
    if old is None and new is not None:
        raise _refuse(
            "AuthenticationTypeCannotBeChangedByAddingCertificate",
            "The authentication type of a cluster cannot be changed from unsecured by adding a certificate.",
        )
    if old is not None and new is None:
        raise _refuse(
            "AuthenticationTypeCannotBeChangedByRemovingCertificate",
            "The authentication type of a cluster cannot be changed by removing its certificate.",
        )
    if old is None or new is None:
        return
    before, after = set(old.values), set(new.values)
    changed = old.by != new.by or before != after
    if changed and (_scale(current) != _scale(wanted) or _reliability(current) != _reliability(wanted)):
        raise _refuse(
            "CertificateAndScaleUpgradeTogetherNotAllowed",
            "The certificate upgrade and scale upgrade are not allowed at same time. Please try one at a time.",
        )
    if old.by != new.by:
        return
    if len(before) == 2 and len(after) == 2 and before != after:
        raise _refuse(
            "TwoCertificatesToTwoCertificatesNotAllowed",
            "Upgrading from 2 different certificates to 2 different certificates is not allowed.",
        )
    if one_at_a_time and len(before) == len(after) == 1 and before != after:
        raise _refuse(
            "AddAndRemoveCertificateNotAllowed",
            "Certificates cannot be added and removed at the same time. Remove a certificate first before adding a new "
            "one.",
        )
    if {len(before), len(after)} == {1, 2} and not before & after:
        raise _refuse(
            "CertificateUpgradeWithNoIntersectionNotAllowed",
            "Upgrading from 1 certificate to 2 certificates or 2 to 1 is not allowed if there is no thumbprint or "
            "common name intersection.",
        )


def _cluster(properties: Mapping[str, Any]) -> Any:
    return finds_of(properties, "certificate", "certificateCommonNames")


def _scale(properties: Mapping[str, Any]) -> list[tuple[str, int]]:
    return sorted(
        (str(node_type.get("name", "")), int(node_type.get("vmInstanceCount") or 0))
        for node_type in properties.get("nodeTypes") or []
    )


def _reliability(properties: Mapping[str, Any]) -> str:
    return str(properties.get("reliabilityLevel") or "")
