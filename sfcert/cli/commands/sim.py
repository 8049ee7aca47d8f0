"""`sfcert sim`: the embedded Azure as a server."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sfcert.cli.output import answer, form_option
from sfcert.cli.reading import read_text
from sfcert.cli.sim_folder import default_folder
from sfcert.cli.source import Instant
from sfcert.cli.span import Span
from sfcert.errors import InputError, RemoteError


def _answering(function: Callable[..., int]) -> Callable[..., int]:
    """Turn the simulator's own refusals into an error of ours."""

    @wraps(function)
    def wrapped(*args: Any, **options: Any) -> int:
        from sfcert.sim.host import SimFailed

        try:
            return function(*args, **options)
        except OSError as failure:
            if failure.filename is None:
                raise
            message = f"{failure.filename} cannot be written: {failure.strerror}. --state names another folder."
            raise InputError("FileUnreadable", message) from failure
        except SimFailed as failure:
            raise RemoteError(
                "RemoteFailed", f"{failure}.", service="embedded Azure", operation=function.__name__
            ) from failure

    return wrapped


_state_dir = click.option(
    "--state",
    "state_dir",
    type=click.Path(path_type=Path),
    default=default_folder,
    metavar="DIR",
    help="Where its state file lies (default: a folder of the user's own).",
)


@click.group("sim")
def command() -> None:
    """The embedded Azure as a server that unmodified clients (the SDKs, az) take for the real one."""


@command.command()
@_state_dir
@click.option("--foreground", is_flag=True, help="Stay in this terminal until Ctrl-C.")
@click.option(
    "--world",
    default="three-node-types",
    show_default=True,
    metavar="NAME",
    help="A prepared world, or 'empty'; a name that there is not tells all.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Decides all that the world leaves open.")
@click.option(
    "--start",
    type=Instant(),
    metavar="INSTANT",
    help="When virtual time begins, such as 2026-11-22T10:00:00Z (default: now).",
)
@click.option(
    "--tempo",
    type=click.Choice(["auto", "at-once", "looks", "factor", "manual"]),
    default="auto",
    show_default=True,
    help="When long operations end: when they are polled (auto), at the first look, at that of --looks, by wall time "
    "(factor), or by `sim advance` alone (manual).",
)
@click.option(
    "--factor",
    type=float,
    default=3600.0,
    show_default=True,
    help="With --tempo factor: how many virtual seconds pass in a second.",
)
@click.option(
    "--looks",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="With --tempo looks: at which look an operation ends.",
)
@_answering
def up(
    state_dir: Path, foreground: bool, world: str, seed: int, start: Any, tempo: Any, factor: float, looks: int
) -> int:
    """Start it. Then `eval "$(sfcert sim env)"` leads clients of this shell there."""
    from sfcert.sim import host

    load = None if world == "empty" else {"world": world}
    if foreground:

        def ready(environment: dict[str, str]) -> None:
            answer(f"The embedded Azure answers; seed {seed}. Ctrl-C ends it.\n" + _exports(environment))

        pace = {"tempo": tempo, "factor": factor, "looks": looks}
        host.serve_forever(state_dir, start=start, seed=seed, load=load, ready=ready, **pace)
        return 0
    environment = host.up(state_dir, start=start, seed=seed, tempo=tempo, factor=factor, looks=looks, load=load)
    answer(f"The embedded Azure answers; seed {seed}.")
    if cluster := environment.get("SFCERT_CLUSTER_ID"):
        answer(f"Cluster: {cluster}")
    answer('Next: eval "$(sfcert sim env)"')
    return 0


@command.command()
@_state_dir
@_answering
def down(state_dir: Path) -> int:
    """Stop it."""
    from sfcert.sim import host

    answer("stopped" if host.down(state_dir) else "none was running")
    return 0


@command.command(short_help="Clock, clusters, nodes, refused connections, faults; its page.")
@_state_dir
@form_option
@_answering
def status(state_dir: Path, form: str) -> int:
    """Clock, clusters, nodes and their certificates, refused connections, requests, faults."""
    from sfcert.sim import host
    from sfcert.views.sim_status import sim_status_human

    seen = host.status(state_dir)
    answer(json.dumps(seen, indent=2) if form == "json" else sim_status_human(seen))
    return 0


@command.command()
@_state_dir
@_answering
def reset(state_dir: Path) -> int:
    """Make the world anew, as it was started."""
    from sfcert.sim import host

    host.control(state_dir, "POST", "/reset", {})
    answer("reset")
    return 0


@command.command(short_help="Put a world in: a captured bundle, or an ARM template.")
@_state_dir
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--parameters", type=click.Path(path_type=Path), metavar="FILE", help="Parameters of the template.")
@click.option("--resource-group", default="rg-sim", show_default=True, metavar="NAME", help="Where it is deployed.")
@click.option("--as", "address", metavar="ADDRESS", help="Only publish FILE: where templates that link to it look.")
@_answering
def load(state_dir: Path, file: Path, parameters: Path | None, resource_group: str, address: str | None) -> int:
    """Put a world in: FILE is a captured bundle, or an ARM template that is deployed."""
    from sfcert.arm import parse_text
    from sfcert.sim import host

    if address is not None:
        host.control(state_dir, "POST", "/load", {"publish": {address: read_text(file)}})
        answer(f"published {file} as {address}")
        return 0
    document = parse_text(read_text(file), str(file)).value
    if not isinstance(document, dict):
        raise InputError("FileUnreadable", f"{file} holds neither a bundle nor a template.")
    if str(document.get("format", "")).startswith("sfcert.bundle/"):
        host.control(state_dir, "POST", "/load", {"bundle": document})
    else:
        values = parse_text(read_text(parameters), str(parameters)).value if parameters else {}
        order = {"template": document, "parameters": values, "resource_group": resource_group}
        host.control(state_dir, "POST", "/load", order)
    answer(f"loaded {file}")
    return 0


@command.command()
@_state_dir
@click.argument("span", type=Span(), metavar="DURATION")
@_answering
def advance(state_dir: Path, span: float) -> int:
    """Let virtual time pass: 90s, 15m, 6h, 30d."""
    from sfcert.sim import host
    from sfcert.views.text import instant

    reached = host.control(state_dir, "POST", "/advance", {"seconds": span})
    answer(f"it is {instant(datetime.fromisoformat(reached['now']))}")
    return 0


@command.command(short_help="Arm the fault NAME; without one, list them.")
@_state_dir
@click.argument("name", required=False)
@click.argument("options", nargs=-1, metavar="[OPTION=VALUE]...")
@click.option("--off", is_flag=True, help="Disarm it.")
@click.option("--explain", "wants_page", is_flag=True, help="Print its page: what goes wrong, and its options.")
@_answering
def fault(state_dir: Path, name: str | None, options: tuple[str, ...], off: bool, wants_page: bool) -> int:
    """Arm the fault NAME; without one, list them. Nothing has to run for the list and for --explain.

    A fault strikes at once; with after=N once N looks have gone by; by the clock with after_s=S and for_s=S, in virtual
    seconds. The seed decides what is left to chance.
    """
    from sfcert.sim import faults, host

    if name is None:
        answer("\n".join(f"{key:{faults.WIDTH}} {says}" for key, says in faults.catalogue().items()))
        return 0
    if wants_page:
        try:
            answer(faults.page_of(name))
        except KeyError as unknown:
            known = ", ".join(faults.catalogue())
            raise InputError("Misuse", f"No fault is named {name!r}. There are: {known}.") from unknown
        return 0
    host.control(state_dir, "POST", "/fault", {**_options(options), "name": name, "off": off})
    answer(f"{name} {'disarmed' if off else 'armed'}")
    return 0


@command.command(short_help="Mend the nodes of a cluster that is down, as people would.")
@_state_dir
@click.argument("nodes", nargs=-1, metavar="[NODE]...")
@click.option("--accept-expired", is_flag=True, help="Set AcceptExpiredPinnedClusterCertificate on them first.")
@_answering
def mend(state_dir: Path, nodes: tuple[str, ...], accept_expired: bool) -> int:
    """Do by hand what a person does on the nodes of a cluster that is down: restart them, seed nodes first.

    What is set on a node alone is lost with the next upgrade of the cluster.
    """
    from sfcert.sim import host

    done = host.control(state_dir, "POST", "/mend", {"nodes": list(nodes), "accept_expired": accept_expired})
    answer(f"mended {', '.join(done['touched'])}")
    return 0


def _options(given: tuple[str, ...]) -> dict[str, Any]:
    """`key=value` pairs as they were given; a value that reads as a number is one."""
    found: dict[str, Any] = {}
    for one in given:
        key, mark, text = one.partition("=")
        if not mark or not key:
            raise InputError("Misuse", f"{one!r} is no option of a fault: write it as OPTION=VALUE.")
        found[key] = text
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                found[key] = kind(text)
                break
    return found


def _exports(environment: dict[str, str]) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items())


#: Variables that clients ask before, or instead of, the ones that are printed: left in place, they would lead a client
#: past the embedded Azure to the real one, with a secret that means nothing there.
_SHADOWS = ("https_proxy", "http_proxy", "no_proxy", "all_proxy", "ALL_PROXY", "CURL_CA_BUNDLE", "SSL_CERT_DIR")


@command.command(short_help="Print the lines that lead clients of a shell there.")
@_state_dir
@click.option("--unset", is_flag=True, help="Print the lines that undo it.")
@click.option("--force", is_flag=True, help="Even where a proxy of yours is set already.")
@_answering
def env(state_dir: Path, unset: bool, force: bool) -> int:
    """Print `export NAME=value` lines that lead clients of a shell to it.

    Variables of yours that clients would ask before these (https_proxy, no_proxy …) are unset for the shell.
    A HTTPS_PROXY of yours is never overwritten silently: unset it first, or say --force.
    """
    from sfcert.sim import host

    if unset:
        answer("\n".join(f"unset {name}" for name in host.VARIABLES))
        return 0
    environment = host.env(state_dir)
    for name in ("HTTPS_PROXY", "https_proxy"):
        yours = os.environ.get(name)
        if yours and yours != environment["HTTPS_PROXY"] and not force:
            raise InputError(
                "Misuse",
                f"{name} is set to {_without_password(yours)}. The embedded Azure would replace it for this shell: "
                "unset it first, or add --force.",
            )
    shadows = [f"unset {name}" for name in _SHADOWS if name in os.environ]
    answer("\n".join([*shadows, _exports(environment)]))
    return 0


def _without_password(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}…@{rest.rsplit('@', 1)[1]}" if mark and "@" in rest else url
