"""Small templates expanded in one line, and a run-time that answers from a table. Not a test."""

from __future__ import annotations

from typing import Any

from sfcert.arm import UNKNOWN, Expanded, ExpandOptions, Scope, SymbolicRuntime, expand

SCOPE = Scope(subscription_id="s", resource_group="g", deployment_name="main")
GROUP = "/subscriptions/s/resourceGroups/g"
REVIEW = ExpandOptions(missing="symbolic")


def resource(type_: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": type_, "name": name, "apiVersion": "2024-01-01", **more}


def expanded(*resources: Any, scope: Scope = SCOPE, options: ExpandOptions | None = None, **sections: Any) -> Expanded:
    given = sections.pop("given", {})
    runtime = sections.pop("runtime", None)
    return expand({"resources": list(resources), **sections}, given, scope, runtime, options=options)


def names(of: Expanded) -> list[str]:
    return [one.name for one in of.resources]


class Live(SymbolicRuntime):
    """Answers from a table, and keeps what it was asked."""

    def __init__(self, **bodies: Any) -> None:
        self.bodies = bodies
        self.asked: list[tuple[str, str | None, bool]] = []

    def reference(self, resource_id: str, api_version: str | None, full: bool, scope: Scope) -> Any:
        self.asked.append((resource_id, api_version, full))
        return self.bodies.get(resource_id.rsplit("/", 1)[-1], UNKNOWN)

    def list_function(self, name: str, resource_id: str, api_version: str | None, body: Any, scope: Scope) -> Any:
        return {"from": f"{name} {resource_id.rsplit('/', 1)[-1]} {api_version}"}

    def resource_group(self, scope: Scope) -> Any:
        return {"name": scope.resource_group, "id": scope.id, "location": "westeurope"}


def nested(scope: str | None, template: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {"mode": "Incremental", "template": template, **more.pop("properties", {})}
    if scope is not None:
        properties["expressionEvaluationOptions"] = {"scope": scope}
    return resource("Microsoft.Resources/deployments", "inner", properties=properties, **more)
