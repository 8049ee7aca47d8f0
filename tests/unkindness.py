"""One run of `capture`, `apply` and `watch` under faults, judged by what the simulator counted. Not a test.

In process and in virtual time, through the adapters that reach Azure. The laws, whatever goes wrong:

    capture   shows what a friendly capture shows, or names what it could not read, or stops
    apply     ends as a friendly run ends, with the same writes; or stops with a documented exit code, and once the
              fault is gone the same command goes on to that same end
    watch     says that all is well only when it is so; else it stops
    writes    no deployment is accepted twice unless it had failed and a person ran the command again; no subject is
              written more often than in a friendly run
    nodes     nobody refuses anybody
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from sfcert.cli.twin import ports_over
from sfcert.errors import SfcertError
from sfcert.model.codec import to_plain
from sfcert.model.plan import Plan
from sfcert.model.progress import Event
from sfcert.ports import Ports
from sfcert.sim.worlds.specs import NodeType, Spec
from sfcert.sources.live import CaptureOptions, capture
from sfcert.workflows.apply import apply
from sfcert.workflows.run import options_of
from sfcert.workflows.watch import watch
from tests.endings import end_state, plain, timeless
from tests.lives import CERTIFICATE_URL, Planned, World, made, planned

Json = dict[str, Any]
SEED = 7
#: Small on purpose: what is tried is the way through the faults, not the size of the cluster.
SPEC = Spec("One node type.", (NodeType("nt0", 5, primary=True),), vault_model="policy", auto_renew=True)
_RESUMES = 4
_PAUSE_S = 1800.0
_WATCH_S = 3 * 3600.0
#: Exit codes that are a clear stop: something remote failed, or has not converged. No fault makes a plan stale or needs
#: an approval: 3, 4 and 6 would lead a person astray.
_STOPS = frozenset({1, 5})


@dataclass(frozen=True)
class Case:
    """Which faults are armed, with their options; the seed decides whom they strike."""

    faults: Mapping[str, Json]
    seed: int = 1

    def __str__(self) -> str:
        told = " + ".join(f"{name} {json_of(options)}" for name, options in self.faults.items())
        return f"seed {self.seed}: {told}"


def json_of(options: Json) -> str:
    return "{" + ", ".join(f"{key}={value}" for key, value in options.items()) + "}"


@dataclass
class Ended:
    """How a case went. `stops` are the exit codes and tokens of the runs that ended early; `broken` names the laws that
    do not hold, and is empty where all is well."""

    case: Case
    stops: list[str] = field(default_factory=list)
    watched: str = ""
    captured: str = ""
    struck: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Friendly:
    """The run that every other is compared with."""

    planned: Planned
    bundle: Json
    writes: Counter[str]
    state: Json

    @property
    def plan(self) -> Plan:
        return self.planned.plan


@functools.cache
def friendly() -> Friendly:
    """The plan, and what a run of it leaves where nothing goes wrong."""
    world = made(SPEC, SEED)
    bundle = world.captured()
    found = planned(bundle)
    assert found.plan.status == "ready", found.plan.blocked_by
    before = len(world.azure.journal.writes)
    _apply(found.plan, world.ports)
    assert world.azure.journal.refusals == []
    state = end_state(world.azure, world.facts)
    return Friendly(found, _seen(bundle), _writes(world, before), state)


def run_case(case: Case) -> Ended:
    """Capture, watch what is not yet so, apply, watch what is so; the fault goes, and what stopped goes on.

    Raises:
        Exception: what is no error of ours: a bug.
    """
    wanted, ended = friendly(), Ended(case)
    world = made(SPEC, SEED)
    azure = world.azure
    # from here on the seed only throws the dice of the faults
    azure.seed = case.seed
    before, refused_before = len(azure.journal.writes), len(azure.journal.refusals)
    for name, options in case.faults.items():
        azure.faults.arm(name, deepcopy(options))
    ports = ports_over(azure, world.cluster_id)
    _capture(world, ports, wanted, ended)
    _watch(wanted.plan, ports, ended, may_succeed=False, timeout_s=600.0)
    if len(azure.journal.writes) != before:
        ended.broken.append("capture or watch has written something")
    failed = _run(wanted.plan, ports, ended)
    if not failed:
        _watch(wanted.plan, ports, ended, may_succeed=True, timeout_s=_WATCH_S)
    ended.struck = dict(azure.faults.struck)
    for name in case.faults:
        azure.faults.disarm(name)
    tries = 0
    while failed and tries < _RESUMES:
        tries += 1
        azure.clock.advance(_PAUSE_S)
        failed = _run(wanted.plan, ports, ended)
    if failed:
        ended.broken.append(f"it does not go on once the fault is gone: {ended.stops[-1]}")
    azure.clock.advance(2 * 3600.0)
    _judge(world, ended, _writes(world, before), refused_before)
    return ended


def _run(plan: Plan, ports: Ports, ended: Ended) -> bool:
    """Whether the run ended early."""
    try:
        _apply(plan, ports)
    except SfcertError as error:
        said = " ".join(error.message.split())[:160]
        ended.stops.append(f"{error.exit_code} {error.token}: {said}")
        if error.exit_code not in _STOPS:
            ended.broken.append(f"exit code {error.exit_code} is no clear stop")
        return True
    return False


def _apply(plan: Plan, ports: Ports) -> None:
    outcome = apply(plan, ports, confirm=lambda question: True, emit=_deaf)
    assert outcome.complete


def _deaf(event: Event) -> None:
    return


def _watch(plan: Plan, ports: Ports, ended: Ended, *, may_succeed: bool, timeout_s: float) -> None:
    try:
        watch(plan, ports, emit=_deaf, timeout_s=timeout_s, options=options_of(plan))
    except SfcertError as error:
        if error.exit_code not in _STOPS:
            ended.broken.append(f"watch: exit code {error.exit_code} is no clear stop")
        ended.watched += f" {error.exit_code} {error.token}"
        return
    ended.watched += " 0"
    if not may_succeed:
        ended.broken.append("watch says that all is well before anything was done")


def _capture(world: World, ports: Ports, wanted: Friendly, ended: Ended) -> None:
    options = CaptureOptions(certificate_urls=(CERTIFICATE_URL,))
    try:
        found = capture(world.cluster_id, ports.arm, ports.vaults, ports.nodes, now=ports.clock.now(), options=options)
    except SfcertError as error:
        ended.captured = f"{error.exit_code} {error.token}"
        return
    seen = _seen(found)
    if seen == wanted.bundle:
        ended.captured = "whole"
    elif found.unread and {one.what for one in found.unread} - {one["what"] for one in wanted.bundle["unread"]}:
        ended.captured = "names what it could not read"
    else:
        ended.captured = "differs"
        ended.broken.append(f"capture is not what it is without faults: {_first_difference(wanted.bundle, seen)}")


def _judge(world: World, ended: Ended, writes: Counter[str], refused_before: int) -> None:
    wanted = friendly()
    refused = world.azure.journal.refusals[refused_before:]
    if refused:
        ended.broken.append(f"{refused[0].refuser} refused {refused[0].caller}: {refused[0].reason}")
    failures = sum("DeploymentFailed" in stop for stop in ended.stops)
    more = writes - wanted.writes
    if failures and more:
        # what had failed was sent again by hand: once for each such end, with what its template writes
        sent = {subject.removesuffix("-in") for subject in more if "/deployments/" in subject}
        if len(sent) > failures or max(more.values()) > failures:
            ended.broken.append(f"more writes than failed deployments explain: {dict(more)}")
    elif more:
        ended.broken.append(f"written more often than by a friendly run: {dict(more)}")
    if fewer := wanted.writes - writes:
        ended.broken.append(f"not written: {dict(fewer)}")
    state = end_state(world.azure, world.facts)
    if state != wanted.state:
        ended.broken.append(f"another end state: {_first_difference(wanted.state, state)}")


def _writes(world: World, since: int) -> Counter[str]:
    counted: Counter[str] = Counter()
    for one in world.azure.journal.writes[since:]:
        counted[str(plain(f"{one['what']} {one['subject']}", world.facts)).lower()] += 1
    return counted


def _seen(bundle: Any) -> Json:
    """A bundle without the instant at which it was made, and without what moves by itself."""
    value = _still(timeless({key: one for key, one in to_plain(bundle).items() if key != "captured_at_utc"}))
    value["queries"] = sorted(value.get("queries") or [], key=str)
    value.pop("runtime", None)
    for listed in (value.get("vm_instances") or {}).values():
        listed.sort(key=lambda one: str(one.get("instanceId")))
    return dict(value)


def _still(value: Any) -> Any:
    """Without the times of day that instance views carry."""
    if isinstance(value, dict):
        return {key: _still(one) for key, one in value.items() if key not in ("time", "captured_at_utc")}
    return [_still(one) for one in value] if isinstance(value, list) else value


def _first_difference(wanted: Any, found: Any, path: str = "") -> str:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}, key=str):
            if wanted.get(key) != found.get(key):
                return _first_difference(wanted.get(key), found.get(key), f"{path}/{key}")
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for at, (one, other) in enumerate(zip(wanted, found, strict=True)):
            if one != other:
                return _first_difference(one, other, f"{path}[{at}]")
    return f"{path}: {str(wanted)[:120]} became {str(found)[:120]}"
