"""Where does an answer go? Standard output or a file that is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import click

from sfcert.errors import InputError

#: What every command has that answers with one document.
form_option = click.option(
    "--format",
    "form",
    type=click.Choice(["human", "json"]),
    default="human",
    show_default=True,
    help="For people, or one JSON document.",
)


def answer(text: str) -> None:
    """Print a view's text as it is, on standard output."""
    click.echo(text, nl=not text.endswith("\n"))


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a crash leaves the old one or the new one, never half of it.

    Raises:
        InputError: FileUnreadable, where the place cannot be written.
    """
    if not path.name:
        raise InputError("FileUnreadable", f"{str(path)!r} cannot be written: it is no file's name.")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError("FileUnreadable", f"{path} cannot be written: {error.strerror or error}.") from error
