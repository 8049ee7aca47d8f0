"""Fakes of the ports: a small Azure in memory that counts what is sent. No rule of Service Fabric is in here.

`FakeArm` serves a bundle's resources; a deployment becomes done after some looks and then does what its test says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

from sfcert.errors import RemoteError
from sfcert.model.ids import parse_resource_id

Json = dict[str, Any]
START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def refusal(status: int, code: str | None = None, *, transient: bool = False) -> RemoteError:
    """What an adapter raises for this answer."""
    token = "PermissionDenied" if status in (401, 403) else "RemoteFailed"
    return RemoteError(
        token,
        f"the fake answers {status} {code or ''}",
        service="fake",
        operation="GET",
        status=status,
        remote_code=code,
        transient=transient,
    )


class FakeClock:
    """Waiting moves it, nothing else does. `on_sleep` may change the world meanwhile."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] | None = None

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += timedelta(seconds=seconds)
        if self.on_sleep is not None:
            self.on_sleep()


class FakeArm:
    """Resources by id, deployments by name. `sent` lists every write that was accepted, in order."""

    def __init__(self, document: Json, clock: FakeClock) -> None:
        self.resources: dict[str, Json] = {key: deepcopy(raw["body"]) for key, raw in document["resources"].items()}
        self.instances: dict[str, list[Json]] = deepcopy(document.get("vm_instances") or {})
        self.clock = clock
        self.sent: list[str] = []
        self.read: list[str] = []
        self.records: dict[str, Json] = {}
        self.effects: dict[str, Callable[[FakeArm], None]] = {}
        self.endings: dict[str, Json] = {}
        self.looks_needed = 2
        self.refusals: dict[str, RemoteError] = {}
        self.send_failures: list[tuple[RemoteError, bool]] = []
        self._looks: dict[str, int] = {}

    def fetch(self, resource_id: str, api_version: str, *, query: Mapping[str, str] | None = None) -> Json:
        self.read.append(resource_id)
        self._maybe_refuse(resource_id)
        found = next((one for key, one in self.resources.items() if key.lower() == resource_id.lower()), None)
        if found is None:
            raise refusal(404, "ResourceNotFound")
        return deepcopy(found)

    def fetch_all(self, path: str, api_version: str, *, query: Mapping[str, str] | None = None) -> list[Json]:
        self.read.append(path)
        self._maybe_refuse(path)
        if path.endswith("/virtualMachines"):
            return deepcopy(self.instances.get(path.removesuffix("/virtualMachines"), []))
        kind = "/".join(path.rstrip("/").rsplit("/", 2)[-2:]).lower()
        scope = path[: path.lower().rfind("/providers/")].lower()
        return [
            deepcopy(body)
            for key, body in self.resources.items()
            if parse_resource_id(key).type.lower() == kind and key.lower().startswith(scope)
        ]

    def _maybe_refuse(self, path: str) -> None:
        for part, error in self.refusals.items():
            if part.lower() in path.lower():
                raise error

    def start_deployment(self, scope: str, name: str, template: Json, parameters: Json) -> None:
        failure = self.send_failures.pop(0) if self.send_failures else None
        if failure is None or failure[1]:
            self.sent.append(name)
            self._looks[name] = 0
            self.records[name] = {
                "name": name,
                "properties": {"provisioningState": "Running", "correlationId": f"c{len(self.sent)}"},
            }
        if failure is not None:
            raise failure[0]

    def fetch_deployment(self, scope: str, name: str) -> Json | None:
        record = self.records.get(name)
        if record is None:
            return None
        if record["properties"]["provisioningState"] == "Running":
            self._looks[name] = self._looks.get(name, 0) + 1
            if self._looks[name] >= self.looks_needed:
                self._end(name, record["properties"])
        return deepcopy(record)

    def _end(self, name: str, properties: Json) -> None:
        ending = self.endings.pop(name, {"provisioningState": "Succeeded"})
        if ending["provisioningState"] == "Succeeded" and name in self.effects:
            self.effects[name](self)
        properties.update(ending, timestamp=self.clock.now().isoformat())

    def fetch_deployments(self, scope: str) -> list[Json]:
        return [deepcopy(one) for one in self.records.values()]

    def fetch_deployment_operations(self, scope: str, name: str) -> list[Json]:
        return deepcopy(self.records.get(name, {}).get("operations") or [])

    def start_instance_upgrade(self, scale_set_id: str, instance_ids: Sequence[str], api_version: str) -> None:
        self.sent.append(f"manualupgrade {','.join(instance_ids)}")
        for one in self.instances[scale_set_id]:
            if one["instanceId"] in instance_ids:
                one["properties"]["latestModelApplied"] = True

    def retry_after_s(self) -> float | None:
        return None


class FakeVaults:
    """Certificates by vault URL and name, in the bundle's form. `sent` lists the writes."""

    def __init__(self, document: Json) -> None:
        self.vaults: dict[str, dict[str, Json]] = {
            url: deepcopy(vault["certificates"]) for url, vault in document["vaults"].items()
        }
        self.sent: list[str] = []
        self.refusals: dict[str, RemoteError] = {}
        #: Raised by the next writes, in order; True: the write was done all the same.
        self.send_failures: list[tuple[RemoteError, bool]] = []

    def fetch_names(self, vault_url: str) -> list[str]:
        return sorted(self.vaults[vault_url])

    def fetch_certificate(self, vault_url: str, name: str) -> Json:
        for part, error in self.refusals.items():
            if part in f"{vault_url}/certificates/{name}":
                raise error
        found = self.vaults.get(vault_url, {}).get(name)
        if found is None:
            raise refusal(404, "CertificateNotFound")
        return deepcopy(found)

    def put_policy(self, vault_url: str, name: str, policy: Json) -> None:
        self._write("policy", lambda: self.vaults[vault_url][name]["policy"].update(deepcopy(policy)))

    def put_tags(self, vault_url: str, name: str, version: str, tags: dict[str, str]) -> None:
        self._write("tags", lambda: self.vaults[vault_url][name].update(tags=dict(tags)))

    def _write(self, what: str, do: Callable[[], None]) -> None:
        failure = self.send_failures.pop(0) if self.send_failures else None
        if failure is None or failure[1]:
            self.sent.append(what)
            do()
        if failure is not None:
            raise failure[0]


class FakeNodes:
    """What nodes show: a runtime document and DER chains by "host:port"."""

    def __init__(self, runtime: Json | RemoteError, presented: dict[str, list[bytes]] | None = None) -> None:
        self.runtime = runtime
        self.presented = presented or {}

    def fetch_runtime(self) -> Json:
        if isinstance(self.runtime, RemoteError):
            raise self.runtime
        return deepcopy(self.runtime)

    def fetch_presented(self, host: str, port: int) -> list[bytes]:
        found = self.presented.get(f"{host}:{port}")
        if found is None:
            raise RemoteError("RemoteUnreachable", "no answer", service="fake", operation="TLS", transient=True)
        return found
