"""The main job, shown: audit, plan, apply, and a rotation that nobody's hands touch.

Runs what the commands run, against an embedded Azure in this process. Each claim in the closing table was looked at:
by the clients' own reads of the cluster, or in the simulator's record of who refused whom.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfcert import __version__
from sfcert.cli.output import answer, make_folder, write_whole
from sfcert.cli.page import page_of_terminal
from sfcert.cli.shipped import playbooks_folder, templates_folder
from sfcert.cli.source import Source

if TYPE_CHECKING:
    from sfcert.cli.connect import Connection
    from sfcert.converge.node_table import NodeTable
    from sfcert.model.observation import Observation
    from sfcert.model.plan import Plan
    from sfcert.model.progress import Event
    from sfcert.sim.host import Running
    from sfcert.views.text import Page

_ROTATION_PATIENCE_S = 24 * 3600
_LOOK_EVERY_S = 1200


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that the demonstration promises, and what was seen."""

    says: str
    holds: bool
    seen: str


def demonstrate(output: Path, seed: int) -> int:
    """Run it all. Returns 0 if every claim was seen to hold, else 5.

    Effects: an embedded Azure on loopback for as long as it runs; `plan.html`, `plan.json`, `world.json` and
    `run.jsonl` in `output`. This process's environment is led there and put back afterwards; nobody else's is touched.
    """
    from sfcert.sim.host import start_in_thread
    from sfcert.sim.worlds import prepare

    make_folder(output)
    page = page_of_terminal()
    began = time.monotonic()
    answer(page.paint("The embedded Azure", "bold") + f" starts (seed {seed}), with a cluster of three node types …")
    with start_in_thread(seed=seed, prepare=lambda azure: _ignore(prepare(azure, "three-node-types"))) as running:
        environment = running.env()
        with _environment(environment):
            claims = _show(environment["SFCERT_CLUSTER_ID"], running, output, page)
    _closing(claims, output, time.monotonic() - began, page)
    return 0 if all(claim.holds for claim in claims) else 5


def _ignore(_: Any) -> None:
    """What a world tells of itself is read back from Azure instead."""


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """This process's environment with `values`, for a while; proxies in lower case would win and are set aside."""
    hidden = ("https_proxy", "http_proxy", "no_proxy", "CURL_CA_BUNDLE")
    before = {name: os.environ.get(name) for name in (*values, *hidden)}
    for name in hidden:
        os.environ.pop(name, None)
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _show(cluster_id: str, running: Running, output: Path, page: Page) -> list[Claim]:
    from sfcert.cli.commands.apply import ports_for
    from sfcert.cli.connect import connect
    from sfcert.model.codec import pretty
    from sfcert.views.plan import headline
    from sfcert.views.plan_page import plan_html
    from sfcert.views.run import RunHuman, RunJson
    from sfcert.workflows.apply import apply
    from sfcert.workflows.watch import watch

    certificate = os.environ.get("SFCERT_SF_CLIENT_CERTIFICATE")
    source = Source(
        cluster=cluster_id,
        bundle=None,
        template=None,
        parameters=None,
        now=None,
        sf_client_certificate=Path(certificate) if certificate else None,
    )
    connection = connect(source)
    _heading(page, "What is there")
    before = _look(source, connection, output)
    answer(_declared(before))
    answer(_audited(before, page))

    _heading(page, "The plan")
    plan = _planned(before, connection)
    write_whole(output / "plan.json", pretty(plan))
    write_whole(output / "plan.html", plan_html(plan))
    answer(headline(plan))
    for stage in plan.stages:
        answer("\n".join(page.wrap(stage.action, 2, f"{'!' if stage.is_point_of_no_return else ' '} {stage.id:34} ")))

    _heading(page, "Apply, each stage looked at before the next")
    ports = ports_for(plan, source, connection)
    human = RunHuman(answer, page)
    with (output / "run.jsonl").open("w", encoding="utf-8") as log:
        record = RunJson(lambda line: _ignore(log.write(line + "\n")))

        def emit(event: Event) -> None:
            record(event)
            if event.type not in ("gate", "waiting", "nodes"):
                human(event)

        def emit_watch(event: Event) -> None:
            record(event)
            if event.type == "nodes":
                human(event)

        outcome = apply(plan, ports, confirm=lambda _: True, emit=emit, plan_name=str(output / "plan.json"))
        migrated = _look(source, connection, None)
        table = watch(cluster_id, ports, emit=emit_watch, timeout_s=_ROTATION_PATIENCE_S)

        _heading(page, "Months later: the vault renews the certificate by itself")
        first = plan.goal.thumbprint if plan.goal else ""
        connection.clock.sleep(_until_renewal_s(migrated, connection))
        after, rotated = _rotation(first, source, connection, emit_watch)
        second = _newest(after) or ""
    again = _planned(after, connection)
    refusals = running.call(lambda azure: len(azure.journal.refusals))
    nodes = len(table.rows)
    names = migrated.cluster.certificate.names
    pins = ", ".join(one[:8] + "…" for name in names for one in name.issuers)
    return [
        Claim("the plan was proved before anything was touched", plan.proof.verdict == "proved", headline(plan)),
        Claim("every stage was done and seen to hold", outcome.complete, f"{len(outcome.stages)} stages"),
        Claim(
            "the cluster declares a common name with a pinned issuer",
            migrated.cluster.certificate.kind == "common-name" and all(name.issuers for name in names),
            f"{', '.join(name.common_name for name in names)} pinned to {pins}",
        ),
        Claim(
            "every node presented the certificate by its name",
            nodes > 0 and table.presenting(first) == nodes,
            f"{table.presenting(first)} of {nodes} nodes, by {table.level}: {first[:8]}…",
        ),
        Claim("the vault renewed by itself", second not in ("", first), f"{first[:8]}… became {second[:8]}…"),
        Claim(
            "the rotation reached every node untouched by hands",
            second != first and rotated.presenting(second) == len(rotated.rows) == nodes,
            f"{rotated.presenting(second)} of {len(rotated.rows)} nodes, by {rotated.level}: {second[:8]}…",
        ),
        Claim("no node ever refused another", refusals == 0, f"{refusals} refused connections in the record"),
        Claim("planning again finds nothing to do", again.status == "nothing-to-do", headline(again)),
    ]


def _look(source: Source, connection: Connection, output: Path | None) -> Observation:
    from sfcert.cli.connect import capture_now
    from sfcert.sources.bundle import bundle_text
    from sfcert.sources.observe import observe

    bundle = capture_now(source, connection)
    if output is not None:
        write_whole(output / "world.json", bundle_text(bundle))
    return observe(bundle)


def _until_renewal_s(observation: Observation, connection: Connection) -> float:
    """How long until shortly before the vault's own policy renews the newest version; 0 where it does not say."""
    now = connection.clock.now()
    waits = [0.0]
    for vault in observation.vaults:
        for certificate in vault.certificates or ():
            newest, actions = certificate.newest_enabled, certificate.lifetime_actions
            if newest is None or newest.not_before_utc is None or newest.not_after_utc is None or not actions:
                continue
            life = newest.not_after_utc - newest.not_before_utc
            due = newest.not_before_utc + life * ((actions[0].percentage or 100) / 100)
            waits.append((due - now).total_seconds() - _LOOK_EVERY_S)
    return max(waits)


def _rotation(
    first: str, source: Source, connection: Connection, emit: Callable[[Event], None]
) -> tuple[Observation, NodeTable]:
    """Look every twenty minutes until every node presents what the vault holds now; tell each change of the picture."""
    from sfcert.converge.node_table import node_table
    from sfcert.model.progress import Event

    told: tuple[str | None, ...] = ()
    spent = 0.0
    while True:
        seen = _look(source, connection, None)
        table = node_table(seen)
        picture = tuple(row.presents for row in table.rows)
        if picture != told:
            told = picture
            emit(Event(type="nodes", at_utc=connection.clock.now(), data={"table": table}))
        is_done = set(picture) == {_newest(seen)} and first not in picture
        if is_done or spent > _ROTATION_PATIENCE_S:
            return seen, table
        connection.clock.sleep(_LOOK_EVERY_S)
        spent += _LOOK_EVERY_S


def _planned(observation: Observation, connection: Connection) -> Plan:
    from sfcert.cli.planned import plan_for
    from sfcert.planning.inputs import Inputs

    return plan_for(
        observation,
        Inputs(),
        now=connection.clock.now().replace(microsecond=0),
        playbooks=playbooks_folder(),
        templates=templates_folder(),
        version=__version__,
    )


def _declared(observation: Observation) -> str:
    certificate = observation.cluster.certificate
    values = ", ".join(certificate.thumbprints) or ", ".join(name.common_name for name in certificate.names)
    shapes = ", ".join(f"{one.node_type} × {len(one.instances or ())}" for one in observation.scale_sets)
    return f"  {observation.cluster.name}: {certificate.kind} {values}\n  nodes: {shapes}"


def _audited(observation: Observation, page: Page) -> str:
    from sfcert.rules import audit
    from sfcert.views.audit import audit_view

    found = audit(observation, now=observation.observed_at_utc)
    return "\n".join("  " + line if line else "" for line in audit_view(found, "human", page).splitlines())


def _newest(observation: Observation) -> str | None:
    for scale_set in observation.scale_sets:
        for extension in scale_set.key_vault_extensions:
            for observed in extension.observed:
                found = observation.vault_certificate(observed.reference) if observed.reference else None
                if found is not None and found.newest_enabled is not None:
                    return found.newest_enabled.thumbprint
    return None


def _heading(page: Page, text: str) -> None:
    answer("\n" + page.paint(f"── {text} ", "bold") + "─" * max(0, page.width - len(text) - 4))


def _closing(claims: list[Claim], output: Path, seconds: float, page: Page) -> None:
    _heading(page, "What was proved by looking")
    for claim in claims:
        lines = page.wrap(f"{claim.says}: {claim.seen}", 2, "✓ " if claim.holds else "✗ ")
        answer("\n".join(lines if claim.holds else [page.paint(line, "red") for line in lines]))
    answer(f"\n{output / 'plan.html'} is the plan as it was reviewed; {output / 'run.jsonl'} the run's log.")
    answer(f"All of it took {seconds:.0f} s.")
