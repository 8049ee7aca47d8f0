"""What the embedded Azure costs: requests a second on one core, start-up, memory of a fleet. Printed, never asserted.

A busy machine shows in wall time and hardly in processor time, so that both are printed where they differ: a server on
one core serves as many requests a second as it answers in a second of processor time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

Row = Callable[[str, str, str], None]
SFCERT = str(Path(sys.executable).parent / "sfcert")
REQUESTS = 4000
LINES = 8
STARTS = 5
FLEET = 1000
_HERTZ = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _running(world: str) -> Iterator[tuple[dict[str, str], int]]:
    """The environment of a running one, and its process id."""
    with tempfile.TemporaryDirectory() as folder:
        home = {"PATH": os.environ["PATH"], "HOME": folder}
        subprocess.run(
            [SFCERT, "sim", "up", "--seed", "7", "--world", world], env=home, check=True, capture_output=True
        )
        try:
            printed = subprocess.run([SFCERT, "sim", "env"], env=home, check=True, capture_output=True, text=True)
            pairs = (line.removeprefix("export ").partition("=") for line in printed.stdout.splitlines())
            state = json.loads((Path(folder) / ".local/state/sfcert/sim/state.json").read_text())
            yield {name: value.strip("'") for name, _, value in pairs}, int(state["pid"])
        finally:
            subprocess.run([SFCERT, "sim", "down"], env=home, capture_output=True)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _HERTZ


class _Line:
    """One kept connection to a production host name, through the proxy, as az and the SDKs have."""

    def __init__(self, environment: dict[str, str], host: str) -> None:
        self._environment = environment
        self._host = host

    async def open(self) -> None:
        proxy = urlsplit(self._environment["HTTPS_PROXY"])
        self._reader, self._writer = await asyncio.open_connection(proxy.hostname, proxy.port)
        self._writer.write(f"CONNECT {self._host}:443 HTTP/1.1\r\nHost: {self._host}:443\r\n\r\n".encode())
        assert b" 200 " in await self._reader.readuntil(b"\r\n\r\n")
        context = ssl.create_default_context(cafile=self._environment["REQUESTS_CA_BUNDLE"])
        await self._writer.start_tls(context, server_hostname=self._host)

    async def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return await self._reader.readexactly(int(length.split(b":")[1]))

    def close(self) -> None:
        self._writer.close()


async def _token(environment: dict[str, str]) -> str:
    form = (
        f"grant_type=client_credentials&client_id={environment['AZURE_CLIENT_ID']}"
        f"&client_secret={environment['AZURE_CLIENT_SECRET']}&scope=https://management.azure.com/.default"
    )
    line = _Line(environment, "login.microsoftonline.com")
    await line.open()
    path = f"/{environment['AZURE_TENANT_ID']}/oauth2/v2.0/token"
    answer = await line.send("POST", path, {"Content-Type": "application/x-www-form-urlencoded"}, form.encode())
    line.close()
    return str(json.loads(answer)["access_token"])


async def _asked(environment: dict[str, str], path: str, pid: int) -> tuple[float, float]:
    """Wall and processor seconds of the server for `REQUESTS` GETs over `LINES` connections."""
    headers = {"Authorization": f"Bearer {await _token(environment)}"}
    lines = [_Line(environment, "management.azure.com") for _ in range(LINES)]

    async def ask(line: _Line, times: int) -> None:
        for _ in range(times):
            await line.send("GET", path, headers)

    for line in lines:
        await line.open()
        await ask(line, 5)
    before, began = _processor_s(pid), time.perf_counter()
    await asyncio.gather(*(ask(line, REQUESTS // LINES) for line in lines))
    took = time.perf_counter() - began, _processor_s(pid) - before
    for line in lines:
        line.close()
    return took


def requests_a_second(row: Row) -> None:
    """GETs of a cluster and of a subscription by production host name."""
    with _running("one-node-type") as (environment, pid):
        paths = {
            "a cluster": f"{environment['SFCERT_CLUSTER_ID']}?api-version=2021-06-01",
            "the subscription": f"/subscriptions/{environment['AZURE_SUBSCRIPTION_ID']}?api-version=2021-04-01",
        }
        for what, path in paths.items():
            wall_s, used_s = asyncio.run(_asked(environment, path, pid))
            figure = f"{REQUESTS / used_s:,.0f} ({REQUESTS / wall_s:,.0f} by wall time)"
            row(f"GETs of {what} a second of one core", figure, "aim: >= 1,500")


def start_up(row: Row) -> None:
    """From the command to the first answer of its control port, an empty world; the command's own end is later."""
    took: list[float] = []
    used: list[float] = []
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder)
            order = state / "order.json"
            wanted = {"state_dir": folder, "start": None, "seed": 1, "tempo": "auto", "factor": 3600.0, "looks": 3}
            order.write_text(json.dumps({**wanted, "load": None}))
            began = time.perf_counter()
            with subprocess.Popen([sys.executable, "-m", "sfcert.sim.background", str(order)]) as server:
                took.append(_first_answer(state / "state.json", began))
                used.append(_processor_s(server.pid))
                server.terminate()
                server.wait(timeout=20)
    figure = f"{statistics.median(used):.2f} s ({statistics.median(took):.2f} by wall time)"
    row("start-up of an empty world, to its first answer", figure, "aim: <= 0.5 s")


def _first_answer(state: Path, began: float) -> float:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        with contextlib.suppress(OSError, ValueError):
            url = json.loads(state.read_text())["control_url"]
            with opener.open(f"{url}/now", timeout=5):
                return time.perf_counter() - began
        time.sleep(0.005)


def fleet(row: Row) -> None:
    """Memory and time of a fleet, in a process of its own."""
    code = f"from tests.bench_sim import make_fleet; make_fleet({FLEET})"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    figures = json.loads(made.stdout)
    row(f"a fleet of {FLEET:,} clusters of 15 nodes, resident", f"{figures['mib']:,.0f} MiB", "aim: <= 1 GiB")
    row("  made in", f"{figures['made_s']:.0f} s of processor time", "")
    row("  a virtual day of it", f"{figures['day_s']:.1f} s of processor time", "")


def make_fleet(count: int) -> None:
    """Make one and print what it took as JSON."""
    from sfcert.sim.assemble import build
    from sfcert.sim.worlds.fleet import make

    began = time.process_time()
    azure = build(start=datetime(2026, 11, 22, 10, tzinfo=UTC), seed=7, tempo="manual")
    make(azure, count)
    made_s = time.process_time() - began
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.process_time()
    azure.clock.advance(86400)
    print(json.dumps({"mib": mib, "made_s": made_s, "day_s": time.process_time() - began}))
