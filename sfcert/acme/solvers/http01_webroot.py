"""How is an HTTP-01 challenge answered by a web server that runs already? A file below its root. Floor 5.

Source: RFC 8555, section 8.3.
"""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from pathlib import Path

from sfcert.acme.solvers.solver import Kind
from sfcert.errors import RemoteError

_FOLDER = Path(".well-known") / "acme-challenge"
#: base64url, as the RFC has it: nothing else may become a file's name.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Http01Webroot:
    """The solver for HTTP-01 that leaves a file for another server.

    Args:
        root: what that server serves as `/`, for every name.
    """

    kind: Kind = "http-01"

    def __init__(self, root: Path) -> None:
        self._root = root

    def present(self, name: str, token: str, key_authorization: str) -> None:
        """Write the file, readable by everyone.

        Raises:
            RemoteError: `ChallengeNotServed` where it cannot be written.
        """
        file = self._file(name, token)
        if not self._root.is_dir():
            raise self._failed(name, f"{self._root} is not a folder")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(key_authorization, encoding="ascii")
            file.chmod(0o644)
        except OSError as error:
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
        with contextlib.suppress(OSError):
            file.parent.rmdir()
            file.parent.parent.rmdir()

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
