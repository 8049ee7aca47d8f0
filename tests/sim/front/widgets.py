"""A front door with a fake provider behind it, called with the operator's token. Not a test."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sfcert.sim.assemble import build
from sfcert.sim.entra import Entra
from sfcert.sim.front import ArmFront, Reply, Request
from sfcert.sim.front.tempo import Mode
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.provider import Answer, Caller

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class FakeRoles:
    """Allows what is in `allowed` and keeps what it was asked."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = set(allowed)
        self.asked: list[tuple[str, str]] = []

    def may(self, principal_id: str, action: str, scope_id: str, *, data_action: bool = False) -> bool:
        self.asked.append((action, scope_id))
        return action in self.allowed


class FakeWidgets:
    """A provider that takes an hour for everything and knows one action and one child type."""

    types = ("Sim.Test/widgets", "Sim.Test/widgets/parts")

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.actions: list[tuple[str, str]] = []

    def get(self, rid: ResourceId, api_version: str, query: dict[str, str]) -> dict[str, Any]:
        found = self._azure.resources.get(rid.text)
        assert found is not None
        return dict(found.body)

    def list(self, scope: str, resource_type: str, api_version: str, query: dict[str, str]) -> list[dict[str, Any]]:
        return [{"id": f"{scope}/{resource_type}/{n}", "name": f"n{n}"} for n in range(5)]

    def put(self, rid: ResourceId, api_version: str, body: dict[str, Any], caller: Caller) -> Answer:
        self._azure.resources.put(rid.text, api_version, {"id": rid.text, **body})
        operation = self._azure.start_operation(rid.text)
        self._azure.finish_after(operation, 3600, lambda: None, "widget")
        return Answer({"id": rid.text, **body}, operation=operation, created=True)

    patch = put

    def delete(self, rid: ResourceId, api_version: str, caller: Caller) -> Answer:
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
        self.actions.append((method, action))
        return Answer({"did": action})


class Client:
    """Calls the front with the default operator's token."""

    def __init__(self, azure: Azure) -> None:
        self.azure = azure
        self._front = azure.service("arm", ArmFront)
        entra = azure.service("entra", Entra)
        self._token = entra.token_for(entra.default.caller, "https://management.azure.com")
        self.sub = f"/subscriptions/{azure.subscription_id}"

    def __call__(self, method: str, path: str, body: Any = None, *, headers: Any = None, **query: str) -> Reply:
        if "?" in path:
            path, _, text = path.removeprefix("https://management.azure.com").partition("?")
            query.update(dict(part.split("=", 1) for part in text.split("&")))
        return self._front.handle(
            Request(
                method,
                path.removeprefix("https://management.azure.com"),
                query={"api-version": "2021-04-01", **query},
                headers={"authorization": f"Bearer {self._token}", **(headers or {})},
                body=body,
            )
        )


def make(tempo: Mode = "manual") -> Client:
    azure = build(start=START, seed=3, tempo=tempo, services=())
    client = Client(azure)
    client("PUT", f"{client.sub}/resourceGroups/rg", {"location": "westeurope"})
    return client
