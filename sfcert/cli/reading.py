"""How does what was named become facts? The source, read into one `Bundle` and looked at."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sfcert.cli.source import Source
from sfcert.errors import Fault, InputError

if TYPE_CHECKING:
    from sfcert.model.bundle import Bundle
    from sfcert.model.observation import Observation
    from sfcert.sources.live import CaptureOptions


#: No policy, manifest, chain or template comes near; a device that never ends would take the machine's memory.
_MOST_BYTES = 64 * 1024 * 1024


def read_text(path: Path) -> str:
    """A file's text, UTF-8 with or without BOM. Raises InputError FileUnreadable."""
    try:
        with path.open("rb") as stream:
            return _whole(stream, str(path)).decode("utf-8-sig")
    except OSError as error:
        raise InputError("FileUnreadable", f"{path} cannot be read.", [Fault(error.strerror or str(error))]) from error
    except UnicodeDecodeError as error:
        raise InputError("FileUnreadable", f"{path} is not UTF-8 text (byte {error.start}).") from error


def read_text_or_input(path: Path) -> tuple[str, str]:
    """What a path or `-`, standard input, is called in faults, and its text, UTF-8 with or without BOM.

    Raises:
        InputError: FileUnreadable.
    """
    if str(path) != "-":
        return str(path), read_text(path)
    name, text = read_bytes_or_input(path)
    try:
        return name, text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("FileUnreadable", f"{name} is not UTF-8 text (byte {error.start}).") from error


def read_bytes_or_input(path: Path) -> tuple[str, bytes]:
    """What a path or `-`, standard input, is called in faults, and its bytes.

    Raises:
        OSError: the file's own.
        InputError: FileUnreadable, where standard input was closed before we began.
    """
    if str(path) != "-":
        with path.open("rb") as stream:
            return str(path), _whole(stream, str(path))
    if sys.stdin is None:
        raise InputError("FileUnreadable", "standard input is closed.")
    return "standard input", _whole(sys.stdin.buffer, "standard input")


def _whole(stream: IO[bytes], name: str) -> bytes:
    """All that a stream holds. Raises InputError FileUnreadable where that is more than any such file has."""
    found = stream.read(_MOST_BYTES + 1)
    if len(found) > _MOST_BYTES:
        raise InputError("FileUnreadable", f"{name} holds more than {_MOST_BYTES // 1024 // 1024} MiB.")
    return found


def load_bundle_of(source: Source, wanted: CaptureOptions | None = None) -> Bundle:
    """The source as a bundle. A live one is read now, with what else is `wanted` of it.

    Raises:
        InputError, RemoteError: as the reader of that kind of source says.
    """
    if source.bundle is not None:
        from sfcert.sources.bundle import load_bundle

        return load_bundle(source.bundle)
    if source.template is not None:
        from sfcert.sources.template import read_template

        parameters = read_text(source.parameters) if source.parameters else None
        return read_template(
            read_text(source.template),
            str(source.template),
            parameters,
            str(source.parameters) if source.parameters else None,
            now=source.now or datetime.now(UTC),
        )
    assert source.cluster is not None
    from sfcert.cli.connect import capture_now, connect

    return capture_now(source, connect(source), wanted)


def look(source: Source, wanted: CaptureOptions | None = None) -> Observation:
    """The source as facts, judged at `--now` or at the instant that it was captured."""
    from sfcert.sources.observe import observe

    return observe(load_bundle_of(source, wanted), source.now)
