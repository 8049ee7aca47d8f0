"""Roles beside the cluster's own in a bundle document: client certificates, and a reverse proxy with one of its own.

Each takes a document of `make.document` and edits it in place.
"""

from __future__ import annotations

from typing import Any

from tests import make

Json = dict[str, Any]
PROXY = "shop-proxy"


def with_client(
    document: Json, issued: make.Issued, *, admin: bool = True, vault_name: str | None = None, declared: bool = True
) -> Json:
    """A client declared by thumbprint; its certificate lies in the vault under this name, None: nowhere to be seen."""
    if declared:
        properties = document["resources"][make.CLUSTER_ID]["body"]["properties"]
        listed = properties.setdefault("clientCertificateThumbprints", [])
        listed.append({"isAdmin": admin, "certificateThumbprint": issued.thumbprint})
    if vault_name is not None:
        _keep(document, vault_name, issued)
    return document


def with_proxy(
    document: Json, issued: make.Issued, *, on_nodes: bool = True, secret: bool = True, action: str = "AutoRenew"
) -> Json:
    """A reverse proxy by the thumbprint of a certificate of its own, which the vm secrets bring.

    `on_nodes`: the node extensions name it too. `action`: what the vault does before it ends.
    """
    _keep(document, PROXY, issued, action)
    entry = {"thumbprint": issued.thumbprint, "x509StoreName": "My"}
    document["resources"][make.CLUSTER_ID]["body"]["properties"]["reverseProxyCertificate"] = dict(entry)
    for resource_id, raw in document["resources"].items():
        if "/virtualMachineScaleSets/" not in resource_id:
            continue
        profile = raw["body"]["properties"]["virtualMachineProfile"]
        if on_nodes:
            for extension in profile["extensionProfile"]["extensions"]:
                if extension["properties"]["publisher"] == "Microsoft.Azure.ServiceFabric":
                    extension["properties"]["settings"]["reverseProxyCertificate"] = dict(entry)
        if secret:
            new = {"certificateUrl": make.secret_url(issued, name=PROXY), "certificateStore": "My"}
            groups = profile["osProfile"].setdefault("secrets", [])
            if not groups:
                groups.append({"sourceVault": {"id": make.VAULT_ID}, "vaultCertificates": []})
            groups[0]["vaultCertificates"].append(new)
        for store in (document.get("node_stores") or {}).get(resource_id, {}).values():
            store.append(issued.x5t)
    return document


def _keep(document: Json, name: str, issued: make.Issued, action: str = "EmailContacts") -> None:
    certificates = document["vaults"][make.VAULT_URL]["certificates"]
    kept = certificates.setdefault(
        name, {"policy": make.policy(action=action, issuer="ExampleCA"), "pending": None, "tags": None, "versions": []}
    )
    kept["versions"].append(make.version(issued, name=name))
