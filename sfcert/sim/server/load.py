"""How does something get into the world? A ready-made world by name, a captured cluster, an ARM template, a file."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sfcert.sim.deployments import Content
from sfcert.sim.entra import Entra
from sfcert.sim.front import Groups
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id

_API_VERSION = "2026-06-01"
#: A template that has not ended after so long of virtual time never will.
_PATIENCE_S = 48 * 3600.0


def load(azure: Azure, what: dict[str, Any]) -> dict[str, Any]:
    """Put a world, a bundle or a template's resources into `azure`, in no wall time.

    Args:
        what: `{"world": name, …options}`, `{"bundle": {…}}`, or `{"template": {…}, "parameters": {…},
            "resource_group": name, "location": region, "name": deployment}`; or `{"publish": {address: text}}`, which
            linked templates then find there.

    Raises:
        AzureFailure: 400 for what is none of these; whatever Azure itself says to the template.
    """
    if isinstance(what.get("publish"), dict):
        return _publish(azure, what["publish"])
    if isinstance(what.get("template"), dict):
        return _deploy(azure, what)
    if "world" in what or "bundle" in what:
        worlds = import_module("sfcert.sim.worlds")
        if "bundle" in what:
            return dict(worlds.load_bundle(azure, what["bundle"]))
        options = {name: value for name, value in what.items() if name != "world"}
        return dict(worlds.load(azure, str(what["world"]), **options))
    raise AzureFailure(400, "NothingToLoad", "Say which world, bundle or template is to be loaded.")


def _publish(azure: Azure, files: dict[str, Any]) -> dict[str, Any]:
    content = azure.service("content", Content)
    for uri, text in files.items():
        if not uri.startswith("https://"):
            raise AzureFailure(400, "NothingToLoad", f"'{uri}' is no address that a template could link to: https://…")
        content.publish(uri, str(text))
    return {"published": content.status()}


def _deploy(azure: Azure, what: dict[str, Any]) -> dict[str, Any]:
    groups = azure.service("groups", Groups)
    group = str(what.get("resource_group") or "rg-sim")
    if not groups.has(azure.subscription_id, group):
        groups.put(azure.subscription_id, group, {"location": str(what.get("location") or "westeurope")})
    name = str(what.get("name") or "load")
    scope = f"/subscriptions/{azure.subscription_id}/resourceGroups/{group}"
    provider = azure.provider_of("Microsoft.Resources/deployments")
    if provider is None:
        raise AzureFailure(501, "NotServedByTheSimulator", "This embedded Azure was built without deployments.")
    parameters = what.get("parameters") or {}
    if isinstance(parameters.get("parameters"), dict):
        # A parameter file, as people keep it beside the template.
        parameters = parameters["parameters"]
    answer = provider.put(
        parse_id(f"{scope}/providers/Microsoft.Resources/deployments/{name}"),
        _API_VERSION,
        {"properties": {"mode": "Incremental", "template": what["template"], "parameters": parameters}},
        azure.service("entra", Entra).default.caller,
    )
    operation = answer.operation
    if operation is not None:
        begun = azure.clock.now
        while not operation.done and (due := azure.clock.next_event_at()) is not None:
            if (due - begun).total_seconds() > _PATIENCE_S:
                raise AzureFailure(504, "LoadTookTooLong", f"The deployment '{name}' does not end.")
            azure.clock.advance_to(due)
        if operation.error is not None:
            raise AzureFailure(
                400,
                str(operation.error.get("code", "DeploymentFailed")),
                str(operation.error.get("message", "")),
                details=operation.error.get("details"),
            )
    return {"resource_group": group, "deployment": name, "now": azure.clock.now.isoformat()}
