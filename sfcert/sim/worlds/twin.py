"""How does a captured cluster come to life again? The twin of a bundle, at rest as it was captured.

Certificates keep their bytes; private keys are unknown, so vault versions carry stand-in keys (nothing here checks that
they match) and the nodes' listeners stay closed. Where the bundle does not list the nodes' stores, they hold what their
scale set's model brings: vm secrets by version, and the newest version of what the extension observes. What the bundle
does not say is not invented: a declared thumbprint that no vault knows leaves its node with nothing to present.
"""

from __future__ import annotations

import base64
import binascii
import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from sfcert.sim.compute.machine import ExtensionState, Machine, Report
from sfcert.sim.compute.model import extensions_of, machine_model, secret_urls_of, split
from sfcert.sim.compute.scale_sets import ScaleSet, ScaleSets
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.nodes.agent import KeyVaultExtension
from sfcert.sim.nodes.agent_settings import SettingsFault, settings_of
from sfcert.sim.nodes.certificate import Certificate, read
from sfcert.sim.nodes.store import Held, store_key
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.servicefabric.provider import READ_ONLY
from sfcert.sim.worlds.build import operator_of

VAULTS, IDENTITIES = "microsoft.keyvault/vaults", "microsoft.managedidentity/userassignedidentities"
SCALE_SETS, CLUSTERS = "microsoft.compute/virtualmachinescalesets", "microsoft.servicefabric/clusters"
ASSIGNMENTS = "microsoft.authorization/roleassignments"


def from_bundle(azure: Azure, bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Make the twin of a captured cluster in an embedded Azure that is still empty.

    Args:
        azure: takes over the bundle's subscription, tenant and instant of capture.
        bundle: a document of format `sfcert.bundle/1`.

    Returns:
        The cluster's id, the instant, and `unknown`: what the twin had to leave open.

    Raises:
        AzureFailure: 400 for another format or a bundle without its cluster.
    """
    if str(bundle.get("format", "")) != "sfcert.bundle/1":
        raise AzureFailure(400, "UnknownBundle", f"'{bundle.get('format')}' is not the format 'sfcert.bundle/1'.")
    cluster_id = str(bundle.get("cluster_id", ""))
    if _resource(bundle, cluster_id) is None:
        raise AzureFailure(400, "IncompleteBundle", f"The bundle does not hold its cluster '{cluster_id}'.")
    return _Twin(azure, bundle, cluster_id).make()


def _resource(bundle: Mapping[str, Any], resource_id: str) -> Mapping[str, Any] | None:
    wanted = resource_id.rstrip("/").lower()
    found = (item for key, item in (bundle.get("resources") or {}).items() if key.rstrip("/").lower() == wanted)
    return next(found, None)


class _Twin:
    def __init__(self, azure: Azure, bundle: Mapping[str, Any], cluster_id: str) -> None:
        self._azure, self._bundle, self._cluster_id = azure, bundle, cluster_id
        self._clusters = azure.service("clusters", Clusters)
        self._scale_sets = azure.service("compute", ScaleSets)
        self._known: dict[str, Certificate] = {}
        self._unknown: list[str] = []

    def make(self) -> dict[str, Any]:
        azure = self._azure
        captured = datetime.fromisoformat(str(self._bundle["captured_at_utc"]).replace("Z", "+00:00")).astimezone(UTC)
        azure.clock.advance_to(captured)
        azure.subscription_id = parse_id(self._cluster_id).subscription
        self._take_tenant()
        roles = azure.find_service("authorization")
        if roles is not None:
            roles.make_operator(operator_of(azure).object_id)
        for resource_id, item in (self._bundle.get("resources") or {}).items():
            self._take_resource(resource_id, item)
        self._take_vaults()
        self._take_cluster()
        for resource in list(azure.resources.of_type("Microsoft.Compute/virtualMachineScaleSets")):
            self._take_machines(resource.id.text)
        self._settle()
        return {"cluster_id": self._cluster_id, "now": azure.clock.now.isoformat(), "unknown": self._unknown}

    def _bodies(self, kind: str) -> Iterator[dict[str, Any]]:
        for resource_id, item in (self._bundle.get("resources") or {}).items():
            if parse_id(resource_id).type.lower() == kind:
                yield item["body"]

    def _take_tenant(self) -> None:
        tenants = [str((body.get("properties") or {}).get("tenantId") or "") for body in self._bodies(VAULTS)]
        self._azure.tenant_id = next((tenant for tenant in tenants if tenant), self._azure.tenant_id)

    def _take_resource(self, resource_id: str, item: Mapping[str, Any]) -> None:
        rid = parse_id(resource_id)
        body = copy.deepcopy(dict(item["body"]))
        self._take_group(rid.subscription, rid.group, str(body.get("location") or "westeurope"))
        kind = rid.type.lower()
        if kind == ASSIGNMENTS:
            self._take_assignment(rid.scope, rid.name, body)
        elif kind == SCALE_SETS:
            shown, _ = split(body)
            self._azure.resources.put(resource_id, str(item.get("api_version")), shown)
            scale_set = self._scale_sets.open(resource_id)
            scale_set.model, scale_set.version = machine_model(shown, {}), 1
            shown["properties"].setdefault("uniqueId", scale_set.unique_id)
            shown["properties"].setdefault("timeCreated", self._azure.clock.now.isoformat())
        elif kind != CLUSTERS:
            self._azure.resources.put(resource_id, str(item.get("api_version")), body)
            if kind == IDENTITIES:
                roles = self._azure.find_service("authorization")
                if roles is not None:
                    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
                    roles.register_principal(str((body.get("properties") or {}).get("principalId")), long_ago)

    def _take_group(self, subscription: str, group: str | None, location: str) -> None:
        groups = self._azure.find_service("groups")
        if groups is not None and group and not groups.has(subscription, group):
            groups.put(subscription, group, {"location": location})

    def _take_assignment(self, scope: str, name: str, body: Mapping[str, Any]) -> None:
        roles = self._azure.find_service("authorization")
        properties = dict(body.get("properties") or {})
        if roles is not None:
            role = str(properties.get("roleDefinitionId", "")).rsplit("/", 1)[-1]
            at = str(properties.get("scope") or scope)
            principal = str(properties.get("principalId", ""))
            more = {key: properties[key] for key in ("principalType", "condition") if key in properties}
            roles.keep(at, name, role, principal, more, "", at_once=True)

    # -- vaults --------------------------------------------------------------------------------------------------------

    def _take_vaults(self) -> None:
        for vault_url, content in (self._bundle.get("vaults") or {}).items():
            vaults = self._azure.find_service("vaults")
            if not vaults.exists(vault_url):
                self._unknown.append(f"the resource of {vault_url}: its certificates are left out")
                continue
            for name, certificate in (content.get("certificates") or {}).items():
                self._take_certificate(vaults, vault_url, name, certificate)

    def _take_certificate(self, vaults: Any, vault_url: str, name: str, item: Mapping[str, Any]) -> None:
        authorities = self._azure.find_service("authority")
        in_order = sorted(item.get("versions") or [], key=lambda one: (one.get("attributes") or {}).get("created", 0))
        for captured in in_order:
            try:
                leaf = x509.load_der_x509_certificate(base64.b64decode(captured["cer"]))
                chain = tuple(
                    x509.load_der_x509_certificate(base64.b64decode(der)) for der in captured.get("chain") or []
                )
            except (ValueError, binascii.Error, KeyError):
                self._unknown.append(f"{captured.get('id')}: its certificate cannot be read")
                continue
            attributes = captured.get("attributes") or {}
            issued = _Issued(leaf, authorities.keys.make(), chain)
            stored = vaults.import_version(
                vault_url,
                name,
                issued,
                policy=copy.deepcopy(item.get("policy") or None),
                enabled=bool(attributes.get("enabled", True)),
                tags=captured.get("tags"),
                created=datetime.fromtimestamp(int(attributes.get("created", 0)), UTC),
                provider_hint="CAPI",
            )
            versions = vaults.content(vault_url).certificate(name).versions
            # a captured id may be the very one that this world's dice give to the next version
            fresh = (stored.version, stored.thumbprint)
            at = next(index for index, one in enumerate(versions) if (one.version, one.thumbprint) == fresh)
            versions[at] = replace(stored, version=str(captured["id"]).rstrip("/").rsplit("/", 1)[-1])
            facts = read(leaf, chain)
            self._known[facts.thumbprint] = facts

    # -- cluster and machines ------------------------------------------------------------------------------------------

    def _take_cluster(self) -> None:
        item = _resource(self._bundle, self._cluster_id)
        assert item is not None, "checked before"
        body = copy.deepcopy(dict(item["body"]))
        properties = body["properties"]
        captured_id = properties.get("clusterId")
        kept = {key: value for key, value in properties.items() if key not in READ_ONLY}
        kept["provisioningState"] = properties.get("provisioningState", "Succeeded")
        body["properties"] = kept
        self._azure.resources.put(self._cluster_id, str(item.get("api_version")), body)
        self._clusters.open(self._cluster_id, kept, cluster_id=captured_id, made_by_azure=False)
        self._was_down = properties.get("clusterState") == "UpgradeServiceUnreachable"

    def _take_machines(self, scale_set_id: str) -> None:
        scale_set = self._scale_sets.get(scale_set_id)
        resource = self._azure.resources.get(scale_set_id)
        assert scale_set is not None
        assert resource is not None
        captured = _by_key(self._bundle.get("vm_instances"), scale_set_id)
        if captured is None:
            count = int((resource.body.get("sku") or {}).get("capacity") or 0)
            self._unknown.append(f"the machines of {scale_set_id}: {count} current ones are assumed")
            captured = [
                {"instanceId": str(index), "properties": {"latestModelApplied": True}} for index in range(count)
            ]
        for item in captured:
            self._take_machine(scale_set, resource.body, item)

    def _take_machine(self, scale_set: ScaleSet, body: Mapping[str, Any], item: Mapping[str, Any]) -> None:
        properties = item.get("properties") or {}
        view = properties.get("instanceView") or {}
        machine = self._scale_sets.new_machine(scale_set, int(str(item.get("instanceId", "0"))))
        if "platformUpdateDomain" in view:
            machine.placed = (int(view["platformUpdateDomain"]), int(view.get("platformFaultDomain") or 0))
        machine.applied = scale_set.model
        machine.applied_version = scale_set.version if properties.get("latestModelApplied", True) else 0
        machine.provisioning = str(properties.get("provisioningState") or "Succeeded")
        machine.running = True
        self._fill_store(scale_set, machine, body)
        self._resume_extensions(machine, body, view)
        node = next((e["properties"] for e in extensions_of(body) if _is_node(e.get("properties") or {})), None)
        cluster = None
        if node is not None:
            cluster = self._clusters.by_endpoint(str((node.get("settings") or {}).get("clusterEndpoint", "")))
        if cluster is not None and node is not None:
            cluster.join(
                name=f"_{machine.name}",
                node_type=str(node["settings"].get("nodeTypeRef", "")),
                scale_set_id=scale_set.id,
                instance_id=machine.instance_id,
                ip_address=machine.ip_address,
                upgrade_domain=machine.upgrade_domain,
                fault_domain=machine.fault_domain,
                store=machine.store,
            )

    def _fill_store(self, scale_set: ScaleSet, machine: Machine, body: Mapping[str, Any]) -> None:
        listed = (_by_key(self._bundle.get("node_stores"), scale_set.id) or {}).get(machine.instance_id)
        if listed is not None:
            for x5t in listed:
                self._hold(machine, _thumbprint(x5t), store_key("My"), "captured")
            return
        for url, store in secret_urls_of(body):
            self._hold_version(machine, url, store_key(store), "vm-secrets")
        for extension in extensions_of(body):
            properties = extension.get("properties") or {}
            if str(properties.get("publisher", "")).lower() != "microsoft.azure.keyvault":
                continue
            try:
                settings = settings_of(properties)
            except SettingsFault:
                continue
            for observed in settings.observed:
                self._hold_version(machine, observed.url, observed.store, "extension")

    def _hold_version(self, machine: Machine, url: str, store: str, route: str) -> None:
        parts = url.split("/")
        vaults = self._azure.find_service("vaults")
        if len(parts) < 5 or not vaults.exists("/".join(parts[:3])):
            self._unknown.append(f"{url}: its vault was not captured")
            return
        certificate = vaults.content("/".join(parts[:3])).certificate(parts[4])
        wanted = parts[5] if len(parts) > 5 else None
        versions = [one for one in (certificate.versions if certificate else []) if wanted in (None, one.version)]
        usable = [one for one in versions if one.enabled or wanted is not None]
        if not usable:
            self._unknown.append(f"{url}: no such version was captured")
            return
        self._hold(machine, usable[-1].thumbprint, store, route)

    def _hold(self, machine: Machine, thumbprint: str, store: str, route: str) -> None:
        facts = self._known.get(thumbprint)
        if facts is None:
            self._unknown.append(f"certificate {thumbprint} on {machine.name}: only its thumbprint is known")
            return
        machine.store.install(store, Held(facts, None, True, "CAPI", route, self._azure.clock.now))

    def _resume_extensions(self, machine: Machine, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        seen = {str(item.get("name")): item for item in view.get("extensions") or []}
        for extension in (
            machine_model(body, {})["virtualMachineProfile"].get("extensionProfile", {}).get("extensions", [])
        ):
            name = str(extension.get("name"))
            status: dict[str, Any] = next(iter((seen.get(name) or {}).get("statuses") or []), {})
            level, code = _level(str(status.get("code", "ProvisioningState/succeeded")))
            state = ExtensionState(
                name,
                extension.get("properties") or {},
                level,
                str(status.get("message") or ""),
                self._instant(status.get("time")),
                code,
            )
            machine.extensions[name] = state
            handler = self._scale_sets.handler_of(state.properties)
            if isinstance(handler, KeyVaultExtension):
                if level == "succeeded":
                    self._trust_roots_of(state.properties)
                handler.resume(machine, state.properties, self._report(machine, state))

    def _trust_roots_of(self, properties: Mapping[str, Any]) -> None:
        """An extension that checks chains and has succeeded has shown which roots its machines trust."""
        try:
            settings = settings_of(properties)
        except SettingsFault:
            return
        vaults = self._azure.find_service("vaults")
        for observed in settings.observed if settings.checks_chain else ():
            if not vaults.exists(observed.vault_url):
                continue
            certificate = vaults.content(observed.vault_url).certificate(observed.name)
            for version in (certificate.versions if certificate else [])[-1:]:
                root = self._known[version.thumbprint].root_thumbprint
                trusted = self._azure.switches.setdefault("trusted-roots", [])
                if root is not None and root not in trusted:
                    trusted.append(root)

    def _report(self, machine: Machine, state: ExtensionState) -> Report:
        def report(level: str, message: str, code: int = 0) -> None:
            if not machine.deleted and machine.extensions.get(state.name) is state:
                state.level, state.message, state.code, state.at = level, message, code, self._azure.clock.now
                if machine.application is not None:
                    machine.application.heard()

        return report

    def _instant(self, text: Any) -> datetime:
        try:
            return datetime.fromisoformat(str(text).replace("Z", "+00:00")).astimezone(UTC)
        except ValueError:
            return self._azure.clock.now

    def _settle(self) -> None:
        cluster = self._clusters.get(self._cluster_id)
        assert cluster is not None, "opened before"
        for name in list(cluster.nodes):
            cluster.keepers[name].settle_at_once()
        cluster.settle()
        cluster.form_at_once()
        if self._was_down:
            cluster.collapse()
        else:
            cluster.settle()
        for node in cluster.nodes.values():
            self._unknown += [f"{node.name} presents nothing: {why}" for why in node.why_nothing]


class _Issued:
    """A captured version in the shape in which vaults take new ones; its key is a stand-in."""

    def __init__(self, leaf: x509.Certificate, key: Any, chain: tuple[x509.Certificate, ...]) -> None:
        self.leaf, self.key, self.chain = leaf, key, chain


def _by_key(mapping: Any, resource_id: str) -> Any:
    found = (value for key, value in (mapping or {}).items() if key.rstrip("/").lower() == resource_id.lower())
    return next(found, None)


def _thumbprint(x5t: str) -> str:
    return base64.urlsafe_b64decode(x5t + "=" * (-len(x5t) % 4)).hex().upper()


def _level(code: str) -> tuple[str, int]:
    parts = code.split("/")
    level = parts[1].lower() if len(parts) > 1 else "succeeded"
    number = int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0
    return (level if level in ("succeeded", "failed", "transitioning", "updating") else "succeeded"), number


def _is_node(properties: Mapping[str, Any]) -> bool:
    return str(properties.get("publisher", "")).lower() == "microsoft.azure.servicefabric"
