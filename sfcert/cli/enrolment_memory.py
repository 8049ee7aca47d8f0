"""Where is an enrolment remembered between two runs? One JSON file for each certificate, in a folder of the user's."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from sfcert.cli.output import write_whole
from sfcert.errors import InputError
from sfcert.model.codec import pretty
from sfcert.model.enrolment import RECORD_FORMAT, Record


def default_folder() -> Path:
    """`$XDG_STATE_HOME/sfcert/enrolments`, else `~/.local/state/sfcert/enrolments`."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "sfcert" / "enrolments"


class FileMemory:
    """The `Memory` port over `FOLDER/<vault host>/<name>.json`, written whole, readable by its owner alone."""

    def __init__(self, folder: Path, vault_url: str, name: str) -> None:
        self._file = folder / (urlsplit(vault_url).netloc.lower() or "vault") / f"{name.lower()}.json"

    def load(self) -> Record | None:
        try:
            text = self._file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError("FileUnreadable", f"{self._file} cannot be read: {error.strerror or error}.") from error
        try:
            record = msgspec.json.decode(text, type=Record)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(
                "FileUnreadable", f"{self._file} is not what sfcert wrote ({error}). Move it away to begin anew."
            ) from error
        if record.format != RECORD_FORMAT:
            raise InputError(
                "FormatTooNew", f"{self._file} says {record.format!r}; this version reads {RECORD_FORMAT}."
            )
        return record

    def save(self, record: Record) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise InputError("FileUnreadable", f"{self._file.parent}: {error.strerror or error}.") from error
        write_whole(self._file, pretty(record))


def remembered_names(folder: Path, vault_url: str) -> list[str]:
    """Lower-case names of the certificates of this vault that an enrolment is remembered for."""
    return sorted(one.stem for one in (folder / urlsplit(vault_url).netloc.lower()).glob("*.json"))
