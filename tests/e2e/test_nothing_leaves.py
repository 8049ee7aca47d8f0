"""With real-looking proxy variables of a user set, nothing leaves loopback, nothing is overwritten silently.

Real processes: a guard in each of them writes down every address that is not loopback, and refuses it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.servers.users_proxy import UsersProxy, running_users_proxy

GUARD = """
import os, socket

def _note(host):
    with open(os.environ["GUARD_LOG"], "a") as log:
        print(host, file=log)

def _inside(host):
    return str(host) in ("localhost", "", "None") or str(host).startswith("127.") or str(host) == "::1"

def _watched(name):
    real = getattr(socket.socket, name)
    def call(self, address):
        if isinstance(address, tuple) and not _inside(address[0]):
            _note(address[0])
            raise ConnectionRefusedError("nothing leaves here")
        return real(self, address)
    setattr(socket.socket, name, call)

_watched("connect")
_watched("connect_ex")
_resolve = socket.getaddrinfo

def _resolved(host, *more, **named):
    if not _inside(host if not isinstance(host, bytes) else host.decode()):
        _note(host)
        raise socket.gaierror(socket.EAI_NONAME, "nothing is resolved here")
    return _resolve(host, *more, **named)

socket.getaddrinfo = _resolved
"""


@dataclass
class Desk:
    """A user's shell: home, guard, variables. `run` is one command line in a process of its own."""

    folder: Path
    variables: dict[str, str]

    @property
    def log(self) -> Path:
        return self.folder / "guard.log"

    @property
    def escaped(self) -> list[str]:
        """Every address outside loopback that some process asked for."""
        return self.log.read_text().split() if self.log.exists() else []

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run_python("from sfcert.cli.main import main; main()", *arguments)

    def run_python(self, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join([str(self.folder / "guard"), *sys.path]),
            "GUARD_LOG": str(self.log),
            **self.variables,
        }
        line = [sys.executable, "-c", code, *arguments]
        return subprocess.run(line, env=environment, cwd=self.folder, capture_output=True, text=True, timeout=120)

    def enter(self, lines: str) -> None:
        """What `eval "$(sfcert sim env)"` does to a shell."""
        for line in lines.splitlines():
            verb, rest = line.split(" ", 1)
            if verb == "unset":
                self.variables.pop(rest, None)
            else:
                assert verb == "export"
                name, value = rest.split("=", 1)
                self.variables[name] = shlex.split(value)[0]


@pytest.fixture
def users_proxy() -> Iterator[UsersProxy]:
    with running_users_proxy("jane:real-password") as proxy:
        yield proxy


@pytest.fixture
def desk(tmp_path: Path, users_proxy: UsersProxy) -> Iterator[Desk]:
    """A desk whose user works behind a proxy, as companies have them, with an embedded Azure running beside."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    url = users_proxy.url
    variables = {
        "HTTPS_PROXY": url,
        "https_proxy": url,
        "HTTP_PROXY": url,
        "http_proxy": url,
        "ALL_PROXY": url,
        "NO_PROXY": ".azure.com,.azure.net,.microsoftonline.com",
        "no_proxy": ".azure.com,.azure.net,.microsoftonline.com",
        "AZURE_TENANT_ID": "11111111-2222-3333-4444-555555555555",
        "AZURE_CLIENT_ID": "66666666-7777-8888-9999-000000000000",
        "AZURE_CLIENT_SECRET": "the-users-own-secret",
    }
    made = Desk(tmp_path, variables)
    started = made.run("sim", "up", "--seed", "7", "--world", "one-node-type")
    assert started.returncode == 0, started.stderr
    yield made
    assert made.run("sim", "down").returncode == 0


def test_the_guard_itself_sees_what_would_leave(desk: Desk) -> None:
    """A test of the test: both ways out of a process are watched."""
    code = "import socket; socket.create_connection((sys.argv[1], 443))"
    for host in ("management.azure.com", "203.0.113.7"):
        ended = desk.run_python(f"import sys; {code}", host)
        assert ended.returncode == 1
    assert set(desk.escaped) == {"management.azure.com", "203.0.113.7"}


def test_sim_env_overwrites_no_proxy_of_the_user_s_silently(desk: Desk) -> None:
    refused = desk.run("sim", "env")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.search(r"HTTPS_PROXY is set to http://…@127\.0\.0\.1:\d+", refused.stderr)
    assert "real-password" not in refused.stderr
    assert "--force" in refused.stderr
    del desk.variables["HTTPS_PROXY"]
    refused = desk.run("sim", "env")
    assert refused.returncode == 1
    assert "https_proxy is set to" in refused.stderr


def test_a_whole_run_behind_a_user_s_proxy_stays_on_loopback(desk: Desk, users_proxy: UsersProxy) -> None:
    given = desk.run("sim", "env", "--force")
    assert given.returncode == 0, given.stderr
    desk.enter(given.stdout)
    cluster = desk.variables["SFCERT_CLUSTER_ID"]

    planned = desk.run("plan", "--cluster", cluster, "-o", "plan.json")
    assert planned.returncode == 2, planned.stderr
    applied = desk.run("apply", "plan.json", "--yes")
    assert applied.returncode == 0, applied.stderr
    assert desk.run("watch", "--cluster", cluster, "--timeout", "1h").returncode == 0

    assert desk.escaped == []
    assert users_proxy.asked == []
    assert urlsplit(desk.variables["HTTPS_PROXY"]).hostname == "127.0.0.1"
    status = json.loads(desk.run("sim", "status", "--format", "json").stdout)
    assert status["refused_by_proxy"] == []
    assert status["refused_between_nodes"] == 0


def test_a_shell_that_was_not_led_in_asks_only_the_user_s_proxy(desk: Desk, users_proxy: UsersProxy) -> None:
    """The embedded Azure runs beside, but its variables were not taken: neither it nor anybody else is reached."""
    for name in ("NO_PROXY", "no_proxy"):
        del desk.variables[name]
    cluster = "/subscriptions/0/resourceGroups/a/providers/Microsoft.ServiceFabric/clusters/b"
    ended = desk.run("plan", "--cluster", cluster)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert desk.escaped == []
    assert users_proxy.asked
    assert {line.split(" ")[0] for line in users_proxy.asked} == {"CONNECT"}
    assert "the-users-own-secret" not in ended.stderr + ended.stdout


def test_the_demonstration_leaves_a_user_s_variables_and_proxy_alone(desk: Desk, users_proxy: UsersProxy) -> None:
    ended = desk.run("demo")
    assert ended.returncode == 0, ended.stderr + ended.stdout[-2000:]
    assert desk.escaped == []
    assert users_proxy.asked == []
