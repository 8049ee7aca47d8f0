"""`sfcert show`: review a saved plan, or one stage of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sfcert.cli.output import answer
from sfcert.cli.page import page_of_terminal
from sfcert.cli.plan_file import load_plan, stage_of
from sfcert.errors import InputError

if TYPE_CHECKING:
    from sfcert.model.enrolment import EnrolmentPolicy
    from sfcert.model.plan import Deployment, Plan

_FOR_A_STAGE = ("human", "json", "template", "policy", "issuers")


@click.command("show")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--stage", metavar="STAGE", help="This stage alone, with the lines that do the same by hand.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["human", "json", "markdown", "html", "template", "policy", "issuers"]),
    default="human",
    help="'template' is what a stage deploys, 'policy' what it enrols, 'issuers' who may sign it (PEM): for those who"
    " do it by hand.",
)
@click.option(
    "--enrolled", metavar="THUMBPRINT", help="The certificate that a stage before has brought, for --format template."
)
def command(plan: Path, stage: str | None, form: str, enrolled: str | None) -> int:
    """Review a saved PLAN."""
    from sfcert.model.codec import pretty
    from sfcert.views.plan import plan_human, plan_markdown

    if stage is None and form in ("template", "policy", "issuers"):
        raise click.UsageError(f"--format {form} goes with --stage STAGE.")
    if enrolled is not None and form != "template":
        raise click.UsageError("--enrolled goes with --format template.")
    if stage is not None and form not in _FOR_A_STAGE:
        raise click.UsageError(f"--stage goes with --format {', '.join(_FOR_A_STAGE)}.")
    loaded = load_plan(plan)
    if stage is not None:
        return _show_stage(loaded, stage, form, enrolled)
    match form:
        case "json":
            answer(pretty(loaded))
        case "markdown":
            answer(plan_markdown(loaded))
        case "html":
            from sfcert.views.plan_page import plan_html

            answer(plan_html(loaded))
        case _:
            answer(plan_human(loaded, file=str(plan), page=page_of_terminal()))
    return 0


def _show_stage(plan: Plan, stage_id: str, form: str, enrolled: str | None) -> int:
    from sfcert.model.codec import pretty
    from sfcert.views.stage import stage_human

    found = stage_of(plan, stage_id)
    match form:
        case "json":
            answer(pretty(found))
        case "template":
            if found.deployment is None:
                raise InputError(
                    "StageUnknown",
                    f"Stage {stage_id} deploys no template: it is of kind {found.kind}.",
                )
            answer(pretty(_with_enrolled(plan, stage_id, enrolled).template))
        case "issuers":
            if found.enrol is None or found.enrol.known_issuers_pem is None:
                raise InputError("StageUnknown", f"Stage {stage_id} knows no certificate of an issuer.")
            answer(found.enrol.known_issuers_pem)
        case "policy":
            if found.enrol is None:
                raise InputError("StageUnknown", f"Stage {stage_id} enrols nothing: it is of kind {found.kind}.")
            answer(pretty(_held(found.enrol.policy)))
        case _:
            answer(stage_human(found, page=page_of_terminal()))
    return 0


def _with_enrolled(plan: Plan, stage_id: str, enrolled: str | None) -> Deployment:
    """What a stage deploys, with the real thumbprint where the plan has a stand-in.

    Raises:
        InputError: Misuse, where it is needed and was not given; what was given is no thumbprint.
    """
    from sfcert.model.codec import canonical
    from sfcert.model.ids import normal_thumbprint
    from sfcert.workflows.binding import Binding, operation_of

    stage, operation = stage_of(plan, stage_id), operation_of(plan)
    assert stage.deployment is not None
    if operation is None or operation.stand_in not in canonical(stage.deployment).decode():
        return stage.deployment
    if enrolled is None:
        raise InputError(
            "Misuse",
            f"Stage {stage_id} names the certificate that an earlier stage enrols, and the plan has a stand-in for its "
            "thumbprint. Give the real one with --enrolled THUMBPRINT: the stage's own lines ask the vault for it.",
        )
    try:
        real = normal_thumbprint(enrolled)
    except ValueError as error:
        raise InputError("Misuse", f"--enrolled: {error}") from error
    bound = Binding(stand_in=operation.stand_in, thumbprint=real, created_utc=None).bound(stage).deployment
    assert bound is not None
    return bound


def _held(policy: EnrolmentPolicy) -> EnrolmentPolicy:
    """The policy as it is asked for while the plan runs: the vault does not renew until the plan gives that back."""
    from msgspec.structs import replace

    return replace(policy, renewal=replace(policy.renewal, by="sfcert"))
