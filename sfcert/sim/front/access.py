"""May the caller do this? Resource Manager's check before any provider sees the request."""

from __future__ import annotations

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.provider import Caller


def check_access(azure: Azure, caller: Caller, action: str, scope: str) -> None:
    """Refuse what the caller's roles do not allow; an Azure built without authorization allows everything.

    Args:
        action: such as `Microsoft.Compute/virtualMachineScaleSets/write`.
        scope: the resource id that the action is about.

    Raises:
        AzureFailure: 403 `AuthorizationFailed`, worded as Resource Manager does.
    """
    roles = azure.find_service("authorization")
    if roles is None or roles.may(caller.object_id, action, scope):
        return
    raise AzureFailure(
        403,
        "AuthorizationFailed",
        f"The client '{caller.app_id}' with object id '{caller.object_id}' does not have authorization to perform"
        f" action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please"
        " refresh your credentials.",
    )


def action_for(method: str, resource_type: str, verb: str | None = None) -> str:
    """The action's name for a method on a type; `verb` is the last path segment of a POST."""
    if verb is not None:
        return f"{resource_type}/{verb}/action"
    return f"{resource_type}/{_VERBS[method]}"


_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "write"}
