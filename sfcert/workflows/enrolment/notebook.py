"""What does an enrolment write down for the next run, and when? Floor 5.

Before each effect, what is about to be done; after the last, what a renewal has to know. A run that is killed anywhere
is taken up from here. What the words mean: `sfcert.model.enrolment.Record`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sfcert.enrol.policy import policy_digest
from sfcert.errors import SfcertError
from sfcert.model.enrolment import Advice, Failure, Record
from sfcert.pki.request import pem_of_certificates
from sfcert.workflows.enrolment.request import AcmeAnswer, Means, Request

Json = dict[str, Any]
_FAILURES_KEPT = 20


class Notebook:
    """The record of one certificate, for the policy of one request. Every method but `record` writes it."""

    def __init__(self, request: Request, means: Means) -> None:
        self._policy = request.policy
        self._memory = means.memory
        self._clock = means.clock
        self.digest = policy_digest(request.policy)
        self.record = means.memory.load() or Record(vault_url=request.vault_url, name=request.name)

    def is_ordering(self) -> None:
        """An order is about to be made or taken up; one of another policy is not gone on with."""
        is_other = self.record.policy_digest != self.digest
        if self.record.step == "idle" or is_other:
            order = None if is_other else self.record.order
            self._save(step="ordering", policy_digest=self.digest, request_id=None, policy=self._policy, order=order)

    def has_order(self, order: Json) -> None:
        self._save(order=order)

    def has_placed(self, placed: tuple[Json, ...]) -> None:
        self._save(placed=placed)

    def is_requesting(self, seen_request_id: str | None) -> None:
        """The vault is about to be asked. `seen_request_id`: the operation that stands there before ours."""
        self._save(
            step="requesting",
            policy=self._policy,
            policy_digest=self.digest,
            request_id=None,
            previous_request_id=seen_request_id,
        )

    def is_pending(self, pending: Json) -> None:
        self._save(step="pending", request_id=str(pending.get("request_id") or "") or None)

    def knows_policy(self) -> None:
        """The policy, where nothing of it is on record yet: a request that was made without us is merged."""
        if self.record.policy is None:
            self._save(policy=self._policy)

    def is_merging(self, issuers_der: tuple[bytes, ...], answer: AcmeAnswer | None) -> None:
        self._save(
            step="merging",
            chain_pem=pem_of_certificates(issuers_der) or None,
            merging=answer.advice if answer is not None else None,
        )

    def is_idle(self) -> None:
        """Nothing is begun any more."""
        self._save(step="idle", request_id=None, order=None)

    def gives_operation_up(self) -> None:
        """Nothing of ours stands open in the vault; what was ordered can still be used by the next run."""
        self._save(step="idle", request_id=None)

    def gives_order_up(self) -> None:
        """The operation in the vault stays ours; what was ordered for it is of no more use."""
        self._save(order=None)

    def is_done(self, thumbprint: str) -> None:
        """A new version stands: what the authority said of it takes the place of what it said of the one before."""
        advice = self.record.merging or Advice()
        self._save(
            step="idle",
            policy=self._policy,
            policy_digest=self.digest,
            issued_policy=self._policy,
            issued_thumbprint=thumbprint,
            request_id=None,
            order=None,
            failures=(),
            merging=None,
            ari_id=advice.ari_id,
            renewal_start_utc=advice.window[0] if advice.window else None,
            renewal_end_utc=advice.window[1] if advice.window else None,
            renewal_ask_again_utc=advice.ask_again_utc,
        )

    def remembers_policy(self) -> None:
        """Keep the policy for later renewals, where it is not kept yet; what was begun is of no more use."""
        begun = self.record.step != "idle" or self.record.order is not None
        if self.record.policy != self._policy or begun:
            self._save(step="idle", policy=self._policy, policy_digest=self.digest, request_id=None, order=None)

    def has_failed(self, error: SfcertError) -> None:
        failure = Failure(
            at_utc=self._clock.now().replace(microsecond=0), token=error.token, message=str(error).splitlines()[0]
        )
        self._save(failures=(*self.record.failures, failure)[-_FAILURES_KEPT:])

    def _save(self, **changes: Any) -> None:
        # what another run has written down meanwhile stays
        self.record = msgspec.structs.replace(self._memory.load() or self.record, **changes)
        self._memory.save(self.record)
