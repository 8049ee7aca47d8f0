"""What does an enrolment ask the gate, and which issuers does it know? Floor 5. The verdicts are sfcert.enrol's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sfcert.enrol.gate import judge
from sfcert.enrol.prediction import predict
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import GateReport, Record, gate_report
from sfcert.pki import direct_issuers, read_pem_chain
from sfcert.workflows.enrolment.request import Means, Request, refusal


class Gatekeeper:
    """Asks the gate for one request. `record` gives what is remembered at this moment."""

    def __init__(self, request: Request, means: Means, record: Callable[[], Record]) -> None:
        self._request = request
        self._means = means
        self._record = record
        # asked once for each leaf: behind a firewall every look costs a timeout
        self._found: dict[str, tuple[Certificate, ...]] = {}

    def judge_standing(self, leaf: Certificate) -> None:
        """What stands in the vault is judged too: an earlier refusal does not pass by itself.

        Raises:
            RefusedError: GateRefused.
        """
        observed = self._request.expectation.known if self._request.expectation else ()
        chain = (leaf, *direct_issuers(leaf, (*self.known(leaf), *observed)))
        report = self.judge(chain[:1] if leaf.is_self_signed else chain, leaf.public_key_sha256, is_merged=True)
        if report.verdict != "pass":
            raise refusal(report, "It is the version that stands in the vault; nothing was changed.")

    def predict(self, leaf: Certificate | None, *, is_same_issuer: bool = True) -> GateReport:
        """The report on the request itself.

        Args:
            leaf: of the newest version, None where there is none.
            is_same_issuer: whether the vault's policy names the same issuer now; else that version tells nothing.
        """
        request = self._request
        known = self.known(leaf)
        return predict(
            self._request.policy,
            expectation=request.expectation,
            certificate_url=request.certificate_url,
            previous=leaf if is_same_issuer else None,
            known=known,
            given_issuers=request.given_issuers,
            accepted=request.accepted,
            now=self._means.clock.now(),
            signed_by=request.signed_by,
        )

    def known(self, leaf: Certificate | None) -> tuple[Certificate, ...]:
        """Issuers that are known beside the cluster's: given, remembered from the last chain, or found elsewhere."""
        chain_pem = self._record().chain_pem
        remembered = read_pem_chain(chain_pem.encode()) if chain_pem else ()
        known = (*self._request.given_issuers, *remembered)
        observed = self._request.expectation.known if self._request.expectation else ()
        find = self._means.find_issuers
        if leaf is not None and find is not None and not direct_issuers(leaf, (*known, *observed)):
            if leaf.thumbprint not in self._found:
                self._found[leaf.thumbprint] = find(leaf)
            known = (*known, *self._found[leaf.thumbprint])
        return known

    def judge(self, chain: tuple[Certificate, ...], key: str | None, *, is_merged: bool = False) -> GateReport:
        """The report on a chain, leaf first. `key` is of the request; `is_merged`: the vault merged it by itself."""
        request = self._request
        report = judge(
            chain,
            self._request.policy,
            request_key_sha256=key,
            expectation=request.expectation,
            certificate_url=request.certificate_url,
            known=self.known(chain[0]),
            now=self._means.clock.now(),
        )
        if is_merged:
            # the chain lies in the vault's secret, which is not read: whether it is whole is not asked of us
            kept = tuple(one for one in report.checks if one.check != "chain")
            report = gate_report("judged", kept, report.pins_to_add)
        return report

    def issuers_of(self, leaf: Certificate, chain: Sequence[Certificate] = ()) -> tuple[Certificate, ...]:
        """Every known certificate whose key signed the leaf; itself where it is self-signed."""
        if leaf.is_self_signed:
            return (leaf,)
        observed = self._request.expectation.known if self._request.expectation else ()
        return direct_issuers(leaf, (*chain, *self.known(leaf), *observed))
