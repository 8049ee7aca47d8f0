"""Does a stage's gate open? The closed list of kinds, and one judgement per look. Floor 3.

A gate passes only on what was seen. What could not be looked at is *unknown*; unknown opens nothing. The caller waits,
accepts, or stops: no judge does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sfcert.converge import machine_gates, node_gates, recovery_gates, vault_gates
from sfcert.converge.look import Look
from sfcert.model.observation import Observation
from sfcert.model.plan import EvidenceLevel, Gate
from sfcert.model.progress import GateVerdict

#: kind -> what it demands. Closed: playbooks may name no other.
GATE_KINDS: Mapping[str, str] = {
    "cluster-at-rest": "The cluster is Ready and Succeeded, and no upgrade is seen to run.",
    "renewal-frozen": "The certificate's policy does not renew it, and no operation is pending.",
    "renewal-as": "The certificate's lifetime actions are these.",
    "newest-version-is": "The vault's newest version is this certificate, enabled.",
    "certificate-enrolled": "The vault's newest version is new, enabled, and marked as one that has passed the gate.",
    "remaining-life-at-least": "The certificate lives until this instant.",
    "identity-exists": "The user-assigned identity exists and has a principal.",
    "access-granted": "Azure shows that the identity may read the vault's secrets.",
    "time-passed": "So many seconds have passed since the stage was done.",
    "instances-current": "Every instance of the scale set runs with the newest model and succeeded.",
    "extension-succeeded": "The extension has succeeded on every instance.",
    "other-extensions-succeeded": "Every other extension is still succeeded on every instance.",
    "certificate-on-nodes": "Each store that can be seen holds the certificate.",
    "cluster-declares": "The cluster's definition, read back, declares this.",
    "extension-declares": "The scale set's node extension, read back, declares this.",
    "secrets-are": "The scale set's vm secrets are these.",
    "nodes-present": "Every node is up and presents this certificate.",
    "manifest-declares": "The manifest that the nodes run with declares this.",
    "clients-let-in": "The manifest that the nodes run with lets these clients in.",
    "nodes-serve": "Every node serves this certificate, from a pinned issuer.",
    "cluster-reached": "The resource provider reaches the cluster again, and it is Ready.",
    "settings-are": "The cluster's definition, read back, has this value for a setting, or none.",
    "newest-version-fits": "The vault's newest version is valid, of this name, and from a pinned issuer.",
}


def _time_passed(look: Look) -> GateVerdict:
    since = look.done_utc or look.started_utc
    seconds = float(look.gate.expects.get("seconds") or 0)
    if since is None:
        return look.open("TooEarly", f"{seconds:.0f} s have to pass once the stage is done.", seconds)
    left = (since + timedelta(seconds=seconds) - look.now).total_seconds()
    if left > 0:
        return look.open("TooEarly", f"{left:.0f} of {seconds:.0f} s have still to pass.", left)
    return look.passed(f"{seconds:.0f} s have passed.")


_JUDGES: Mapping[str, Callable[[Look], GateVerdict]] = {
    "cluster-at-rest": machine_gates.cluster_at_rest,
    "renewal-frozen": vault_gates.renewal_frozen,
    "renewal-as": vault_gates.renewal_as,
    "newest-version-is": vault_gates.newest_version_is,
    "certificate-enrolled": vault_gates.certificate_enrolled,
    "remaining-life-at-least": vault_gates.remaining_life_at_least,
    "identity-exists": vault_gates.identity_exists,
    "access-granted": vault_gates.access_granted,
    "time-passed": _time_passed,
    "instances-current": machine_gates.instances_current,
    "extension-succeeded": machine_gates.extension_succeeded,
    "other-extensions-succeeded": machine_gates.other_extensions_succeeded,
    "certificate-on-nodes": machine_gates.certificate_on_nodes,
    "cluster-declares": machine_gates.cluster_declares,
    "extension-declares": machine_gates.extension_declares,
    "secrets-are": machine_gates.secrets_are,
    "nodes-present": node_gates.nodes_present,
    "manifest-declares": node_gates.manifest_declares,
    "clients-let-in": node_gates.manifest_declares,
    "nodes-serve": node_gates.nodes_serve,
    "cluster-reached": recovery_gates.cluster_reached,
    "settings-are": recovery_gates.settings_are,
    "newest-version-fits": recovery_gates.newest_version_fits,
}
assert _JUDGES.keys() == GATE_KINDS.keys()


def evidence_of(observation: Observation) -> frozenset[EvidenceLevel]:
    """Which levels of evidence one observation reaches: ARM always, the others by what was really read."""
    levels: set[EvidenceLevel] = {"arm"}
    runtime = observation.runtime
    if runtime is not None and (runtime.nodes is not None or runtime.manifest is not None):
        levels.add("runtime")
    if runtime is not None and any(node.served for node in runtime.nodes or ()):
        levels.add("tls")
    return frozenset(levels)


def judge_gate(
    gate: Gate,
    observation: Observation,
    *,
    now: datetime,
    evidence: frozenset[EvidenceLevel],
    stage_started_utc: datetime | None = None,
    stage_done_utc: datetime | None = None,
) -> GateVerdict:
    """One gate after one look.

    Args:
        now: aware UTC.
        evidence: the levels that can be had at all; a gate of another level is unknown with reason NotLooked and no
            time to look again (only a credential or `--accept arm-evidence-only` helps).
        stage_started_utc: when the stage was sent; None where it was not.
        stage_done_utc: when its write was seen to be done.

    Raises:
        KeyError: the kind is not in `GATE_KINDS` (plans are checked when they are read).

    Effects: none.
    """
    look = Look(gate, observation, now, evidence, stage_started_utc, stage_done_utc)
    judge = _JUDGES[gate.kind]
    if gate.level not in evidence:
        message = f"{gate.says} This is seen at the level {gate.level!r} only, which was not looked at."
        return look.unknown("NotLooked", message, None)
    return judge(look)
