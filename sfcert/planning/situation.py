"""What do all questions of the planner look at? One value, made once. Floor 4."""

from __future__ import annotations

import hashlib

from sfcert import dated
from sfcert.model.base import Value
from sfcert.model.bundle import RawResource
from sfcert.model.certificate import Certificate
from sfcert.model.ids import VaultReference, same_id
from sfcert.model.observation import Observation, ScaleSet, VaultCertificate
from sfcert.planning.client_goal import ClientGoal
from sfcert.planning.future import Future
from sfcert.planning.goal import FoundGoal
from sfcert.planning.identities import ChosenIdentity
from sfcert.planning.inputs import Inputs
from sfcert.planning.recovery import Recovery
from sfcert.planning.roles import Role, role_declaration
from sfcert.playbook import Aim


class Situation(Value):
    """The world, the goal and the choices. `scale_sets` are in canary order; `labels` and `identities` by scale set
    id, none where nothing is fetched under one. `final_pins` are the goal's issuers that stay declared in the end,
    None: all of them. `cleans_up` where nothing is to change but what is left over; `aim` is then how the cluster is
    declared. So it is in a `recovery`, None in every other plan. `role` is whose declaration moves; `declares` are what
    the gates expect of it in the end, None where it is the cluster's own. `found_goal` is None where no certificate is
    led to the nodes; `clients` is the goal then."""

    observation: Observation
    inputs: Inputs
    found_goal: FoundGoal | None
    scale_sets: tuple[ScaleSet, ...]
    labels: dict[str, str]
    identities: dict[str, ChosenIdentity]
    aim: Aim = "name"
    final_pins: tuple[str, ...] | None = None
    cleans_up: bool = False
    recovery: Recovery | None = None
    role: Role = "cluster"
    declares: dict[str, object] | None = None
    clients: ClientGoal | None = None

    @property
    def goal(self) -> FoundGoal:
        """The certificate that is led to the nodes. A playbook without one asks no question that needs it."""
        assert self.found_goal is not None, f"the role {self.role} leads no certificate to the nodes"
        return self.found_goal

    @property
    def future(self) -> Future | None:
        """The certificate that a stage of the plan enrols; None where it is there, or none is led to the nodes."""
        return self.found_goal.future if self.found_goal is not None else None

    @property
    def goal_is_to_come(self) -> bool:
        """Whether the goal is only what was there last: its successor is not issued yet."""
        return self.recovery is not None and not self.recovery.has_newer and self.recovery.phase != "lives"

    @property
    def always_tells(self) -> bool:
        """Whether people have something to do even where nothing is left for a stage."""
        return self.cleans_up or self.role == "clients" or self.awaits_issuer

    @property
    def awaits_issuer(self) -> bool:
        """Whether the vault has no version yet from an authority that was asked for."""
        wanted = set(self.inputs.issuer_thumbprints)
        return self.aim == "issuer" and bool(wanted) and not wanted & {one.thumbprint for one in self._verified}

    @property
    def _verified(self) -> tuple[Certificate, ...]:
        return self.found_goal.issuers.verified if self.found_goal is not None else ()

    @property
    def store(self) -> str:
        """The certificate store that the role's declaration names, `My` where it names none."""
        return role_declaration(self.observation, self.role).store or "My"

    @property
    def judging_pins(self) -> frozenset[str]:
        """The pins by which nodes judge what the goal's vault certificate brings; empty where they go by none."""
        if self.aim == "thumbprint":
            return frozenset()
        if self.role == "cluster":
            return frozenset(self.final_pins or self.goal.pins)
        # nobody pins the reverse proxy, but the nodes themselves would present its certificate under the same name
        names = self.observation.cluster.certificate.names
        return frozenset(pin for one in names if one.common_name == self.goal.common_name for pin in one.issuers)

    @property
    def owner(self) -> str:
        """Who writes the freeze tags: the same short text for one cluster and playbook, in every run. A plan that ends
        frozen leaves `left_mark` instead."""
        return owner_of(self.observation.cluster.id, self.inputs.playbook)

    @property
    def left_mark(self) -> str:
        """What a freeze is marked with that a plan leaves behind on purpose: any later plan of this cluster may end it,
        once no thumbprint declaration is served any more."""
        return owner_of(self.observation.cluster.id, "left frozen")

    def may_end(self, mark: str | None) -> bool:
        """Whether a freeze with this mark is this plan's to end."""
        return mark is not None and mark in (self.owner, self.left_mark)

    def raw(self, resource_id: str) -> RawResource:
        """The resource as it was read. KeyError where it was not: a bug, an observation has none without its body."""
        return raw_of(self.observation, resource_id)

    def lifetime_actions(self, certificate: VaultCertificate) -> list[object]:
        """The policy's lifetime actions, raw."""
        for url, vault in self.observation.bundle.vaults.items():
            if url.rstrip("/").lower() == certificate.vault_url.lower():
                raw = vault.certificates.get(certificate.name)
                return list((raw.policy or {}).get("lifetime_actions") or []) if raw else []
        return []

    def observed_after(self, scale_set: ScaleSet) -> tuple[VaultReference, ...]:
        """What the Key Vault extension of a scale set observes once the goal is among it, in its order."""
        existing = [one.reference for each in scale_set.key_vault_extensions for one in each.observed]
        goal = self.goal.reference(scale_set.id)
        # what stays declared by thumbprint comes by vm secret: an extension would bring its successor
        coming = () if self.aim == "thumbprint" else (goal,)
        found: dict[str, VaultReference] = {}
        for one in (*existing, *coming):
            if one is not None:
                found.setdefault(one.certificate_url.lower(), one)
        return tuple(found.values())

    def extension_row(self) -> dict[str, object] | None:
        """Which Key Vault extension fits this cluster's machines, from the dated table; None where the OS is
        unknown."""
        return next((row for row in dated.rows("extension_versions") if row["os"] == self.observation.cluster.os), None)


def raw_of(observation: Observation, resource_id: str) -> RawResource:
    """A resource as it was read. KeyError where it was not."""
    return next(raw for key, raw in observation.bundle.resources.items() if same_id(key, resource_id))


def owner_of(cluster_id: str, playbook: str) -> str:
    return "sfcert-" + hashlib.sha256(f"{cluster_id.rstrip('/').lower()}\n{playbook}".encode()).hexdigest()[:12]
