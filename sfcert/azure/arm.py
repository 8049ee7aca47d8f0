"""How is Azure Resource Manager called? The `Arm` port over azure-core's pipeline and two typed clients. Floor 5.

Reads are raw: an SDK's model drops what it does not know, and what is read here may be written back. Deployments go
through azure-mgmt-resource-deployments and instance upgrades through azure-mgmt-compute; no poller is waited on.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from sfcert import dated
from sfcert.azure.failures import of_answer, of_exception, retry_after_s
from sfcert.azure.retries import Retries
from sfcert.errors import RemoteError
from sfcert.model.ids import parse_resource_id

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport

_log = logging.getLogger(__name__)
Json = dict[str, Any]
PUBLIC = "https://management.azure.com"
_SERVICE = "Azure Resource Manager"
_CONNECT_S = 10
_READ_S = 60


class AzureArm:
    """The `Arm` port. Safe to call from several threads.

    Args:
        credential: from azure-identity; asked for a token on the first call.
        retries: the loop with its clock.
        base_url: the cloud's management endpoint.
        connection_verify: a CA file; None: what the environment says (REQUESTS_CA_BUNDLE).
        transport: what carries the requests; None: HTTPS of this adapter's own.
    """

    def __init__(
        self,
        credential: TokenCredential,
        retries: Retries,
        *,
        base_url: str = PUBLIC,
        connection_verify: str | None = None,
        transport: RequestsTransport | None = None,
    ) -> None:
        self._credential = credential
        self._retries = retries
        self._transport = transport
        self._base_url = base_url.rstrip("/")
        self._options: dict[str, Any] = {"connection_timeout": _CONNECT_S, "read_timeout": _READ_S}
        if connection_verify is not None:
            self._options["connection_verify"] = connection_verify
        self._of_clients = self._options if transport is None else {"transport": transport}
        self._lock = threading.Lock()
        self._client: Any = None
        self._typed: dict[tuple[str, str], Any] = {}
        self._asked_wait_s: float | None = None

    # -- reads --------------------------------------------------------------------------------------------------------

    def fetch(self, resource_id: str, api_version: str, *, query: Mapping[str, str] | None = None) -> Json:
        return self._get(self._url(resource_id, api_version, query))

    def fetch_all(self, path: str, api_version: str, *, query: Mapping[str, str] | None = None) -> list[Json]:
        found: list[Json] = []
        url: str | None = self._url(path, api_version, query)
        seen: set[str] = set()
        while url and url not in seen:
            seen.add(url)
            page = self._get(url)
            found.extend(one for one in page.get("value") or () if isinstance(one, dict))
            following = page.get("nextLink")
            url = self._same_host(following) if isinstance(following, str) and following else None
        return found

    def fetch_deployment(self, scope: str, name: str) -> Json | None:
        try:
            return self.fetch(f"{scope}/providers/Microsoft.Resources/deployments/{name}", self._deployments_version)
        except RemoteError as error:
            if error.status == 404:
                return None
            raise

    def fetch_deployments(self, scope: str) -> list[Json]:
        return self.fetch_all(f"{scope}/providers/Microsoft.Resources/deployments", self._deployments_version)

    def fetch_deployment_operations(self, scope: str, name: str) -> list[Json]:
        path = f"{scope}/providers/Microsoft.Resources/deployments/{name}/operations"
        return self.fetch_all(path, self._deployments_version)

    def retry_after_s(self) -> float | None:
        return self._asked_wait_s

    @property
    def _deployments_version(self) -> str:
        return dated.api_version("Microsoft.Resources/deployments")

    # -- writes -------------------------------------------------------------------------------------------------------

    def start_deployment(self, scope: str, name: str, template: Json, parameters: Json) -> None:
        body = {"properties": {"mode": "Incremental", "template": template, "parameters": parameters}}
        operation = f"PUT {scope}/providers/Microsoft.Resources/deployments/{name}"

        def send() -> None:
            deployments = self._deployments(scope).deployments
            parts = scope.strip("/").split("/")
            is_group = len(parts) == 4 and parts[2].lower() == "resourcegroups"
            options: dict[str, Any] = {"polling": False, "raw_response_hook": self._note_start}
            try:
                if is_group:
                    deployments.begin_create_or_update(parts[3], name, body, **options)
                else:
                    deployments.begin_create_or_update_at_scope(scope.strip("/"), name, body, **options)
            except Exception as error:  # of_exception raises again what is not the SDK's own
                raise of_exception(_SERVICE, operation, error, now=self._now()) from error

        # a second PUT of the same name replaces the first, so only what was surely not accepted is sent again
        self._retries.call(send, is_repeatable=False)

    def start_instance_upgrade(self, scale_set_id: str, instance_ids: Sequence[str], api_version: str) -> None:
        name = parse_resource_id(scale_set_id)
        operation = f"POST {scale_set_id}/manualupgrade"

        def send() -> None:
            client = self._compute(name.subscription, api_version)
            try:
                client.virtual_machine_scale_sets.begin_update_instances(
                    name.group,
                    name.name,
                    {"instanceIds": list(instance_ids)},
                    polling=False,
                    raw_response_hook=self._note_start,
                )
            except Exception as error:  # of_exception raises again what is not the SDK's own
                raise of_exception(_SERVICE, operation, error, now=self._now()) from error

        # bringing an instance to the newest model twice does nothing the second time
        self._retries.call(send, is_repeatable=True)

    # -- how --------------------------------------------------------------------------------------------------------

    def _now(self) -> Any:
        return self._retries.clock.now()

    def _url(self, path: str, api_version: str, query: Mapping[str, str] | None) -> str:
        asked = {"api-version": api_version, **(query or {})}
        return f"{self._base_url}/{path.strip('/')}?{urlencode(asked, safe='$(),')}"

    def _same_host(self, url: str) -> str:
        """A next link, if it stays with this host: a token goes nowhere else."""
        if urlsplit(url).netloc.lower() != urlsplit(self._base_url).netloc.lower():
            raise RemoteError(
                "RemoteFailed",
                f"{_SERVICE} gave a next page on another host, {urlsplit(url).netloc}; it was not followed.",
                service=_SERVICE,
                operation="GET next page",
                transient=False,
            )
        return url

    def _get(self, url: str) -> Json:
        operation = f"GET {urlsplit(url).path}"

        def send() -> Json:
            from azure.core.rest import HttpRequest

            client = self._pipeline()
            try:
                response = client.send_request(HttpRequest("GET", url, headers={"Accept": "application/json"}))
                text = response.text()
            except Exception as error:  # of_exception raises again what is not the SDK's own
                raise of_exception(_SERVICE, operation, error, now=self._now()) from error
            _log.debug("%s: %s", operation, response.status_code)
            headers = dict(response.headers)
            if response.status_code >= 400:
                raise of_answer(_SERVICE, operation, response.status_code, headers, text, now=self._now())
            self._note(headers)
            try:
                found = json.loads(text)
            except ValueError as error:
                raise RemoteError(
                    "RemoteFailed",
                    f"{_SERVICE} answered {operation} with something that is not JSON.",
                    service=_SERVICE,
                    operation=operation,
                    status=response.status_code,
                    transient=None,
                ) from error
            return found if isinstance(found, dict) else {"value": found}

        return self._retries.call(send, is_repeatable=True)

    def _note(self, headers: Mapping[str, str]) -> None:
        asks = any("retry-after" in key.lower() for key in headers)
        # the embedded Azure's clock is a request away: it is asked only where the answer may be a date
        self._asked_wait_s = retry_after_s(headers, self._now()) if asks else None

    def _note_start(self, response: Any) -> None:
        answer = response.http_response
        if answer.status_code == 401:
            # azure-core 1.41 sends a challenged request again and leaves this answer, a stream, unread and open
            answer.read()
        self._note(dict(answer.headers))

    def _pipeline(self) -> Any:
        with self._lock:
            if self._client is None:
                from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy, UserAgentPolicy
                from azure.core.pipeline.transport import RequestsTransport
                from azure.mgmt.core import ARMPipelineClient
                from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

                scope = f"{self._base_url}/.default"
                self._client = ARMPipelineClient(
                    base_url=self._base_url,
                    policies=[
                        RequestIdPolicy(),
                        HeadersPolicy(),
                        UserAgentPolicy("sfcert"),
                        ARMChallengeAuthenticationPolicy(self._credential, scope),
                    ],
                    transport=self._transport or RequestsTransport(**self._options),
                )
            return self._client

    def _deployments(self, scope: str) -> Any:
        parts = scope.strip("/").split("/")
        subscription = parts[1] if len(parts) > 1 and parts[0].lower() == "subscriptions" else ""
        with self._lock:
            key = ("deployments", subscription)
            if key not in self._typed:
                from azure.core.pipeline.policies import RetryPolicy
                from azure.mgmt.resource.deployments import DeploymentsMgmtClient

                self._typed[key] = DeploymentsMgmtClient(
                    self._credential,
                    subscription,
                    base_url=self._base_url,
                    credential_scopes=[f"{self._base_url}/.default"],
                    api_version=self._deployments_version,
                    retry_policy=RetryPolicy.no_retries(),
                    user_agent="sfcert",
                    **self._of_clients,
                )
            return self._typed[key]

    def _compute(self, subscription: str, api_version: str) -> Any:
        with self._lock:
            key = (f"compute {api_version}", subscription)
            if key not in self._typed:
                from azure.core.pipeline.policies import RetryPolicy
                from azure.mgmt.compute import ComputeManagementClient

                self._typed[key] = ComputeManagementClient(
                    self._credential,
                    subscription,
                    base_url=self._base_url,
                    credential_scopes=[f"{self._base_url}/.default"],
                    api_version=api_version,
                    retry_policy=RetryPolicy.no_retries(),
                    user_agent="sfcert",
                    **self._of_clients,
                )
            return self._typed[key]
