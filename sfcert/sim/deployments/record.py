"""How does one deployment stand? Its state, the operations on its resources, and what a GET shows of it.

    Accepted ──▶ Running ──┬──▶ Succeeded
                           ├──▶ Failed
                           └──▶ Canceled          terminal states are final

Source: `DeploymentExtended` and `DeploymentOperation` of azure-mgmt-resource-deployments 2.0.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.operations import Operation

DEPLOYMENT_TYPE = "Microsoft.Resources/deployments"
OPERATION_TYPE = "Microsoft.Resources/deployments/operations"
_TYPE_NAMES = {
    "string": "String",
    "securestring": "SecureString",
    "int": "Int",
    "bool": "Bool",
    "object": "Object",
    "secureobject": "SecureObject",
    "array": "Array",
}


@dataclass(slots=True)
class Step:
    """What is done to one resource; one entry of the operations list."""

    operation_id: str
    resource_id: str
    resource_type: str
    resource_name: str
    depends_on: list[dict[str, str]]
    started: datetime | None = None
    ended: datetime | None = None
    state: str = "NotStarted"
    status_code: str = "OK"
    failure: dict[str, Any] | None = None

    def describe(self, deployment_id: str, now: datetime) -> dict[str, Any]:
        started = self.started or now
        return {
            "id": f"{deployment_id}/operations/{self.operation_id}",
            "operationId": self.operation_id,
            "properties": {
                "provisioningOperation": "Create",
                "provisioningState": self.state,
                "timestamp": format_instant(self.ended or started),
                "duration": format_duration((self.ended or now) - started),
                "trackingId": self.operation_id.lower(),
                "statusCode": self.status_code,
                "targetResource": {
                    "id": self.resource_id,
                    "resourceType": self.resource_type,
                    "resourceName": self.resource_name,
                },
                **({"statusMessage": {"error": copy.deepcopy(self.failure)}} if self.failure else {}),
            },
        }


@dataclass(slots=True)
class Deployment:
    """One deployment by its id. `parameters` are as they are shown: secure ones without a value."""

    id: ResourceId
    mode: str
    template: dict[str, Any]
    started: datetime
    operation: Operation
    correlation_id: str
    location: str | None = None
    tags: dict[str, str] | None = None
    template_link: dict[str, Any] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    state: str = "Accepted"
    ended: datetime | None = None
    outputs: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    steps: list[Step] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return not self.operation.done

    def describe(self, now: datetime) -> dict[str, Any]:
        """The body of a GET."""
        properties: dict[str, Any] = {
            "templateHash": hash_template(self.template),
            **({"templateLink": copy.deepcopy(self.template_link)} if self.template_link else {}),
            "parameters": copy.deepcopy(self.parameters),
            "mode": self.mode,
            "provisioningState": self.state,
            "timestamp": format_instant(self.ended or now),
            "duration": format_duration((self.ended or now) - self.started),
            "correlationId": self.correlation_id,
            "providers": self._providers(),
            "dependencies": [
                {
                    "dependsOn": copy.deepcopy(step.depends_on),
                    "id": step.resource_id,
                    "resourceType": step.resource_type,
                    "resourceName": step.resource_name,
                }
                for step in self.steps
                if step.depends_on
            ],
        }
        if self.error is not None:
            properties["error"] = copy.deepcopy(self.error)
        if self.outputs is not None:
            properties["outputs"] = copy.deepcopy(self.outputs)
        if self.state == "Succeeded":
            properties["outputResources"] = [{"id": step.resource_id} for step in self.steps]
        return {
            "id": self.id.text,
            "name": self.id.name,
            "type": DEPLOYMENT_TYPE,
            **({"location": self.location} if self.location else {}),
            **({"tags": copy.deepcopy(self.tags)} if self.tags else {}),
            "properties": properties,
        }

    def _providers(self) -> list[dict[str, Any]]:
        by_namespace: dict[str, dict[str, None]] = {}
        for step in self.steps:
            namespace, _, rest = step.resource_type.partition("/")
            by_namespace.setdefault(namespace, {})[rest] = None
        return [
            {
                "namespace": namespace,
                "resourceTypes": [{"resourceType": name, "locations": [self.location]} for name in names],
            }
            for namespace, names in by_namespace.items()
        ]


def show_parameter(declared_type: str, value: Any) -> dict[str, Any]:
    """One parameter or output as it may be seen: the value of a secure type is never shown."""
    shown = _TYPE_NAMES.get(declared_type.lower(), "Object")
    if shown.startswith("Secure"):
        return {"type": shown}
    return {"type": shown, "value": copy.deepcopy(value)}


def hash_template(template: Any) -> str:
    """A number that stays the same while the template says the same; the vendor's own algorithm is not published."""
    canonical = json.dumps(template, sort_keys=True, separators=(",", ":")).encode()
    return str(int.from_bytes(hashlib.sha256(canonical).digest()[:8], "big"))


def format_instant(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def format_duration(passed: timedelta) -> str:
    """ISO 8601, as Resource Manager writes it: `PT1H2M3.5S`."""
    seconds = passed.total_seconds()
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return "PT" + (f"{hours:.0f}H" if hours else "") + (f"{minutes:.0f}M" if minutes else "") + f"{rest:g}S"
