"""How does a certificate come into a vault? Look, predict, ask, judge, merge; resumable at every step. Floor 5.

    look --nothing to do--> unchanged        refused by the prediction --> exit 3, nothing sent
      |---pending is ours--> go on with it   foreign pending ----------> explained, left alone
      v
    requesting -> (Self, integrated) wait -> judge --------------------> issued
      |           (Unknown) hand out the request --> merge, later -----> judge -> merge
      `--------- (ACME) order, challenges, request, chain -> judge -> merge

Before each effect the record says what is about to be done, so that the next run takes up the same operation. Nothing
is merged that the gate did not pass. Time comes by the clock, the outside by ports, ACME by a function.
Source: service-fabric.md 6.2 and 6.3 of the project's reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from sfcert.enrol import policy as policies
from sfcert.enrol.gate import ordered
from sfcert.enrol.reading import (
    is_enabled,
    latest_version,
    leaf_of_version,
    request_key,
    status_of,
    version_id,
)
from sfcert.enrol.solvers import refuse_unfit_solvers
from sfcert.enrol.standing import is_enough, with_unmet
from sfcert.errors import ConvergenceError, InputError, RefusedError, RemoteError, SfcertError
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import Enrolled, GateReport, PolicyChange
from sfcert.model.progress import Event
from sfcert.pki import read_certificate
from sfcert.pki.request import pem_of_request
from sfcert.workflows.enrolment.gate import Gatekeeper
from sfcert.workflows.enrolment.issuer import ensure_issuer, is_issuer_missing
from sfcert.workflows.enrolment.leftovers import clean_up
from sfcert.workflows.enrolment.notebook import Notebook
from sfcert.workflows.enrolment.operation import Operation
from sfcert.workflows.enrolment.request import AcmeAnswer, AcmeAsk, Means, Request, failed_remotely, refusal
from sfcert.workflows.enrolment.waiting import await_completion

#: Told where there is nobody whose thumbprint could be pinned.
OWN_ISSUER = (
    "It is its own issuer: declare it by thumbprint. A name that is pinned to it is refused from its next renewal on."
)

Json = dict[str, Any]
#: How an authority ends an order, whatever it shows of it afterwards. After any other error the next run looks whether
#: the order can still be used.
_ORDER_ENDED = frozenset({"AcmeCaaForbids", "AcmeChallengeFailed"})
#: Whether an operation stays open whose answer the gate did not pass, and on whose account.
_Keep = Literal["never", "unless-failed", "asked", "foreign"]


def enrol(request: Request, means: Means) -> Enrolled:
    """Bring the certificate to what the policy asks, as far as it is not there yet.

    Raises:
        RefusedError: GateRefused (nothing is merged, nothing is left pending), PendingForeign.
        RemoteError: EnrolmentFailed, or the vault's or the authority's own refusal.
        ConvergenceError: NotConverged after `timeout_s`; the same call goes on with the operation.

    Effects: on the vault, the authority and the memory. A second call after success changes nothing.
    """
    done = _Run(request, means).enrol()
    if not request.dry_run:
        clean_up(means)
    return done


def merge(request: Request, means: Means, answer: Sequence[Certificate], *, keep_pending: bool = False) -> Enrolled:
    """Bring back the chain that an authority signed for the pending request, through the gate.

    Args:
        answer: leaf and chain in any order, never empty.
        keep_pending: leave the operation open where the gate refuses, for another chain. It stays open too where it
            could not be judged, or where no run from here began it.

    Raises:
        InputError: there is no request to merge into. Otherwise as `enrol`.
    """
    return _Run(request, means).merge_by_hand(answer, keep_pending=keep_pending)


def judge_standing(request: Request, means: Means, leaf: Certificate) -> None:
    """Put the version that stands in the vault to the gate of the request's cluster.

    Raises:
        RefusedError: GateRefused.

    Effects: may look for the issuer elsewhere.
    """
    _Run(request, means).judge_standing(leaf)


class _Run:
    def __init__(self, request: Request, means: Means) -> None:
        self._request = request
        self._means = means
        self._policy = request.policy
        self._notes: list[str] = []
        self._notebook = Notebook(request, means)
        self._operation = Operation(request, means, self._notebook, tell=self._tell, note=self._notes.append)
        self._gate = Gatekeeper(request, means, lambda: self._notebook.record)

    def judge_standing(self, leaf: Certificate) -> None:
        self._gate.judge_standing(leaf)

    # -- the two entrances ---------------------------------------------------------------------------------------------

    def enrol(self) -> Enrolled:
        request, vault = self._request, self._means.vault
        body = vault.fetch_certificate(request.vault_url, request.name)
        if body is None and vault.fetch_deleted(request.vault_url, request.name):
            raise InputError(
                "CertificateNotFound",
                f"{request.certificate_url} lies soft-deleted: recover it, or purge it where the vault allows, "
                "and run this again.",
            )
        changes = policies.policy_changes((body or {}).get("policy"), self._policy)
        if self._operation.has_completed((body or {}).get("pending")) and not request.dry_run:
            return self._issued_meanwhile()
        is_continued = self._operation.settle(body)
        version = latest_version(body)
        if version is not None and not is_enabled(version):
            self._notes.append(
                f"Version {version_id(version)}, the newest, was disabled by somebody: another is asked for."
            )
        leaf = leaf_of_version(version)
        changes = with_unmet(changes, self._policy, self._notebook.record, leaf)
        if not is_continued and leaf is not None and self._does(version, leaf, changes):
            return self._without_new_version(body or {}, leaf, changes)
        if not request.dry_run:
            self._operation.refuse_frozen(body)
        if not is_continued:
            named = str((((body or {}).get("policy") or {}).get("issuer") or {}).get("name") or "")
            is_same = not named or named.lower() == self._policy.issuer.vault_name.lower()
            report = self._gate.predict(leaf, is_same_issuer=is_same)
            if request.dry_run:
                refuse_unfit_solvers(self._policy)
                if self._policy.issuer.is_integrated and is_issuer_missing(request, vault):
                    self._notes.append(f"A run would create the vault's issuer {self._policy.issuer.name}.")
                return self._planned((*changes, *policies.tag_changes(body or {}, self._policy)), report)
            self._tell("predicted", verdict=report.verdict)
            if report.verdict != "pass":
                raise refusal(report, "Nothing was sent.")
        elif request.dry_run:
            self._notes.append("An operation of an earlier run is open; a run would go on with it.")
            return self._planned(changes, None)
        try:
            return self._issue(body, leaf, is_continued)
        except ConvergenceError:
            raise  # it goes on: no failure yet
        except SfcertError as error:
            self._failed(error)
            raise

    def merge_by_hand(self, answer: Sequence[Certificate], *, keep_pending: bool) -> Enrolled:
        request, vault = self._request, self._means.vault
        pending = vault.fetch_pending(request.vault_url, request.name)
        if status_of(pending) != "inprogress":
            if (merged := self._merged_already(answer)) is not None:
                return merged
            raise InputError(
                "CertificateNotFound",
                f"{request.certificate_url} has no request in progress, so there is nothing to merge into. "
                "Ask with `sfcert enrol` first.",
            )
        assert pending is not None
        self._notebook.knows_policy()
        body = vault.fetch_certificate(request.vault_url, request.name)
        keep: _Keep = "asked" if keep_pending else "unless-failed" if self._operation.is_ours(pending) else "foreign"
        return self._judge_and_merge(body, pending, tuple(answer), keep=keep)

    def _merged_already(self, answer: Sequence[Certificate]) -> Enrolled | None:
        """What stands, where it is what an earlier run merged of this very answer; judged as what stands is."""
        version = latest_version(self._means.vault.fetch_certificate(self._request.vault_url, self._request.name))
        leaf = leaf_of_version(version)
        if version is None or leaf is None or leaf.thumbprint not in {one.thumbprint for one in answer}:
            return None
        if self._notebook.record.step == "merging":
            self._notebook.is_done(leaf.thumbprint)
        self._gate.judge_standing(leaf)
        return self._outcome("unchanged", version, leaf, answer)

    # -- what stands already -------------------------------------------------------------------------------------------

    def _does(self, version: Json | None, leaf: Certificate, changes: tuple[PolicyChange, ...]) -> bool:
        """Whether nothing has to be asked for."""
        if version is None or not is_enabled(version) or self._request.renew:
            return False
        return is_enough(leaf, changes, self._policy, self._notebook.record, self._means.clock.now())

    def _issued_meanwhile(self) -> Enrolled:
        """What an earlier run asked for has come; the policy may say more by now."""
        body = self._fetch()
        issued = self._judge_issued(body)
        changes = policies.policy_changes(body.get("policy"), self._policy)
        # a plan holds the renewal back on purpose, and gives it back at its end
        if self._request.holds_renewal or not (changes or policies.tag_changes(body, self._policy)):
            return issued
        more = self._without_new_version(body, leaf_of_version(latest_version(body)), changes)
        return msgspec.structs.replace(issued, changes=more.changes)

    def _without_new_version(self, body: Json, leaf: Certificate | None, changes: tuple[PolicyChange, ...]) -> Enrolled:
        request, vault = self._request, self._means.vault
        version = latest_version(body)
        assert version is not None
        assert leaf is not None
        if not request.dry_run:
            # also where the gate refuses what stands: that has nothing to do with it
            clean_up(self._means)
        self._gate.judge_standing(leaf)
        has_tags = {**(body.get("tags") or {}), **self._policy.tags}
        tags_differ = has_tags != (body.get("tags") or {})
        if not changes and not tags_differ:
            if not request.dry_run:
                self._notebook.remembers_policy()
            return self._outcome("unchanged", version, leaf, ())
        if request.dry_run:
            planned = self._outcome("planned", version, leaf, ())
            return msgspec.structs.replace(planned, changes=(*changes, *policies.tag_changes(body, self._policy)))
        self._operation.refuse_frozen(body)
        if changes:
            vault.put_policy(request.vault_url, request.name, policies.changed_parts(self._policy, changes))
        if tags_differ:
            vault.put_tags(request.vault_url, request.name, version_id(version), has_tags)
        self._notebook.remembers_policy()
        told = (*changes, *policies.tag_changes(body, self._policy))
        return msgspec.structs.replace(self._outcome("updated", version, leaf, ()), changes=told)

    # -- asking --------------------------------------------------------------------------------------------------------

    def _issue(self, body: Json | None, leaf: Certificate | None, is_continued: bool) -> Enrolled:
        issuer = self._policy.issuer
        if issuer.is_acme:
            return self._by_acme(body, leaf)
        if not is_continued:
            if issuer.is_integrated:
                ensure_issuer(self._request, self._means.vault, self._tell)
            self._operation.begin(body)
        if issuer.is_merged:
            return self._waiting()
        await_completion(self._request, self._means, self._tell)
        return self._judge_issued(self._fetch())

    def _waiting(self) -> Enrolled:
        request = self._request
        pending = self._means.vault.fetch_pending(request.vault_url, request.name) or {}
        der = self._operation.signing_request(pending)
        return Enrolled(
            outcome="waiting",
            vault_url=request.vault_url,
            name=request.name,
            csr_pem=pem_of_request(der),
            notes=tuple(self._notes),
        )

    # -- ACME ----------------------------------------------------------------------------------------------------------

    def _by_acme(self, body: Json | None, leaf: Certificate | None) -> Enrolled:
        acquire, notebook, operation = self._means.acquire, self._notebook, self._operation
        if acquire is None:
            raise InputError("PolicyInvalid", "The issuer acme was asked for, and no ACME account is given.")
        notebook.is_ordering()
        record = notebook.record
        answer = acquire(
            AcmeAsk(
                names=self._policy.dns_names,
                csr=lambda: operation.signing_request(operation.fetch_ours() or operation.begin(body)),
                keep=notebook.has_order,
                keep_placed=notebook.has_placed,
                resume=record.order,
                placed=record.placed,
                replaces=record.ari_id if leaf is not None else None,
                timeout_s=self._request.timeout_s,
            )
        )
        self._tell("signed", certificates=len(answer.der))
        pending = operation.fetch_ours()
        if pending is None:
            raise failed_remotely(self._request, "the vault's operation was ended while the authority signed")
        chain = tuple(read_certificate(one) for one in answer.der)
        return self._judge_and_merge(body, pending, chain, answer=answer)

    # -- the gate and the merge ----------------------------------------------------------------------------------------

    def _judge_and_merge(
        self,
        body: Json | None,
        pending: Json,
        chain: tuple[Certificate, ...],
        *,
        answer: AcmeAnswer | None = None,
        keep: _Keep = "never",
    ) -> Enrolled:
        request, vault = self._request, self._means.vault
        key = request_key(pending)
        # a chain that fits no request of ours is judged in the order in which it came
        in_order, strangers = ordered(chain, key)
        if strangers:
            named = ", ".join(sorted(one.thumbprint for one in strangers))
            self._notes.append(f"Left out of the chain, as nothing in it needs them: {named}.")
        report = self._gate.judge(in_order, key)
        self._tell("judged", verdict=report.verdict)
        if report.verdict != "pass":
            if keep == "asked":
                raise refusal(report, "Nothing was merged; the request stays open.")
            if keep == "foreign":
                raise refusal(report, "Nothing was merged; the request, which no run from here began, stays open.")
            if keep == "unless-failed" and report.verdict == "unknown":
                raise refusal(report, "Nothing was merged; the request stays open for the same chain.")
            if not self._operation.can_cancel():
                self._notebook.gives_order_up()
                raise refusal(report, "Nothing was merged; the vault did not let its operation be cancelled.")
            self._notebook.is_idle()
            more = " Ask anew; --keep-pending would leave it open for another chain." if keep == "unless-failed" else ""
            raise refusal(report, f"Nothing was merged, and the vault's operation was cancelled.{more}")
        self._notebook.is_merging(tuple(one.der for one in in_order[1:]), answer)
        tags = {**((body or {}).get("tags") or {}), **self._policy.tags}
        try:
            merged = vault.put_merge(request.vault_url, request.name, tuple(one.der for one in in_order), tags)
        except RemoteError:
            # the answer may have been lost after the effect, or another run has merged this very chain: what stands in
            # the vault decides
            found = self._standing(in_order[0])
            if found is None:
                raise
            merged = found
        self._notebook.is_done(in_order[0].thumbprint)
        return self._outcome("issued", merged, in_order[0], in_order[1:], report)

    def _standing(self, leaf: Certificate) -> Json | None:
        """The newest version, where it is this certificate; None also where the vault does not tell."""
        try:
            version = latest_version(self._fetch())
        except RemoteError:
            return None
        found = leaf_of_version(version)
        return version if found is not None and found.thumbprint == leaf.thumbprint else None

    def _fetch(self) -> Json:
        return self._means.vault.fetch_certificate(self._request.vault_url, self._request.name) or {}

    def _judge_issued(self, body: Json) -> Enrolled:
        """Judge what the vault has merged by itself. `body` was read after the operation had ended."""
        request = self._request
        version = latest_version(body)
        leaf = leaf_of_version(version)
        if version is None or leaf is None:
            raise failed_remotely(request, "the operation is completed, but the vault shows no version")
        chain = (leaf,) if leaf.is_self_signed else (leaf, *self._gate.issuers_of(leaf))
        report = self._gate.judge(chain, request_key(body.get("pending")) or leaf.public_key_sha256, is_merged=True)
        self._tell("judged", verdict=report.verdict)
        self._notebook.is_done(leaf.thumbprint)
        if report.verdict != "pass":
            raise refusal(
                report,
                f"The vault has merged it by itself as version {version_id(version)}: machines that observe it fetch "
                "it within their polling interval. Act before that, or disable this version after thinking of new "
                "machines, which then get none.",
            )
        return self._outcome("issued", version, leaf, chain[1:], report)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _planned(self, changes: tuple[PolicyChange, ...], report: GateReport | None) -> Enrolled:
        request = self._request
        return Enrolled(
            outcome="planned",
            vault_url=request.vault_url,
            name=request.name,
            changes=changes,
            report=report,
            notes=tuple(self._notes),
        )

    def _outcome(
        self,
        outcome: Any,
        version: Json,
        leaf: Certificate,
        chain: Sequence[Certificate],
        report: GateReport | None = None,
    ) -> Enrolled:
        issuers = self._gate.issuers_of(leaf, chain)
        notes = (*self._notes, OWN_ISSUER) if leaf.is_self_signed else tuple(self._notes)
        return Enrolled(
            outcome=outcome,
            vault_url=self._request.vault_url,
            name=self._request.name,
            report=report,
            version=version_id(version),
            thumbprint=leaf.thumbprint,
            common_name=leaf.common_name,
            issuer=leaf.issuer,
            issuer_thumbprint=issuers[0].thumbprint if issuers else None,
            pins=() if leaf.is_self_signed else tuple(one.thumbprint for one in issuers),
            not_after_utc=leaf.not_after_utc,
            notes=notes,
        )

    def _failed(self, error: SfcertError) -> None:
        """Remember the failure; leave nothing pending behind that no further run can use."""
        if isinstance(error, RefusedError) and error.token == "PendingForeign":
            return
        notebook = self._notebook
        notebook.has_failed(error)
        if isinstance(error, RemoteError) and error.transient is not False:
            # the next run may go on where this one stands
            return
        is_remote = isinstance(error, RemoteError)
        if not is_remote or error.token in _ORDER_ENDED or _ends_authorization(error):
            # also what the policy has no solver for: who has the names vetted instead needs an order that knows it;
            # after any other refusal, such as the vault's, whoever has mended it needs no second order
            notebook.gives_order_up()
        if notebook.record.request_id is not None:
            is_acme = self._policy.issuer.is_acme
            if not (self._operation.can_cancel() if is_acme else error.token == "EnrolmentFailed"):
                # it stays ours: the next run goes on with it
                return
        notebook.gives_operation_up()

    def _tell(self, kind: str, /, **data: Any) -> None:
        self._means.emit(
            Event(type=f"enrolment-{kind}", at_utc=self._means.clock.now(), data={"name": self._request.name, **data})
        )


def _ends_authorization(error: SfcertError) -> bool:
    """Whether an order is lost by its authorization, though the authority may go on showing it as open."""
    return isinstance(error, RemoteError) and (error.token, error.operation) == ("AcmeOrderFailed", "authorization")
