"""How does a client follow a long operation? The headers that promise it and the answers to its looks.

`Azure-AsyncOperation` leads to a status document, `Location` to 202 until the end and then the result.

Source: "Track asynchronous Azure operations", Azure Resource Manager documentation.
"""

from __future__ import annotations

from typing import Any

from sfcert.sim.front.exchange import Reply, Request
from sfcert.sim.front.tempo import Tempo
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import ResourceId
from sfcert.sim.kernel.operations import Operation

_STATUS = "operationstatuses"
_RESULT = "operationresults"
#: What Resource Manager and the providers ask a client to wait between two looks, in seconds.
_WAIT_S = 15


def is_operation_path(path: str) -> bool:
    parts = path.lower().rstrip("/").split("/")
    return len(parts) > 2 and parts[-2] in {_STATUS, _RESULT}


class Polling:
    """Links to operations, and what stands behind them."""

    def __init__(self, azure: Azure, tempo: Tempo) -> None:
        self._azure = azure
        self._tempo = tempo

    def headers(self, request: Request, operation: Operation, subject: ResourceId | None) -> dict[str, str]:
        """What is added to an answer while its work goes on."""
        link = f"{request.base}{self._folder(subject)}"
        query = f"api-version={request.api_version or '2021-04-01'}"
        return {
            "Azure-AsyncOperation": f"{link}/operationStatuses/{operation.id}?{query}",
            "Location": f"{link}/operationResults/{operation.id}?{query}",
            **self._tempo.wait_headers(_WAIT_S),
        }

    def _folder(self, subject: ResourceId | None) -> str:
        subscription = f"/subscriptions/{subject.subscription if subject else self._azure.subscription_id}"
        if subject is None:
            return subscription
        if subject.type.lower() == "microsoft.resources/deployments":
            return subject.text
        known = self._azure.resources.get(subject.text)
        location = str(known.body.get("location", "global")) if known else "global"
        return f"{subscription}/providers/{subject.type.split('/')[0]}/locations/{location}"

    def answer(self, request: Request) -> Reply:
        """The answer to a look at an operation; in the `auto` tempo the look itself lets time pass.

        Raises:
            AzureFailure: 404 for an operation that never was.
        """
        kind, operation_id = request.path.rstrip("/").split("/")[-2:]
        operation = self._azure.operations.get(operation_id.lower())
        if operation is None:
            raise AzureFailure(404, "OperationNotFound", f"The operation '{operation_id}' was not found.")
        self._tempo.looked_at(operation)
        if kind.lower() == _STATUS:
            return self._status(request, operation)
        return self._result(request, operation)

    def _status(self, request: Request, operation: Operation) -> Reply:
        body: dict[str, Any] = {
            "id": request.path.rstrip("/"),
            "name": operation.id,
            "status": operation.status,
            "startTime": operation.started.isoformat().replace("+00:00", "Z"),
        }
        if operation.done:
            assert operation.ended is not None
            body["endTime"] = operation.ended.isoformat().replace("+00:00", "Z")
            if operation.error is not None:
                body["error"] = operation.error
            if isinstance(operation.result, dict) and "properties" in operation.result:
                body["properties"] = operation.result["properties"]
            return Reply(200, body)
        return Reply(200, body, self._tempo.wait_headers(_WAIT_S))

    def _result(self, request: Request, operation: Operation) -> Reply:
        if not operation.done:
            query = f"api-version={request.api_version}" if request.api_version else ""
            link = f"{request.base}{request.path.rstrip('/')}" + (f"?{query}" if query else "")
            return Reply(202, None, {"Location": link, **self._tempo.wait_headers(_WAIT_S)})
        if operation.error is not None:
            return Reply(409 if operation.status == "Canceled" else 400, {"error": operation.error})
        if operation.result is not None:
            return Reply(200, operation.result)
        known = self._azure.resources.get(operation.subject)
        return Reply(200, known.body) if known is not None else Reply(204)
