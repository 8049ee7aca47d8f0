"""Where does a run begin and with which number does it end? The command group, errors to exit codes, nothing else.

Everything heavy is imported by the command that needs it: `sfcert --help` pays for click alone.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from importlib import import_module
from keyword import iskeyword
from typing import Any

import click

from sfcert import __version__

#: Command -> what it is for. The order is the one of `--help`; a module of the same name holds the command.
COMMANDS: dict[str, str] = {
    "demo": "The whole main job on the embedded Azure, in under a minute.",
    "sim": "The embedded Azure as a server.",
    "capture": "Read everything that is needed, once, into a bundle for offline work.",
    "inspect": "What is declared where: roles, node types, provisioning, who presents what.",
    "audit": "Findings: the known ways in which clusters die, looked for in this one.",
    "forecast": "Every next rotation, what is left to its deadline, and until when a person can act.",
    "explain": "One rule's page: what it checks, why, how to fix it.",
    "plan": "Dry run: staged changes with a proof. Touches nothing.",
    "show": "Review a saved plan.",
    "diff": "What differs between two plans.",
    "rehearse": "The plan on a twin of the captured cluster. No Azure is touched.",
    "permissions": "The exact Azure actions that applying a plan needs, as a custom role.",
    "apply": "The plan's stages in order, each looked at before the next. Resumable.",
    "watch": "Wait until the nodes present what is declared.",
    "enrol": "A certificate into a vault, from any issuer, gated by what the cluster takes.",
    "merge": "Bring a signed chain back into the pending request, through the gate.",
    "renew": "New versions of certificates, now or when they are due.",
    "status": "Ready and Issuing, renewal and last failure of a vault's certificates; metrics.",
    "certificates": "What a vault holds: a list, or one certificate.",
    "import": "A Kubernetes TLS secret into a vault.",
    "export": "A vault's certificate for an ingress: the CSI driver's manifest.",
}

EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class _LazyGroup(click.Group):
    """Lists every command from the table above; loads one only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        # a command named like a word of Python has its module's name with an underscore
        module = import_module(f"sfcert.cli.commands.{cmd_name}{'_' if iskeyword(cmd_name) else ''}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sfcert")
@click.option("-v", "verbosity", count=True, help="Say more on standard error; twice for every request.")
@click.option("--log-json", is_flag=True, help="Log as one JSON object a line.")
@click.pass_context
def cli(ctx: click.Context, verbosity: int, log_json: bool) -> None:
    """Take a Service Fabric cluster from thumbprints to common names with pinned issuers, and keep it there.

    What looks at a cluster takes one source: --cluster RESOURCE_ID (live), --bundle FILE (captured) or --template FILE
    [--parameters FILE] (authored ARM, for review only).

    Exit codes: 0 done or nothing to do, 1 an error, 2 changes or findings, 3 blocked, 4 a stale plan, 5 not in time, 6
    not confirmed.
    """
    if verbosity or log_json:
        from sfcert.cli.logs import configure

        configure(verbosity, as_json=log_json)


def _wants_json(arguments: list[str]) -> bool:
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return any(one == "--format=json" or one == "--json" or (one == "--format" and two == "json") for one, two in pairs)


def _say(error: BaseException, token: str, message: str, arguments: list[str]) -> None:
    click.echo(f"sfcert: {message}", err=True)
    if _wants_json(arguments):
        from sfcert.views.errors import error_json

        try:
            click.echo(error_json(error, token, message, on_one_line="--json" in arguments), nl=False)
        except OSError:  # the sentence and the exit code tell it as well
            _forget_output()


def _came_of_printing(error: OSError) -> bool:
    """Whether it rose out of `click.echo`, the one way by which anything is printed: a full disk is no bug of ours."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and step.tb_frame.f_code is click.echo.__code__


def _forget_output() -> None:
    """What is left in the buffer would fail once more when the interpreter ends, with lines of its own."""
    with contextlib.suppress(OSError):
        sys.stdout.close()


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; the table is in docs/reference/exit-codes.md."""
    try:
        result: Any = cli.main(arguments, prog_name="sfcert", standalone_mode=False)
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.exceptions.NoArgsIsHelpError as bare:
        click.echo(bare.format_message(), err=True)
        return 1
    except click.ClickException as misuse:
        hint = misuse.ctx.get_usage() + "\n" if isinstance(misuse, click.UsageError) and misuse.ctx else ""
        click.echo(hint, err=True, nl=False)
        _say(misuse, "Misuse", misuse.format_message(), arguments)
        return 1
    except (KeyboardInterrupt, click.Abort) as interrupted:
        message = "interrupted; what was done stands and is recorded. The same command goes on from there."
        _say(interrupted, "Interrupted", message, arguments)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away: nobody is left to tell
        if sys.stderr is not None:
            sys.stderr.close()
        return 1
    except Exception as error:  # the border: our families become exit codes, anything else is a bug with its traceback
        from sfcert.errors import SfcertError

        if isinstance(error, SfcertError):
            _say(error, error.token, error.message, arguments)
            return error.exit_code
        if isinstance(error, OSError) and _came_of_printing(error):
            _forget_output()
            click.echo(f"sfcert: standard output cannot be written: {error.strerror or error}.", err=True)
            return 1
        import traceback

        traceback.print_exc()
        click.echo("sfcert: this is a bug in sfcert. Please report it with the lines above.", err=True)
        return EXIT_BUG
    return result if isinstance(result, int) else 0


def main() -> None:
    """The console script."""
    if not sys.warnoptions:
        # a library's notes to programmers, such as on an odd certificate of somebody else's, are no message of ours
        warnings.simplefilter("ignore")
    sys.exit(run(sys.argv[1:]))
