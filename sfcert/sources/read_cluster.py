"""What does the cluster resource declare? Raw body in, `Cluster` out. Source: service-fabric.md 1.1, 8."""

from __future__ import annotations

from typing import Literal

from sfcert.model.bundle import RawResource
from sfcert.model.observation import ClientCertificate, Cluster, NodeType
from sfcert.sources.body import Body
from sfcert.sources.read_declaration import read_cluster_role, split_issuers


def _os(vm_image: str | None, extension_types: tuple[str, ...]) -> Literal["Windows", "Linux", "unknown"]:
    """By vmImage (Windows, Linux, Ubuntu…), else by the type of the node extensions."""
    image = (vm_image or "").lower()
    if image.startswith("windows"):
        return "Windows"
    if image.startswith(("linux", "ubuntu")):
        return "Linux"
    types = {one.lower() for one in extension_types}
    if types == {"servicefabriclinuxnode"}:
        return "Linux"
    if types == {"servicefabricnode"}:
        return "Windows"
    return "unknown"


def _clients(properties: Body) -> tuple[ClientCertificate, ...]:
    found: list[ClientCertificate] = []
    for entry in properties.items("clientCertificateThumbprints"):
        if value := entry.text("certificateThumbprint"):
            tidy = value.replace(" ", "").upper()
            is_admin = entry.flag("isAdmin") or False
            found.append(ClientCertificate(kind="thumbprint", value=tidy, issuers=(), is_admin=is_admin))
    for entry in properties.items("clientCertificateCommonNames"):
        if value := entry.text("certificateCommonName"):
            issuers, _ = split_issuers(entry.text("certificateIssuerThumbprint") or "")
            is_admin = entry.flag("isAdmin") or False
            found.append(ClientCertificate(kind="common-name", value=value, issuers=issuers, is_admin=is_admin))
    return tuple(found)


def _settings(properties: Body) -> dict[str, dict[str, str]]:
    sections: dict[str, dict[str, str]] = {}
    for section in properties.items("fabricSettings"):
        name = section.text("name")
        if name is None:
            continue
        values = sections.setdefault(name, {})
        for parameter in section.items("parameters"):
            key, value = parameter.text("name"), parameter.text("value")
            if key is not None and value is not None:
                values[key] = value
    return sections


def _node_types(properties: Body) -> tuple[NodeType, ...]:
    return tuple(
        NodeType(
            name=entry.text("name") or "",
            is_primary=entry.flag("isPrimary") or False,
            instance_count=entry.number("vmInstanceCount"),
            durability=entry.text("durabilityLevel"),
            is_stateless=entry.flag("isStateless") or False,
            reverse_proxy_port=entry.number("reverseProxyEndpointPort"),
        )
        for entry in properties.items("nodeTypes")
    )


def read_cluster(cluster_id: str, raw: RawResource, extension_types: tuple[str, ...], *, is_authored: bool) -> Cluster:
    """The facts of a cluster's GET (or, from a template, of the body that would be PUT).

    Args:
        extension_types: `type` of each node extension found, for telling the operating system.
        is_authored: the body is from a template, in which `[…]` is an unevaluated expression.
    """
    body = Body(raw.body, symbolic=is_authored)
    properties = body.at("properties")
    return Cluster(
        id=cluster_id,
        name=cluster_id.rstrip("/").rsplit("/", 1)[-1],
        location=body.text("location"),
        api_version=raw.api_version,
        guid=properties.text("clusterId"),
        runtime=properties.text("clusterCodeVersion"),
        state=properties.text("clusterState"),
        provisioning_state=properties.text("provisioningState"),
        os=_os(properties.text("vmImage"), extension_types),
        upgrade_mode=properties.text("upgradeMode"),
        reliability=properties.text("reliabilityLevel"),
        management_endpoint=properties.text("managementEndpoint"),
        cluster_endpoint=properties.text("clusterEndpoint"),
        certificate=read_cluster_role(properties, "certificate", "certificateCommonNames"),
        reverse_proxy=read_cluster_role(properties, "reverseProxyCertificate", "reverseProxyCertificateCommonNames"),
        clients=_clients(properties),
        has_aad=bool(properties.text("azureActiveDirectory", "tenantId")),
        settings=_settings(properties),
        node_types=_node_types(properties),
        upgrade_description=properties.object("upgradeDescription"),
    )
