"""Which resource id do a type, names and a scope make? Floor 1.

Pure text work behind `resourceId` and its kin and behind the ids of expanded resources. Ids keep the author's
spelling; they are compared without regard to case. Source: learn.microsoft.com, ARM template functions: resource
(read 2026-11).
"""

from __future__ import annotations

from collections.abc import Sequence

from sfcert.arm.functions.builtin import EvaluationError


def type_and_names(type_: str, names: Sequence[str], function: str = "resourceId") -> str:
    """`Microsoft.X/a/b` and two names -> `Microsoft.X/a/name/b/name`.

    Raises:
        EvaluationError: where type segments and names do not match in number. A name may hold slashes (`parent/child`).
    """
    namespace, _, rest = type_.partition("/")
    segments = [segment for segment in rest.split("/") if segment]
    parts = (
        [part for name in names for part in name.strip("/").split("/")] if len(names) != len(segments) else list(names)
    )
    if not segments or len(parts) != len(segments):
        raise EvaluationError(
            f"Unable to evaluate template language function '{function}': the type '{type_}' requires "
            f"'{len(segments)}' resource name argument(s), but '{len(parts)}' are given."
        )
    return "/".join([namespace, *(piece for pair in zip(segments, parts, strict=True) for piece in pair)])


def under(scope_id: str, type_: str, names: Sequence[str], function: str = "resourceId") -> str:
    """Id of a resource in a scope ("" is the tenant)."""
    return f"{scope_id.rstrip('/')}/providers/{type_and_names(type_, names, function)}"


def resource_group_id(subscription_id: str, group: str) -> str:
    """Id of a resource group."""
    return f"/subscriptions/{subscription_id}/resourceGroups/{group}"


def spelled_out(resource_id: str) -> str | None:
    """The id of a resource group as `resourceId` makes it of its type, which is not the one that Azure shows.

    Bicep writes `dependsOn` with `subscriptionResourceId('Microsoft.Resources/resourceGroups', …)`; the vendor takes
    both for the same group. None for the id of anything else.
    """
    match resource_id.strip("/").split("/"):
        case [head, subscription, groups, name] if (head.lower(), groups.lower()) == (
            "subscriptions",
            "resourcegroups",
        ):
            return f"/{head}/{subscription}/providers/Microsoft.Resources/resourceGroups/{name}"
    return None


def split_id(resource_id: str) -> tuple[str, str, str] | None:
    """Scope id, full type and full name of a resource id; None for what is no resource id.

    `/subscriptions/s/resourceGroups/g/providers/A/b/c/d/e` -> (`/subscriptions/s/resourceGroups/g`, `A/b/d`, `c/e`).
    """
    head, mark, tail = resource_id.rpartition("/providers/")
    parts = tail.split("/")
    if not mark or len(parts) < 3 or len(parts) % 2 == 0 or not all(parts):
        return None
    return head, "/".join([parts[0], *parts[1::2]]), "/".join(parts[2::2])
