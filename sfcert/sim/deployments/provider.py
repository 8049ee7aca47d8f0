"""What can be asked of deployments? Microsoft.Resources/deployments at a group and at the subscription.

Create, get, list, delete, cancel, validate, what-if, operations, exported template.

Source: azure-mgmt-resource-deployments 2.0 (api 2026-06-01) for paths, status codes and shapes.
"""

from __future__ import annotations

import copy
from typing import Any

from sfcert.arm import Expanded, Resource, is_symbolic
from sfcert.sim.deployments.live import LiveRuntime
from sfcert.sim.deployments.preflight import refuse_preflight
from sfcert.sim.deployments.reading import Wanted, expand_wanted, read_request
from sfcert.sim.deployments.record import DEPLOYMENT_TYPE, OPERATION_TYPE, Deployment, hash_template, show_parameter
from sfcert.sim.deployments.run import Run
from sfcert.sim.deployments.whatif import what_if
from sfcert.sim.front.access import check_access
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId, parse_id
from sfcert.sim.kernel.provider import Answer, Caller

_WHAT_IF_S = 4.0
_DELETE_S = 3.0


class Deployments:
    """The provider, and the service `deployments`. Records live here; the kernel's resources hold a stub of each."""

    types: tuple[str, ...] = (DEPLOYMENT_TYPE, OPERATION_TYPE)

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self._records: dict[str, Deployment] = {}
        self._runs: dict[str, Run] = {}

    # -- reading ------------------------------------------------------------------------------------------------------

    def _record(self, rid: ResourceId) -> Deployment:
        found = self._records.get(rid.key)
        if found is None:
            raise AzureFailure(404, "DeploymentNotFound", f"Deployment '{rid.name}' could not be found.")
        return found

    def looked_at(self, rid: ResourceId) -> None:
        """A client reads a deployment: while it runs, that is waiting for it, as polling its operation is."""
        record = self._records.get(rid.key)
        tempo = self._azure.find_service("tempo")
        if record is not None and record.running and tempo is not None:
            tempo.looked_at(record.operation)

    def _operations(self, record: Deployment) -> list[dict[str, Any]]:
        now = self._azure.clock.now
        return [step.describe(record.id.text, now) for step in record.steps if step.state != "NotStarted"]

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        if rid.type.lower() == OPERATION_TYPE.lower():
            assert rid.parent is not None
            record = self._record(parse_id(rid.parent))
            for shown in self._operations(record):
                if shown["operationId"].lower() == rid.name.lower():
                    return shown
            raise AzureFailure(404, "DeploymentOperationNotFound", f"The operation '{rid.name}' could not be found.")
        return self._record(rid).describe(self._azure.clock.now)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        if resource_type.lower() == OPERATION_TYPE.lower():
            record = self._record(parse_id(scope))
            self.looked_at(record.id)
            return self._operations(record)
        wanted = scope.rstrip("/").lower()
        now = self._azure.clock.now
        # Newest first, as the real one lists them; a subscription's list does not show its groups' deployments.
        found = [one.describe(now) for one in self._records.values() if one.id.scope.lower() == wanted]
        condition = query.get("$filter", "").replace(" ", "").lower()
        if condition.startswith("provisioningstateeq"):
            state = condition.removeprefix("provisioningstateeq").strip("'")
            found = [one for one in found if one["properties"]["provisioningState"].lower() == state]
        return found[::-1]

    # -- writing ------------------------------------------------------------------------------------------------------

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        known = self._records.get(rid.key)
        if known is not None and known.running:
            raise AzureFailure(
                409,
                "DeploymentActive",
                f"Unable to edit or replace deployment '{rid.name}': previous deployment from"
                f" '{known.started:%m/%d/%Y %I:%M:%S %p}' is still active. Please see https://aka.ms/arm-deploy for"
                " usage details.",
            )
        wanted = read_request(self._azure, rid, body, caller)
        record = self._new_record(wanted)
        runtime = LiveRuntime(self._azure, caller, record.started, deployment=record, live=False)
        try:
            expanded = expand_wanted(self._azure, wanted, runtime)
            self._check_permissions(expanded, runtime, caller)
        except AzureFailure:
            del self._azure.operations[record.operation.id]
            raise
        self._azure.record_write("PUT", rid.text, type=DEPLOYMENT_TYPE)
        self._begin(record, expanded, caller)
        return Answer(record.describe(self._azure.clock.now), operation=record.operation, created=known is None)

    def _new_record(self, wanted: Wanted) -> Deployment:
        return Deployment(
            id=wanted.id,
            mode=wanted.mode,
            template=copy.deepcopy(wanted.template),
            started=self._azure.clock.now,
            operation=self._azure.start_operation(wanted.id.text),
            correlation_id=self._azure.new_guid(),
            location=wanted.location,
            tags=copy.deepcopy(wanted.tags),
            template_link=wanted.template_link,
        )

    def _begin(self, record: Deployment, expanded: Expanded, caller: Caller) -> None:
        for declared in expanded.parameters:
            record.parameters[declared.name] = show_parameter(declared.type, declared.value)
        key = record.id.key
        # A name that is used again moves to the end: lists are by age.
        self._records.pop(key, None)
        self._records[key] = record
        self._azure.resources.put(
            record.id.text, "2026-06-01", {"id": record.id.text, "name": record.id.name, "type": DEPLOYMENT_TYPE}
        )

        def nested(resource: Resource, body: dict[str, Any], inner: Expanded) -> Deployment:
            return self._start_nested(record, resource, body, inner, caller)

        run = self._runs[key] = Run(self._azure, record, expanded, caller, nested)
        run.begin()

    def _start_nested(
        self, parent: Deployment, resource: Resource, body: dict[str, Any], inner: Expanded, caller: Caller
    ) -> Deployment:
        """A deployment inside of another, with a record and operations of its own."""
        rid = parse_id(resource.id)
        known = self._records.get(rid.key)
        if known is not None and known.running:
            raise AzureFailure(409, "DeploymentActive", f"Unable to edit or replace deployment '{rid.name}'.")
        asked = {"location": parent.location, **body}
        wanted = read_request(self._azure, rid, asked, caller, beside=parent.template_link)
        check_access(self._azure, caller, f"{DEPLOYMENT_TYPE}/write", rid.text)
        record = self._new_record(wanted)
        record.correlation_id = parent.correlation_id
        self._azure.record_write("PUT", rid.text, type=DEPLOYMENT_TYPE, nested_in=parent.id.text)
        self._begin(record, inner, caller)
        return record

    def _check_permissions(self, expanded: Expanded, runtime: LiveRuntime, caller: Caller) -> None:
        """Every resource's write, before anything is written.

        Raises:
            AzureFailure: 403 `InvalidTemplateDeployment`, worded as the real preflight does.
        """
        for resource in expanded.walk(runtime):
            if is_symbolic(resource.id):
                continue
            try:
                check_access(self._azure, caller, f"{resource.type}/write", resource.id)
            except AzureFailure as failure:
                raise AzureFailure(
                    403,
                    "InvalidTemplateDeployment",
                    f"The template deployment failed with error: 'Authorization failed for template resource"
                    f" '{resource.name}' of type '{resource.type}'. {failure.message}'",
                ) from failure

    def patch(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        raise AzureFailure(405, "MethodNotAllowed", "A deployment cannot be patched: send it again.")

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        record = self._record(rid)
        if record.running:
            raise AzureFailure(
                409,
                "DeploymentActive",
                f"Unable to delete deployment '{rid.name}': it is still active. Please cancel it first.",
            )
        operation = self._azure.start_operation(rid.text)
        self._azure.record_write("DELETE", rid.text, type=DEPLOYMENT_TYPE)

        def remove() -> None:
            # The same name may have been sent again meanwhile; that one stays.
            if self._records.get(rid.key) is record:
                del self._records[rid.key]
                self._runs.pop(rid.key, None)
                self._azure.resources.remove(rid.text)

        self._azure.finish_after(operation, _DELETE_S, remove, f"delete deployment {rid.name}")
        return Answer(None, operation=operation)

    # -- actions ------------------------------------------------------------------------------------------------------

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
        match (method, action.lower()):
            case ("POST", "validate"):
                return self._validate(rid, body, caller)
            case ("POST", "whatif"):
                return self._what_if(rid, body, caller)
            case ("POST", "cancel"):
                return self._cancel(rid)
            case ("POST", "exporttemplate"):
                return Answer({"template": copy.deepcopy(self._record(rid).template)})
        raise AzureFailure(404, "InvalidResourceType", f"Deployments do not know '{method} {action}'.")

    def _cancel(self, rid: ResourceId) -> Answer:
        record = self._record(rid)
        if not record.running:
            raise AzureFailure(
                409,
                "DeploymentCannotBeCancelled",
                f"The deployment '{rid.name}' cannot be cancelled because its provisioningState is '{record.state}'.",
            )
        self._azure.record_write("CANCEL", rid.text, type=DEPLOYMENT_TYPE)
        self._runs[rid.key].cancel()
        return Answer(None, status=204)

    def _validate(self, rid: ResourceId, body: Any, caller: Caller) -> Answer:
        wanted = read_request(self._azure, rid, body, caller)
        now = self._azure.clock.now
        runtime = LiveRuntime(self._azure, caller, now, deployment=wanted, live=False)
        expanded = expand_wanted(self._azure, wanted, runtime)
        self._check_permissions(expanded, runtime, caller)
        refuse_preflight(self._azure, wanted, expanded, runtime)
        return Answer(
            {
                "id": rid.text,
                "name": rid.name,
                "type": DEPLOYMENT_TYPE,
                "properties": {
                    "templateHash": hash_template(wanted.template),
                    "parameters": {one.name: show_parameter(one.type, one.value) for one in expanded.parameters},
                    "mode": wanted.mode,
                    "provisioningState": "Succeeded",
                    "timestamp": now.isoformat().replace("+00:00", "Z"),
                    "duration": "PT0S",
                    "correlationId": self._azure.new_guid(),
                    "validatedResources": [{"id": one.id} for one in expanded.walk(runtime) if not is_symbolic(one.id)],
                },
            }
        )

    def _what_if(self, rid: ResourceId, body: Any, caller: Caller) -> Answer:
        wanted = read_request(self._azure, rid, body, caller)
        reading = LiveRuntime(self._azure, caller, self._azure.clock.now, deployment=wanted, live=False)
        expanded = expand_wanted(self._azure, wanted, reading)
        operation = self._azure.start_operation(rid.text)

        def look() -> dict[str, Any]:
            runtime = LiveRuntime(self._azure, caller, self._azure.clock.now, deployment=wanted, tolerant=True)
            return {"status": "Succeeded", "properties": {"changes": what_if(self._azure, wanted, expanded, runtime)}}

        self._azure.finish_after(operation, _WHAT_IF_S, look, f"what-if {rid.name}")
        return Answer(None, operation=operation, status=202)
