"""What has a date on it? The one file of facts that age, read once. Floor 0.

`sfcert/dated.toml` holds api-versions, role ids, runtime thresholds, timings, validity maxima, sunsets, extension
versions and the closed list of assumptions, each with its source.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _all() -> dict[str, Any]:
    return tomllib.loads(files("sfcert").joinpath("dated.toml").read_text("utf-8"))


def table(name: str) -> dict[str, Any]:
    """One table of the file, such as `timings`. KeyError where there is none: a bug."""
    found = _all()[name]
    assert isinstance(found, dict)
    return found


def rows(name: str) -> list[dict[str, Any]]:
    """One array of tables, such as `assumptions`, in the order of the file."""
    found = _all()[name]
    assert isinstance(found, list)
    return found


def read_on() -> date:
    found = _all()["read_on"]
    assert isinstance(found, date)
    return found


@cache
def _api_versions() -> dict[str, str]:
    return {key.lower(): str(value) for key, value in table("api_versions").items()}


def api_version(resource_type: str) -> str:
    """The api-version for reading and writing this type (case aside)."""
    return _api_versions()[resource_type.lower()]


def timing_s(name: str) -> int:
    return int(table("timings")[name])


def role_id(name: str) -> str:
    return str(table("roles")[name])


def roles_that_read_secrets() -> frozenset[str]:
    """Role definition GUIDs, lower-case, whose holder can fetch a certificate with its key."""
    roles = table("roles")
    return frozenset(str(roles[name]).lower() for name in roles["reads_secrets"])


def assumption(assumption_id: str) -> dict[str, Any] | None:
    """One of the assumptions that `--accept` may name, or None."""
    return next((row for row in rows("assumptions") if row["id"] == assumption_id), None)


def runtime_key(version: str) -> tuple[int, ...]:
    """A runtime version as something to compare: '11.4.268.1' -> (11, 4, 268, 1). ValueError where it is no version."""
    return tuple(int(part) for part in version.split("."))


def runtime_at_least(version: str | None, threshold: str) -> bool | None:
    """Whether a runtime has reached a threshold of the `runtime` table. None where the version is not known."""
    if version is None:
        return None
    try:
        return runtime_key(version) >= runtime_key(str(table("runtime")[threshold]))
    except ValueError:
        return None
