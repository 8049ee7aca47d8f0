"""What is an enrolment asked, and what does it work with? Values, ports and the two refusals. Floor 5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sfcert.enrol.expectation import Expectation
from sfcert.enrol.ports import EnrolmentVault, Memory
from sfcert.errors import RefusedError, RemoteError
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import Advice, EnrolmentPolicy, GateReport
from sfcert.model.progress import Event
from sfcert.ports import Clock

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AcmeAnswer:
    """What an authority answered by ACME: DER, leaf first; what it says of the certificate's renewal."""

    der: tuple[bytes, ...]
    advice: Advice = field(default_factory=Advice)


@dataclass(frozen=True, slots=True)
class AcmeAsk:
    """What is asked of an authority by ACME, and what is done on the way.

    `csr` makes or finds the vault's request, DER. `keep` is told the order's state before anything else is done with
    it, `keep_placed` what is about to stand where the authority looks; `resume` and `placed` are what was kept.
    `replaces` is the id of the certificate whose place this one takes. `timeout_s` bounds the waiting.
    """

    names: tuple[str, ...]
    csr: Callable[[], bytes]
    keep: Callable[[Json], None]
    keep_placed: Callable[[tuple[Json, ...]], None]
    resume: Json | None
    placed: tuple[Json, ...]
    replaces: str | None
    timeout_s: float


#: Has a chain signed by ACME.
Acquire = Callable[[AcmeAsk], AcmeAnswer]
#: Has taken away what an earlier run left where an authority looks: what may stand there, and who is told what is still
#: left. Nothing is raised for it.
Clean = Callable[[tuple[Json, ...], Callable[[tuple[Json, ...]], None]], None]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, and how far this run may go.

    `expectation` None: no cluster is named. `given_issuers` are issuing certificates that the operator names.
    `signed_by` are thumbprints of such, where a plan knows no more of them. `holds_renewal` asks for a version whose
    vault does not renew it yet, whatever the policy says: a plan gives that back at its end.
    `frozen_by` is the mark of the plan that has frozen its renewal, where that is no reason to keep away.
    `renew` asks for a new version although the newest is good and not due. `issuer_password` is a secret.
    """

    vault_url: str
    name: str
    policy: EnrolmentPolicy
    expectation: Expectation | None = None
    given_issuers: tuple[Certificate, ...] = ()
    signed_by: tuple[str, ...] = ()
    holds_renewal: bool = False
    frozen_by: str | None = None
    accepted: frozenset[str] = frozenset()
    dry_run: bool = False
    renew: bool = False
    cancel_pending: bool = False
    timeout_s: float = 1800.0
    issuer_password: str | None = field(default=None, repr=False)

    @property
    def certificate_url(self) -> str:
        return f"{self.vault_url}/certificates/{self.name}"


@dataclass(frozen=True, slots=True)
class Means:
    """What a run works with. `look_ahead` raises where an order for these names by ACME could not even begin, and
    changes nothing; None where there is nothing to look at. `clean` is None where no order is made. `find_issuers`
    looks for a leaf's issuer elsewhere; it returns none where it fails."""

    vault: EnrolmentVault
    memory: Memory
    clock: Clock
    emit: Callable[[Event], None]
    acquire: Acquire | None = None
    clean: Clean | None = None
    look_ahead: Callable[[Sequence[str]], None] | None = None
    find_issuers: Callable[[Certificate], tuple[Certificate, ...]] | None = None


def refusal(report: GateReport, consequence: str) -> RefusedError:
    """The gate's no as an error, each check that did not pass with its way out."""
    lines = [
        f"{one.check}: {one.verdict}, {one.reason}: {one.message}{f' {one.remedy}' if one.remedy else ''}"
        for one in report.not_passed
    ]
    return RefusedError("GateRefused", f"The gate does not let this certificate through. {consequence}", evidence=lines)


def failed_remotely(request: Request, why: str) -> RemoteError:
    """The vault or the authority ended the request without a certificate."""
    return RemoteError(
        "EnrolmentFailed",
        f"{request.certificate_url} was not issued: {why}.",
        service="Key Vault",
        operation="create",
        transient=False,
    )
