"""Whose operation is open in the vault, and how does one of ours begin and end? Floor 5.

A vault has one pending operation for a certificate, which carries no mark: it is ours by its id, or by policy and names
where a killed run could not write the id down (`sfcert.enrol.reading.is_ours`). Somebody else's is explained and left.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sfcert.enrol import policy as policies
from sfcert.enrol.reading import is_ours, request_der, status_of
from sfcert.errors import RefusedError, RemoteError, SfcertError
from sfcert.model.frozen import OWNER_TAG
from sfcert.workflows.enrolment.notebook import Notebook
from sfcert.workflows.enrolment.request import Means, Request, failed_remotely

Json = dict[str, Any]


def refuse_frozen(
    certificate_url: str, body: Json | None, *, frozen_by: str | None = None, takes_mark: bool = False
) -> None:
    """Nothing, where no plan has frozen the renewal of this certificate, or the one with the mark `frozen_by`.

    Args:
        body: as `EnrolmentVault.fetch_certificate` gives it.
        takes_mark: whoever calls can be given the mark, by `--frozen-by`.

    Raises:
        RefusedError: AnotherRunActive.
    """
    owner = ((body or {}).get("tags") or {}).get(OWNER_TAG)
    if owner is None or owner == frozen_by:
        return
    more = f"; where nobody is at work, --frozen-by {owner} says that you know" if takes_mark else ""
    raise RefusedError(
        "AnotherRunActive",
        f"{certificate_url}: a plan has frozen its renewal ({OWNER_TAG} says {owner}), and counts on no new version "
        "and no other policy meanwhile.",
        override=f"Let that plan come to its end or undo its freeze{more}.",
    )


class Operation:
    """The vault's operation for one request.

    Args:
        tell: told of what happens, by kind.
        note: takes a sentence for the report at the end.
    """

    def __init__(
        self,
        request: Request,
        means: Means,
        notebook: Notebook,
        *,
        tell: Callable[..., None],
        note: Callable[[str], None],
    ) -> None:
        self._request = request
        self._vault = means.vault
        self._notebook = notebook
        self._tell = tell
        self._note = note
        self._seen_request_id: str | None = None

    def has_completed(self, pending: Json | None) -> bool:
        """Whether an operation that a killed run of ours began has ended well since: it is then not asked for again."""
        self._saw(pending)
        record = self._notebook.record
        if pending is None or status_of(pending) != "completed" or record.step in ("idle", "ordering"):
            return False
        return self._seen_request_id != record.previous_request_id and self.is_ours(pending)

    def settle(self, body: Json | None) -> bool:
        """Whether an operation of an earlier run of ours is open, to be gone on with.

        Raises:
            RefusedError: PendingForeign.

        Effects: ends the operation that is open, where the request says so.
        """
        request = self._request
        pending = (body or {}).get("pending")
        status = status_of(pending)
        if pending is None or status in (None, "completed"):
            return False
        if status != "inprogress":
            error = pending.get("error") or {}
            why = str(error.get("message") or pending.get("status_details") or "no reason is given")
            self._note(f"The operation before this one ended as {status}: {' '.join(why.split()).rstrip('.')}.")
            return False
        if self.is_ours(pending) and not request.cancel_pending:
            self._notebook.is_pending(pending)
            self._tell("resumed", request_id=self._notebook.record.request_id)
            return True
        if not request.cancel_pending:
            details = " ".join(str(pending.get("status_details") or "no details").split()).rstrip(".")
            raise RefusedError(
                "PendingForeign",
                f"{request.certificate_url}: an operation is in progress that this policy did not begin "
                f"(request {pending.get('request_id')}, issuer {(pending.get('issuer') or {}).get('name')}): "
                f"{details}. It is left alone.",
                override="Wait for it, bring its answer with `sfcert merge`, or end it with `sfcert enrol` and "
                "--cancel-pending.",
            )
        if request.dry_run:
            self._note("A run would cancel the operation in progress.")
            return False
        self.cancel()
        self._tell("cancelled", request_id=pending.get("request_id"))
        self._notebook.is_idle()
        return False

    def refuse_frozen(self, body: Json | None) -> None:
        """A plan that has frozen this certificate's renewal counts on no new version, from nobody.

        Raises:
            RefusedError: AnotherRunActive.
        """
        if not self._request.holds_renewal:
            url, mark = self._request.certificate_url, self._request.frozen_by
            refuse_frozen(url, body, frozen_by=mark, takes_mark=True)

    def begin(self, body: Json | None) -> Json:
        """Ask the vault for a certificate by the policy. Raises RemoteError. Effects: one operation, of ours."""
        request = self._request
        tags = {**((body or {}).get("tags") or {}), **request.policy.tags}
        self._notebook.is_requesting(self._seen_request_id)
        try:
            asked = policies.vault_policy(request.policy, holds_renewal=request.holds_renewal)
            pending = self._vault.start_create(request.vault_url, request.name, asked, tags)
        except RemoteError as error:
            # the answer may have been lost after the effect: what stands in the vault decides
            found = self._vault.fetch_pending(request.vault_url, request.name) if error.status != 403 else None
            if found is None or status_of(found) != "inprogress" or error.status == 409:
                raise
            if not self.is_ours(found):
                raise
            pending = found
        self._notebook.is_pending(pending)
        issuer = request.policy.issuer.vault_name
        self._tell("requested", request_id=self._notebook.record.request_id, issuer=issuer)
        return pending

    def fetch_ours(self) -> Json | None:
        """The open operation that this run, or the one before it, began; None where there is none.

        Raises:
            RefusedError: PendingForeign, where somebody else's is open.
        """
        pending = self._vault.fetch_pending(self._request.vault_url, self._request.name)
        self._saw(pending)
        if pending is None or status_of(pending) != "inprogress":
            return None
        if self.is_ours(pending):
            return pending
        raise RefusedError(
            "PendingForeign",
            f"{self._request.certificate_url}: another operation began meanwhile "
            f"(request {pending.get('request_id')}). "
            "It is left alone.",
        )

    def signing_request(self, pending: Json) -> bytes:
        """The request that is to be signed, as DER. Raises RemoteError EnrolmentFailed."""
        der = request_der(pending)
        if der is None:
            raise failed_remotely(self._request, "the vault shows no signing request")
        return der

    def cancel(self) -> None:
        """End the operation in progress and take its remains away. Effects: none where none is open."""
        self._vault.put_cancel(self._request.vault_url, self._request.name)
        self._vault.put_pending_gone(self._request.vault_url, self._request.name)

    def can_cancel(self) -> bool:
        """As `cancel`, where another error is on its way out, which a refusal of the vault's must not hide."""
        try:
            self.cancel()
        except SfcertError as error:
            self._tell("waiting", why=f"The vault's operation could not be cancelled: {error.message}")
            return False
        return True

    def _saw(self, pending: Json | None) -> None:
        self._seen_request_id = str((pending or {}).get("request_id") or "") or None

    def is_ours(self, pending: Json) -> bool:
        """Whether an earlier run from here began this operation for this policy."""
        return is_ours(pending, self._notebook.record, self._request.policy, self._notebook.digest)
