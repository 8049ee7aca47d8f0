"""What could be read, and what not and why? Parallel reads that record every refusal. Floor 2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sfcert.errors import RemoteError
from sfcert.model.bundle import RawResource, Unread
from sfcert.model.ids import parse_resource_id
from sfcert.ports import Arm
from sfcert.sources.redact import redact

S = TypeVar("S")
T = TypeVar("T")

#: How many reads run at once. Resource Manager allows far more; a shell with a slow line does not profit.
WORKERS = 8


def reason_of(error: RemoteError) -> str:
    """Why a read failed, in words that do not change from one run to the next (no correlation id, no time)."""
    if error.status is None:
        return error.token
    return f"{error.status} {error.remote_code}" if error.remote_code else str(error.status)


class Reading:
    """The reads of one capture: a pool, the salt for secrets, and the list of what was refused.

    Only `RemoteError` is recorded. Anything else is a bug and flies.
    """

    def __init__(
        self, arm: Arm, salt: str, progress: Callable[[str], None] | None = None, *, workers: int = WORKERS
    ) -> None:
        self.arm = arm
        self._workers = workers
        self._salt = salt
        self._progress = progress
        self._unread: dict[str, str] = {}

    @property
    def unread(self) -> tuple[Unread, ...]:
        return tuple(Unread(what=what, why=self._unread[what]) for what in sorted(self._unread))

    def say(self, what: str) -> None:
        if self._progress is not None:
            self._progress(what)

    def refuse(self, what: str, why: str) -> None:
        self._unread.setdefault(what, why)

    def attempt(self, what: str, read: Callable[[], T]) -> T | None:
        """What `read` gives, or None with the reason recorded under `what`."""
        try:
            return read()
        except RemoteError as error:
            self.refuse(what, reason_of(error))
            return None

    def resource(self, resource_id: str, api_version: str) -> RawResource | None:
        """One resource, redacted; None with the reason recorded under its id."""
        self.say(resource_id)
        body = self.attempt(resource_id, lambda: self.arm.fetch(resource_id, api_version))
        return None if body is None else RawResource(api_version=api_version, body=self.redacted(body))

    def redacted(self, body: Any) -> Any:
        return redact(body, self._salt)

    def each(self, items: Iterable[S], read: Callable[[S], T]) -> list[T]:
        """`read` of every item, so many at once as there are workers, in the order of the items."""
        listed: Sequence[S] = list(items)
        if len(listed) < 2 or self._workers < 2:
            return [read(one) for one in listed]
        with ThreadPoolExecutor(max_workers=min(self._workers, len(listed)), thread_name_prefix="capture") as pool:
            return list(pool.map(read, listed))


def subscription_of(resource_id: str) -> str:
    return f"/subscriptions/{parse_resource_id(resource_id).subscription}"
