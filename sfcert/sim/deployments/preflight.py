"""Would the providers refuse these bodies? What `validate` asks them before anything is written.

Only bodies that are known already are asked about: what depends on another resource of the template, or on a value of
run time, is judged when its turn comes. A provider without a dry run is not asked.
"""

from __future__ import annotations

from typing import Any

from sfcert.arm import Expanded, Runtime, has_symbolic
from sfcert.sim.deployments.reading import Wanted, dependencies, is_deployment
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id

_GROUP_TYPE = "microsoft.resources/resourcegroups"


def refuse_preflight(azure: Azure, wanted: Wanted, expanded: Expanded, runtime: Runtime) -> None:
    """Ask every provider, and refuse with all that they say.

    Raises:
        AzureFailure: 400 `InvalidTemplateDeployment` with one detail for each refused resource.
    """
    needs = dependencies(expanded)
    details: list[dict[str, Any]] = []
    for resource in expanded.resources:
        if needs[resource.id.lower()] or is_deployment(resource) or resource.type.lower() == _GROUP_TYPE:
            continue
        body = resource.evaluate(runtime)
        preview = getattr(azure.provider_of(resource.type), "preview", None)
        if preview is None or has_symbolic(body):
            continue
        try:
            preview(parse_id(resource.id), resource.api_version or "", body)
        except AzureFailure as failure:
            # Absent parents may be made before this deployment runs; everything else is a refusal.
            if failure.status != 404:
                details.append(failure.error())
    if details:
        raise AzureFailure(
            400,
            "InvalidTemplateDeployment",
            f"The template deployment '{wanted.id.name}' is not valid according to the validation procedure. See inner"
            " errors for details.",
            details=details,
        )
