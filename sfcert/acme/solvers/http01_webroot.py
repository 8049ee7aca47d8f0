"""How is an HTTP-01 challenge answered by a web server that runs already? A file below its root. Floor 5.

Source: RFC 8555, section 8.3.
"""

from __future__ import annotations

import contextlib
import re
import threading
from datetime import datetime
from pathlib import Path

from sfcert.acme.solvers.solver import Kind
from sfcert.errors import RemoteError

_FOLDER = Path(".well-known") / "acme-challenge"
#: base64url, as the RFC has it: nothing else may become a file's name.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TRIES = 3


class Http01Webroot:
    """The solver for HTTP-01 that leaves a file for another server.

    Args:
        root: what that server serves as `/`, for every name.
    """

    kind: Kind = "http-01"

    def __init__(self, root: Path) -> None:
        self._root = root
        # one order's last file goes with its folder, in which another's may be about to be written
        self._lock = threading.Lock()

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Write the file, which everyone may read, and the folders above it that are not there, whatever the umask.

        Raises:
            RemoteError: `ChallengeNotServed` where it cannot be written.
        """
        file = self._file(name, token)
        if not self._root.is_dir():
            raise self._failed(name, f"{self._root} is not a folder")
        try:
            with self._lock:
                self._write(file, key_authorization)
        except OSError as error:
            # not half a file: who is told that nothing could be left takes nothing away
            with contextlib.suppress(OSError):
                file.unlink(missing_ok=True)
            raise self._failed(name, f"{file}: {error.strerror or error}") from error

    def settle(self, name: str, token: str, key_authorization: str, *, until_utc: datetime | None = None) -> None:
        """Nothing to wait for: the other server reads the file when it is asked."""

    def cleanup(self, name: str, token: str, key_authorization: str) -> None:
        file = self._file(name, token)
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise self._failed(name, f"{file}: {error.strerror or error}") from error
        # folders stay where something else is in them
        with self._lock, contextlib.suppress(OSError):
            file.parent.rmdir()
            file.parent.parent.rmdir()

    def _write(self, file: Path, text: str) -> None:
        for attempt in range(1, _TRIES + 1):
            for folder in (file.parent.parent, file.parent):
                if not folder.is_dir():
                    folder.mkdir(exist_ok=True)
                    folder.chmod(0o755)
            try:
                file.write_text(text, encoding="ascii")
                break
            except FileNotFoundError:
                # another process took the folder away with its own last file
                if attempt == _TRIES:
                    raise
        file.chmod(0o644)

    def _file(self, name: str, token: str) -> Path:
        if not _TOKEN.fullmatch(token):
            raise self._failed(name, "the CA's token is not base64url, so it cannot be a file's name")
        return self._root / _FOLDER / token

    def _failed(self, name: str, why: str) -> RemoteError:
        return RemoteError(
            "ChallengeNotServed",
            f"The challenge for {name} cannot be left for the web server: {why}.",
            service="HTTP-01",
            operation="webroot",
            transient=False,
        )
