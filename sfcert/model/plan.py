"""What will be done, in which order, and why? The plan that is reviewed is the plan that is applied."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import field

from sfcert.model.base import Value
from sfcert.model.enrolment import EnrolmentPolicy
from sfcert.model.finding import Finding
from sfcert.model.forecast import Forecast
from sfcert.model.proof import Proof

FORMAT = "sfcert.plan/1"
Json = dict[str, Any]
StageKind = Literal["deployment", "vault", "instances", "enrol", "wait", "manual"]
ChangeKind = Literal["Create", "Modify", "Delete"]
EvidenceLevel = Literal["arm", "runtime", "tls"]


class Deployment(Value):
    """One ARM deployment at `Stage.scope`. `template` is what is sent, to the letter; no secret is in it."""

    name: str
    mode: Literal["Incremental"]
    template: Json
    parameters: Json


class VaultOperation(Value):
    """A change of one certificate's policy and tags, in the data plane's own names.

    `expects` is what must be read before writing (the same keys), `sets` what is written; other keys are left alone.
    A tag set to None is removed.
    """

    vault_url: str
    certificate: str
    expects: Json
    sets: Json
    expects_tags: dict[str, str | None] = field(default_factory=dict)
    sets_tags: dict[str, str | None] = field(default_factory=dict)


class InstanceUpgrade(Value):
    """Instances of one scale set to bring to the latest model, in batches by update domain, health between them."""

    scale_set_id: str
    api_version: str
    batches: tuple[tuple[str, ...], ...]


class EnrolOperation(Value):
    """One certificate version to be requested. What it will be is not known yet: the plan counts on this and no more.

    `stand_in` is written wherever the plan would name its thumbprint; it begins with `E0E0E0E0` and is none itself.
    `previous` is the newest version's thumbprint at planning, None where there was none. `issuers` are the thumbprints
    of the certificates that may sign it; `lives_until_utc` is the day until which it, and they, have to live. `mark` is
    the tag's value by which the version is known afterwards. `known_issuers_pem` holds those issuers whose public
    certificate was seen. The policy's own renewal rests until the stage that gives it back.
    """

    vault_url: str
    certificate: str
    policy: EnrolmentPolicy
    stand_in: str
    previous: str | None
    name: str
    issuers: tuple[str, ...]
    lives_until_utc: datetime
    mark: str
    known_issuers_pem: str | None = None

    @property
    def url(self) -> str:
        return f"{self.vault_url}/certificates/{self.certificate}"


class Gate(Value):
    """A condition that is looked for, never assumed. `kind` is from the closed list in `sfcert.converge.gates`.

    `subject` is a resource id or a vault certificate's URL; `expects` holds the kind's own fields; `level` is the
    evidence that it needs. Less evidence makes it unknown, and unknown does not pass.
    """

    id: str
    kind: str
    level: EvidenceLevel
    subject: str
    expects: Json
    says: str


class Expectation(Value):
    """What an earlier stage or the world must have left: the digest of the paths of a resource that the stage carries
    or relies on. `paths` are those left out of the digest (they may move: capacity, read-only, owned)."""

    resource: str
    api_version: str
    paths_sha256: str
    without: tuple[str, ...] = ()


class PropertyChange(Value):
    """One property that is changed. `resource` is the one whose it is; None: the stage's own."""

    path: str
    kind: ChangeKind
    before: Any
    after: Any
    resource: str | None = None


class Deadline(Value):
    """How long the stage may take, in seconds, and the sum that it comes from, in words."""

    seconds: int
    computed_from: str


class Stage(Value):
    """One deployment, one vault operation or one wait, with its reason. Its number orders; its id names.

    `owned_paths` are all that the deployment may change; `safe_to_stop_until_utc` None means: do not stop here.
    `az` is the same step for people who apply by hand. `undo` says how to go back, or that there is no way back.
    """

    id: str
    action: str
    reason: str
    kind: StageKind
    scope: str
    resource: str
    owned_paths: tuple[str, ...] = ()
    changes: tuple[PropertyChange, ...] = ()
    deployment: Deployment | None = None
    vault: VaultOperation | None = None
    instances: InstanceUpgrade | None = None
    enrol: EnrolOperation | None = None
    expects: tuple[Expectation, ...] = ()
    gates_in: tuple[Gate, ...] = ()
    gates_out: tuple[Gate, ...] = ()
    deadline: Deadline = Deadline(seconds=3600, computed_from="an hour")
    is_point_of_no_return: bool = False
    safe_to_stop_until_utc: datetime | None = None
    undo: Json = field(default_factory=dict)
    az: tuple[str, ...] = ()

    @property
    def touched(self) -> tuple[str, ...]:
        """The resources that the changes lie on; the stage's own where it names none."""
        return tuple(dict.fromkeys(one.resource or self.resource for one in self.changes)) or (self.resource,)

    def changes_of(self, resource_id: str) -> tuple[PropertyChange, ...]:
        """The changes that lie on one of the touched resources."""
        return tuple(one for one in self.changes if (one.resource or self.resource) == resource_id)


class Goal(Value):
    """What the plan leads to: the certificate G, by name and pins; `thumbprint` is G's at planning time. `role` is what
    presents it: `cluster` or `reverse-proxy`, which takes no pins."""

    common_name: str
    issuer_thumbprints: tuple[str, ...]
    issuer_source: str
    thumbprint: str
    certificate_urls: dict[str, str]
    identity_id: str
    role: str = "cluster"


class Plan(Value):
    """The whole. `digest` is over the canonical JSON of everything but itself and `created_at_utc`.

    `forecast` is what follows for every certificate once the plan has been applied, for its review alone: nothing is
    decided by it. None where nobody made one.
    """

    playbook: str
    inputs: Json
    accepted: tuple[str, ...]
    cluster_id: str
    created_at_utc: datetime
    status: Literal["ready", "blocked", "nothing-to-do"]
    appliable: bool
    stages: tuple[Stage, ...]
    findings: tuple[Finding, ...]
    proof: Proof
    tool_version: str
    goal: Goal | None = None
    blocked_by: tuple[str, ...] = ()
    drift: tuple[PropertyChange, ...] = ()
    manual_steps: tuple[str, ...] = ()
    dependants: tuple[str, ...] = ()
    planned_for_utc: datetime | None = None
    forecast: Forecast | None = None
    format: str = FORMAT
    digest: str = ""

    def stage(self, stage_id: str) -> Stage | None:
        return next((stage for stage in self.stages if stage.id == stage_id), None)
