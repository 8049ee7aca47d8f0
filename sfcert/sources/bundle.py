"""How is a captured world read and written? Files of the form `sfcert.bundle/1`."""

from __future__ import annotations

from pathlib import Path

from sfcert.errors import Fault, InputError
from sfcert.model.bundle import Bundle
from sfcert.model.codec import pretty, read_bundle


def load_bundle(path: Path) -> Bundle:
    """Read a bundle file.

    Raises:
        InputError: FileUnreadable, BundleInvalid, FormatTooNew.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError("FileUnreadable", f"{path} cannot be read.", [Fault(error.strerror or str(error))]) from error
    return read_bundle(text, str(path))


def bundle_text(bundle: Bundle) -> str:
    """The bundle as it is written to a file: JSON for people, a newline at the end."""
    return pretty(bundle)
