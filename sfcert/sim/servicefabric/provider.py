"""How does ARM see a cluster? Microsoft.ServiceFabric/clusters: read, write, merge, delete, and what a write starts.

Source: reference 1.1 (which properties a PATCH knows, and that it replaces each as a whole), 1.2, 3.4, 8. Assumed: the
names of the errors of a request that came while another could not be interrupted and of an upgrade that rolled back.
"""

from __future__ import annotations

import copy
from typing import Any

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure, not_found
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.nulls import without_nulls
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.kernel.plain import copied
from sfcert.sim.kernel.provider import Answer, Caller
from sfcert.sim.kernel.resources import Resource
from sfcert.sim.kernel.spelling import respelled
from sfcert.sim.nodes.switches import declare, is_on, option
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.servicefabric.declared import DEFAULT_CODE_VERSION, manifest_of
from sfcert.sim.servicefabric.phases import is_documented_in_phases, stage
from sfcert.sim.servicefabric.policy import policy_of
from sfcert.sim.servicefabric.refusals import check_change, check_definition
from sfcert.sim.servicefabric.walk import Upgrade

TYPE = "Microsoft.ServiceFabric/clusters"
READ_ONLY = ("availableClusterVersions", "clusterEndpoint", "clusterId", "clusterState", "provisioningState")
PATCHABLE = (
    "addOnFeatures",
    "applicationTypeVersionsCleanupPolicy",
    "certificate",
    "certificateCommonNames",
    "clientCertificateCommonNames",
    "clientCertificateThumbprints",
    "clusterCodeVersion",
    "eventStoreServiceEnabled",
    "fabricSettings",
    "infrastructureServiceManager",
    "nodeTypes",
    "notifications",
    "reliabilityLevel",
    "reverseProxyCertificate",
    "sfZonalUpgradeMode",
    "upgradeDescription",
    "upgradeMode",
    "upgradePauseEndTimestampUtc",
    "upgradePauseStartTimestampUtc",
    "upgradeWave",
    "vmssZonalUpgradeMode",
    "waveUpgradePaused",
)
CREATE_S = 30
QUIET_S = 10
DELETE_S = 120


class ClusterProvider:
    """The resource provider of clusters."""

    types: tuple[str, ...] = (TYPE,)

    def __init__(self, azure: Azure, clusters: Clusters) -> None:
        self._azure = azure
        self._clusters = clusters
        self._running: dict[str, Operation] = {}

    # -- reading ------------------------------------------------------------------------------------------------------

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        return self._shown(self._resource(rid))

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        prefix = scope.rstrip("/").lower() + "/"
        return [
            self._shown(resource)
            for resource in self._azure.resources.of_type(TYPE)
            if resource.id.key.startswith(prefix)
        ]

    def _resource(self, rid: ResourceId) -> Resource:
        resource = self._azure.resources.get(rid.text)
        if resource is None:
            raise not_found(rid.text)
        return resource

    def _shown(self, resource: Resource) -> dict[str, Any]:
        body: dict[str, Any] = copied(resource.body)
        cluster = self._clusters.get(resource.id.text)
        if cluster is not None:
            self._add_live(body, cluster)
        body["etag"] = f'W/"{resource.etag}"'
        return body

    def _add_live(self, body: dict[str, Any], cluster: Cluster) -> None:
        properties = body["properties"]
        code = cluster.manifest.code_version
        location = str(body.get("location", "")).replace(" ", "").lower()
        properties["clusterId"] = cluster.cluster_id
        properties["clusterEndpoint"] = (
            f"https://{location}.servicefabric.azure.com/runtime/clusters/{cluster.cluster_id}"
        )
        properties["clusterState"] = cluster.state
        windows = "linux" not in str(properties.get("vmImage") or "Windows").lower()
        properties["availableClusterVersions"] = [
            {
                "codeVersion": code,
                "supportExpiryUtc": "9999-12-31T23:59:59.9999999",
                "environment": "Windows" if windows else "Linux",
            }
        ]

    # -- writing ------------------------------------------------------------------------------------------------------

    def preview(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a GET would show after this PUT, once it had succeeded; nothing is changed.

        Raises:
            AzureFailure: as the PUT would at once.
        """
        known = self._azure.resources.get(rid.text)
        written = self._written(rid, body, known)
        check_definition(written["properties"])
        if known is not None:
            self._check_change(known.body["properties"], written["properties"])
            cluster = self._clusters.get(rid.text)
            if cluster is not None:
                self._add_live(written, cluster)
            written["etag"] = f'W/"{known.etag}"'
        written["properties"]["provisioningState"] = "Succeeded"
        return written

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        known = self._azure.resources.get(rid.text)
        return self._write(rid, api_version, self._written(rid, body, known), known)

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """Merge: each property that the update schema knows is replaced as a whole; others are ignored, and so is null
        (that a null clears is not documented; a switch makes it so)."""
        known = self._resource(rid)
        merged = copy.deepcopy(known.body)
        clears = is_on(self._azure, "patch-null-clears")
        body = respelled(body)
        for name, value in (body.get("properties") or {}).items():
            if name not in PATCHABLE:
                continue
            if value is not None:
                merged["properties"][name] = copy.deepcopy(value)
            elif clears:
                merged["properties"].pop(name, None)
        if isinstance(body.get("tags"), dict):
            merged["tags"] = copy.deepcopy(body["tags"])
        return self._write(rid, api_version, self._written(rid, merged, known), known)

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        if self._azure.resources.get(rid.text) is None:
            return Answer(None)
        self._azure.record_write("cluster deleted", rid.text)
        operation = self._azure.start_operation(rid.text)

        def end() -> None:
            self._clusters.close(rid.text)
            self._azure.resources.remove(rid.text)

        self._azure.finish_after(operation, DELETE_S, end, f"delete {rid.name}")
        return Answer(None, operation)

    def action(
        self,
        rid: ResourceId,
        action: str,
        method: str,
        api_version: str,
        body: Any,
        query: dict[str, str],
        caller: Caller,
    ) -> Answer:
        self._resource(rid)
        if action.lower() == "listupgradableversions":
            return Answer({"supportedPath": []})
        raise AzureFailure(404, "NotFound", f"The action '{action}' is not known for '{TYPE}'.")

    def _written(self, rid: ResourceId, body: dict[str, Any], known: Resource | None) -> dict[str, Any]:
        """The body as it will be kept: the caller's own properties, the read-only ones dropped, defaults filled in."""
        body = respelled(body)
        given = {name: copy.deepcopy(value) for name, value in body.items() if name not in ("etag", "systemData")}
        kept = without_nulls(given, known.body if known is not None else None)
        properties = {name: value for name, value in (kept.get("properties") or {}).items() if name not in READ_ONLY}
        if known is not None:
            properties.setdefault("clusterCodeVersion", known.body["properties"].get("clusterCodeVersion"))
        properties.setdefault("clusterCodeVersion", DEFAULT_CODE_VERSION)
        properties.setdefault("upgradeMode", "Automatic")
        kept["properties"] = properties
        kept.update({"id": known.id.text if known is not None else rid.text, "name": rid.name, "type": TYPE})
        if known is not None:
            kept.setdefault("location", known.body.get("location"))
        if not kept.get("location"):
            raise AzureFailure(
                400, "LocationRequired", "The location property is required for this definition.", target=rid.name
            )
        return kept

    def _write(self, rid: ResourceId, api_version: str, body: dict[str, Any], known: Resource | None) -> Answer:
        check_definition(body["properties"])
        cluster = self._clusters.get(rid.text)
        if known is None or cluster is None:
            return self._create(rid, api_version, body)
        self._check_change(known.body["properties"], body["properties"])
        wanted = manifest_of(body["properties"], version=cluster.manifest.version, made_by_azure=cluster.made_by_azure)
        towards = cluster.upgrade.target if cluster.upgrade is not None else cluster.manifest
        if cluster.upgrade is not None and stage(towards, wanted).phases and not cluster.upgrade.interruptible:
            raise AzureFailure(
                409,
                "ClusterUpgradeInProgress",
                f"Cluster configuration upgrade of type {cluster.upgrade.kind} is already in progress and cannot be "
                "interrupted.",
            )
        self._azure.record_write("cluster written", rid.text)
        quiet = not stage(towards, wanted).phases
        state = body["properties"]
        state["provisioningState"] = "Updating"
        self._azure.resources.put(rid.text, api_version, body)
        self._clusters.adopt_shape(cluster, state)
        if quiet and cluster.upgrade is not None:
            return Answer(self._shown(self._resource(rid)), self._running[rid.key])
        operation = self._azure.start_operation(rid.text)
        if quiet or not cluster.formed:
            if not cluster.formed:
                self._set_at_once(cluster, wanted)
            self._azure.finish_after(operation, QUIET_S, lambda: self._settled(rid, "Succeeded"), f"write {rid.name}")
            return Answer(self._shown(self._resource(rid)), operation)
        if cluster.upgrade is not None:
            cluster.upgrade.interrupt()
        # The interrupted request has just been marked as failed; this one is under way.
        self._resource(rid).body["properties"]["provisioningState"] = "Updating"
        self._running[rid.key] = operation
        self._start(rid, cluster, wanted, operation)
        return Answer(self._shown(self._resource(rid)), operation)

    def _check_change(self, current: dict[str, Any], wanted: dict[str, Any]) -> None:
        check_change(current, wanted, one_at_a_time=is_on(self._azure, "one-certificate-at-a-time"))

    def _create(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> Answer:
        self._azure.record_write("cluster written", rid.text)
        body["properties"]["provisioningState"] = "Updating"
        self._azure.resources.put(rid.text, api_version, body)
        self._clusters.open(rid.text, body["properties"])
        operation = self._azure.start_operation(rid.text)
        self._azure.finish_after(operation, CREATE_S, lambda: self._settled(rid, "Succeeded"), f"create {rid.name}")
        return Answer(self._shown(self._resource(rid)), operation, created=True)

    def _start(self, rid: ResourceId, cluster: Cluster, wanted: Any, operation: Operation) -> None:
        reading = option(self._azure, "staging", "reading", "phases")
        single = reading == "single"
        if reading == "single-but-documented":
            single = not is_documented_in_phases(cluster.manifest, wanted)
        staging = stage(cluster.manifest, wanted, single_walk=single)
        if not staging.phases:
            # Going back to what stood before the interrupted request: the mixed domains are walked once more.
            staging = type(staging)(staging.kind, (wanted,))

        def ended(error: str | None) -> None:
            self._settled(rid, "Succeeded" if error is None else "Failed")
            if error is None:
                operation.finish(self._azure.clock.now, "Succeeded", result=self._shown(self._resource(rid)))
                return
            failure = {"code": "ClusterUpgradeFailed", "message": f"The upgrade of '{rid.name}' failed. {error}"}
            operation.finish(self._azure.clock.now, "Failed", error=failure)

        policy = policy_of(self._resource(rid).body["properties"])
        cluster.upgrade = Upgrade(self._azure, cluster, staging, policy, ended)
        cluster.upgrade.start()

    def _settled(self, rid: ResourceId, state: str) -> Any:
        resource = self._azure.resources.get(rid.text)
        if resource is None:
            return None
        resource.body["properties"]["provisioningState"] = state
        return self._shown(resource)

    def _set_at_once(self, cluster: Cluster, wanted: Any) -> None:
        """Before a cluster has formed there is nothing to walk: nodes that come take the new declaration."""
        cluster.manifest = wanted.named(cluster.next_version())
        cluster.record = cluster.manifest.trusts
        for node in cluster.nodes.values():
            node.manifest = cluster.manifest
            cluster.keepers[node.name].declaration_changed()


def install(azure: Azure) -> None:
    """Register clusters and the service that finds them. Effects: the providers and services of `azure`."""
    declare(azure)
    clusters = Clusters(azure)
    azure.add_service("clusters", clusters)
    azure.register(ClusterProvider(azure, clusters))
