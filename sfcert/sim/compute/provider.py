"""How does ARM see scale sets? Microsoft.Compute/virtualMachineScaleSets with its machines, extensions and actions.

Source: reference 5; the vendor's compute models (2026-04-01). A write that comes while another is on its way takes over
from it; the earlier operation is canceled with `OperationPreempted`, which Azure is known to answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sfcert.sim.compute.checks import check_identities, check_model, check_secrets
from sfcert.sim.compute.machine import Machine
from sfcert.sim.compute.model import (
    extensions_of,
    kept_hidden,
    machine_model,
    merge_patch,
    split,
    with_defaults,
)
from sfcert.sim.compute.rollout import Rollout, batches_for, gate_of, mode_of
from sfcert.sim.compute.scale_sets import ScaleSet, ScaleSets
from sfcert.sim.compute.views import instance_view, machine_body, rolling_status, stamp, summary
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure, not_found
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.nulls import without_nulls
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.kernel.plain import copied
from sfcert.sim.kernel.provider import Answer, Caller
from sfcert.sim.kernel.resources import Resource
from sfcert.sim.kernel.spelling import respelled
from sfcert.sim.nodes.neighbours import IdentitySource
from sfcert.sim.nodes.switches import declare, is_on
from sfcert.sim.servicefabric.clusters import Clusters

TYPE = "Microsoft.Compute/virtualMachineScaleSets"
MACHINES, EXTENSIONS, ROLLING = (f"{TYPE}/{child}" for child in ("virtualMachines", "extensions", "rollingUpgrades"))
Machines = list[Machine]
Bodies = list[dict[str, Any]]
QUIET_S = 15
REIMAGE_S = 120
RESTART_S = 60
DELETE_S = 60


class ScaleSetProvider:
    """The resource provider of scale sets and what is below them."""

    types: tuple[str, ...] = (TYPE, MACHINES, EXTENSIONS, ROLLING)

    def __init__(self, azure: Azure, scale_sets: ScaleSets, clusters: Clusters) -> None:
        self._azure, self._scale_sets, self._clusters = azure, scale_sets, clusters
        self._running: dict[str, Operation] = {}

    # -- reading -------------------------------------------------------------------------------------------------------

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        resource = self._parent(rid)
        scale_set = self._runtime(resource)
        kind = rid.type.lower()
        if kind == TYPE.lower():
            return self._shown(resource)
        if kind == MACHINES.lower():
            return self._machine_shown(resource, self._machine(scale_set, rid), query)
        if kind == ROLLING.lower():
            status = rolling_status(scale_set, resource.body.get("location"))
            if status is None:
                raise AzureFailure(404, "NotFound", f"There is no rolling upgrade of '{scale_set.name}'.")
            return status
        found = [body for body in self._extensions_shown(resource) if str(body["name"]).lower() == rid.name.lower()]
        if not found:
            raise not_found(rid.text)
        return found[0]

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        if resource_type.lower() == TYPE.lower():
            prefix = scope.rstrip("/").lower() + "/"
            return [self._shown(r) for r in self._azure.resources.of_type(TYPE) if r.id.key.startswith(prefix)]
        resource = self._azure.resources.get(scope)
        if resource is None:
            raise not_found(scope)
        if resource_type.lower() == EXTENSIONS.lower():
            return self._extensions_shown(resource)
        machines = self._runtime(resource).machines.values()
        return [self._machine_shown(resource, machine, query) for machine in machines]

    def _parent(self, rid: ResourceId) -> Resource:
        text = rid.text if rid.type.lower() == TYPE.lower() else rid.parent or rid.text
        resource = self._azure.resources.get(text)
        if resource is None:
            raise not_found(text)
        return resource

    def _runtime(self, resource: Resource) -> ScaleSet:
        scale_set = self._scale_sets.get(resource.id.text)
        assert scale_set is not None, "a scale set's resource and its run time are made and removed together"
        return scale_set

    def _machine(self, scale_set: ScaleSet, rid: ResourceId) -> Machine:
        machine = scale_set.machines.get(rid.names[1])
        if machine is None:
            raise AzureFailure(404, "InstanceIdNotFound", f"The entity {rid.names[1]} was not found.")
        return machine

    def _shown(self, resource: Resource) -> dict[str, Any]:
        body: dict[str, Any] = copied(resource.body)
        body["etag"] = f'"{resource.etag}"'
        self._fill_identity(body)
        return body

    def _machine_shown(self, resource: Resource, machine: Machine, query: dict[str, str]) -> dict[str, Any]:
        asked = {key.lower(): value for key, value in query.items()}
        expanded = "instanceview" in asked.get("$expand", "").lower()
        scale_set = self._runtime(resource)
        return machine_body(scale_set, machine, resource.body, self._azure.clock.now, expanded=expanded)

    def _extensions_shown(self, resource: Resource) -> Bodies:
        return [
            {
                "id": f"{resource.id.text}/extensions/{extension.get('name')}",
                "name": extension.get("name"),
                "type": EXTENSIONS,
                "properties": {"provisioningState": "Succeeded", **copied(extension.get("properties") or {})},
            }
            for extension in extensions_of(resource.body)
        ]

    def _fill_identity(self, body: dict[str, Any]) -> None:
        """Ids of the assigned identities, as a GET shows them; a caller's own values there mean nothing."""
        identity = body.get("identity")
        if not identity:
            return
        assigned = identity.get("userAssignedIdentities")
        if assigned:
            identities = self._azure.service("identities", IdentitySource)  # type: ignore[type-abstract]  # a protocol
            for identity_id in assigned:
                found = identities.by_id(identity_id)
                assigned[identity_id] = (
                    {"principalId": found.principal_id, "clientId": found.client_id} if found is not None else {}
                )

    # -- writing -------------------------------------------------------------------------------------------------------

    def preview(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a GET would show after this PUT, once it had succeeded; nothing is changed."""
        known = self._azure.resources.get(rid.text)
        if rid.type.lower() != TYPE.lower():
            return {**copied(body), "id": rid.text, "name": rid.name, "type": rid.type}
        shown, _ = self._written(rid, body, known)
        check_model(shown, known.body if known is not None else None)
        if known is not None:
            properties = known.body["properties"]
            shown["properties"].update({"uniqueId": properties["uniqueId"], "timeCreated": properties["timeCreated"]})
            shown["etag"] = f'"{known.etag}"'
        shown["properties"]["provisioningState"] = "Succeeded"
        self._fill_identity(shown)
        return shown

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        kind = rid.type.lower()
        if kind == EXTENSIONS.lower():
            return self._put_extension(rid, api_version, body, caller)
        if kind != TYPE.lower():
            raise AzureFailure(405, "MethodNotAllowed", f"'{rid.type}' cannot be written.")
        return self._write(rid, api_version, body, self._azure.resources.get(rid.text), caller)

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        if rid.type.lower() == EXTENSIONS.lower():
            return self._put_extension(
                rid, api_version, merge_patch(self.get(rid, api_version, {}), respelled(body)), caller
            )
        known = self._parent(rid)
        return self._write(rid, api_version, merge_patch(known.body, respelled(body)), known, caller)

    def _put_extension(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        """An extension as a resource of its own is an edit of the model's list, in place."""
        known = self._parent(rid)
        merged = copied(known.body)
        body = respelled(body)
        properties = {key: value for key, value in (body.get("properties") or {}).items() if key != "provisioningState"}
        entry = {"name": rid.name, "properties": copied(properties)}
        profile = merged["properties"].setdefault("virtualMachineProfile", {}).setdefault("extensionProfile", {})
        entries = profile.setdefault("extensions", [])
        at = next((i for i, item in enumerate(entries) if str(item.get("name")).lower() == rid.name.lower()), None)
        if at is None:
            entries.append(entry)
        else:
            entries[at] = entry
        answer = self._write(known.id, api_version, merged, known, caller)
        return Answer(self.get(rid, api_version, {}), answer.operation, created=at is None)

    def _written(
        self, rid: ResourceId, body: dict[str, Any], known: Resource | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        given, hidden = split(respelled(body))
        given = without_nulls(given, known.body if known is not None else None)
        for name in ("etag", "systemData"):
            given.pop(name, None)
        if known is not None:
            # What a PUT does not say of the size of the set stays as it is: nothing scales by omission.
            given.setdefault("sku", copied(known.body.get("sku") or {}))
            given["sku"].setdefault("capacity", (known.body.get("sku") or {}).get("capacity", 0))
        shown = with_defaults(given)
        shown.update({"id": known.id.text if known is not None else rid.text, "name": rid.name, "type": TYPE})
        if known is not None:
            shown.setdefault("location", known.body.get("location"))
        if not shown.get("location"):
            raise AzureFailure(400, "LocationRequired", "The location property is required for this definition.")
        if str((shown.get("identity") or {}).get("type", "")).lower() == "none":
            del shown["identity"]
        assigned = (shown.get("identity") or {}).get("userAssignedIdentities")
        if isinstance(assigned, dict):
            shown["identity"]["userAssignedIdentities"] = {key: {} for key in assigned}
        omission_clears = is_on(self._azure, "clear-write-only-on-omission")
        before = known.hidden if known is not None else {}
        return shown, kept_hidden(before, hidden, shown, omission_clears=omission_clears)

    def _write(
        self, rid: ResourceId, api_version: str, body: dict[str, Any], known: Resource | None, caller: Caller
    ) -> Answer:
        shown, hidden = self._written(rid, body, known)
        check_model(shown, known.body if known is not None else None)
        check_secrets(self._azure, shown)
        check_identities(self._azure, known.body if known is not None else {}, shown, caller.object_id)
        self._azure.record_write("scale set written", rid.text)
        self._give_system_identity(shown, known)
        properties = shown["properties"]
        if known is None:
            scale_set = self._scale_sets.open(rid.text)
            properties.update({"uniqueId": scale_set.unique_id, "timeCreated": stamp(self._azure.clock.now)})
        else:
            scale_set = self._runtime(known)
            properties.update({name: known.body["properties"][name] for name in ("uniqueId", "timeCreated")})
        properties["provisioningState"] = "Creating" if known is None else "Updating"
        resource = self._azure.resources.put(rid.text, api_version, shown)
        resource.hidden = hidden
        model = machine_model(shown, hidden)
        if model != scale_set.model:
            scale_set.model, scale_set.version = model, scale_set.version + 1
        operation = self._azure.start_operation(rid.text)
        self._replace_operation(rid, operation)
        self._roll(resource, scale_set, self._to_touch(shown, scale_set), operation)
        return Answer(self._shown(resource), operation, created=known is None)

    def _give_system_identity(self, shown: dict[str, Any], known: Resource | None) -> None:
        identity = shown.get("identity") or {}
        if "systemassigned" in str(identity.get("type", "")).lower().replace(" ", ""):
            before = (known.body.get("identity") or {}) if known is not None else {}
            identities = self._azure.service("identities", IdentitySource)  # type: ignore[type-abstract]  # a protocol
            identity["principalId"] = before.get("principalId") or identities.system_principal(shown["id"])
            identity["tenantId"] = self._azure.tenant_id
        else:
            identity.pop("principalId", None)
            identity.pop("tenantId", None)

    def _replace_operation(self, rid: ResourceId, operation: Operation) -> None:
        earlier = self._running.get(rid.key)
        if earlier is not None and not earlier.done:
            message = "Operation execution has been preempted by a more recent operation."
            earlier.finish(self._azure.clock.now, "Canceled", error={"code": "OperationPreempted", "message": message})
        self._running[rid.key] = operation

    def _to_touch(self, body: dict[str, Any], scale_set: ScaleSet) -> Machines:
        """Make or remove machines by capacity, and say which ones the mode brings to the model now."""
        wanted = int((body.get("sku") or {}).get("capacity") or 0)
        while len(scale_set.machines) > wanted:
            last = max(scale_set.machines.values(), key=lambda machine: machine.index)
            self._scale_sets.remove_machine(scale_set, last)
        fresh = [self._scale_sets.new_machine(scale_set) for _ in range(wanted - len(scale_set.machines))]
        if mode_of(body).lower() == "manual":
            # A machine that never got any model is new, also when its first application was superseded.
            return [machine for machine in scale_set.machines.values() if not machine.applied] or fresh
        return scale_set.behind()

    def _roll(self, resource: Resource, scale_set: ScaleSet, machines: Machines, operation: Operation) -> None:
        if scale_set.rollout is not None:
            scale_set.rollout.supersede()
        body = resource.body
        fresh = [machine for machine in machines if not machine.applied]
        old = [machine for machine in machines if machine.applied]
        gate = gate_of(self._clusters, body)
        rolling = mode_of(body).lower() == "rolling"
        policy = (
            ((body["properties"].get("upgradePolicy") or {}).get("rollingUpgradePolicy") or {}) if rolling else None
        )

        def ended(error: dict[str, Any] | None) -> None:
            self._finish(resource, operation, error)

        # New machines wait for nobody: they come at once, beside whatever the mode does with the old ones.
        batches = batches_for(body, old, gate)
        if not old:
            gate = None
        first = [fresh] if fresh and gate is None else []
        rollout = Rollout(
            self._azure, self._scale_sets, scale_set, [*first, *batches], gate=gate, policy=policy, ended=ended
        )
        scale_set.rollout = rollout
        if fresh and gate is not None:
            for machine in fresh:
                rollout.apply(machine)
        if machines:
            rollout.start()
        else:
            self._azure.clock.after(QUIET_S, rollout.start, f"write {scale_set.name}")

    def _finish(self, resource: Resource, operation: Operation, error: dict[str, Any] | None) -> None:
        if operation.done:
            return
        resource.body["properties"]["provisioningState"] = "Failed" if error else "Succeeded"
        if error:
            operation.finish(self._azure.clock.now, "Failed", error=error)
        else:
            operation.finish(self._azure.clock.now, "Succeeded", result=self._shown(resource))

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        kind = rid.type.lower()
        if self._azure.resources.get(rid.text if kind == TYPE.lower() else rid.parent or "") is None:
            return Answer(None)
        resource = self._parent(rid)
        self._azure.record_write("scale set deleted" if kind == TYPE.lower() else "scale set child deleted", rid.text)
        if kind == MACHINES.lower():
            machine = self._machine(self._runtime(resource), rid)
            return self._on_machines(resource, [machine], DELETE_S, lambda one: self._remove(resource, one))
        if kind == EXTENSIONS.lower():
            merged = copied(resource.body)
            profile = merged["properties"]["virtualMachineProfile"].get("extensionProfile") or {}
            profile["extensions"] = [
                item for item in profile.get("extensions") or [] if str(item.get("name")).lower() != rid.name.lower()
            ]
            return Answer(None, self._write(resource.id, api_version, merged, resource, caller).operation)
        operation = self._azure.start_operation(rid.text)

        def end() -> None:
            self._scale_sets.close(resource.id.text)
            self._azure.resources.remove(resource.id.text)

        self._azure.finish_after(operation, DELETE_S, end, f"delete {rid.name}")
        return Answer(None, operation)

    # -- actions -------------------------------------------------------------------------------------------------------

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
        resource = self._parent(rid)
        scale_set = self._runtime(resource)
        wanted = action.lower()
        on_one = rid.type.lower() == MACHINES.lower()
        now = self._azure.clock.now
        if wanted == "instanceview":
            if on_one:
                return Answer(instance_view(self._machine(scale_set, rid), now))
            return Answer(summary(scale_set, resource.body["properties"]["provisioningState"], now))
        machines = [self._machine(scale_set, rid)] if on_one else self._named(scale_set, body)
        if wanted == "manualupgrade":
            return self._bring_up(resource, scale_set, machines)
        if wanted in ("reimage", "reimageall"):
            self._azure.record_write("machines re-imaged", rid.text, instances=[m.instance_id for m in machines])
            return self._on_machines(resource, machines, REIMAGE_S, self._reimage_of(resource, scale_set))
        if wanted in ("restart", "redeploy"):
            self._azure.record_write("machines restarted", rid.text, instances=[m.instance_id for m in machines])
            return self._on_machines(resource, machines, RESTART_S, self._scale_sets.reboot)
        if wanted in ("poweroff", "deallocate"):
            self._azure.record_write("machines stopped", rid.text, instances=[m.instance_id for m in machines])
            return self._on_machines(resource, machines, RESTART_S, self._scale_sets.halt)
        if wanted == "start":
            self._azure.record_write("machines started", rid.text, instances=[m.instance_id for m in machines])
            return self._on_machines(resource, machines, RESTART_S, self._scale_sets.reboot)
        if wanted == "delete":
            self._azure.record_write("machines deleted", rid.text, instances=[m.instance_id for m in machines])
            return self._on_machines(resource, machines, DELETE_S, lambda one: self._remove(resource, one))
        raise AzureFailure(404, "NotFound", f"The action '{action}' is not known for '{rid.type}'.")

    def _named(self, scale_set: ScaleSet, body: Any) -> Machines:
        ids = [str(item) for item in (body or {}).get("instanceIds") or []]
        if not ids or ids == ["*"]:
            return list(scale_set.machines.values())
        unknown = [item for item in ids if item not in scale_set.machines]
        if unknown:
            raise AzureFailure(
                400,
                "InvalidParameter",
                f"The provided instanceId {unknown[0]} is not an active Virtual Machine Scale Set VM instanceId.",
            )
        return [scale_set.machines[item] for item in ids]

    def _bring_up(self, resource: Resource, scale_set: ScaleSet, machines: Machines) -> Answer:
        self._azure.record_write(
            "machines brought to the model", resource.id.text, instances=[machine.instance_id for machine in machines]
        )
        operation = self._azure.start_operation(resource.id.text)
        touched = [m for m in machines if not scale_set.is_current(m) or m.provisioning == "Failed"]

        def ended(error: dict[str, Any] | None) -> None:
            if error:
                operation.finish(self._azure.clock.now, "Failed", error=error)
            else:
                operation.finish(self._azure.clock.now, "Succeeded")

        gate = gate_of(self._clusters, resource.body)
        rollout = Rollout(self._azure, self._scale_sets, scale_set, [touched], gate=gate, policy=None, ended=ended)
        if touched:
            # At once: whoever looks next sees the machines at work, even when no time has passed.
            rollout.start()
        else:
            self._azure.clock.after(QUIET_S, rollout.start, f"manual upgrade of {scale_set.name}")
        return Answer(None, operation)

    def _reimage_of(self, resource: Resource, scale_set: ScaleSet) -> Callable[[Machine], None]:
        def reimage(machine: Machine) -> None:
            self._scale_sets.wipe(machine)
            # A re-imaged machine is a new one in all but name: it takes the model that stands now, in every mode.
            Rollout(
                self._azure, self._scale_sets, scale_set, [[machine]], gate=None, policy=None, ended=lambda error: None
            ).start()

        return reimage

    def _remove(self, resource: Resource, machine: Machine) -> None:
        self._scale_sets.remove_machine(self._runtime(resource), machine)
        sku = resource.body.get("sku") or {}
        sku["capacity"] = max(0, int(sku.get("capacity") or 0) - 1)

    def _on_machines(
        self, resource: Resource, machines: Machines, seconds: float, effect: Callable[[Machine], None]
    ) -> Answer:
        operation = self._azure.start_operation(resource.id.text)

        def end() -> None:
            for machine in machines:
                if not machine.deleted:
                    effect(machine)

        self._azure.finish_after(operation, seconds, end, f"action on {resource.id.name}")
        return Answer(None, operation)


def install(azure: Azure) -> None:
    """Register scale sets and the service that knows their machines. Needs `servicefabric` installed before.

    Effects: the providers and services of `azure`.
    """
    declare(azure)
    clusters = azure.service("clusters", Clusters)
    scale_sets = ScaleSets(azure, clusters)
    azure.add_service("compute", scale_sets)
    azure.register(ScaleSetProvider(azure, scale_sets, clusters))
