"""Which provider answers, and for what? Requests below `/providers/NAMESPACE/type…`, by id, as a list or as an action.

The provider is the one registered for the longest leading part of the type. What is left over is an action of it, such
as `manualupgrade` or `rollingUpgrades/latest`. Where no part is registered, the body is kept as it is.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from sfcert.sim.front.access import action_for, check_access
from sfcert.sim.front.as_of import as_of
from sfcert.sim.front.exchange import Reply, Request
from sfcert.sim.front.groups import Groups
from sfcert.sim.front.listing import page_of
from sfcert.sim.front.name_check import answer_name_check
from sfcert.sim.front.opaque import OpaqueResources
from sfcert.sim.front.polling import Polling
from sfcert.sim.front.unkind import Unkind, asked_of
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId, parse_id
from sfcert.sim.kernel.provider import Answer, Caller, Provider

#: Where a provider's own description has no 201 for a PUT or no 202 for a DELETE, the plain 200 is sent.
_PLAIN_STATUS = frozenset({"microsoft.servicefabric"})


@dataclass(slots=True)
class Target:
    """What a path is about. Exactly one of `rid` and `list_type` is set; `verb` is the action on `rid`, if any."""

    scope: str
    rid: ResourceId | None = None
    list_type: str | None = None
    verb: str | None = None


class ResourceCalls:
    """GET, PUT, PATCH, DELETE, HEAD and POST on resources, lists of a type, actions."""

    def __init__(self, azure: Azure, groups: Groups, opaque: OpaqueResources, polling: Polling, unkind: Unkind) -> None:
        self._azure = azure
        self._groups = groups
        self._opaque = opaque
        self._polling = polling
        self._unkind = unkind

    def answer(self, request: Request, caller: Caller) -> Reply:
        """The reply of the provider in charge.

        Raises:
            AzureFailure: any refusal, of the front's own checks or of the provider.
        """
        if (named := answer_name_check(self._azure, request, caller)) is not None:
            return named
        target = self._target(request)
        subject_type = target.list_type or (target.rid.type if target.rid else "")
        scope = target.rid.text if target.rid else target.scope
        check_access(
            self._azure,
            caller,
            action_for(request.method, subject_type, target.verb if request.method == "POST" else None),
            scope,
        )
        self._check_group(target.scope)
        if target.list_type is not None:
            return self._list(request, target)
        assert target.rid is not None
        if target.verb is not None:
            return self._act(request, caller, target.rid, target.verb)
        return self._one(request, caller, target.rid)

    # -- what the path names ------------------------------------------------------------------------------------------

    def _target(self, request: Request) -> Target:
        path = request.path.rstrip("/")
        at = path.lower().rfind("/providers/")
        scope, tail = path[:at], path[at + len("/providers/") :].split("/")
        registered = self._registered_length(tail)
        if registered == 0:
            return self._opaque_target(request, path, scope, tail)
        # `registered` counts type names; the id that they make has the namespace and a pair for each.
        if len(tail) == 2 * registered:
            return Target(
                scope="/".join([scope, "providers", *tail[:-1]]) if registered > 1 else scope,
                list_type="/".join([tail[0], *tail[1::2]]),
            )
        rid = parse_id("/".join([scope, "providers", *tail[: 2 * registered + 1]]))
        rest = tail[2 * registered + 1 :]
        if not rest:
            return Target(scope=scope, rid=rid)
        if self._azure.resources.get(path) is not None:
            return Target(scope=scope, rid=parse_id(path))
        return Target(scope=scope, rid=rid, verb="/".join(rest))

    def _registered_length(self, tail: list[str]) -> int:
        """How many leading type names of `tail` make a registered type; 0 for none. The longest wins."""
        for count in range(len(tail[1::2]), 0, -1):
            if self._azure.provider_of("/".join([tail[0], *tail[1::2][:count]])) is not None:
                return count
        return 0

    def _opaque_target(self, request: Request, path: str, scope: str, tail: list[str]) -> Target:
        if len(tail) % 2 == 1:
            return Target(scope=scope, rid=parse_id(path))
        if request.method == "GET":
            parent = scope if len(tail) == 2 else path.rsplit("/", 1)[0]
            return Target(scope=parent, list_type="/".join([tail[0], *tail[1::2]]))
        if len(tail) == 2:
            raise AzureFailure(404, "InvalidResourceType", f"The resource type '{'/'.join(tail)}' could not be found.")
        return Target(scope=scope, rid=parse_id(path.rsplit("/", 1)[0]), verb=tail[-1])

    def _provider(self, resource_type: str) -> Provider:
        return self._azure.provider_of(resource_type) or self._opaque

    def _check_group(self, scope: str) -> None:
        parts = scope.strip("/").split("/")
        lowered = [part.lower() for part in parts]
        if "resourcegroups" in lowered and lowered.index("resourcegroups") + 1 < len(parts):
            self._groups.get(parts[1], parts[lowered.index("resourcegroups") + 1])

    # -- the calls ----------------------------------------------------------------------------------------------------

    def _list(self, request: Request, target: Target) -> Reply:
        if request.method not in {"GET", "HEAD"}:
            raise AzureFailure(405, "MethodNotAllowed", f"The method '{request.method}' is not allowed on a list.")
        assert target.list_type is not None
        provider = self._provider(target.list_type)
        bodies = provider.list(target.scope, target.list_type, request.api_version, request.query)
        bodies = [as_of(target.list_type, request.api_version, body) for body in bodies]
        bodies = self._unkind.seen_in_list(bodies)
        return Reply(200, page_of(self._azure, request, bodies))

    def _one(self, request: Request, caller: Caller, rid: ResourceId) -> Reply:
        provider = self._provider(rid.type)
        if request.method in {"GET", "HEAD"}:
            return self._read(request, provider, rid)
        self._check_etag(request, rid)
        if request.method == "DELETE":
            return self._delete(request, caller, provider, rid)
        if not isinstance(request.body, dict):
            raise AzureFailure(
                400, "InvalidRequestContent", "The request content was invalid: a JSON object is expected."
            )
        known = self._azure.resources.get(rid.text) if self._unkind.remembers() else None
        before = copy.deepcopy(known.body) if known is not None else None
        body = copy.deepcopy(request.body)
        if request.method == "PUT":
            answer = provider.put(rid, request.api_version, body, caller)
        elif request.method == "PATCH":
            answer = provider.patch(rid, request.api_version, body, caller)
        else:
            raise AzureFailure(405, "MethodNotAllowed", f"The method '{request.method}' is not allowed here.")
        if self._unkind.remembers():
            self._unkind.remember(asked_of(request), before)
        return self._written(request, rid, answer)

    def _read(self, request: Request, provider: Provider, rid: ResourceId) -> Reply:
        if request.method == "HEAD":
            try:
                provider.get(rid, request.api_version, request.query)
            except AzureFailure as failure:
                if failure.status == 404:
                    return Reply(404)
                raise
            return Reply(204)
        looked_at = getattr(provider, "looked_at", None)
        if looked_at is not None:
            looked_at(rid)
        body = provider.get(rid, request.api_version, request.query)
        known = self._azure.resources.get(rid.text)
        headers = {"ETag": f'"{known.etag}"'} if known is not None else {}
        self._unkind.has_read(request)
        return Reply(200, as_of(rid.type, request.api_version, body), headers)

    def _check_etag(self, request: Request, rid: ResourceId) -> None:
        known = self._azure.resources.get(rid.text)
        wanted = request.headers.get("if-match")
        if wanted and wanted != "*" and (known is None or wanted.strip('"') != str(known.etag)):
            raise AzureFailure(
                412, "PreconditionFailed", "The condition given in the If-Match header is not met: it has been changed."
            )
        if request.headers.get("if-none-match") == "*" and known is not None:
            raise AzureFailure(412, "PreconditionFailed", "The resource exists already (If-None-Match: *).")

    def _delete(self, request: Request, caller: Caller, provider: Provider, rid: ResourceId) -> Reply:
        try:
            answer = provider.delete(rid, request.api_version, caller)
        except AzureFailure as failure:
            if failure.status == 404:
                return Reply(204)
            raise
        if answer.operation is None:
            return Reply(answer.status or 200, answer.body, dict(answer.headers))
        self._unkind.started(request, answer.operation)
        status = answer.status or (200 if _is_plain(rid) else 202)
        return Reply(status, None, {**self._polling.headers(request, answer.operation, rid), **answer.headers})

    def _written(self, request: Request, rid: ResourceId, answer: Answer) -> Reply:
        status = answer.status
        headers = dict(answer.headers)
        if answer.operation is not None:
            self._unkind.started(request, answer.operation)
            headers = {**self._polling.headers(request, answer.operation, rid), **headers}
            if request.method == "PATCH":
                # Compute describes 200 alone for a PATCH, Service Fabric 202 as well and sends that.
                status = status or (202 if _is_plain(rid) else 200)
            if status != 202:
                # A Location on a PUT would let some clients poll it instead; Resource Manager sends it with 202 alone.
                headers.pop("Location", None)
        if status is None:
            status = 201 if answer.created and not _is_plain(rid) else 200
        known = self._azure.resources.get(rid.text)
        if known is not None:
            headers.setdefault("ETag", f'"{known.etag}"')
        return Reply(status, as_of(rid.type, request.api_version, answer.body), headers)

    def _act(self, request: Request, caller: Caller, rid: ResourceId, verb: str) -> Reply:
        provider = self._provider(rid.type)
        answer = provider.action(
            rid, verb, request.method, request.api_version, copy.deepcopy(request.body), request.query, caller
        )
        headers = dict(answer.headers)
        if answer.operation is not None:
            self._unkind.started(request, answer.operation)
            headers = {**self._polling.headers(request, answer.operation, rid), **headers}
            return Reply(answer.status or 202, answer.body, headers)
        if answer.status is not None:
            return Reply(answer.status, answer.body, headers)
        shown = as_of(f"{rid.type}/{verb}", request.api_version, answer.body)
        return Reply(204 if shown is None else 200, shown, headers)


def _is_plain(rid: ResourceId) -> bool:
    return rid.type.split("/")[0].lower() in _PLAIN_STATUS
