"""What can go wrong, who can mend it, and the exit code that says so. Floor 0.

Four families under one root. Each error carries a token (CamelCase, closed list, explained in docs/reference/errors.md)
beside its sentence, and its data as attributes; the sentence is built once. Anything outside this tree is a bug
(exit 70). No error ever carries a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Every token that an error of ours may carry, with the sentence of its page. Closed: tests hold code and pages to it.
TOKENS: Mapping[str, str] = {
    # InputError
    "Misuse": "The command line does not say what is needed.",
    "FileUnreadable": "A file that was named cannot be read.",
    "TemplateSyntax": "The ARM template or parameter file is not JSON in the form that Azure accepts.",
    "TemplateInvalid": "The ARM template parses, but cannot be evaluated.",
    "BundleInvalid": "The bundle is not one that capture writes.",
    "PlanInvalid": "The file is not a plan.",
    "PlanDigestMismatch": "The plan was changed after it was written.",
    "FormatTooNew": "The file was written by a newer major version.",
    "NotX509": "What was given as a certificate is not X.509.",
    "PlaybookInvalid": "A playbook does not say what its stages need.",
    "TemplateRenderFailed": "A stage template could not be rendered.",
    "PlanNotAppliable": "The plan was made from an authored template, for review only.",
    "ManagedCluster": "This is a managed cluster, another product, whose certificates the vendor rotates.",
    "ClusterNotFound": "There is no such cluster, or it cannot be seen with this identity.",
    "NoClusterInTemplate": "The template declares no Service Fabric cluster.",
    "SuppressionInvalid": "A suppression lacks its rule, its reason or its last day.",
    "StageUnknown": "The plan has no such stage.",
    "BundleNotOfPlan": "The bundle shows another cluster than the one that the plan is for.",
    "AcmeOptionsInvalid": "What was given for an order by ACME cannot be used.",
    "PolicyInvalid": "A certificate policy does not say what is needed, or asks for what no vault or machine can use.",
    "ManifestInvalid": "A manifest cannot be read, or asks for what has no equal here.",
    "CertificateNotFound": "The vault has no certificate of that name, or it lies deleted.",
    # RefusedError
    "AcmeChainUnusable": "The certificate authority answered with a chain that must not be merged.",
    "PlanBlocked": "A safety check does not let this plan be applied.",
    "PlanStale": "Something that the plan carries or relies on has moved since it was made.",
    "ApprovalMissing": "The next stage needs a confirmation or an approval.",
    "AnotherRunActive": "Another run is active on the same cluster.",
    "ForeignChange": "After a write, a property that the stage does not own reads differently.",
    "GateRefused": "The cluster would refuse the certificate, or it could not be told whether it would take it.",
    "PendingForeign": "Another operation is in progress on the certificate, and it is not ours.",
    # RemoteError
    "PermissionDenied": "Azure refuses this identity.",
    "RemoteFailed": "A remote call failed.",
    "RemoteUnreachable": "A remote service could not be reached.",
    "CredentialUnavailable": "No credential could be had.",
    "SignInUnavailable": "Whoever gives out tokens cannot be asked for the moment.",
    "DeploymentFailed": "Azure accepted a deployment and then ended it as failed.",
    "RetriesExhausted": "A remote call failed in passing, and went on failing until the deadline.",
    "AcmeAccountRefused": "The certificate authority does not accept the ACME account.",
    "AcmeOrderRefused": "The certificate authority does not take the order.",
    "AcmeOrderFailed": "The certificate authority ended the order without a certificate.",
    "AcmeRateLimited": "The certificate authority issues no more for now.",
    "AcmeChallengeFailed": "The certificate authority could not see that the name is controlled.",
    "AcmeCaaForbids": "A CAA record does not let this certificate authority issue for the name.",
    "AcmeServerUnfit": "What answers at the directory's address does not speak ACME.",
    "DnsZoneNotFound": "There is no zone in which the challenge's record could be written.",
    "DnsDelegatedElsewhere": "The zone that can be written is not the one that the world asks.",
    "DnsNotVisible": "The challenge's record is not served by every authoritative server.",
    "DnsUpdateRefused": "The name server or its provider does not take the challenge's record.",
    "ChallengeNotServed": "The answer to an HTTP challenge cannot be served.",
    "EnrolmentFailed": "The vault or the authority ended the request as failed or cancelled.",
    # ConvergenceError
    "NotConverged": "The nodes do not yet show what is declared.",
    "WentToFailed": "What was waited for ended as failed.",
}


class SfcertError(Exception):
    """The root. `str(error)` is one clear sentence: what, where, what to do."""

    exit_code = 1
    token: str

    def __init__(self, token: str, message: str) -> None:
        assert token in TOKENS, f"{token} is not in the closed list"
        super().__init__(message)
        self.token = token
        self.message = message


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an input, and where it stands. Lines and columns count from 1; None where there is no text."""

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str | None = None

    def __str__(self) -> str:
        where = self.file or ""
        if self.line is not None:
            where += f":{self.line}"
            if self.column is not None:
                where += f":{self.column}"
        if self.path:
            where += f" {self.path}" if where else self.path
        return f"{where}: {self.message}" if where else self.message


class InputError(SfcertError):
    """The author of a template, bundle, playbook or flag can mend it. Carries every fault at once."""

    def __init__(self, token: str, message: str, faults: Sequence[Fault] = ()) -> None:
        lines = "".join(f"\n  {fault}" for fault in faults)
        super().__init__(token, message + lines)
        self.faults = tuple(faults)


class RefusedError(SfcertError):
    """A gate, a policy, a missing approval or a stale plan says no (exit 3, 4 or 6)."""

    def __init__(self, token: str, message: str, *, evidence: Sequence[str] = (), override: str | None = None) -> None:
        lines = "".join(f"\n  {line}" for line in evidence)
        super().__init__(token, message + lines + (f"\n{override}" if override else ""))
        self.evidence = tuple(evidence)
        self.override = override
        self.exit_code = {"PlanStale": 4, "ApprovalMissing": 6}.get(token, 3)


class RemoteError(SfcertError):
    """Azure, a vault, a CA or the network failed.

    `transient` is True where trying again may help, False where it cannot, None where nobody can tell.
    """

    def __init__(
        self,
        token: str,
        message: str,
        *,
        service: str,
        operation: str,
        status: int | None = None,
        remote_code: str | None = None,
        correlation_id: str | None = None,
        retry_after_s: float | None = None,
        transient: bool | None = None,
    ) -> None:
        super().__init__(token, message)
        self.service = service
        self.operation = operation
        self.status = status
        self.remote_code = remote_code
        self.correlation_id = correlation_id
        self.retry_after_s = retry_after_s
        self.transient = transient


class ConvergenceError(SfcertError):
    """The nodes do not show what is declared: not yet (`NotConverged`) or never (`WentToFailed`).

    Running the same command again resumes.
    """

    exit_code = 5

    def __init__(
        self,
        token: str,
        message: str,
        *,
        stage: str | None = None,
        open_gates: Sequence[str] = (),
        elapsed_s: float | None = None,
    ) -> None:
        lines = "".join(f"\n  open: {gate}" for gate in open_gates)
        super().__init__(token, message + lines)
        self.stage = stage
        self.open_gates = tuple(open_gates)
        self.elapsed_s = elapsed_s
        if token == "WentToFailed":
            self.exit_code = 1
