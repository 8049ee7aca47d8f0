"""How does a step become a stage? Rendered, named, gated, with its deadline, its way back and its lines by hand.

Floor 4.

From here on only the parsed template is used; it is held to what the stage may carry.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from sfcert import dated
from sfcert.errors import Fault, InputError
from sfcert.model.codec import canonical
from sfcert.model.plan import Deadline, Deployment, PropertyChange, Stage
from sfcert.planning import az
from sfcert.planning.bodies import Body, escaped, template_values
from sfcert.planning.deadlines import deadline_for
from sfcert.planning.expectations import expectation_of
from sfcert.planning.gates import OF_INSTANCES, gates_for
from sfcert.planning.instances import is_manual
from sfcert.planning.ledger import Ledger, changes_between
from sfcert.planning.names import deployment_name
from sfcert.planning.read_only import READ_ONLY, has_what_is_stripped
from sfcert.planning.single import single_values
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.planning.undo import undo_for
from sfcert.render import render_template

Json = dict[str, Any]


def stage_id_of(step: Step) -> str:
    """Raises InputError PlaybookInvalid, where a placeholder is not known."""
    return _filled(step.definition.id, step)


def deadline_of(step: Step, situation: Situation) -> Deadline:
    scale_set = situation.observation.scale_set(step.scale_set_id) if step.scale_set_id else None
    return deadline_for(step.definition.deadline, situation.observation, scale_set, step.facts)


def build_stage(
    step: Step,
    situation: Situation,
    ledger: Ledger,
    *,
    templates_dir: Path,
    done_by_utc: datetime,
    safe_until_utc: datetime | None,
    because: str | None = None,
) -> Stage:
    """One stage from one step; the ledger goes on by it.

    Args:
        done_by_utc: when the whole plan is done at the latest.
        safe_until_utc: until when one may stop after it, None: not at all.
        because: a further sentence of its reason.

    Raises:
        InputError: TemplateRenderFailed, PlaybookInvalid (a placeholder that is not known).

    Effects: reads template files; edits the ledger.
    """
    definition, stage_id = step.definition, stage_id_of(step)
    before = {resource_id: ledger.body(resource_id) for resource_id in step.edits}
    after = ledger.edited(step)
    changes: list[PropertyChange] = []
    for resource_id, body in after.items():
        changes += changes_between(before[resource_id], body, step.owned[resource_id])
    deployment = _deployment(step, situation, stage_id, after, templates_dir) if definition.template else None
    if step.instances is not None:
        before = {step.subject: ledger.body(step.subject)}
    reason = _filled(definition.reason, step)
    return Stage(
        id=stage_id,
        action=_filled(definition.action, step),
        reason=f"{reason} {because}" if because else reason,
        kind=definition.kind,
        scope=step.scope,
        resource=step.subject,
        owned_paths=_owned(step),
        changes=tuple(changes),
        deployment=deployment,
        vault=step.vault,
        instances=step.instances,
        enrol=step.enrol,
        expects=tuple(expectation_of(body) for body in before.values()),
        gates_in=gates_for(definition.gates_in, step, situation, side="in", done_by_utc=done_by_utc),
        gates_out=gates_for(_gates_out(step, situation), step, situation, side="out", done_by_utc=done_by_utc),
        deadline=deadline_of(step, situation),
        is_point_of_no_return=definition.is_point_of_no_return or step.is_point_of_no_return,
        safe_to_stop_until_utc=safe_until_utc,
        undo=undo_for(definition.undo, step),
        az=_by_hand(step, situation, stage_id, deployment),
    )


def _filled(text: str, step: Step) -> str:
    try:
        return text.format_map(step.names)
    except (KeyError, IndexError, ValueError) as error:
        known = ", ".join(sorted(step.names))
        fault = Fault(
            f"stage {step.definition.id!r}: {text!r} holds a placeholder that is not known ({error}); {known}"
        )
        raise InputError("PlaybookInvalid", "The playbook does not say what its stages need.", [fault]) from error


def _owned(step: Step) -> tuple[str, ...]:
    """Paths of the one resource; where a stage carries several, each with its resource id before it."""
    if len(step.owned) <= 1:
        return next(iter(step.owned.values()), ())
    return tuple(f"{resource_id}:{path}" for resource_id, paths in step.owned.items() for path in paths)


def _gates_out(step: Step, situation: Situation) -> tuple[str, ...]:
    kinds = step.definition.gates_out
    scale_set = situation.observation.scale_set(step.scale_set_id) if step.scale_set_id else None
    if step.definition.followed_by is not None and scale_set is not None and is_manual(scale_set):
        return tuple(one for one in kinds if one not in OF_INSTANCES)
    return kinds


def _deployment(
    step: Step, situation: Situation, stage_id: str, after: dict[str, Body], templates_dir: Path
) -> Deployment:
    assert step.definition.template is not None
    cluster_id, playbook = situation.observation.cluster.id, situation.inputs.playbook
    deployments = dated.api_version("Microsoft.Resources/deployments")
    if step.group == "single":
        values = single_values(situation, step, after, stage_id, deployments)
    elif after:
        values = template_values(next(iter(after.values())))
    else:
        values = {key: value if key.endswith("_expression") else escaped(value) for key, value in step.values.items()}
    # not over the content, so that two plans of one cluster can be compared place by place
    nested = deployment_name(cluster_id, playbook, stage_id, None, "-in")
    values = {**values, "deployments_api_version": deployments, "nested_name": nested}
    template = render_template(templates_dir, _filled(step.definition.template, step), values, stage_id)
    _check_no_secret(template, stage_id)
    # with the instant: a plan made anew after somebody undid a stage must not meet the name that is done
    name = deployment_name(cluster_id, playbook, stage_id, [template, situation.observation.observed_at_utc])
    return Deployment(name=name, mode="Incremental", template=template, parameters={})


def _check_no_secret(template: Json, stage_id: str) -> None:
    """What is sent holds no redacted value (that would be a bug) and nothing read-only or write-only.

    Raises:
        InputError: TemplateRenderFailed; the shipped templates send no such property, one's own may.
    """
    assert '"$redacted"' not in canonical(template).decode(), f"a redacted value in the template of {stage_id}"
    for resource in template["resources"]:
        for inner in (resource.get("properties") or {}).get("template", {}).get("resources", []):
            kind = str(inner["type"]).lower()
            if kind in READ_ONLY:
                sent = {key: value for key, value in inner.items() if key not in ("type", "apiVersion", "name")}
                if has_what_is_stripped(kind, sent):
                    raise InputError(
                        "TemplateRenderFailed",
                        f"The template of stage {stage_id} sends read-only or write-only properties of {inner['name']} "
                        f"({inner['type']}). Take them out of it.",
                    )


def _by_hand(step: Step, situation: Situation, stage_id: str, deployment: Deployment | None) -> tuple[str, ...]:
    if deployment is not None:
        future = situation.future
        enrolled = (future.url, future.leaf.thumbprint) if future is not None else None
        return az.deployment_lines(step.scope, stage_id, deployment, enrolled=enrolled)
    if step.enrol is not None:
        return az.enrol_lines(step.enrol, stage_id, situation.owner)
    if step.vault is not None:
        return az.vault_lines(step.vault)
    if step.instances is not None:
        return az.instance_lines(step.instances, situation.observation.cluster.id)
    if step.definition.kind == "manual":
        return tuple(step.facts["by_hand"])
    if step.definition.kind == "wait":
        return az.wait_lines(situation.observation.cluster.id, [one.id for one in situation.scale_sets])
    return ()
