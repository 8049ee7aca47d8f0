"""What do the run-time functions of a template see? This Azure, at the moment at which they are asked.

Leaves out: lists of resources that nothing here serves, but for their keys.
"""

from __future__ import annotations

import copy
import re
from datetime import datetime
from typing import Any

from sfcert.arm import UNKNOWN, Scope
from sfcert.arm.functions.dates import format_instant
from sfcert.sim.deployments.reading import Wanted
from sfcert.sim.deployments.record import Deployment, hash_template
from sfcert.sim.deployments.vault_values import read_reference
from sfcert.sim.deployments.zones import answer_zones
from sfcert.sim.front import Groups
from sfcert.sim.front.as_of import as_of
from sfcert.sim.front.catalogue import describe_provider, describe_subscription, describe_tenant
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.provider import Caller

#: Asked where a template names no version for a resource that it does not hold itself.
_ANY_VERSION = "2021-04-01"
_GROUP_TYPE = "microsoft.resources/resourcegroups"
#: The id that Azure shows for a group is that of no provider's resource.
_GROUP_ID = re.compile(r"(/subscriptions/[^/]+)/resourceGroups/([^/]+)/?", re.IGNORECASE)


class LiveRuntime:
    """The template language's `Runtime` over one Azure.

    `live` False keeps every look at a resource unknown: while a template is only being read, nothing has been deployed.
    `tolerant` True makes what is not there unknown instead of an error, for what-if. Errors are `AzureFailure`s.
    """

    def __init__(
        self,
        azure: Azure,
        caller: Caller,
        started: datetime,
        *,
        deployment: Deployment | Wanted | None = None,
        live: bool = True,
        tolerant: bool = False,
    ) -> None:
        self._azure = azure
        self._caller = caller
        self._started = started
        self._deployment = deployment
        self._live = live
        self._tolerant = tolerant

    def reference(self, resource_id: str, api_version: str | None, full: bool, scope: Scope) -> Any:
        if not self._live:
            return UNKNOWN
        try:
            rid = parse_id(_as_resource(resource_id))
        except ValueError as error:
            raise AzureFailure(400, "InvalidTemplate", f"'{resource_id}' is no resource id.") from error
        body: dict[str, Any]
        try:
            if rid.type.lower() == _GROUP_TYPE:
                body = self._azure.service("groups", Groups).get(rid.subscription, rid.name)
            else:
                provider = self._azure.provider_of(rid.type) or self._azure.find_service("opaque")
                body = provider.get(rid, api_version or _ANY_VERSION, {})
        except AzureFailure as failure:
            if self._tolerant and failure.status == 404:
                return UNKNOWN
            raise
        body = as_of(rid.type, api_version or "", body)
        if not full:
            return copy.deepcopy(body.get("properties", {}))
        return {
            **copy.deepcopy(body),
            "apiVersion": api_version or _ANY_VERSION,
            "resourceId": "/".join(("", *rid.text.strip("/").split("/"))).split("/providers/", 1)[-1],
            "subscriptionId": rid.subscription,
            "resourceGroupName": rid.group,
            "scope": "",
            "referenceApiVersion": api_version or _ANY_VERSION,
            "condition": True,
            "isConditionTrue": True,
            "isTemplateResource": False,
            "isAction": False,
            "provisioningOperation": "Read",
        }

    def list_function(self, name: str, resource_id: str, api_version: str | None, body: Any, scope: Scope) -> Any:
        if not self._live:
            return UNKNOWN
        rid = parse_id(resource_id)
        provider = self._azure.provider_of(rid.type) or self._azure.find_service("opaque")
        provider.get(rid, api_version or _ANY_VERSION, {})
        answer = provider.action(rid, name, "POST", api_version or _ANY_VERSION, body, {}, self._caller)
        return copy.deepcopy(answer.body)

    def resource_group(self, scope: Scope) -> Any:
        if scope.resource_group is None or scope.subscription_id is None:
            return UNKNOWN
        return self._azure.service("groups", Groups).get(scope.subscription_id, scope.resource_group)

    def subscription(self, scope: Scope) -> Any:
        described = describe_subscription(self._azure)
        return {name: described[name] for name in ("id", "subscriptionId", "tenantId", "displayName")}

    def management_group(self, scope: Scope) -> Any:
        return UNKNOWN

    def tenant(self, scope: Scope) -> Any:
        described = describe_tenant(self._azure)
        return {name: described[name] for name in ("id", "tenantId", "countryCode", "displayName")}

    def deployment(self, scope: Scope) -> Any:
        asked = self._deployment
        if asked is None:
            return UNKNOWN
        shown = asked.parameters if isinstance(asked, Deployment) else {}
        return {
            "name": asked.id.name,
            **({"location": asked.location} if asked.location else {}),
            "properties": {
                **({"templateLink": copy.deepcopy(asked.template_link)} if asked.template_link else {}),
                "template": copy.deepcopy(asked.template),
                "templateHash": hash_template(asked.template),
                "parameters": copy.deepcopy(shown),
                "mode": asked.mode,
                "provisioningState": asked.state if isinstance(asked, Deployment) else "Accepted",
            },
        }

    def deployer(self, scope: Scope) -> Any:
        return {"objectId": self._caller.object_id, "tenantId": self._azure.tenant_id, "userPrincipalName": ""}

    def environment(self) -> Any:
        return {
            "name": "AzureCloud",
            "gallery": "https://gallery.azure.com/",
            "graph": "https://graph.windows.net/",
            "portal": "https://portal.azure.com",
            "graphAudience": "https://graph.windows.net/",
            "activeDirectoryDataLake": "https://datalake.azure.net/",
            "batch": "https://batch.core.windows.net/",
            "media": "https://rest.media.azure.net",
            "sqlManagement": "https://management.core.windows.net:8443/",
            "vmImageAliasDoc": "https://management.azure.com/aliases.json",
            "resourceManager": "https://management.azure.com/",
            "authentication": {
                "loginEndpoint": "https://login.microsoftonline.com/",
                "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "suffixes": {
                "acrLoginServer": ".azurecr.io",
                "azureDatalakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
                "azureDatalakeStoreFileSystem": "azuredatalakestore.net",
                "azureFrontDoorEndpointSuffix": "azurefd.net",
                "keyvaultDns": ".vault.azure.net",
                "sqlServerHostname": ".database.windows.net",
                "storage": "core.windows.net",
            },
        }

    def utc_now(self, format_text: str | None) -> Any:
        return format_instant(self._started, format_text)

    def new_guid(self) -> Any:
        return self._azure.new_guid()

    def other(self, name: str, args: list[Any], scope: Scope) -> Any:
        if name.lower() == "providers" and args:
            described = describe_provider(self._azure, str(args[0]))
            if len(args) == 1:
                return described
            wanted = str(args[1]).lower()
            for known in described["resourceTypes"]:
                if known["resourceType"].lower() == wanted:
                    return known
        if name.lower() == "getsecret" and len(args) == 2:
            return read_reference(self._azure, self._caller, str(args[0]), args[1]) if self._live else UNKNOWN
        zones = answer_zones(name, args)
        return UNKNOWN if zones is None else zones


def _as_resource(resource_id: str) -> str:
    """A group's id as that of a resource of its type; any other id as it is."""
    found = _GROUP_ID.fullmatch(resource_id)
    return f"{found[1]}/providers/Microsoft.Resources/resourceGroups/{found[2]}" if found else resource_id
