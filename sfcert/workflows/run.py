"""What does a run hold in its hands? Plan, ports, the newest look, and the seam where a durable engine fits. Floor 5.

Every outward effect goes through `Run.step` with a key made of plan digest, stage and what is done. Run directly, a
step is a plain call; a durable engine records it under the key and never repeats one that it has recorded. Steps run at
least once either way: each reads and compares before it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from msgspec.structs import replace

from sfcert.converge.gates import evidence_of
from sfcert.model.bundle import Bundle
from sfcert.model.observation import Observation
from sfcert.model.plan import EnrolOperation, EvidenceLevel, Plan, Stage
from sfcert.model.progress import Event
from sfcert.ports import Ports
from sfcert.sources.live import CaptureOptions, Part, capture, refresh
from sfcert.sources.observe import observe
from sfcert.sources.redact import redact
from sfcert.workflows.binding import Binding, replaced
from sfcert.workflows.enrolment.request import Means
from sfcert.workflows.events import Emit, event

T = TypeVar("T")


class Enrolments(Protocol):
    """What the enrolment under one vault certificate's name works with. `tell` hears of each of its steps."""

    def __call__(self, operation: EnrolOperation, tell: Callable[[Event], None]) -> Means: ...


class Steps(Protocol):
    """Carries out one outward effect under a key."""

    def __call__(self, key: str, effect: Callable[[], T]) -> T: ...


def directly(key: str, effect: Callable[[], T]) -> T:
    """Without an engine: the effect itself."""
    return effect()


class Run:
    """One run of one plan, or a watch of one cluster. Not shared between threads."""

    def __init__(
        self,
        cluster_id: str,
        ports: Ports,
        emit: Emit,
        *,
        options: CaptureOptions,
        plan: Plan | None = None,
        steps: Steps = directly,
    ) -> None:
        self._cluster_id = cluster_id
        self._plan = plan
        self.ports = ports
        self.options = replace(options, reads_at_once=min(options.reads_at_once, ports.reads_at_once))
        self._emit = emit
        self._steps = steps
        self._bundle: Bundle | None = None
        #: What the plan's enrolment has brought; None until it has, and where it has none.
        self.binding: Binding | None = None
        self.enrolments: Enrolments | None = None
        self.instead: dict[str, str] = {}
        #: How the plan is called on the command line.
        self.plan_name = "PLAN"

    @property
    def plan(self) -> Plan:
        """The plan that is carried out; a bug where there is none (a watch of a cluster)."""
        assert self._plan is not None
        return self._plan

    @property
    def accepted(self) -> tuple[str, ...]:
        return self._plan.accepted if self._plan is not None else ()

    # -- time and telling ---------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.ports.clock.now()

    def sleep(self, seconds: float) -> None:
        self.ports.clock.sleep(seconds)

    def tell(self, what: str, /, **data: Any) -> None:
        """Emit one event of this type."""
        self._emit(event(what, self.now(), **data))

    def step(self, stage: Stage, what: str, effect: Callable[[], T]) -> T:
        """One outward write, under its idempotency key."""
        return self._steps(f"{self.plan.digest}/{stage.id}/{what}", effect)

    # -- looking ------------------------------------------------------------------------------------------------------

    def look(self, parts: Iterable[Part] = (), subjects: frozenset[str] | None = None) -> Observation:
        """The newest look, these parts read now; the first look reads everything that ARM and the vaults show.

        Raises:
            InputError, RemoteError: the cluster itself cannot be read.
        """
        now, ports = self.now(), self.ports
        if self._bundle is None:
            self._bundle = capture(
                self._cluster_id,
                ports.arm,
                ports.vaults,
                ports.nodes,
                now=now,
                options=self.options,
                issuers=ports.issuers,
            )
        elif wanted := tuple(parts):
            self._bundle = refresh(
                self._bundle,
                ports.arm,
                ports.vaults,
                ports.nodes,
                parts=wanted,
                now=now,
                subjects=subjects,
                options=self.options,
                issuers=ports.issuers,
            )
        return observe(self._bundle, now)

    def evidence(self, observation: Observation) -> frozenset[EvidenceLevel]:
        """The levels that can be had in this run. Nodes that merely did not answer this time still count."""
        levels = set(evidence_of(observation))
        why = observation.why_unread("runtime") or ""
        if self.ports.nodes is not None and not why.startswith("CredentialUnavailable"):
            levels |= {"runtime", "tls"}
        return frozenset(levels)

    def bound(self, stage: Stage) -> Stage:
        """The stage as it is carried out: with the certificate that was enrolled, once there is one."""
        return self.binding.bound(stage) if self.binding is not None else stage

    def as_planned(self, body: Any) -> Any:
        """A body that was read, as the plan would have it: with the stand-in of what was enrolled."""
        for there, planned in self.instead.items():
            body = replaced(body, there, planned)
        return self.binding.as_planned(body) if self.binding is not None else body

    def redacted(self, body: Any) -> Any:
        """A fresh body in the form in which the plan saw it."""
        return redact(body, self._cluster_id.rstrip("/"))


def options_of(plan: Plan) -> CaptureOptions:
    """What a run has to read beside the cluster: the goal's certificates, those that stages freeze, the identity."""
    urls = {stage.vault.vault_url + "/certificates/" + stage.vault.certificate for stage in plan.stages if stage.vault}
    identities = set()
    if plan.goal is not None:
        urls |= set(plan.goal.certificate_urls.values())
        identities.add(plan.goal.identity_id)
    for stage in plan.stages:
        for gate in (*stage.gates_in, *stage.gates_out):
            if gate.subject.startswith("https://"):
                urls.add(gate.subject)
            if gate.kind == "identity-exists":
                identities.add(gate.subject)
            if isinstance(identity := gate.expects.get("identity_id"), str):
                identities.add(identity)
    return CaptureOptions(
        certificate_urls=tuple(sorted(urls)), identity_ids=tuple(sorted(one for one in identities if one))
    )
