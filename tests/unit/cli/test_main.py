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
        (["audit", "--bundle", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["audit", "--template", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["show", "no-such-file.json"], "no-such-file.json cannot be read"),
        (["show", "plan.json", "--format", "template"], "--format template goes with --stage"),
        (["show", "plan.json", "--stage", "x", "--format", "html"], "--stage goes with --format human, json, template"),
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
