"""Figures of orders by ACME, beside lego against the same Pebble and Knot in the same run; nothing is asserted by time.

`python -m tests.bench_acme`. Whole processes are timed: each side keeps its account between the runs.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sfcert.acme.account import open_account
from sfcert.acme.issue import obtain_on
from sfcert.acme.keys import AccountKey
from sfcert.acme.session import AcmeSession
from sfcert.acme.solvers.http01_responder import Http01Responder
from sfcert.acme.values import AcmeOptions
from sfcert.azure.clock import WallClock
from sfcert.sim.host import start_in_thread
from sfcert.sim.worlds import load
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot, running_knot
from tests.servers.pebble import Pebble, running_challenge_server, running_pebble
from tests.servers.requests import Pending

RUNS = 7
SFCERT = str(Path(sys.executable).parent / "sfcert")
AT_ONCE = 200
THREADS = 16


def _row(name: str, figure: str, aim: str = "") -> None:
    print(f"{name:62} {figure:>34}   {aim}")


def _median_s(run: Callable[[], None]) -> float:
    run()
    found = []
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def where_of(port: str) -> str:
    return f"127.0.0.1:{port}"


def _ours(kind: str, pebble: Pebble, key_file: Path, where: int) -> Callable[[], None]:
    arguments = [kind, pebble.directory_url, str(pebble.ca_file), str(key_file), str(where), KEY_NAME, KEY_SECRET]
    command = [sys.executable, "-m", "tests.bench_acme_one", *arguments]
    return lambda: _run(command, dict(os.environ))


def _lego(kind: str, pebble: Pebble, folder: Path, where: int) -> Callable[[], None] | None:
    binary = shutil.which("lego")
    if binary is None:
        return None
    environment = {**os.environ, "LEGO_CA_CERTIFICATES": str(pebble.ca_file)}
    command = [binary, "-s", pebble.directory_url, "-m", "bench@example.test", "-a", "--path", str(folder / kind)]
    if kind == "http":
        command += ["-d", "www.example.test", "--http", "--http.port", where_of(str(where)), "run"]
    else:
        environment.update(
            RFC2136_NAMESERVER=where_of(str(where)),
            RFC2136_TSIG_KEY=KEY_NAME,
            RFC2136_TSIG_SECRET=KEY_SECRET,
            RFC2136_TSIG_ALGORITHM="hmac-sha256.",
            RFC2136_POLLING_INTERVAL="1",
        )
        command += ["-d", "*.example.test", "--dns", "rfc2136", "--dns.resolvers", where_of(str(where))]
        # its check of the servers cannot be led to a port of our own, so lego goes without it
        command += ["--dns.disable-cp", "run"]
    return lambda: _run(command, environment)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} failed:\n{(done.stdout + done.stderr).decode()[-2000:]}")


def compare(kind: str, pebble: Pebble, folder: Path, where: int) -> None:
    key_file = folder / "account.json"
    if not key_file.exists():
        key_file.write_text(AccountKey.generate().to_jwk())
    ours = _median_s(_ours(kind, pebble, key_file, where))
    peer = _lego(kind, pebble, folder, where)
    if peer is None:
        _row(f"one certificate by {kind}-01, whole process", f"{ours:.2f} s", "lego is not installed")
        return
    theirs = _median_s(peer)
    figure = f"{ours:.2f} s, lego {theirs:.2f} s, ratio {ours / theirs:.2f}"
    _row(f"one certificate by {kind}-01, whole process, median of {RUNS}", figure, "aim: ratio <= 1")


def whole(pebble: Pebble, folder: Path) -> None:
    """`sfcert enrol` as a user runs it, the key made in the embedded vault; every run asks for another certificate."""
    facts: dict[str, Any] = {}
    now = datetime.now(UTC).replace(microsecond=0)
    with start_in_thread(
        start=now, seed=7, prepare=lambda azure: facts.update(load(azure, "one-node-type"))
    ) as running:
        solver = {"kind": "http01", "settings": {"host": "127.0.0.1", "port": str(pebble.http_port)}}
        acme = {"directory": pebble.directory_url, "ca_file": str(pebble.ca_file), "solvers": [solver]}
        policy = {"subject": "CN=www.example.test", "issuer": {"name": "acme", "acme": acme}}
        # JSON is YAML too
        (folder / "policy.yaml").write_text(json.dumps(policy))
        environment = {**os.environ, **running.env()}
        numbers = itertools.count()
        fixed = ["--policy", str(folder / "policy.yaml"), "--vault", str(facts["vault_url"])]
        fixed += ["--state", str(folder / "state"), "--format", "json"]

        def run() -> None:
            _run([SFCERT, "enrol", f"by-acme-{next(numbers)}", *fixed], environment)

        took = _median_s(run)
        before = running.call(lambda azure: len(azure.journal.requests))
        run()
        asked = running.call(lambda azure: len(azure.journal.requests)) - before
        _row(f"sfcert enrol by http-01 into a vault, median of {RUNS}", f"{took:.2f} s", "lego as above writes a file")
        _row("calls to Azure for each, sign-in counted", str(asked))


def many(pebble: Pebble) -> None:
    """All on one core, in this process; Pebble has the other."""
    solver = Http01Responder("127.0.0.1", pebble.http_port)
    options = AcmeOptions(directory_url=pebble.directory_url, ca_file=str(pebble.ca_file))
    names = [f"n{at}.example.test" for at in range(AT_ONCE)]
    waiting, calls, lock = list(names), [0], threading.Lock()
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    began, began_cpu = time.perf_counter(), time.process_time()
    with AcmeSession(options, AccountKey.generate(), WallClock()) as session:
        open_account(session, None)

        def work() -> None:
            while True:
                with lock:
                    if not waiting:
                        return
                    name = waiting.pop()
                chain = obtain_on(session, [name], Pending([name]), lambda _: solver, emit=lambda event: None)
                with lock:
                    calls[0] += chain.calls

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    took, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    os.sched_setaffinity(0, cores)
    more_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) / 1024
    figure = f"{took:.1f} s, {cpu:.1f} s of CPU, +{more_mib:.0f} MiB"
    _row(f"{AT_ONCE} certificates at once by http-01, {THREADS} threads, one core", figure)
    _row("calls to the CA for each of them", f"{calls[0] / AT_ONCE:.1f}")


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        with running_challenge_server(folder / "dns") as names, running_pebble(folder / "web", dns=names.dns) as pebble:
            compare("http", pebble, folder, pebble.http_port)
            whole(pebble, folder)
            many(pebble)
        knot: Knot
        with (
            running_knot(folder / "knot", ["example.test"]) as knot,
            running_pebble(folder / "zone", dns=where_of(str(knot.port))) as pebble,
        ):
            (folder / "account.json").unlink()
            compare("dns", pebble, folder, knot.port)


if __name__ == "__main__":
    main()
