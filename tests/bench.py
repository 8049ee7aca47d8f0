"""`make bench`: figures, printed with their aims; nothing is asserted by time.

Whole processes are timed against a peer in the same run, as medians, so that a slow machine shows in both.
"""

from __future__ import annotations

import functools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests import bench_acme, bench_az, bench_sim, make
from tests.bench_child import environment

RUNS = 20
SFCERT = str(Path(sys.executable).parent / "sfcert")


def _process_s(command: list[str], around: dict[str, str] | None = None) -> float:
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False, env=around or environment())
    return time.perf_counter() - began


def _median_ms(measure: Callable[[], float], runs: int = RUNS) -> float:
    measure()
    return statistics.median(measure() for _ in range(runs)) * 1000


def _row(name: str, figure: str, aim: str) -> None:
    print(f"{name:58} {figure:>26}   {aim}")


def start_up() -> None:
    peer, ours = [], []
    for _ in range(RUNS):
        peer.append(_process_s([sys.executable, "-c", "pass"]))
        ours.append(_process_s([SFCERT, "--help"]))
    ratio = statistics.median(ours) / statistics.median(peer)
    figure = f"{statistics.median(ours) * 1000:.0f} ms, ratio {ratio:.1f}"
    _row("sfcert --help against python -c pass, median of 20", figure, "aim: ratio <= 4")


def five_node_types() -> None:
    from sfcert.cli.planned import plan_for
    from sfcert.cli.shipped import playbooks_folder, templates_folder
    from sfcert.planning.inputs import Inputs
    from sfcert.sources.bundle import bundle_text
    from sfcert.sources.inspect import inspect
    from sfcert.sources.observe import observe

    shapes = tuple(make.NodeTypeShape(name=f"nt{at}", is_primary=at == 0) for at in range(5))
    bundle = make.bundle(node_types=shapes)

    def in_process() -> float:
        began = time.perf_counter()
        observation = observe(bundle)
        inspect(observation)
        plan_for(
            observation,
            Inputs(),
            now=make.NOW,
            playbooks=playbooks_folder(),
            templates=templates_folder(),
            version="bench",
        )
        return time.perf_counter() - began

    _row("inspect + plan of five node types, in process", f"{_median_ms(in_process):.1f} ms", "aim: <= 10 ms")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "world.json"
        file.write_text(bundle_text(bundle))
        inspected = _median_ms(lambda: _process_s([SFCERT, "inspect", "--bundle", str(file)]), 10)
        planned = _median_ms(lambda: _process_s([SFCERT, "plan", "--bundle", str(file)]), 10)
    _row("sfcert inspect, as a process", f"{inspected:.0f} ms", "")
    _row("sfcert plan, as a process", f"{planned:.0f} ms", "aim: both together <= 300 ms")


def audit_and_proof() -> None:
    """The whole catalogue, and the proof alone by the number of stages, both in process."""
    from sfcert.rules import audit
    from sfcert.trust import prove, world_of
    from sfcert.trust.moves import DeclareCluster, DeclareExtension, Move, Provision

    shapes = tuple(make.NodeTypeShape(name=f"nt{at}", is_primary=at == 0) for at in range(5))
    observation = make.observation(node_types=shapes)

    def timed(work: Callable[[], object]) -> Callable[[], float]:
        def measure() -> float:
            began = time.perf_counter()
            work()
            return time.perf_counter() - began

        return measure

    figure = f"{_median_ms(timed(lambda: audit(observation, now=make.NOW))):.1f} ms"
    _row("the whole audit of five node types, in process", figure, "aim: <= 20 ms")
    world = world_of(observation, make.NOW)
    url = f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}"
    after = make.observation(make.common_name_world(node_types=shapes))
    ids = [one.id for one in observation.scale_sets]
    moves: list[Move] = [
        Provision(stage_id=f"40-{at}", deadline_s=7200, scale_set_id=one, observes=(url,)) for at, one in enumerate(ids)
    ]
    moves.append(DeclareCluster(stage_id="60", deadline_s=7200, declaration=after.cluster.certificate))
    named = after.scale_sets[0].node_extension.certificate
    moves += [
        DeclareExtension(stage_id=f"70-{at}", deadline_s=7200, scale_set_id=one, declaration=named)
        for at, one in enumerate(ids)
    ]
    for count in (1, 2, 4, 8):
        seconds = _median_ms(timed(functools.partial(prove, world, moves[:count], slack_s=86_400)))
        _row(f"the proof alone: five node types, {count} stages", f"{seconds:.1f} ms", "aim: <= 50 ms")


def proof() -> None:
    from sfcert.cli.planned import plan_for
    from sfcert.cli.shipped import playbooks_folder, templates_folder
    from sfcert.planning.inputs import Inputs
    from sfcert.sources.observe import observe

    for count in (1, 5, 10):
        for nodes in (5, 1000):
            shapes = tuple(
                make.NodeTypeShape(name=f"nt{at}", count=nodes // count or 1, is_primary=at == 0) for at in range(count)
            )
            observation = observe(make.bundle(node_types=shapes))
            began = time.perf_counter()
            plan_for(
                observation,
                Inputs(),
                now=make.NOW,
                playbooks=playbooks_folder(),
                templates=templates_folder(),
                version="bench",
            )
            figure = f"{(time.perf_counter() - began) * 1000:.0f} ms"
            _row(f"plan with its proof: {count} node types, {nodes} nodes", figure, "flat in the number of nodes")


def whole_apply() -> None:
    """Calls to Azure for one whole apply, by kind, and virtual hours a wall second while it runs."""
    with tempfile.TemporaryDirectory() as folder:
        home = {"PATH": os.environ["PATH"], "HOME": folder}
        subprocess.run([SFCERT, "sim", "up", "--seed", "7"], env=home, check=True, capture_output=True)
        try:
            printed = subprocess.run(
                [SFCERT, "sim", "env"], env=home, check=True, capture_output=True, text=True
            ).stdout
            around = dict(home)
            for line in printed.splitlines():
                name, _, value = line.removeprefix("export ").partition("=")
                around[name] = value.strip("'")
            plan = str(Path(folder) / "plan.json")
            cluster = around["SFCERT_CLUSTER_ID"]
            subprocess.run([SFCERT, "plan", "--cluster", cluster, "-o", plan], env=around, capture_output=True)
            before = json.loads(
                subprocess.run([SFCERT, "sim", "status", "--format", "json"], env=home, capture_output=True).stdout
            )
            took = _process_s([SFCERT, "apply", plan, "--yes"], around)
            after = json.loads(
                subprocess.run([SFCERT, "sim", "status", "--format", "json"], env=home, capture_output=True).stdout
            )
        finally:
            subprocess.run([SFCERT, "sim", "down"], env=home, capture_output=True)
    from datetime import datetime

    virtual_h = (datetime.fromisoformat(after["now"]) - datetime.fromisoformat(before["now"])).total_seconds() / 3600
    _row("one whole apply, three node types", f"{took:.1f} s for {virtual_h:.1f} h", "")
    _row("virtual hours a wall second", f"{virtual_h / took:.1f}", "")
    for kind, count in after["requests"].items():
        if new := count - before["requests"].get(kind, 0):
            _row(f"  {kind[:54]}", str(new), "")


def rehearsals() -> None:
    """Fifteen nodes of three types, quiet and hostile, in process."""
    from sfcert.cli.rehearsal import rehearse
    from sfcert.sim.worlds.specs import NodeType, Spec
    from tests.lives import made, planned

    types = (NodeType("system", 5, primary=True, durability="Silver"), NodeType("front", 5), NodeType("back", 5))
    found = planned(made(Spec("Fifteen nodes.", types), 7).captured())
    for faults in ("none", "hostile"):
        began = time.perf_counter()
        run = rehearse(found.plan, found.bundle, faults=faults, seed=7).runs[0]
        took = time.perf_counter() - began
        _row(f"rehearsal of 15 nodes, faults {faults}", f"{took:.1f} s for {run.hours:.1f} h", "aim: <= 5 s")


def main() -> None:
    start_up()
    five_node_types()
    audit_and_proof()
    proof()
    whole_apply()
    rehearsals()
    bench_sim.start_up(_row)
    bench_sim.requests_a_second(_row)
    bench_sim.fleet(_row)
    bench_acme.main()
    bench_az.side_by_side()


if __name__ == "__main__":
    main()
