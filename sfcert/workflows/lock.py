"""Is somebody else at work on this cluster? Looked for before the first stage. Floor 5.

There is no lock in Azure that a killed run would leave behind harmlessly; so what runs is looked at: deployments named
`sfcert-…`, and whose mark is on a frozen certificate (`vault_stage` refuses another's).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sfcert.errors import RefusedError, RemoteError
from sfcert.model.plan import Plan
from sfcert.workflows.deployment_stage import state_of
from sfcert.workflows.run import Run

_ENDED = frozenset({"succeeded", "failed", "canceled"})
_OURS = "sfcert-"


def refuse_other_runs(run: Run) -> None:
    """Raise where an sfcert deployment that is not of this plan runs on the cluster's resources.

    One whose targets cannot be told counts as running on them.

    Raises:
        RefusedError: AnotherRunActive, naming the deployment.

    Effects: one list for each scope of the plan; a list of operations for each stranger found running.
    """
    mine = set(_names(run.plan))
    for scope in sorted({stage.scope for stage in run.plan.stages if stage.deployment}):
        for record in run.ports.arm.fetch_deployments(scope):
            name = str(record.get("name") or "")
            if not name.lower().startswith(_OURS) or name.lower() in mine or state_of(record) in _ENDED:
                continue
            if _touches(run, scope, name):
                raise RefusedError(
                    "AnotherRunActive",
                    f"The deployment {name} is running at {scope}: another run is at work on this cluster.",
                    override="Wait until it has ended, or cancel it, then run the same command again.",
                )


def _names(plan: Plan) -> Iterator[str]:
    """Every deployment of a plan in lower case, those inside its templates too: a killed run leaves both running."""
    for stage in plan.stages:
        if stage.deployment:
            yield stage.deployment.name.lower()
            yield from _nested(stage.deployment.template)


def _nested(template: dict[str, Any]) -> Iterator[str]:
    listed = template.get("resources") or ()
    for one in listed.values() if isinstance(listed, dict) else listed:
        inner = (one.get("properties") or {}).get("template")
        if str(one.get("type", "")).lower() == "microsoft.resources/deployments":
            yield str(one.get("name", "")).lower()
        if isinstance(inner, dict):
            yield from _nested(inner)


def _touches(run: Run, scope: str, name: str) -> bool:
    try:
        operations = run.ports.arm.fetch_deployment_operations(scope, name)
    except RemoteError:
        return True
    targets = [str(((one.get("properties") or {}).get("targetResource") or {}).get("id") or "") for one in operations]
    known = [target.lower() for target in targets if target]
    return not known or any(target in _resources(run.plan) for target in known)


def _resources(plan: Plan) -> set[str]:
    return {plan.cluster_id.lower(), *(stage.resource.lower() for stage in plan.stages)}
