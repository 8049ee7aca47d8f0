"""A world with a fake provider whose resources take their own time, and templates for it. Not a test."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from sfcert.sim.assemble import build
from sfcert.sim.entra import Entra
from sfcert.sim.front import ArmFront, Reply, Request
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Answer, Caller

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
TYPE = "Sim.Test/things"


class FakeThings:
    """Puts take `properties.seconds`; `properties.fail` ends the operation badly; `hidden` is never shown."""

    types: tuple[str, ...] = (TYPE,)

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.log: list[tuple[float, str, str]] = []

    def _note(self, what: str, rid: ResourceId) -> None:
        self.log.append(((self._azure.clock.now - START).total_seconds(), what, rid.name))

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._azure.resources.get(rid.text)
        if found is None:
            raise AzureFailure(404, "ResourceNotFound", f"no {rid.name}")
        return copy.deepcopy(found.body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        return []

    def preview(self, rid: ResourceId, api_version: str, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("properties", {}).get("refuse"):
            raise AzureFailure(409, "Conflict", "refused")
        properties = {k: v for k, v in body.get("properties", {}).items() if k != "hidden"}
        return {"id": rid.text, "name": rid.name, "type": TYPE, **body, "properties": {"made": True, **properties}}

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        shown = self.preview(rid, api_version, body)
        self._note("start", rid)
        self._azure.resources.put(rid.text, api_version, shown)
        self._azure.record_write("PUT", rid.text)
        operation = self._azure.start_operation(rid.text)

        def end() -> None:
            self._note("end", rid)
            if body.get("properties", {}).get("fail"):
                raise AzureFailure(500, "Broken", "it broke")

        self._azure.finish_after(operation, body.get("properties", {}).get("seconds", 10), end, "thing")
        return Answer(shown, operation=operation, created=True)

    patch = put

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
        self._azure.resources.remove(rid.text)
        self._note("delete", rid)
        return Answer(None)

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
        raise AzureFailure(404, "NoSuchAction", action)


class World:
    """An Azure with a group and the fake provider, called through the front door."""

    def __init__(self, services: tuple[str, ...] = ("deployments",)) -> None:
        self.azure = build(start=START, seed=5, tempo="manual", services=services)
        self.things = FakeThings(self.azure)
        self.azure.register(self.things)
        entra = self.azure.service("entra", Entra)
        self._token = entra.token_for(entra.default.caller, "https://management.azure.com")
        self.sub = f"/subscriptions/{self.azure.subscription_id}"
        self.group = f"{self.sub}/resourceGroups/rg"
        self.call("PUT", self.group, {"location": "westeurope"})

    def call(self, method: str, path: str, body: Any = None) -> Reply:
        front = self.azure.service("arm", ArmFront)
        path = path.removeprefix("https://management.azure.com").partition("?")[0]
        headers = {"authorization": f"Bearer {self._token}"}
        return front.handle(
            Request(method, path, query={"api-version": "2025-04-01"}, headers=headers, body=copy.deepcopy(body))
        )

    def url(self, name: str = "d1", tail: str = "") -> str:
        return f"{self.group}/providers/Microsoft.Resources/deployments/{name}{tail}"

    def deploy(self, resources: Any, name: str = "d1", *, wait: float = 3600, **more: Any) -> Reply:
        answer = self.call("PUT", self.url(name), request_of(resources, **more))
        self.azure.clock.advance(wait)
        return answer

    def state(self, name: str = "d1") -> dict[str, Any]:
        properties: dict[str, Any] = self.call("GET", self.url(name)).body["properties"]
        return properties

    def what_if(self, resources: Any, **more: Any) -> list[dict[str, Any]]:
        answer = self.call("POST", self.url("w", "/whatIf"), request_of(resources, **more))
        assert answer.status == 202, answer.body
        assert self.call("GET", answer.headers["Location"]).status == 202
        self.azure.clock.advance(60)
        done = self.call("GET", answer.headers["Location"])
        assert done.status == 200, done.body
        changes: list[dict[str, Any]] = done.body["properties"]["changes"]
        return changes


def request_of(
    resources: Any,
    *,
    mode: str = "Incremental",
    parameters: dict[str, Any] | None = None,
    given: dict[str, Any] | None = None,
    outputs: dict[str, Any] | None = None,
    **settings: Any,
) -> dict[str, Any]:
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": parameters or {},
        "resources": resources,
        "outputs": outputs or {},
    }
    values = {name: {"value": value} for name, value in (given or {}).items()}
    return {"properties": {"mode": mode, "template": template, "parameters": values, **settings}}


def thing(name: str, *depends: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": TYPE,
        "apiVersion": "2024-01-01",
        "name": name,
        "location": "westeurope",
        "dependsOn": [f"[resourceId('{TYPE}', '{one}')]" for one in depends],
        "properties": properties,
    }


def nested(name: str, resources: list[dict[str, Any]], **properties: Any) -> dict[str, Any]:
    return {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": "2022-09-01",
        "name": name,
        "properties": {
            "mode": "Incremental",
            "template": request_of(resources)["properties"]["template"],
            **properties,
        },
    }
