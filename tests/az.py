"""The vendor's own command line, unmodified, with nothing but the variables of `sim env`.

Not a test. az is no dependency of ours (it takes half a gigabyte): `SFCERT_TEST_AZ` names it, as `make test-az`
does; without it every test marked `needs_az` is skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

#: Read while tests are collected: later the tests' own environment is swept clean.
AZ = os.environ.get("SFCERT_TEST_AZ")
_KEPT = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}


def needs_az(test: Any) -> Any:
    """Marks a test that drives az: skipped, with the reason, where none is named."""
    skipped = pytest.mark.skipif(AZ is None, reason="SFCERT_TEST_AZ names no Azure command line (make test-az)")
    return pytest.mark.az(skipped(test))


class Desk:
    """A shell in a folder of its own, in which `az` and `sfcert` are on the path, signed in as the operator."""

    def __init__(self, values: dict[str, str], folder: Path) -> None:
        assert AZ is not None
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._values = values
        path = f"{Path(sys.executable).parent}:{Path(AZ).resolve().parent}:{_KEPT['PATH']}"
        self._environment = {**_KEPT, **values, "HOME": values["AZURE_CONFIG_DIR"], "PATH": path}

    def sign_in(self) -> None:
        """az asks Entra for a token and the subscriptions, and remembers both in its folder."""
        app, secret, tenant = (self._values[f"AZURE_{part}"] for part in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"))
        self.az("login", "--service-principal", "-u", app, "-p", secret, "--tenant", tenant)

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """One line, as a person types it into bash."""
        return self._ended("bash", "-c", f"set -euo pipefail\n{line}")

    def _az(self, *words: str) -> subprocess.CompletedProcess[str]:
        assert AZ is not None
        return self._ended(AZ, *words, "-o", "json")

    def _ended(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def az(self, *words: str) -> Any:
        """One az command that has to succeed; its parsed output, None where it prints nothing."""
        done = self._az(*words)
        assert done.returncode == 0, f"az {' '.join(words)}: {done.stderr[-2000:]}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *words: str) -> str:
        """One az command that has to fail; what it says."""
        done = self._az(*words)
        assert done.returncode != 0, done.stdout
        return done.stderr
