"""Where does an answer go? Standard output or a file that is written whole or not at all."""

from __future__ import annotations

import contextlib
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

    What a symbolic link points at is written, and the link stays. A device or a pipe takes the text as it comes: a
    file in its place would be there for every other program of the machine.

    Raises:
        InputError: FileUnreadable, where the place cannot be written.
    """
    if not path.name:
        raise InputError("FileUnreadable", f"{str(path)!r} cannot be written: it is no file's name.")
    beside = None
    try:
        if _is_stream(path):
            path.write_text(text, "utf-8")
            return
        place = path.resolve() if path.is_symlink() else path
        beside = place.with_name(f".{place.name}.{os.getpid()}")
        beside.write_text(text, "utf-8")
        beside.replace(place)
    except OSError as error:
        if beside is not None:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
        raise InputError("FileUnreadable", f"{path} cannot be written: {error.strerror or error}.") from error


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are not there yet.

    Raises:
        InputError: FileUnreadable, where there can be none.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "it is a file" if isinstance(error, FileExistsError) else error.strerror or str(error)
        raise InputError("FileUnreadable", f"The folder {path} cannot be made: {why}.") from error


def _is_stream(path: Path) -> bool:
    if str(path) in ("/dev/stdout", "/dev/stderr") or path.parent == Path("/dev/fd"):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()
