"""What does a judge have before it? One look: the observation, the clock, the evidence that was to be had. Floor 3."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sfcert.converge.reasons import verdict
from sfcert.model.ids import VaultReference, parse_vault_url
from sfcert.model.observation import Observation, ScaleSet, VaultCertificate
from sfcert.model.plan import EvidenceLevel, Gate
from sfcert.model.progress import Convergence, GateState, GateVerdict

VAULT_LOOK_S = 15.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one gate. Instants are aware UTC; `started_utc` and `done_utc` are the stage's, None where it has
    not been sent or not been accepted as done."""

    gate: Gate
    observation: Observation
    now: datetime
    evidence: frozenset[EvidenceLevel]
    started_utc: datetime | None
    done_utc: datetime | None

    def passed(self, message: str) -> GateVerdict:
        return verdict(self.gate.id, "passed", "Holds", message)

    def open(self, reason: str, message: str, look_again_s: float = VAULT_LOOK_S) -> GateVerdict:
        return verdict(self.gate.id, "open", reason, message, look_again_s=look_again_s)

    def failed(self, reason: str, message: str, look_again_s: float | None = None) -> GateVerdict:
        return verdict(self.gate.id, "failed", reason, message, look_again_s=look_again_s)

    def unknown(self, reason: str, message: str, look_again_s: float | None = VAULT_LOOK_S) -> GateVerdict:
        return verdict(self.gate.id, "unknown", reason, message, look_again_s=look_again_s)

    def of(self, found: Convergence) -> GateVerdict:
        """A resource's judgement as the gate's."""
        state: GateState
        match found.state:
            case "current":
                state = "passed"
            case "in-progress":
                state = "open"
            case _:
                state = found.state
        return verdict(self.gate.id, state, found.reason, found.message, look_again_s=found.look_again_s)

    def scale_set(self) -> ScaleSet | GateVerdict:
        """The gate's scale set, or the verdict where it was not seen."""
        found = self.observation.scale_set(self.gate.subject)
        return found or self.missing(self.gate.subject)

    def missing(self, what: str) -> GateVerdict:
        """The verdict where a subject is not in the observation: with the reason where it is known."""
        why = self.observation.why_unread(what)
        return self.unknown("NotRead", f"{what} could not be read{f': {why}' if why else ''}.")

    def reference(self) -> VaultReference | None:
        return parse_vault_url(self.gate.subject)

    def certificate(self) -> VaultCertificate | GateVerdict:
        """The gate's vault certificate, or the verdict where it was not seen."""
        reference = self.reference()
        found = self.observation.vault_certificate(reference) if reference else None
        if found is not None:
            return found
        return self.missing(f"vaults/{reference.vault_url}" if reference else self.gate.subject)


def instant(value: object) -> datetime | None:
    """An instant inside a gate's fields, as the plan's JSON writes it; None where there is none."""
    if not isinstance(value, str):
        return None
    parsed = datetime.fromisoformat(value)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
