"""Figures of enrolment by ACME, beside lego and certbot against the same servers in the same run; nothing is asserted.

`python -m tests.bench_acme`, and part of `make bench`. Whole processes are timed, one after the other in turn, so that
a busy moment of the machine meets all of them; each keeps its account between the runs, and each has a key on the
curve P-256, as is the peers' default. The peers write key and chain into a folder; `sfcert enrol` has the key made in a
vault (the embedded Azure's, in this process) and merges there, and "the order alone" is what it does at the CA for a
request that is made beside it. Calls to the CA are counted in Pebble's own log, every try and every nonce.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.worlds import load
from tests.bench_child import environment
from tests.conftest import ROOT
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot, running_knot
from tests.servers.pebble import Pebble, running_challenge_server, running_pebble
from tests.servers.requests import Pending

RUNS = 5
SFCERT = str(Path(sys.executable).parent / "sfcert")
CERTBOT = ROOT / ".venv-certbot" / "bin" / "certbot"
AT_ONCE = 200
THREADS = 16
#: Runs one process to its end; returns its seconds of CPU.
Run = Callable[[], float]


def _row(name: str, figure: str, aim: str = "") -> None:
    print(f"{name:62} {figure:>34}   {aim}", flush=True)


def _run(command: list[str], around: dict[str, str]) -> float:
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, env=around, stdout=said, stderr=subprocess.STDOUT)
        used = _await(child)
        if child.returncode != 0:
            said.seek(0)
            raise SystemExit(f"{command[0]} failed:\n{said.read().decode()[-2000:]}")
    return used.ru_utime + used.ru_stime


def _await(child: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """What the process used, once it has ended."""
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return used


@dataclass
class Place:
    """The servers of one kind of challenge, and an embedded Azure."""

    kind: str
    pebble: Pebble
    azure: Running
    facts: dict[str, Any]
    folder: Path
    knot: Knot | None = None
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def name(self) -> str:
        return "www.example.test" if self.kind == "http" else "*.example.test"

    @property
    def port(self) -> int:
        return self.knot.port if self.knot is not None else self.pebble.http_port

    @property
    def where(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ca_calls(self) -> int:
        return self.pebble.child.output().count("-> calling handler")

    def azure_calls(self) -> int:
        found: int = self.azure.call(lambda azure: len(azure.journal.requests))
        return found

    # -- who is timed ----------------------------------------------------------------------------------------------

    def sfcert(self) -> Run:
        """`sfcert enrol` as a user runs it; every run asks for another certificate."""
        if self.knot is None:
            solver: dict[str, Any] = {"kind": "http01", "settings": {"host": "127.0.0.1", "port": str(self.port)}}
        else:
            (self.folder / "tsig.key").write_text(KEY_SECRET)
            settings = {"server": self.where, "key_name": KEY_NAME, "key_secret_file": "tsig.key"}
            solver = {
                "kind": "rfc2136",
                "settings": {**settings, "resolvers": self.where, "authoritative": self.where},
            }
        acme = {
            "directory": self.pebble.directory_url,
            "ca_file": str(self.pebble.ca_file),
            "solvers": [solver],
            "account_key": f"account-{self.kind}",
        }
        key = {"type": "EC", "curve": "P-256"}
        policy = {"subject": f"CN={self.name}", "key": key, "issuer": {"name": "acme", "acme": acme}}
        # JSON is YAML too
        (self.folder / "policy.yaml").write_text(json.dumps(policy))
        fixed = ["--policy", str(self.folder / "policy.yaml"), "--vault", str(self.facts["vault_url"])]
        fixed += ["--state", str(self.folder / "state"), "--format", "json"]
        around = environment(**self.azure.env())
        return lambda: _run([SFCERT, "enrol", f"{self.kind}-{next(self.numbers)}", *fixed], around)

    def order_alone(self) -> Run:
        key_file = self.folder / "account.json"
        key_file.write_text(AccountKey.generate().to_jwk())
        arguments = [self.kind, self.pebble.directory_url, str(self.pebble.ca_file), str(key_file), str(self.port)]
        command = [sys.executable, "-m", "tests.bench_acme_one", *arguments, KEY_NAME, KEY_SECRET]
        around = environment()
        return lambda: _run(command, around)

    def lego(self) -> Run | None:
        binary = shutil.which("lego")
        if binary is None:
            return None
        around = environment(LEGO_CA_CERTIFICATES=str(self.pebble.ca_file))
        command = [binary, "-s", self.pebble.directory_url, "-m", "bench@example.test", "-a", "-d", self.name]
        command += ["--path", str(self.folder / "lego")]
        if self.knot is None:
            command += ["--http", "--http.port", self.where, "run"]
        else:
            around.update(
                RFC2136_NAMESERVER=self.where,
                RFC2136_TSIG_KEY=KEY_NAME,
                RFC2136_TSIG_SECRET=KEY_SECRET,
                RFC2136_TSIG_ALGORITHM="hmac-sha256.",
                RFC2136_POLLING_INTERVAL="1",
            )
            # its check of the servers cannot be led to a port of our own, so lego goes without it
            command += ["--dns", "rfc2136", "--dns.resolvers", self.where, "--dns.disable-cp", "run"]
        return lambda: _run(command, around)

    def certbot(self) -> Run | None:
        if not CERTBOT.is_file():
            return None
        home = self.folder / "certbot"
        command = [str(CERTBOT), "certonly", "-n", "--agree-tos", "-m", "bench@example.test", "--force-renewal"]
        command += ["--server", self.pebble.directory_url, "-d", self.name, "--cert-name", "bench"]
        command += [f"--{one}-dir={home / one}" for one in ("config", "work", "logs")]
        if self.knot is None:
            command += ["--standalone", "--http-01-address", "127.0.0.1", "--http-01-port", str(self.port)]
        else:
            settings = self.folder / "certbot.ini"
            lines = {"server": "127.0.0.1", "port": self.port, "name": KEY_NAME, "secret": KEY_SECRET}
            lines |= {"algorithm": "HMAC-SHA256"}
            settings.write_text("".join(f"dns_rfc2136_{key} = {value}\n" for key, value in lines.items()))
            settings.chmod(0o600)
            # it sleeps instead of looking; here there is nothing to sleep for
            command += ["--dns-rfc2136", f"--dns-rfc2136-credentials={settings}", "--dns-rfc2136-propagation-seconds=0"]
        around = environment(REQUESTS_CA_BUNDLE=str(self.pebble.ca_file))
        return lambda: _run(command, around)


def compare(place: Place) -> None:
    """Medians of whole processes in turn, their range, and what each asked the CA."""
    offered = {
        "sfcert enrol into a vault": place.sfcert(),
        "sfcert, the order alone": place.order_alone(),
        "lego": place.lego(),
        "certbot": place.certbot(),
    }
    runs = {name: run for name, run in offered.items() if run is not None}
    took: dict[str, list[float]] = {name: [] for name in runs}
    asked: dict[str, list[int]] = {name: [] for name in runs}
    cpu: dict[str, list[float]] = {name: [] for name in runs}
    azure: list[int] = []
    for turn in range(RUNS + 1):
        for name, run in runs.items():
            before, before_azure, began = place.ca_calls(), place.azure_calls(), time.perf_counter()
            cpu_s = run()
            seconds = time.perf_counter() - began
            if turn:  # the first makes accounts and fills caches
                took[name].append(seconds)
                cpu[name].append(cpu_s)
                asked[name].append(place.ca_calls() - before)
                if name == "sfcert enrol into a vault":
                    azure.append(place.azure_calls() - before_azure)
    medians = {name: statistics.median(found) for name, found in took.items()}
    for name in offered:
        title = f"{place.kind}-01, whole process: {name}"
        if name not in runs:
            _row(title, "not installed", "`make peers` installs it")
            continue
        calls = f"{statistics.median(asked[name]):.0f} calls to the CA"
        if name == "sfcert enrol into a vault":
            calls += f", {statistics.median(azure):.0f} to Azure"
        ratio = f"sfcert enrol / {name} = {medians['sfcert enrol into a vault'] / medians[name]:.2f}"
        # lego looks at a challenge at once and then only after five seconds: its time is one of two
        span = f"{min(took[name]):.2f}-{max(took[name]):.2f}"
        figure = f"{medians[name]:.2f} s ({span}; {statistics.median(cpu[name]):.2f} s of CPU), {calls}"
        _row(title, figure, f"{ratio}, aim <= 1" if name in ("lego", "certbot") else "")


def many_orders(pebble: Pebble) -> None:
    """All on one core, in this process; Pebble has the other."""
    solver = Http01Responder("127.0.0.1", pebble.http_port)
    options = AcmeOptions(directory_url=pebble.directory_url, ca_file=str(pebble.ca_file))
    waiting = [f"n{at}.example.test" for at in range(AT_ONCE)]
    calls, lock = [0], threading.Lock()
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
    _row(f"{AT_ONCE} orders at once by http-01, {THREADS} threads, one core", f"{took:.1f} s, {cpu:.1f} s of CPU")
    _row("  calls to the CA for each", f"{calls[0] / AT_ONCE:.1f}")


def many_certificates(place: Place) -> None:
    """One `sfcert enrol --manifest` of many certificates into the vault, on one core; servers and vault have the other.

    Keys are elliptic, because the vault is a simulated one: it would be its RSA keys that are measured.
    """
    rfc2136 = {
        "nameserver": place.where,
        "tsigKeyName": KEY_NAME,
        "tsigAlgorithm": "HMACSHA256",
        "tsigSecretSecretRef": {"name": "tsig", "key": "key"},
    }
    acme = {
        "server": place.pebble.directory_url,
        "privateKeySecretRef": {"name": "account-many"},
        "solvers": [{"dns01": {"rfc2136": rfc2136}}],
    }
    documents: list[dict[str, Any]] = [
        {"kind": "Secret", "metadata": {"name": "tsig"}, "stringData": {"key": KEY_SECRET}},
        {"kind": "ClusterIssuer", "metadata": {"name": "own"}, "spec": {"acme": acme}},
    ]
    for at in range(AT_ONCE):
        spec = {
            "secretName": f"many-{at}",
            "commonName": f"n{at}.example.test",
            "dnsNames": [f"n{at}.example.test"],
            "privateKey": {"algorithm": "ECDSA", "size": 256},
            "usages": ["digital signature", "server auth", "client auth"],
            "issuerRef": {"name": "own", "kind": "ClusterIssuer"},
        }
        documents.append({"kind": "Certificate", "metadata": {"name": f"many-{at}"}, "spec": spec})
    file = place.folder / "many.yaml"
    # JSON is YAML too
    file.write_text("\n---\n".join(json.dumps(one) for one in documents))
    roots = place.folder / "roots.pem"
    roots.write_bytes(Path(place.azure.env()["REQUESTS_CA_BUNDLE"]).read_bytes() + place.pebble.ca_file.read_bytes())
    around = environment(**place.azure.env())
    around |= {"REQUESTS_CA_BUNDLE": str(roots), "SSL_CERT_FILE": str(roots), "SFCERT_DNS_SERVER": place.where}
    command = [SFCERT, "enrol", "--manifest", str(file), "--vault", str(place.facts["vault_url"]), "--format", "json"]
    command += ["--state", str(place.folder / "state"), "--at-once", str(THREADS)]
    before_ca, before_azure, began = place.ca_calls(), place.azure_calls(), time.perf_counter()
    with (place.folder / "many.out").open("wb") as out, (place.folder / "many.err").open("wb") as err:
        child = subprocess.Popen(command, env=around, stdout=out, stderr=err)
        os.sched_setaffinity(child.pid, {min(os.sched_getaffinity(0))})
        used = _await(child)
    took = time.perf_counter() - began
    if child.returncode != 0:
        raise SystemExit(f"sfcert enrol failed:\n{(place.folder / 'many.err').read_text()[-2000:]}")
    enrolled = json.loads((place.folder / "many.out").read_text())["enrolled"]
    assert len(enrolled) == AT_ONCE
    cpu = used.ru_utime + used.ru_stime
    figure = f"{took:.1f} s, {cpu:.1f} s of CPU, {used.ru_maxrss / 1024:.0f} MiB"
    _row(f"{AT_ONCE} certificates into a vault by dns-01, one process, one core", figure)
    _row("  calls to the CA for each", f"{(place.ca_calls() - before_ca) / AT_ONCE:.1f}")
    _row("  calls to Azure for each", f"{(place.azure_calls() - before_azure) / AT_ONCE:.1f}")


@contextmanager
def _azure() -> Iterator[tuple[Running, dict[str, Any]]]:
    facts: dict[str, Any] = {}
    now = datetime.now(UTC).replace(microsecond=0)
    with start_in_thread(
        start=now, seed=7, prepare=lambda azure: facts.update(load(azure, "one-node-type"))
    ) as running:
        yield running, facts


def main() -> None:
    if shutil.which("pebble") is None or not (shutil.which("knotd") or Path("/usr/sbin/knotd").exists()):
        _row("enrolment by ACME", "pebble or knot is not installed", "`make servers` installs them")
        return
    with tempfile.TemporaryDirectory() as home, _azure() as (running, facts):
        folder = Path(home)
        for one in ("http", "dns"):
            (folder / one).mkdir()
        with running_challenge_server(folder / "names") as names, running_pebble(folder / "web", dns=names.dns) as web:
            compare(Place("http", web, running, facts, folder / "http"))
            many_orders(web)
        with running_knot(folder / "knot", ["example.test"]) as knot:
            at = f"{knot.address}:{knot.port}"
            with running_pebble(folder / "zone", dns=at) as zone:
                place = Place("dns", zone, running, facts, folder / "dns", knot)
                compare(place)
                many_certificates(place)


if __name__ == "__main__":
    main()
