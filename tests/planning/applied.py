"""What would be there after a plan? The templates evaluated over the captured bodies, stage by stage.

Not a simulator: every stage succeeds at once, nodes do as they are told. It serves the laws that speak of a plan's
result.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from sfcert.arm import Scope, SymbolicRuntime, expand
from sfcert.enrol.policy import vault_policy
from sfcert.model.ids import same_id
from sfcert.model.plan import Deployment, EnrolOperation, Plan, Stage
from sfcert.planning.expectations import holds
from sfcert.workflows.binding import Binding
from tests import make

Json = dict[str, Any]
CLIENT, PRINCIPAL = "cccccccc-0000-4000-8000-00000000c11e", "dddddddd-0000-4000-8000-000000009a11"


class NoSuchResource(LookupError):
    """`reference()` of a resource that is not there, which fails a deployment."""


class Live(SymbolicRuntime):
    """Run-time functions over the bodies of a bundle document."""

    def __init__(self, document: Json) -> None:
        self._resources = document["resources"]

    def reference(self, resource_id: str, api_version: str | None, full: bool, scope: Scope) -> Any:
        for key, raw in self._resources.items():
            if same_id(key, resource_id):
                body = revealed(raw["body"])
                return body if full else body.get("properties", {})
        raise NoSuchResource(resource_id)


def revealed(value: Any) -> Any:
    """What the live resource holds where the capture has a redacted value."""
    if isinstance(value, dict):
        return "revealed" if "$redacted" in value else {key: revealed(part) for key, part in value.items()}
    return [revealed(part) for part in value] if isinstance(value, list) else value


def sent_bodies(deployment: Deployment, scope: str, document: Json) -> Iterator[tuple[str, Json]]:
    """(resource id, evaluated body) of every resource that a deployment writes, nested ones in their order.

    Each is written into the document before the next is evaluated.
    """
    parts = scope.split("/")
    live = Live(document)
    expanded = expand(
        deployment.template,
        {},
        Scope(subscription_id=parts[2], resource_group=parts[4], tenant_id=make.TENANT),
        live,
    )
    for resource in expanded.walk(live):
        if not resource.is_deployment:
            body = resource.evaluate(live)
            _write(document, resource.id, body)
            yield resource.id, body


def applied(document: Json, plan: Plan) -> Json:
    """The document after every stage of the plan; asserts before each that what it expects is there."""
    after = copy.deepcopy(document)
    binding: Binding | None = None
    for planned in plan.stages:
        stage = binding.bound(planned) if binding is not None else planned
        for expected in stage.expects:
            raw = next(one for key, one in after["resources"].items() if same_id(key, expected.resource))
            body = binding.as_planned(raw["body"]) if binding is not None else raw["body"]
            assert holds(expected, body), f"{stage.id} would be stale although nothing moved"
        _apply(after, stage)
        binding = _enrolled(after, stage.enrol) if stage.enrol is not None else binding
    return after


def _enrolled(document: Json, operation: EnrolOperation) -> Binding:
    """The vault gets what the plan counts on, from the first issuer named, and renewal rests as it was asked for."""
    names = ("Example Issuing CA A", "Example Issuing CA B")
    authority = next(one for one in names if make.authority(one).thumbprint == operation.issuers[0])
    leaf = make.leaf("enrolled", ca=authority, not_before=make.NOW - timedelta(minutes=10))
    certificates = document["vaults"].setdefault(operation.vault_url, {"certificates": {}})["certificates"]
    found = certificates.setdefault(operation.certificate, {"versions": [], "tags": {}, "pending": None})
    found["policy"] = vault_policy(operation.policy, holds_renewal=True)
    found["versions"] = [make.version(leaf, name=operation.certificate, vault=operation.vault_url), *found["versions"]]
    gone = f"vaults/{operation.vault_url}/certificates/{operation.certificate}"
    document["unread"] = [one for one in document.get("unread") or [] if one["what"] != gone]
    return Binding(stand_in=operation.stand_in, thumbprint=leaf.thumbprint, created_utc=None)


def _apply(document: Json, stage: Stage) -> None:
    if stage.vault is not None:
        operation = stage.vault
        certificate = document["vaults"][operation.vault_url]["certificates"][operation.certificate]
        assert {key: certificate["policy"].get(key) for key in operation.expects} == operation.expects
        certificate["policy"] |= operation.sets
        tags = (certificate.get("tags") or {}) | operation.sets_tags
        certificate["tags"] = {key: value for key, value in tags.items() if value is not None}
    for gate in stage.gates_out:
        if gate.kind == "cluster-reached":
            # people, or the nodes by themselves, have brought it back
            body = next(raw["body"] for key, raw in document["resources"].items() if same_id(key, gate.subject))
            body["properties"]["clusterState"] = "Ready"
        if gate.kind == "newest-version-fits":
            _issue(document, gate.subject)
    if stage.kind == "wait" and "/virtualmachinescalesets/" in stage.resource.lower():
        _deliver(document, stage.resource)
    if stage.deployment is not None:
        for _ in sent_bodies(stage.deployment, stage.scope, document):
            pass


def _issue(document: Json, url: str) -> None:
    """People have had a newer version issued; every node that is there has fetched it."""
    vault_url, _, name = url.partition("/certificates/")
    issued = make.leaf("issued-meanwhile", not_before=make.NOW - timedelta(hours=1))
    document["vaults"][vault_url]["certificates"][name]["versions"].append(make.version(issued))
    for stores in (document.get("node_stores") or {}).values():
        for store in stores.values():
            store.append(issued.x5t)


def _write(document: Json, resource_id: str, body: Json) -> None:
    kind = resource_id.lower()
    if "/accesspolicies/" in kind:
        vault = next(raw for key, raw in document["resources"].items() if same_id(key, resource_id.rsplit("/", 2)[0]))
        vault["body"]["properties"]["accessPolicies"] += body["properties"]["accessPolicies"]
        return
    old = next((raw for key, raw in document["resources"].items() if same_id(key, resource_id)), None)
    written = copy.deepcopy(body) | {"id": resource_id, "name": resource_id.rsplit("/", 1)[-1]}
    if "/userassignedidentities/" in kind:
        written["properties"] = {"clientId": CLIENT, "principalId": PRINCIPAL, "tenantId": make.TENANT}
    if old is not None:
        for name, value in old["body"].items():
            if name != "properties" and name not in written and name in ("type", "etag", "systemData"):
                written[name] = value
        for name in (
            "provisioningState",
            "clusterState",
            "clusterId",
            "clusterEndpoint",
            "clusterCodeVersion",
            "uniqueId",
        ):
            if name in old["body"]["properties"] and name not in written["properties"]:
                written["properties"][name] = old["body"]["properties"][name]
        for identity in (written.get("identity") or {}).get("userAssignedIdentities") or {}:
            written["identity"]["userAssignedIdentities"][identity] = _ids(document, identity)
        old["body"] = written
        if "/virtualmachinescalesets/" in kind:
            _deliver(document, resource_id)
        return
    document["resources"][resource_id] = {"api_version": "2024-11-30", "body": written}


def _ids(document: Json, identity: str) -> Json:
    raw = next(raw for key, raw in document["resources"].items() if same_id(key, identity))
    return {name: raw["body"]["properties"][name] for name in ("clientId", "principalId")}


def _deliver(document: Json, scale_set_id: str) -> None:
    """Every node runs the new model, its extensions succeed, its store holds what is observed."""
    newest = [
        max(certificate["versions"], key=lambda one: one["attributes"]["created"])["x5t"]
        for vault in document["vaults"].values()
        for certificate in vault["certificates"].values()
    ]
    body = next(raw["body"] for key, raw in document["resources"].items() if same_id(key, scale_set_id))
    extensions = body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]
    observes = any(one["properties"]["publisher"] == "Microsoft.Azure.KeyVault" for one in extensions)
    for instance in document["vm_instances"][scale_set_id]:
        instance["properties"]["instanceView"]["extensions"] = [
            {
                "name": one["name"],
                "type": f"{one['properties']['publisher']}.{one['properties']['type']}",
                "statuses": [{"code": "ProvisioningState/succeeded", "time": "2026-11-22T11:00:00+00:00"}],
            }
            for one in extensions
        ]
    for store in (document.get("node_stores") or {}).get(scale_set_id, {}).values():
        store += [one for one in newest if observes and one not in store]


def plain(plan: Plan) -> Json:
    found: Json = msgspec.json.decode(msgspec.json.encode(plan))
    return found
