"""`sfcert apply`: the stages, in order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sfcert.cli.output import answer
from sfcert.cli.plan_file import load_plan
from sfcert.cli.source import Source, node_options

if TYPE_CHECKING:
    from sfcert.cli.connect import Connection
    from sfcert.model.plan import Plan
    from sfcert.ports import Ports
    from sfcert.workflows.apply import Confirm, Question
    from sfcert.workflows.run import Enrolments


def plan_source(plan: Plan, options: dict[str, Any]) -> Source:
    """The live cluster of a plan as a source, with the node options of the command line."""
    named = {name: options.pop(name) for name in ("sf_endpoint", "sf_client_certificate", "sf_aad", "read_secret")}
    return Source(cluster=plan.cluster_id, bundle=None, template=None, parameters=None, now=None, **named)


def ports_for(plan: Plan, source: Source, connection: Connection) -> Ports:
    """The ports of a run: nodes are trusted by what is declared now and by what the plan leads to."""
    from sfcert.cli.connect import nodes_of
    from sfcert.model.observation import Declaration, PinnedName

    later = []
    if plan.goal is not None and plan.goal.role == "cluster":
        name = PinnedName(
            common_name=plan.goal.common_name,
            issuers=plan.goal.issuer_thumbprints,
            issuers_text=",".join(plan.goal.issuer_thumbprints),
        )
        goal = Declaration(kind="common-name", path="goal", names=(name,), thumbprints=(plan.goal.thumbprint,))
        later.append(goal)
    return connection.ports(nodes_of(source, connection, plan.cluster_id, later))


def enrolments_for(connection: Connection, state: Path | None) -> Enrolments:
    """What the enrolments of a plan work with; what each of them does is told in the run's own events."""
    from sfcert.cli.enrolling import means_for
    from sfcert.model.plan import EnrolOperation
    from sfcert.model.progress import Event
    from sfcert.workflows.enrolment.request import Means

    def means(operation: EnrolOperation, tell: Callable[[Event], None]) -> Means:
        name, policy = operation.certificate, operation.policy
        return means_for(connection, operation.vault_url, name, state, policy, tell=tell)

    return means


def confirmation(yes: bool) -> Confirm:
    """How a person is asked: `--yes` agrees to all; without a terminal nobody can, and the run ends with 6."""

    def confirm(question: Question) -> bool:
        if yes:
            return True
        if sys.stdin is None or not sys.stdin.isatty():
            return False
        try:
            return click.confirm(question.text, err=True)
        except click.Abort:
            click.echo(err=True)  # what is told next begins a line of its own
            raise

    return confirm


@click.command("apply")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--until", metavar="STAGE", help="Stop after this stage, an id such as 40-provision-front.")
@click.option("--yes", is_flag=True, help="Agree to every question beforehand, points of no return included.")
@click.option("--json", "as_json", is_flag=True, help="One JSON event a line.")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    metavar="DIR",
    envvar="SFCERT_STATE",
    show_envvar=True,
    help="Where enrolments of the plan are remembered between runs (default: a folder of the user's own).",
)
@node_options
def command(plan: Path, until: str | None, yes: bool, as_json: bool, state: Path | None, **options: Any) -> int:
    """Carry out PLAN: its stages in order, each looked at before the next.

    Interrupted or stopped, the same command goes on where it stood.

    Ends with 0 when every stage was seen to hold, 3 where a check says no, 4 where the plan is stale, 5 where a stage
    did not hold in its time, 6 where nobody confirmed.
    """
    from sfcert.cli.connect import clock_of_environment, connect
    from sfcert.cli.page import page_of_terminal
    from sfcert.model.progress import Event
    from sfcert.views.plan import plan_human
    from sfcert.views.run import RunHuman, RunJson
    from sfcert.workflows.apply import apply, refuse_unfit

    loaded = load_plan(plan)
    refuse_unfit(loaded, until)
    source = plan_source(loaded, options)
    view = RunJson(answer) if as_json else RunHuman(answer, page_of_terminal())
    clock = clock_of_environment()
    connection = connect(source, lambda what: view(Event(type="retry", at_utc=clock.now(), data={"what": what})))
    if loaded.status == "nothing-to-do":
        if not as_json:
            answer(plan_human(loaded, page=page_of_terminal()).rstrip())
        return 0
    apply(
        loaded,
        ports_for(loaded, source, connection),
        confirm=confirmation(yes),
        emit=view,
        until=until,
        plan_name=str(plan),
        enrolments=enrolments_for(connection, state),
    )
    return 0
