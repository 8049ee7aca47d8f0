"""How is a ready-made world made? Authorities, a vault with certificates, a deployed cluster, waited for until at rest.

Everything goes through the services that clients use: the template is a real deployment, the vault a real resource.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any

from sfcert.sim.compute.scale_sets import ScaleSets
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.kernel.provider import Caller
from sfcert.sim.keyvault.http import CLIENT_ADDRESS
from sfcert.sim.nodes.certificate import thumbprint_of
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.worlds.shape import shaped
from sfcert.sim.worlds.specs import WORLDS, Spec

DEPLOYMENTS = "Microsoft.Resources/deployments"
PATIENCE_S = 24 * 3600
#: The service under which a world keeps the operator's client certificate, for `sim env` to hand out.
OPERATOR_CLIENT = "operator-client"
ROOT, ISSUING, OTHER = "Contoso Root CA", "Contoso Issuing CA 01", "Contoso Issuing CA 02"


@cache
def _template_text() -> str:
    return files("sfcert.sim.worlds").joinpath("three_node_types.json").read_text(encoding="utf-8")


def load(azure: Azure, name: str, **options: Any) -> dict[str, Any]:
    """Make a world by name; options replace single fields of its declaration.

    Raises:
        AzureFailure: 400 for an unknown name or option, or whatever Azure said to one of the parts.
    """
    spec = WORLDS.get(name)
    if spec is None:
        raise AzureFailure(400, "NoSuchWorld", f"There is no world '{name}'. There are: {', '.join(sorted(WORLDS))}.")
    unknown = sorted(set(options) - set(Spec.__dataclass_fields__))
    if unknown:
        raise AzureFailure(400, "NoSuchOption", f"A world has no option '{unknown[0]}'.")
    return prepare(azure, name, replace(spec, **options))


def prepare(azure: Azure, name: str, spec: Spec | None = None) -> dict[str, Any]:
    """Make the world and wait, in virtual time, until its cluster is at rest.

    Returns:
        What a client needs to begin: ids, the vault's URL, names, thumbprints of certificate and issuers.
    """
    spec = spec or WORLDS[name]
    caller = operator_of(azure)
    _group(azure, spec.resource_group, spec.location)
    facts = _certificates(azure, spec, caller)
    template = _template_text()
    parameters = {
        "clusterName": spec.cluster_name,
        "location": spec.location,
        "adminPassword": f"Pw-{azure.new_guid()}",
        "vaultId": facts["vault_id"],
        "certificateUrl": facts["certificate_url"],
        "certificateThumbprint": facts["thumbprint"],
        "reliabilityLevel": "Silver",
        "upgradeMode": spec.mode,
        "nodeTypes": [item.parameter() for item in spec.node_types],
    }
    if spec.needs_trusted_root:
        azure.switches["trusted-roots"] = [facts["root_thumbprint"]]
    body = shaped(json.loads(template), spec, facts)
    _deploy(azure, spec, body, parameters, caller)
    cluster_id = f"{_scope(azure, spec.resource_group)}/providers/Microsoft.ServiceFabric/clusters/{spec.cluster_name}"
    cluster = azure.service("clusters", Clusters).get(cluster_id)
    assert cluster is not None, "the deployment has just succeeded"
    wanted = sum(item.capacity for item in spec.node_types)
    wait_until(
        azure, lambda: cluster.calm and len(cluster.nodes) == wanted, f"cluster {spec.cluster_name} to be at rest"
    )
    return {
        "world": name,
        "cluster_id": cluster.resource_id,
        "resource_group": spec.resource_group,
        "scale_set_ids": [scale_set.id for scale_set in azure.service("compute", ScaleSets).all()],
        "management_endpoint": f"https://{spec.cluster_name}.{spec.location}.cloudapp.azure.com:19080",
        "now": azure.clock.now.isoformat(),
        **facts,
    }


def operator_of(azure: Azure) -> Caller:
    """Who builds: the simulator's own operator, or a stand-in where there is no directory."""
    entra = azure.find_service("entra")
    if entra is None:
        return Caller("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "builder")
    caller = entra.default.caller
    assert isinstance(caller, Caller)
    return caller


def wait_until(azure: Azure, done: Callable[[], bool], what: str) -> None:
    """Let virtual time pass, event by event.

    Raises:
        AzureFailure: 504 when a virtual day has passed, or nothing more will happen.
    """
    begun = azure.clock.now
    while not done():
        due = azure.clock.next_event_at()
        if due is None or (due - begun).total_seconds() > PATIENCE_S:
            raise AzureFailure(504, "WorldNotReady", f"Waited in vain for {what}.")
        azure.clock.advance_to(due)


def finished(azure: Azure, operation: Operation | None, what: str) -> None:
    """Wait for an operation and pass its error on."""
    if operation is None:
        return
    wait_until(azure, lambda: operation.done, what)
    if operation.error is not None:
        raise AzureFailure(
            400,
            str(operation.error.get("code")),
            f"{what}: {operation.error.get('message')}",
            details=operation.error.get("details"),
        )


def _scope(azure: Azure, group: str) -> str:
    return f"/subscriptions/{azure.subscription_id}/resourceGroups/{group}"


def _group(azure: Azure, name: str, location: str) -> None:
    groups = azure.find_service("groups")
    if groups is not None and not groups.has(azure.subscription_id, name):
        groups.put(azure.subscription_id, name, {"location": location})


def put(azure: Azure, resource_id: str, api_version: str, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """PUT a resource as a client would and wait for it."""
    rid = parse_id(resource_id)
    provider = azure.provider_of(rid.type)
    assert provider is not None, f"nobody serves {rid.type}"
    answer = provider.put(rid, api_version, body, caller)
    finished(azure, answer.operation, f"PUT of {rid.name}")
    return provider.get(rid, api_version, {})


def _certificates(azure: Azure, spec: Spec, caller: Caller) -> dict[str, Any]:
    now = azure.clock.now.replace(microsecond=0)
    authorities = azure.find_service("authority")
    assert authorities is not None, "worlds need the service of certificate authorities"
    # A second cluster of the same world has the authorities of the first.
    if ROOT not in {one.name for one in authorities.all()}:
        long_ago, far = now - timedelta(days=3650), now + timedelta(days=3650)
        authorities.create(ROOT, not_before=long_ago, not_after=far)
        authorities.create(ISSUING, not_before=long_ago, not_after=far, parent=ROOT)
        authorities.create(OTHER, not_before=long_ago, not_after=far, parent=ROOT)
    issuing, other = authorities.get(ISSUING), authorities.get(OTHER)
    vault_group = spec.vault_group or spec.resource_group
    _group(azure, vault_group, spec.location)
    vault_name = f"kv-{spec.cluster_name}"
    vault_id = f"{_scope(azure, vault_group)}/providers/Microsoft.KeyVault/vaults/{vault_name}"
    put(azure, vault_id, "2023-07-01", _vault_body(azure, spec, caller), caller)
    vaults = azure.find_service("vaults")
    vault_url = f"https://{vault_name}.vault.azure.net"
    vaults.bind_issuer(vault_url, "ContosoCA", ISSUING)
    begins = now + timedelta(days=spec.issued_days)
    ends = begins + timedelta(days=spec.lifetime_days)
    names = [spec.common_name]
    if spec.self_signed:
        issued = authorities.self_signed("old-cluster.local", [], not_before=begins, not_after=ends)
    else:
        issued = issuing.issue(spec.common_name, names, not_before=begins, not_after=ends)
    stored = vaults.import_version(
        vault_url, spec.certificate_name, issued, policy=None if spec.self_signed else _policy(spec), created=begins
    )
    facts: dict[str, Any] = {
        "vault_id": vault_id,
        "vault_url": vault_url,
        "vault_name": vault_name,
        "certificate_name": spec.certificate_name,
        "certificate_url": f"{vault_url}/secrets/{spec.certificate_name}/{stored.version}",
        "observed_url": f"{vault_url}/secrets/{spec.certificate_name}",
        "common_name": spec.common_name,
        "thumbprint": stored.thumbprint,
        "issuer_thumbprint": issuing.thumbprint,
        "other_issuer_thumbprint": other.thumbprint,
        "other_issuer": OTHER,
        "root_thumbprint": thumbprint_of(issuing.chain[-1]),
    }
    if spec.secondary:
        older = issuing.issue(
            spec.common_name,
            names,
            not_before=begins - timedelta(days=150),
            not_after=ends - timedelta(days=100),
        )
        kept = vaults.import_version(vault_url, "sf-cluster-old", older, created=begins - timedelta(days=150))
        facts["secondary_thumbprint"] = kept.thumbprint
        facts["secondary_url"] = f"{vault_url}/secrets/sf-cluster-old/{kept.version}"
    if spec.existing_extension is not None:
        app = issuing.issue("app.contoso.example", ["app.contoso.example"], not_before=begins, not_after=ends)
        vaults.import_version(vault_url, "app-tls", app, created=begins)
        facts["application_url"] = f"{vault_url}/secrets/app-tls"
    if spec.proxy_name is not None:
        proxy = issuing.issue(spec.proxy_name, [spec.proxy_name], not_before=begins, not_after=ends)
        kept = vaults.import_version(vault_url, "sf-proxy", proxy, policy=_policy(spec), created=begins)
        facts["proxy_thumbprint"] = kept.thumbprint
        facts["proxy_url"] = f"{vault_url}/secrets/sf-proxy/{kept.version}"
    if spec.reader_client:
        reader = issuing.issue("reader.contoso.example", [], not_before=begins, not_after=ends)
        kept = vaults.import_version(vault_url, "sf-reader", reader, created=begins)
        facts["reader_thumbprint"] = kept.thumbprint
        facts["reader_certificate_url"] = f"{vault_url}/secrets/sf-reader"
    if spec.operator_client:
        # Outlives the cluster's own certificate: rotations are watched with it.
        person = issuing.issue("operator.contoso.example", [], not_before=begins, not_after=ends + timedelta(days=730))
        azure.add_service(OPERATOR_CLIENT, person)
        kept = vaults.import_version(vault_url, "sf-operator", person, created=begins)
        facts["client_thumbprint"] = kept.thumbprint
        facts["client_certificate_url"] = f"{vault_url}/secrets/sf-operator"
    return facts


def _vault_body(azure: Azure, spec: Spec, caller: Caller) -> dict[str, Any]:
    rbac = spec.vault_model == "rbac"
    everything = {"secrets": ["get", "list", "set"], "certificates": ["all"], "keys": ["all"]}
    properties: dict[str, Any] = {
        "tenantId": azure.tenant_id,
        "sku": {"family": "A", "name": "standard"},
        "enabledForDeployment": True,
        "enableRbacAuthorization": rbac,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 90,
        "accessPolicies": []
        if rbac
        else [{"tenantId": azure.tenant_id, "objectId": caller.object_id, "permissions": everything}],
    }
    if spec.firewall:
        properties["networkAcls"] = {
            "bypass": "AzureServices",
            "defaultAction": "Deny",
            # Where the operator's own workstation stands.
            "ipRules": [{"value": f"{CLIENT_ADDRESS}/32"}],
            "virtualNetworkRules": [],
        }
    return {"location": spec.location, "properties": properties}


def _policy(spec: Spec) -> dict[str, Any]:
    action = "AutoRenew" if spec.auto_renew else "EmailContacts"
    return {
        "issuer": {"name": "ContosoCA", "cty": "OV-SSL"},
        "x509_props": {"validity_months": max(1, round(spec.lifetime_days / 30.6))},
        "lifetime_actions": [
            {"trigger": {"lifetime_percentage": spec.renew_percentage}, "action": {"action_type": action}}
        ],
    }


def _deploy(azure: Azure, spec: Spec, template: dict[str, Any], parameters: dict[str, Any], caller: Caller) -> None:
    provider = azure.provider_of(DEPLOYMENTS)
    assert provider is not None, "worlds are made by a deployment"
    rid = parse_id(f"{_scope(azure, spec.resource_group)}/providers/{DEPLOYMENTS}/create-{spec.cluster_name}")
    given = {key: {"value": value} for key, value in parameters.items()}
    body = {"properties": {"mode": "Incremental", "template": template, "parameters": given}}
    finished(azure, provider.put(rid, "2026-06-01", body, caller).operation, f"deployment of {spec.cluster_name}")
