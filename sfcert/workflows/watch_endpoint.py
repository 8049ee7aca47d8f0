"""Does an endpoint serve what is expected? Looked at until it does, or for as long as somebody follows. Floor 5.

Sends nothing but a handshake. An endpoint that does not answer is waited for as well: it may be restarting.
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from sfcert.enrol.endpoint import Expected, sight_of, unreachable
from sfcert.errors import ConvergenceError, RemoteError
from sfcert.model.endpoint import EndpointSight
from sfcert.model.ids import parse_vault_url
from sfcert.pki import read_certificate
from sfcert.ports import Clock, Endpoints, Vaults
from sfcert.workflows.events import Emit, event

Json = dict[str, Any]
_FIRST_LOOK_S = 2.0
_LONGEST_PAUSE_S = 60.0


def watch_endpoint(
    host: str,
    port: int,
    expected: Expected,
    endpoints: Endpoints,
    *,
    clock: Clock,
    emit: Emit,
    vaults: Vaults | None = None,
    timeout_s: float | None = None,
    follow: bool = False,
) -> EndpointSight:
    """Look until everything that is expected holds.

    Args:
        vaults: asked for the newest version where `expected` names a vault certificate; it may move meanwhile.
        timeout_s: how long; None: for as long as it takes. With `follow` the end of the watch, not a failure.
        follow: go on looking after everything held, until interrupted or until the timeout.

    Returns:
        The last look.

    Raises:
        ConvergenceError: NotConverged with what does not hold.
        RemoteError: the vault cannot be read.

    Effects: handshakes and reads; sleeps by the Clock port; events `endpoint` where something changed, `waiting`.
    """
    began = clock.now()
    told: object = None
    pause = _FIRST_LOOK_S
    while True:
        found = _look(host, port, _with_newest(expected, vaults), endpoints, clock)
        if told != (said := _said(found)):
            told, pause = said, _FIRST_LOOK_S
            emit(event("endpoint", clock.now(), sight=found))
        if found.holds and not follow:
            return found
        elapsed = (clock.now() - began).total_seconds()
        if timeout_s is not None and elapsed >= timeout_s:
            if follow:
                return found
            raise ConvergenceError(
                "NotConverged",
                f"{expected.endpoint} does not serve what is expected after {timeout_s:.0f} s.",
                open_gates=[f"{one.check}: {one.message}" for one in found.checks if not one.holds],
                elapsed_s=elapsed,
            )
        left = timedelta.max.total_seconds() if timeout_s is None else max(1.0, timeout_s - elapsed)
        wait = min(pause, left)
        why = next((one.message for one in found.checks if not one.holds), "following")
        emit(event("waiting", clock.now(), stage="endpoint", seconds=wait, why=why))
        clock.sleep(wait)
        pause = min(pause * 2, _LONGEST_PAUSE_S)


def _look(host: str, port: int, expected: Expected, endpoints: Endpoints, clock: Clock) -> EndpointSight:
    try:
        served = endpoints.fetch_served(host, port, expected.server_name)
        chain = [read_certificate(one) for one in served]
    except RemoteError as error:
        return unreachable(expected, error.message, clock.now())
    except ValueError as error:
        return unreachable(expected, f"What it serves is no X.509: {error}.", clock.now())
    if not chain:
        return unreachable(expected, "It finished a handshake without showing a certificate.", clock.now())
    return sight_of(chain, expected, clock.now())


def _with_newest(expected: Expected, vaults: Vaults | None) -> Expected:
    if expected.vault_certificate is None or vaults is None:
        return expected
    reference = parse_vault_url(expected.vault_certificate)
    assert reference is not None, "checked by the command"
    body: Json = vaults.fetch_certificate(reference.vault_url, reference.name)
    enabled = [one for one in body.get("versions") or () if (one.get("attributes") or {}).get("enabled") is not False]
    newest = max(enabled, key=lambda one: int((one.get("attributes") or {}).get("created") or 0), default=None)
    return replace(expected, vault_thumbprint=_thumbprint(newest) if newest else None)


def _thumbprint(version: Json) -> str:
    text = str(version.get("x5t") or "")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex().upper()


def _said(found: EndpointSight) -> object:
    """What makes one look worth telling after another: not its instant, nor the days that pass."""
    return found.thumbprint, tuple((one.check, one.holds, one.holds or one.message) for one in found.checks)
