"""How a run begins and ends: help without weight, one clear message for bad input, documented exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sfcert.cli.main import COMMANDS, cli, run
from sfcert.sources.bundle import bundle_text
from tests import make

_MAIN = "from sfcert.cli.main import main; main()"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    file = tmp_path / "world.json"
    file.write_text(bundle_text(make.bundle()))
    return file


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from sfcert.cli.main import run; run(['--help']); "
        "print([name for name in ('azure', 'cryptography', 'msgspec', 'rich', 'jinja2', 'yaml', 'aiohttp') "
        "if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr.strip() == "[]"
    for name in COMMANDS:
        assert f"  {name} " in ended.stdout


def test_every_command_of_the_table_exists_and_helps(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert run([name, "--help"]) == 0
        assert "Usage: sfcert" in capsys.readouterr().out
    assert sorted(cli.list_commands(None)) == sorted(COMMANDS)  # type: ignore[arg-type]  # the table needs no context


def test_every_option_says_what_it_is_for() -> None:
    def commands(one: click.Command) -> Iterator[click.Command]:
        yield one
        if isinstance(one, click.Group):
            context = click.Context(one)
            for name in one.list_commands(context):
                inner = one.get_command(context, name)
                assert inner is not None
                yield from commands(inner)

    silent = [
        f"{command.name} {option.opts[0]}"
        for command in commands(cli)
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["no-such-command"], "No such command"),
        (["audit"], "Name one source"),
        (["audit", "--bundle", "a.json", "--cluster", "/x"], "Name one source"),
        (["audit", "--bundle", "a.json", "--parameters", "b.json"], "--parameters goes with --template"),
        (["audit", "--bundle", "a.json", "--now", "yesterday"], "is not an instant"),
        (["plan", "--bundle", "a.json", "--now", "9999-12-31"], "lies outside the years 1970 to 2999"),
        (["audit", "--bundle", "a.json", "--now", "0001-01-01T00:00:00+05:00"], "lies outside the years"),
        (["audit", "--bundle", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["audit", "--template", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["show", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["show", "plan.json", "--format", "template"], "--format template goes with --stage"),
        (["show", "plan.json", "--stage", "x", "--format", "html"], "--stage goes with --format human, json, template"),
        (["capture", "-o", "x.json"], "Name the cluster: --cluster RESOURCE_ID"),
        (["capture", "--bundle", "a.json", "-o", "x.json"], "--bundle: only a live cluster is read here"),
        (["capture", "--template", "a.json"], "--template: only a live cluster is read here"),
        (["explain", "no-such-rule"], "no-such-rule"),
        (["sim", "advance", "soon"], "is not a duration"),
    ],
)
def test_misuse_and_unreadable_input_end_with_one_sentence_and_1(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 1
    streams = capsys.readouterr()
    assert says in streams.err
    assert "Traceback" not in streams.err
    assert streams.out == ""


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": "sfcert.plan/9"}', '{"format": "sfcert.plan/1"}'])
def test_a_file_that_is_no_plan_is_refused_in_one_sentence(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(text)
    assert run(["show", str(file)]) == 1
    assert "plan.json" in capsys.readouterr().err


def test_with_json_an_error_is_one_document_on_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "world.json"
    file.write_text('{"format": "sfcert.bundle/7"}')
    assert run(["audit", "--bundle", str(file), "--format", "json"]) == 1
    streams = capsys.readouterr()
    document = json.loads(streams.out)
    assert document["format"] == "sfcert.error/1"
    assert document["error"]["token"] == "FormatTooNew"
    assert "newer sfcert" in streams.err


def test_an_audit_in_json_is_one_document_and_nothing_else(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "--bundle", str(world), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert next(iter(document)) == "format"
    assert (document["format"], document["verdict"]) == ("sfcert.audit/1", "pass")


def test_an_error_level_finding_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text(bundle_text(make.bundle(make.common_name_world(pins=make.authority("Another").thumbprint))))
    assert run(["audit", "--bundle", str(file)]) == 2


def test_a_bug_ends_with_70_and_shows_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise ZeroDivisionError("not thought of")

    monkeypatch.setattr(cli, "main", broken)
    assert run(["audit"]) == 70
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_an_interruption_ends_with_130_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert run(["audit"]) == 130
    assert "goes on from there" in capsys.readouterr().err


def test_judging_at_another_instant_is_asked_for_and_never_guessed(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["audit", "--bundle", str(world), "--format", "json", "--now", "2027-03-01T00:00:00Z"])
    assert json.loads(capsys.readouterr().out)["observed_at_utc"] == "2027-03-01T00:00:00Z"


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], ["explain"], ["audit", "--format", "json"]])
def test_a_full_disk_under_standard_output_ends_with_one_sentence_and_1(world: Path, arguments: list[str]) -> None:
    more = ["--bundle", str(world)] if arguments[0] == "audit" else []
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", _MAIN, *arguments, *more], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 1
    assert ended.stderr == "sfcert: standard output cannot be written: No space left on device.\n"


def test_a_closed_standard_output_is_nobody_to_tell_and_no_bug(world: Path) -> None:
    command = ["sh", "-c", '"$0" "$@" >&-', sys.executable, "-c", _MAIN, "audit", "--bundle", str(world)]
    ended = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_group_without_a_command_shows_its_help_once_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sim"]) == 1
    streams = capsys.readouterr()
    assert streams.err.count("Usage: sfcert sim") == 1
    assert streams.out == ""


@pytest.mark.parametrize("command", [["show"], ["audit", "--bundle"]])
def test_a_file_nested_beyond_measure_is_refused_in_one_sentence(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "deep.json"
    file.write_text("[" * 100_000)
    assert run([*command, str(file)]) == 1
    assert "nested too deep" in capsys.readouterr().err


def test_a_demo_whose_folder_is_a_file_is_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "taken"
    file.write_text("mine")
    assert run(["demo", "-o", str(file)]) == 1
    assert "cannot be made: it is a file" in capsys.readouterr().err
