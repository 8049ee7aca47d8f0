"""Has the vault's operation ended? Looks until it has, by the clock, with a pause that grows. Floor 5."""

from __future__ import annotations

from collections.abc import Callable

from sfcert.enrol.reading import status_of
from sfcert.errors import ConvergenceError
from sfcert.workflows.enrolment.request import Means, Request, failed_remotely

_FIRST_LOOK_S = 2.0
_LONGEST_PAUSE_S = 30.0


def await_completion(request: Request, means: Means, tell: Callable[..., None]) -> None:
    """Return once the operation is completed.

    Raises:
        RemoteError: EnrolmentFailed: it failed, was cancelled, or is gone.
        ConvergenceError: NotConverged after the request's `timeout_s`; the next run goes on with the operation.

    Effects: reads; sleeps by the clock; `tell` hears of each new state.
    """
    clock = means.clock
    began, pause, told = clock.now(), _FIRST_LOOK_S, ""
    while True:
        pending = means.vault.fetch_pending(request.vault_url, request.name)
        status = status_of(pending)
        if pending is None:
            raise failed_remotely(request, "its operation is gone: it was deleted, or another took its place")
        if status == "completed":
            return
        if status != "inprogress":
            error = pending.get("error") or {}
            why = error.get("message") or pending.get("status_details") or "no reason is given"
            raise failed_remotely(request, f"the vault ended it as {status}: {' '.join(str(why).split())}".rstrip("."))
        elapsed = (clock.now() - began).total_seconds()
        detail = " ".join(str(pending.get("status_details") or "in progress").split())
        if detail != told:
            told = detail
            tell("waiting", why=detail, elapsed_s=elapsed)
        if elapsed >= request.timeout_s:
            raise ConvergenceError(
                "NotConverged",
                f"{request.certificate_url}: still in progress after {elapsed:.0f} s: {detail} "
                "The same command goes on with it; --cancel-pending ends it.",
                elapsed_s=elapsed,
            )
        clock.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)
