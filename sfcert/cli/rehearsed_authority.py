"""Who signs on a twin what the plan enrols? An authority of the twin's own, in the place of the one that was named.

No twin has an authority's key, so a root made for the rehearsal signs, and its thumbprint takes the place of the named
one in the plan and on the twin. What is rehearsed is the order, the delivery and the trust; how the real authority
answers is not. Leaves out plans whose named issuers have all signed something that was captured: that would lose its
issuer.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from sfcert.errors import InputError
from sfcert.model.codec import canonical
from sfcert.model.enrolment import Issuer
from sfcert.model.plan import EnrolOperation, Plan
from sfcert.pki import direct_issuers, read_certificate
from sfcert.workflows.binding import operation_of
from sfcert.workflows.enrolment.request import Means

if TYPE_CHECKING:
    from sfcert.cli.twin import Twin
    from sfcert.model.bundle import Bundle
    from sfcert.model.enrolment import Record
    from sfcert.model.progress import Event

_NAME = "rehearsal"


class PlayedAuthority:
    """The plan as it is carried out on one twin, and what its enrolment works with there. `instead` maps what the twin
    has to what the plan says."""

    def __init__(self, plan: Plan, bundle: Bundle, twin: Twin) -> None:
        operation = operation_of(plan)
        assert operation is not None
        self._twin = twin
        self._memories: dict[str, _Notebook] = {}
        named = _played_issuer(operation, bundle)
        pem, thumbprint = _found(twin, operation)
        self.instead = {thumbprint: named}
        text = canonical(plan).decode().replace(named, thumbprint)
        replaced = msgspec.json.decode(text, type=Plan)
        issuer = Issuer(name=_NAME)
        stages = tuple(
            stage
            if stage.enrol is None
            else msgspec.structs.replace(
                stage,
                enrol=msgspec.structs.replace(
                    stage.enrol,
                    known_issuers_pem=pem,
                    policy=msgspec.structs.replace(stage.enrol.policy, issuer=issuer),
                ),
            )
            for stage in replaced.stages
        )
        self.plan = msgspec.structs.replace(replaced, stages=stages)
        self.left_open = (
            f"How {operation.policy.issuer.name} answers: an authority of the twin's own signs in its place, at once."
        )

    def means(self, operation: EnrolOperation, tell: Callable[[Event], None]) -> Means:
        """The enrolment's means on the twin; what it remembers outlives a run that ends early."""
        memory = self._memories.setdefault(operation.url, _Notebook())
        return Means(vault=self._twin.enrolment_vault(), memory=memory, clock=self._twin.clock, emit=tell)


class _Notebook:
    """The `Memory` port in this process."""

    def __init__(self) -> None:
        self._record: Record | None = None

    def load(self) -> Record | None:
        return self._record

    def save(self, record: Record) -> None:
        self._record = record


def _played_issuer(operation: EnrolOperation, bundle: Bundle) -> str:
    """The first named issuer that has signed nothing which was captured.

    Raises:
        InputError: PlanNotAppliable, where there is none.
    """
    ders = [
        base64.b64decode(one)
        for vault in bundle.vaults.values()
        for certificate in vault.certificates.values()
        for version in certificate.versions
        for one in (version.cer, *(version.chain or ()))
        if one
    ]
    everyone = [read_certificate(one) for one in ders]
    busy = {issuer.thumbprint for leaf in everyone if not leaf.is_ca for issuer in direct_issuers(leaf, everyone)}
    free = next((one for one in operation.issuers if one not in busy), None)
    if free is None:
        raise InputError(
            "PlanNotAppliable",
            "This plan cannot be rehearsed: every issuer that it names has signed a certificate that was captured, so "
            "that no authority of the twin's own can take its place. Enrol first, capture, and rehearse what is left.",
        )
    return free


def _found(twin: Twin, operation: EnrolOperation) -> tuple[str, str]:
    """(PEM, thumbprint) of a new authority of the twin, which signs for an issuer of the plan's vault.

    Raises:
        InputError: BundleNotOfPlan, where the twin has no such vault.
    """
    azure: Any = twin.azure
    vaults, authorities = azure.find_service("vaults"), azure.find_service("authority")
    if not vaults.exists(operation.vault_url):
        raise InputError(
            "BundleNotOfPlan",
            f"The bundle does not hold the resource of {operation.vault_url}, so that nothing can be enrolled there. "
            "Capture with access to it.",
        )
    now = azure.clock.now
    life = timedelta(days=3650)
    authority = authorities.create(_NAME, not_before=now - timedelta(days=1), not_after=now + life)
    vaults.bind_issuer(operation.vault_url, _NAME, _NAME)
    return str(authority.pem()), str(authority.thumbprint)
