"""How does Resource Manager answer? Every request of `management.azure.com`, from the token to the reply.

In order, as the real one: token, api-version, subscription, permission, resource group, provider. Paths are matched
without regard to case and to a trailing slash. Leaves out: HTTP itself (the server), what providers do.
"""

from __future__ import annotations

import re
from typing import Any

from sfcert.sim.entra import Entra
from sfcert.sim.entra.discovery import describe_cloud
from sfcert.sim.front.access import action_for, check_access
from sfcert.sim.front.catalogue import (
    describe_locations,
    describe_provider,
    describe_providers,
    describe_subscription,
    describe_tenant,
)
from sfcert.sim.front.exchange import Reply, Request, reply_to_failure
from sfcert.sim.front.groups import Groups
from sfcert.sim.front.listing import filter_resources, page_of
from sfcert.sim.front.opaque import OpaqueResources
from sfcert.sim.front.polling import Polling, is_operation_path
from sfcert.sim.front.resource_calls import ResourceCalls
from sfcert.sim.front.tempo import Tempo
from sfcert.sim.front.unkind import Unkind
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.provider import Caller

_API_VERSION = re.compile(r"^\d{4}-\d{2}-\d{2}(-[a-z0-9.]+)?$", re.IGNORECASE)

#: Deployment operations are asked for without a namespace, by the newest clients too.
_LEGACY = re.compile(r"^(/subscriptions/[^/]+(?:/resourcegroups/[^/]+)?)/deployments(?=/|$)", re.IGNORECASE)


class ArmFront:
    """The service `arm`. Synchronous; a reply is whole when `handle` returns."""

    def __init__(self, azure: Azure, tempo: Tempo) -> None:
        self._azure = azure
        self._entra = azure.service("entra", Entra)
        self.groups = Groups(azure)
        self.opaque = OpaqueResources(azure)
        self._polling = Polling(azure, tempo)
        self.unkind = self._unkind = Unkind(azure, tempo)
        self._resources = ResourceCalls(azure, self.groups, self.opaque, self._polling, self._unkind)

    def handle(self, request: Request) -> Reply:
        """The reply to one request; refusals come as the vendor's envelope, never as an exception."""
        try:
            reply = self._unkind.before(request) or self._dispatch(request)
        except AzureFailure as failure:
            reply = reply_to_failure(failure)
        reply = self._unkind.after(request, reply)
        if request.method == "HEAD":
            reply.body = None
        return reply

    def _dispatch(self, request: Request) -> Reply:
        path = request.path = _LEGACY.sub(r"\1/providers/Microsoft.Resources/deployments", request.path.rstrip("/"))
        if path.lower() == "/metadata/endpoints":
            return Reply(200, describe_cloud(request.base))
        caller = self._entra.caller_of(request.headers.get("authorization"), request.host)
        if is_operation_path(path):
            return self._polling.answer(request)
        if not request.api_version:
            raise AzureFailure(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        if not _API_VERSION.match(request.api_version):
            raise AzureFailure(
                400, "InvalidApiVersionParameter", f"The api-version '{request.api_version}' is invalid."
            )
        parts = path.strip("/").split("/")
        lowered = [part.lower() for part in parts]
        if lowered[0] == "subscriptions" and len(parts) > 1 and lowered[1] != self._azure.subscription_id.lower():
            raise AzureFailure(404, "SubscriptionNotFound", f"The subscription '{parts[1]}' could not be found.")
        if lowered == ["subscriptions"]:
            return Reply(200, {"value": [describe_subscription(self._azure)], "count": {"type": "Total", "value": 1}})
        if lowered == ["tenants"]:
            return Reply(200, {"value": [describe_tenant(self._azure)]})
        registration = len(lowered) == 5 and lowered[2] == "providers" and lowered[4] == "register"
        if "providers" in lowered and not registration and len(parts) - 1 - _last(lowered, "providers") >= 2:
            return self._resources.answer(request, caller)
        return self._own(request, caller, parts, lowered)

    def _own(self, request: Request, caller: Caller, parts: list[str], lowered: list[str]) -> Reply:
        """What Resource Manager serves itself: subscriptions, namespaces, groups, lists of everything."""
        match lowered:
            case ["providers"] | ["subscriptions", _, "providers"]:
                return Reply(200, page_of(self._azure, request, describe_providers(self._azure)))
            case ["providers", _] | ["subscriptions", _, "providers", _]:
                return Reply(200, describe_provider(self._azure, parts[-1]))
            case ["subscriptions", _, "providers", _, "register"]:
                return Reply(200, describe_provider(self._azure, parts[3]))
            case ["subscriptions", _]:
                return Reply(200, describe_subscription(self._azure))
            case ["subscriptions", _, "locations"]:
                return Reply(200, {"value": describe_locations(self._azure)})
            case ["subscriptions", _, "resourcegroups"]:
                check_access(self._azure, caller, "Microsoft.Resources/subscriptions/resourceGroups/read", _id(parts))
                return Reply(200, page_of(self._azure, request, self.groups.list(parts[1])))
            case ["subscriptions", _, "resourcegroups", _]:
                return self._group(request, caller, parts[1], parts[3])
            case ["subscriptions", _, "resources"] | ["subscriptions", _, "resourcegroups", _, "resources"]:
                return self._everything(request, caller, parts)
            case ["subscriptions", _, "tagnames"]:
                return Reply(200, {"value": []})
        raise AzureFailure(
            404, "InvalidResourceType", f"The embedded Azure does not serve '{request.method} {request.path}'."
        )

    def _group(self, request: Request, caller: Caller, subscription: str, name: str) -> Reply:
        action = action_for(request.method, "Microsoft.Resources/subscriptions/resourceGroups")
        check_access(self._azure, caller, action, f"/subscriptions/{subscription}/resourceGroups/{name}")
        body = request.body if isinstance(request.body, dict) else {}
        match request.method:
            case "GET":
                return Reply(200, self.groups.get(subscription, name))
            case "HEAD":
                return Reply(204 if self.groups.has(subscription, name) else 404)
            case "PUT":
                made, new = self.groups.put(subscription, name, body)
                return Reply(201 if new else 200, made)
            case "PATCH":
                return Reply(200, self.groups.patch(subscription, name, body))
            case "DELETE":
                operation = self.groups.delete(subscription, name, caller)
                headers = self._polling.headers(request, operation, None)
                del headers["Azure-AsyncOperation"]
                return Reply(202, None, headers)
        raise AzureFailure(405, "MethodNotAllowed", f"The method '{request.method}' is not allowed here.")

    def _everything(self, request: Request, caller: Caller, parts: list[str]) -> Reply:
        scope = _id(parts[:-1])
        check_access(self._azure, caller, "Microsoft.Resources/subscriptions/resources/read", scope)
        if len(parts) == 5:
            self.groups.get(parts[1], parts[3])
        bodies: list[dict[str, Any]] = []
        for resource in self._azure.resources.under(scope):
            top_level = len(resource.id.names) == 1 and "/providers/" not in resource.id.scope.lower()
            if not top_level or resource.id.type.lower() in _NOT_LISTED:
                continue
            shown = {name: resource.body[name] for name in _LISTED if name in resource.body}
            bodies.append({"id": resource.id.text, "name": resource.id.name, "type": resource.id.type, **shown})
        return Reply(200, page_of(self._azure, request, filter_resources(bodies, request.query.get("$filter"))))


_LISTED = ("id", "name", "type", "location", "tags", "kind", "sku", "identity", "zones", "plan", "managedBy")
_NOT_LISTED = frozenset({"microsoft.resources/deployments", "microsoft.authorization/roleassignments"})


def _id(parts: list[str]) -> str:
    return "/" + "/".join(parts)


def _last(items: list[str], wanted: str) -> int:
    return len(items) - 1 - items[::-1].index(wanted)
