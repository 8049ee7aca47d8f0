"""How does a cluster's manifest read? The XML that Service Fabric returns, as far as certificates are concerned.

Pure. Source: reference 1.4 for sections and names. Leaves out what has nothing to do with security.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as xml

from sfcert.sim.nodes.manifest import Finds, Manifest, Trusts

NAMESPACE = "http://schemas.microsoft.com/2011/01/fabric"


def manifest_xml(name: str, manifest: Manifest, properties: Mapping[str, Any], cluster_endpoint: str) -> str:
    """The whole document as text.

    Args:
        name: the cluster's id, as Azure names it in the manifest.
        manifest: the declaration that the cluster runs with.
        properties: the ARM body's properties, for node types and ports.
        cluster_endpoint: where the upgrade service polls.
    """
    root = xml.Element("ClusterManifest", {"xmlns": NAMESPACE, "Name": name, "Version": manifest.version})
    types = xml.SubElement(root, "NodeTypes")
    for node_type in properties.get("nodeTypes") or []:
        _node_type(types, node_type, manifest)
    settings = xml.SubElement(root, "FabricSettings")
    for section, parameters in _sections(manifest, cluster_endpoint).items():
        element = xml.SubElement(settings, "Section", {"Name": section})
        for key, value in parameters:
            xml.SubElement(element, "Parameter", {"Name": key, "Value": value})
    return xml.tostring(root, encoding="unicode")


def _node_type(parent: xml.Element, node_type: Mapping[str, Any], manifest: Manifest) -> None:
    element = xml.SubElement(parent, "NodeType", {"Name": str(node_type.get("name"))})
    endpoints = xml.SubElement(element, "Endpoints")
    client = str(node_type.get("clientConnectionEndpointPort", 19000))
    http = str(node_type.get("httpGatewayEndpointPort", 19080))
    xml.SubElement(endpoints, "ClientConnectionEndpoint", {"Port": client})
    xml.SubElement(endpoints, "HttpGatewayEndpoint", {"Port": http, "Protocol": "https" if manifest.finds else "http"})
    if manifest.finds is not None:
        certificates = xml.SubElement(element, "Certificates")
        for role in ("ClusterCertificate", "ServerCertificate", "ClientCertificate"):
            xml.SubElement(certificates, role, {**_find(manifest.finds), "Name": role})


def _find(finds: Finds) -> dict[str, str]:
    found = {
        "X509StoreName": finds.store,
        "X509FindType": "FindByThumbprint" if finds.by == "thumbprint" else "FindBySubjectName",
        "X509FindValue": finds.primary,
    }
    if finds.secondary:
        found["X509FindValueSecondary"] = finds.secondary
    return found


def _sections(manifest: Manifest, cluster_endpoint: str) -> dict[str, list[tuple[str, str]]]:
    sections: dict[str, list[tuple[str, str]]] = {"Security": []}
    security = sections["Security"]
    if manifest.finds is not None:
        security += [("ClusterCredentialType", "X509"), ("ServerAuthCredentialType", "X509")]
    for key, rule in (
        ("ClusterCertThumbprints", manifest.trusts),
        ("ServerCertThumbprints", manifest.trusts),
        ("AdminClientCertThumbprints", manifest.admin_clients),
        ("ClientCertThumbprints", manifest.user_clients),
    ):
        if rule.thumbprints:
            security.append((key, ",".join(sorted(rule.thumbprints))))
    for section, rule in (
        ("Security/ClusterX509Names", manifest.trusts),
        ("Security/ServerX509Names", manifest.trusts),
        ("Security/AdminClientX509Names", manifest.admin_clients),
        ("Security/ClientX509Names", manifest.user_clients),
    ):
        if rule.names:
            sections[section] = _names(rule)
    if manifest.file_store:
        sections["FileStoreService"] = list(manifest.file_store)
    if manifest.finds is not None:
        sections["UpgradeService"] = [
            ("BaseUrl", cluster_endpoint),
            *[(key, value) for key, value in _upgrade_service(manifest.finds)],
        ]
    if manifest.reverse_proxy is not None:
        sections["ApplicationGateway/Http"] = list(_gateway(manifest.reverse_proxy))
    for section, key, value in manifest.settings:
        sections.setdefault(section, []).append((key, value))
    return sections


def _names(rule: Trusts) -> list[tuple[str, str]]:
    return [(name, ",".join(sorted(pins))) for name, pins in rule.names]


def _upgrade_service(finds: Finds) -> Iterable[tuple[str, str]]:
    kind = "FindByThumbprint" if finds.by == "thumbprint" else "FindBySubjectName"
    yield "X509FindType", kind
    yield "X509FindValue", finds.primary
    if finds.secondary:
        yield "X509SecondaryFindValue", finds.secondary
    yield "X509StoreName", finds.store


def _gateway(finds: Finds) -> Iterable[tuple[str, str]]:
    kind = "FindByThumbprint" if finds.by == "thumbprint" else "FindBySubjectName"
    yield "GatewayX509CertificateFindType", kind
    yield "GatewayX509CertificateFindValue", finds.primary
    if finds.secondary:
        yield "GatewayX509CertificateFindValueSecondary", finds.secondary
    yield "GatewayX509CertificateStoreName", finds.store
