"""Which certificate has the plan's enrolment brought, and where does the plan mean it? Floor 5, pure but for one read.

A plan writes a stand-in wherever it would name the thumbprint of a certificate that one of its stages brings. Once that
stage has marked the version, the real one takes its place in what is sent and looked for; what was planned is compared
the other way round, so that no digest of the plan changes.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

from sfcert.converge.vault_gates import ENROLLED_TAG
from sfcert.errors import RemoteError
from sfcert.model.base import Value
from sfcert.model.codec import canonical
from sfcert.model.plan import EnrolOperation, Plan, Stage
from sfcert.ports import Vaults

Json = dict[str, Any]


class Binding(Value):
    """A stand-in and the version that it stands for. `created_utc` is aware UTC, None where the vault does not say."""

    stand_in: str
    thumbprint: str
    created_utc: datetime | None

    def bound(self, stage: Stage) -> Stage:
        """The stage as it is carried out: with the real thumbprint, and with gates that know how new a status has to
        be."""
        text = canonical(stage).decode().replace(self.stand_in, self.thumbprint)
        # the short form, in sentences
        text = text.replace(f"{self.stand_in[:8]}…", f"{self.thumbprint[:8]}…")
        found = msgspec.json.decode(text, type=Stage)
        return msgspec.structs.replace(
            found,
            enrol=stage.enrol,
            gates_in=tuple(self._dated(one) for one in found.gates_in),
            gates_out=tuple(self._dated(one) for one in found.gates_out),
        )

    def of(self, plan: Plan) -> Plan:
        """The plan with every stage bound; its digest stays that of the plan."""
        return msgspec.structs.replace(plan, stages=tuple(self.bound(one) for one in plan.stages))

    def as_planned(self, body: Any) -> Any:
        """A body that was read, with the stand-in where it names the real thumbprint."""
        return replaced(body, self.thumbprint, self.stand_in)

    def _dated(self, gate: Any) -> Any:
        if "after_version" not in gate.expects:
            return gate
        expects = {key: value for key, value in gate.expects.items() if key != "after_version"}
        if self.created_utc is not None:
            expects["after_utc"] = f"{self.created_utc:%Y-%m-%dT%H:%M:%SZ}"
        return msgspec.structs.replace(gate, expects=expects)


def replaced(body: Any, there: str, planned: str) -> Any:
    """Plain JSON data with one text in the place of another, wherever it stands."""
    text = canonical(body).decode()
    return msgspec.json.decode(text.replace(there, planned)) if there in text else body


def operation_of(plan: Plan) -> EnrolOperation | None:
    """The plan's one enrolment, None where it has none."""
    return next((stage.enrol for stage in plan.stages if stage.enrol is not None), None)


def binding_of(operation: EnrolOperation, body: Json | None) -> Binding | None:
    """The version that the enrolment has brought and marked; None where there is none yet.

    Args:
        body: the certificate as the vault port gives it, None where the vault has none.

    Later versions inherit the mark by renewal: the first one that has it, and that was not there before, counts.
    """
    # of those created in one second the list's own order decides, which is newest first
    listed = list(enumerate((body or {}).get("versions") or []))
    versions = [one for _, one in sorted(listed, key=lambda each: (_created(each[1]), -each[0]))]
    thumbprints = [_thumbprint(one) for one in versions]
    start = thumbprints.index(operation.previous) + 1 if operation.previous in thumbprints else 0
    for version, thumbprint in list(zip(versions, thumbprints, strict=True))[start:]:
        if (version.get("tags") or {}).get(ENROLLED_TAG) == operation.mark:
            created = _created(version)
            at = datetime.fromtimestamp(created, UTC) if created else None
            return Binding(stand_in=operation.stand_in, thumbprint=thumbprint, created_utc=at)
    return None


def fetch_binding(plan: Plan, vaults: Vaults) -> Binding | None:
    """What the plan's enrolment has brought so far; None where it has none, or brought nothing yet.

    Raises:
        RemoteError: the vault cannot be read.

    Effects: one read where the plan enrols.
    """
    operation = operation_of(plan)
    if operation is None:
        return None
    try:
        body = vaults.fetch_certificate(operation.vault_url, operation.certificate)
    except RemoteError as error:
        if error.status == 404:
            return None
        raise
    return binding_of(operation, body)


def _created(version: Json) -> int:
    return int((version.get("attributes") or {}).get("created") or 0)


def _thumbprint(version: Json) -> str:
    text = str(version.get("x5t") or "")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex().upper()
