"""What does a cluster resource's body declare? Its certificate properties as a node's `Manifest`.

Pure. The embedded Azure's own reading of reference 1.1 and 1.4; shares nothing with the planner's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfcert.sim.nodes.manifest import Finds, Manifest, Trusts

DEFAULT_CODE_VERSION = "11.4.268.1"
# Azure switches this on for clusters created from 7.1 on (reference 1.3); a given setting wins.
AZURE_SETTINGS = (("Security", "EnforcePrevalidationOnSecurityChanges", "true"),)


def normal(thumbprint: Any) -> str:
    """A thumbprint as stores spell it: upper case, no spaces."""
    return "".join(str(thumbprint or "").split()).upper()


def split_pins(text: Any) -> tuple[str, ...]:
    """The thumbprints of a comma-separated list, in order; an empty text gives none."""
    return tuple(pin for pin in (normal(part) for part in str(text or "").split(",")) if pin)


def finds_of(properties: Mapping[str, Any], by_thumbprint: str, by_name: str) -> Finds | None:
    """The presentation rule of a role, or None where it declares nothing."""
    names = properties.get(by_name) or {}
    entries = [str(entry.get("certificateCommonName", "")) for entry in names.get("commonNames") or []]
    if entries:
        second = entries[1] if len(entries) > 1 else ""
        return Finds("name", entries[0], second, str(names.get("x509StoreName") or "My"))
    single = properties.get(by_thumbprint) or {}
    primary, secondary = normal(single.get("thumbprint")), normal(single.get("thumbprintSecondary"))
    if primary or secondary:
        return Finds("thumbprint", primary or secondary, secondary, str(single.get("x509StoreName") or "My"))
    return None


def trusts_of(properties: Mapping[str, Any], by_thumbprint: str, by_name: str) -> Trusts:
    """The validation rule of a role; names with the pins that stand beside them."""
    single = properties.get(by_thumbprint) or {}
    thumbprints = {normal(single.get("thumbprint")), normal(single.get("thumbprintSecondary"))} - {""}
    named: dict[str, frozenset[str]] = {}
    for entry in (properties.get(by_name) or {}).get("commonNames") or []:
        name = str(entry.get("certificateCommonName", ""))
        named[name] = named.get(name, frozenset()) | frozenset(split_pins(entry.get("certificateIssuerThumbprint")))
    return Trusts(frozenset(thumbprints), tuple(sorted(named.items())))


def clients_of(properties: Mapping[str, Any], *, admin: bool) -> Trusts:
    """Declared client certificates of one role."""
    thumbprints = frozenset(
        normal(entry.get("certificateThumbprint"))
        for entry in properties.get("clientCertificateThumbprints") or []
        if bool(entry.get("isAdmin")) is admin
    )
    named: dict[str, frozenset[str]] = {}
    for entry in properties.get("clientCertificateCommonNames") or []:
        if bool(entry.get("isAdmin")) is admin:
            name = str(entry.get("certificateCommonName", ""))
            pins = frozenset(split_pins(entry.get("certificateIssuerThumbprint")))
            named[name] = named.get(name, frozenset()) | pins
    return Trusts(thumbprints, tuple(sorted(named.items())))


def settings_of(properties: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """`fabricSettings` flattened, in the order written."""
    return tuple(
        (str(section.get("name", "")), str(parameter.get("name", "")), str(parameter.get("value", "")))
        for section in properties.get("fabricSettings") or []
        for parameter in section.get("parameters") or []
    )


def manifest_of(properties: Mapping[str, Any], *, version: str, made_by_azure: bool = True) -> Manifest:
    """The manifest that this body asks for, certificate lists of all roles included.

    Args:
        properties: the `properties` of a cluster resource.
        version: the configuration version to give it.
        made_by_azure: adds the settings that the resource provider itself sets on new clusters.
    """
    finds = finds_of(properties, "certificate", "certificateCommonNames")
    return Manifest(
        version=version,
        finds=finds,
        trusts=trusts_of(properties, "certificate", "certificateCommonNames"),
        admin_clients=clients_of(properties, admin=True),
        user_clients=clients_of(properties, admin=False),
        reverse_proxy=finds_of(properties, "reverseProxyCertificate", "reverseProxyCertificateCommonNames"),
        file_store=file_store_accounts(finds),
        settings=(AZURE_SETTINGS if made_by_azure else ()) + settings_of(properties),
        code_version=str(properties.get("clusterCodeVersion") or DEFAULT_CODE_VERSION),
    )


def file_store_accounts(finds: Finds | None) -> tuple[tuple[str, str], ...]:
    """The FileStoreService accounts that a presentation rule leads to (reference 1.4)."""
    if finds is None:
        return ()
    if finds.by == "thumbprint":
        secondary = finds.secondary or finds.primary
        return (
            ("PrimaryAccountNTLMX509Thumbprint", finds.primary),
            ("SecondaryAccountNTLMX509Thumbprint", secondary),
        )
    return (
        ("CommonName1Ntlmx509CommonName", finds.primary),
        ("CommonName2Ntlmx509CommonName", finds.secondary or finds.primary),
    )
