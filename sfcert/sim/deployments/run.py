"""How does a deployment run? Resources by their dependencies, independent ones side by side in virtual time.

A resource is put as soon as all that it depends on has succeeded. When one fails, what runs goes on and what depends on
it never starts; the deployment then ends as Failed. A nested deployment is a deployment of its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from sfcert.arm import Expanded, Resource, has_symbolic
from sfcert.errors import InputError
from sfcert.sim.deployments.live import LiveRuntime
from sfcert.sim.deployments.reading import dependencies, is_deployment, template_failure
from sfcert.sim.deployments.record import Deployment, Step, show_parameter
from sfcert.sim.front import Groups
from sfcert.sim.front.access import check_access
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.kernel.provider import Caller

#: Before the first resource is put, and for a resource whose provider answers at once.
_START_S = 1.0
_QUICK_S = 1.0
_GROUP_TYPE = "microsoft.resources/resourcegroups"

#: Starts a nested deployment: the resource that declares it, and its template expanded.
StartNested = Callable[[Resource, dict[str, Any], Expanded], Deployment]


class Run:
    """One deployment on its way to its end. `begin` starts it; everything after happens as events of the clock."""

    def __init__(
        self,
        azure: Azure,
        record: Deployment,
        expanded: Expanded,
        caller: Caller,
        start_nested: StartNested,
    ) -> None:
        self._azure = azure
        self._record = record
        self._expanded = expanded
        self._caller = caller
        self._start_nested = start_nested
        self._runtime = LiveRuntime(azure, caller, record.started, deployment=record)
        self._needs = dependencies(expanded)
        self._resources = {resource.id.lower(): resource for resource in expanded.resources}
        self._steps: dict[str, Step] = {}
        self._ended: set[str] = set()
        self._cancelled = False
        names = {key: self._named(resource) for key, resource in self._resources.items()}
        for key, resource in self._resources.items():
            depends = [names[need] for need in self._needs[key]]
            step = Step(
                azure.new_guid().replace("-", "").upper()[:16], resource.id, resource.type, resource.name, depends
            )
            self._steps[key] = step
            record.steps.append(step)

    @staticmethod
    def _named(resource: Resource) -> dict[str, str]:
        return {"id": resource.id, "resourceType": resource.type, "resourceName": resource.name}

    def begin(self) -> None:
        self._record.operation.when_done(self._reported)
        self._azure.clock.after(_START_S, self._go_on, f"deployment {self._record.id.name} starts")

    def cancel(self) -> None:
        """Start nothing more; what runs is left to run."""
        self._cancelled = True
        self._end("Canceled", {"code": "DeploymentCanceled", "message": "The deployment was canceled."})

    # -- the walk -----------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if self._cancelled:
            return
        if self._record.running:
            self._record.state = "Running"
        for key, step in self._steps.items():
            if step.state == "NotStarted" and all(self._succeeded(need) for need in self._needs[key]):
                self._start(key)
        if any(step.state == "Running" for step in self._steps.values()):
            return
        failed = [step for step in self._steps.values() if step.state == "Failed"]
        if failed:
            self._fail(failed)
        elif all(step.state == "Succeeded" for step in self._steps.values()):
            self._succeed()

    def _succeeded(self, key: str) -> bool:
        return self._steps[key].state == "Succeeded"

    def _start(self, key: str) -> None:
        resource, step = self._resources[key], self._steps[key]
        step.state, step.started = "Running", self._azure.clock.now
        try:
            operation, step.status_code = self._put(resource)
        except AzureFailure as failure:
            step.status_code = _status_name(failure.status)
            self._end_step(step, failure.error())
            return
        if operation is None:
            self._azure.clock.after(_QUICK_S, lambda: self._finish(step, None), f"{resource.name} is deployed")
        else:
            operation.when_done(lambda done: self._finish(step, done))

    def _put(self, resource: Resource) -> tuple[Operation | None, str]:
        """Send one resource to its provider. Returns the operation that goes on, if any, and the status by name."""
        try:
            body = resource.evaluate(self._runtime)
            inner = resource.nested(self._runtime) if is_deployment(resource) else None
        except InputError as error:
            raise template_failure(error) from error
        if inner is not None:
            return self._start_nested(resource, body, inner).operation, "OK"
        if has_symbolic(body):
            raise AzureFailure(
                400, "InvalidTemplate", f"Unable to process template language expressions for resource '{resource.id}'."
            )
        if resource.type.lower() == _GROUP_TYPE:
            parts = resource.id.split("/")
            _, new = self._azure.service("groups", Groups).put(parts[2], resource.name, body)
            return None, "Created" if new else "OK"
        rid = parse_id(resource.id)
        check_access(self._azure, self._caller, f"{resource.type}/write", resource.id)
        if rid.group is not None:
            self._azure.service("groups", Groups).get(rid.subscription, rid.group)
        provider = self._azure.provider_of(rid.type) or self._azure.find_service("opaque")
        answer = provider.put(rid, resource.api_version or "", copy.deepcopy(body), self._caller)
        return answer.operation, "Created" if answer.created else "OK"

    def _finish(self, step: Step, operation: Operation | None) -> None:
        failure: dict[str, Any] | None = None
        if operation is not None and operation.status != "Succeeded":
            step.status_code = "Conflict"
            failure = {
                "code": "ResourceDeploymentFailure",
                "target": step.resource_id,
                "message": "The resource write operation failed to complete successfully, because it reached terminal"
                f" provisioning state '{operation.status}'.",
                "details": [operation.error] if operation.error else [],
            }
        self._end_step(step, failure)
        self._go_on()

    def _end_step(self, step: Step, failure: dict[str, Any] | None) -> None:
        step.ended = self._azure.clock.now
        step.failure = failure
        step.state = "Failed" if failure else "Succeeded"

    # -- the end ------------------------------------------------------------------------------------------------------

    def _reported(self, operation: Operation) -> None:
        """Its operation has ended. Where that was before its work did (fault `operation-fails-late`), the deployment
        says the same from now on, and the work goes on unseen."""
        if self._record.ended is None:
            self._record.state, self._record.error = operation.status, operation.error
            self._record.ended = self._azure.clock.now

    def _fail(self, failed: list[Step]) -> None:
        self._end(
            "Failed",
            {
                "code": "DeploymentFailed",
                "target": self._record.id.text,
                "message": "At least one resource deployment operation failed. Please list deployment operations for"
                " details. Please see https://aka.ms/arm-deployment-operations for usage details.",
                "details": [copy.deepcopy(step.failure) for step in failed],
            },
        )

    def _succeed(self) -> None:
        try:
            outputs = self._expanded.outputs(self._runtime)
        except (InputError, AzureFailure) as error:
            inner = template_failure(error) if isinstance(error, InputError) else error
            self._end(
                "Failed",
                {
                    "code": "DeploymentOutputEvaluationFailed",
                    "message": "Unable to evaluate template outputs. Please see the details and the operations.",
                    "details": [inner.error()],
                },
            )
            return
        shown: dict[str, Any] = {}
        for name, output in outputs.items():
            shown[name] = show_parameter(str(output["type"]), output["value"])
        self._record.outputs = shown
        if self._record.mode == "Complete":
            self._remove_others()
        else:
            self._end("Succeeded", None)

    def _remove_others(self) -> None:
        """Complete mode: what stands in the group and not in the template goes, and the end waits for it."""
        kept = {resource.id.lower() for resource in self._expanded.walk(self._runtime)}
        waiting: list[Operation] = []
        failures: list[dict[str, Any]] = []
        for resource in self._azure.resources.under(self._record.id.scope):
            top_level = len(resource.id.names) == 1 and "/providers/" not in resource.id.scope.lower()
            if (
                not top_level
                or resource.id.key in kept
                or resource.id.type.lower() == "microsoft.resources/deployments"
            ):
                continue
            provider = self._azure.provider_of(resource.id.type) or self._azure.find_service("opaque")
            try:
                check_access(self._azure, self._caller, f"{resource.id.type}/delete", resource.id.text)
                answer = provider.delete(resource.id, resource.api_version, self._caller)
            except AzureFailure as failure:
                failures.append(failure.error())
                continue
            if answer.operation is not None:
                waiting.append(answer.operation)

        def ended(_: Operation | None) -> None:
            if not all(operation.done for operation in waiting):
                return
            errors = [*failures, *(operation.error for operation in waiting if operation.error)]
            if errors:
                message = "Deployment in mode 'Complete' could not delete every resource."
                self._end("Failed", {"code": "DeploymentFailed", "message": message, "details": errors})
            else:
                self._end("Succeeded", None)

        for operation in waiting:
            operation.when_done(ended)
        if not waiting:
            ended(None)

    def _end(self, state: str, error: dict[str, Any] | None) -> None:
        record = self._record
        if not record.running:
            return
        record.state, record.error, record.ended = state, error, self._azure.clock.now
        record.operation.finish(self._azure.clock.now, state, error=error)


def _status_name(status: int) -> str:
    names = {
        400: "BadRequest",
        401: "Unauthorized",
        403: "Forbidden",
        404: "NotFound",
        409: "Conflict",
        412: "PreconditionFailed",
        429: "TooManyRequests",
        500: "InternalServerError",
        503: "ServiceUnavailable",
    }
    return names.get(status, "BadRequest")
