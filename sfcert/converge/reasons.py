"""Which words may a judge give as its reason? The closed list of tokens, and the one way to make a verdict. Floor 3.

Messages may be reworded at any time, tokens may not.
"""

from __future__ import annotations

from collections.abc import Mapping

from sfcert.model.progress import Convergence, ConvergenceState, GateState, GateVerdict

#: token -> what it says. Closed: a test holds every judge to it.
REASONS: Mapping[str, str] = {
    # it holds
    "Holds": "What was looked for is so.",
    "AcceptedOnArmEvidence": "It was not looked at; the plan accepted that what Resource Manager reports is enough.",
    # not yet
    "UpgradeRunning": "The cluster is being upgraded.",
    "WaitingForNodes": "The cluster waits for nodes to join.",
    "UpdateRunning": "The resource is being updated.",
    "InstancesBehind": "Instances do not run with the newest model yet.",
    "ExtensionRunning": "An extension is at work on an instance.",
    "ExtensionAbsent": "An extension is not on every instance yet.",
    "StatusTooOld": "The extension's status is older than what it has to confirm.",
    "CertificateAbsent": "A store that can be seen does not hold the certificate.",
    "DeclaredDifferently": "The definition read back does not say what it should.",
    "PresentsAnother": "A node presents another certificate.",
    "NodeDown": "A node is not up.",
    "NotGranted": "The identity may not read the vault's secrets.",
    "NotThere": "The resource does not exist.",
    "TooEarly": "The time that has to pass has not passed.",
    "OperationPending": "A certificate operation is pending in the vault.",
    "PolicyDiffers": "The certificate's policy is not the one that was to be written.",
    # it ended otherwise
    "UpgradeRolledBack": "The cluster ended the upgrade as failed; what it runs with may be the old definition.",
    "ClusterUnreachable": "The resource provider has lost the cluster.",
    "UpdateFailed": "The update of the resource ended as failed.",
    "ExtensionFailed": "An extension ended as failed on an instance.",
    "NewerVersion": "The vault's newest version is another than the one that was planned for.",
    "LifeTooShort": "The certificate does not live as long as it has to.",
    "RenewsItself": "The vault would renew the certificate by itself.",
    "UntrustedIssuer": "A node serves a certificate whose direct issuer is not pinned.",
    # nobody can tell
    "NotRead": "What would have to be looked at could not be read.",
    "NotLooked": "No credential was given for the place where this is seen.",
    "StateUnknown": "The resource reports a state that is not known here.",
    "NotSeen": "No evidence of it is to be seen.",
}


def verdict(
    gate: str, state: GateState, reason: str, message: str, *, look_again_s: float | None = None
) -> GateVerdict:
    """One verdict whose reason is of the closed list; a token outside it is a bug."""
    assert reason in REASONS, reason
    return GateVerdict(gate=gate, state=state, reason=reason, message=message, look_again_s=look_again_s)


def convergence(
    subject: str, state: ConvergenceState, reason: str, message: str, *, look_again_s: float | None = None
) -> Convergence:
    """One judgement of a resource whose reason is of the closed list."""
    assert reason in REASONS, reason
    return Convergence(subject=subject, state=state, reason=reason, message=message, look_again_s=look_again_s)
