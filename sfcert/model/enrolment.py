"""What shall a certificate be, who signs it, would the cluster take it, and how does it stand? Values only. Floor 0.

`EnrolmentPolicy` is the document `sfcert.policy/1` that people write; `GateReport` the answer of the gate; `Record`
what a run remembers between two sittings. No secret is in any of them: passwords and keys are named, never held.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, dataclass_transform

import msgspec
from msgspec import field

from sfcert.model.base import Value
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH

FORMAT = "sfcert.policy/1"
RECORD_FORMAT = "sfcert.enrolment/1"
PFX = "application/x-pkcs12"
PEM = "application/x-pem-file"
Verdict = Literal["pass", "fail", "unknown"]


# as with Value: a type checker has to be told that subclasses are frozen and built by keyword
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a file that people write: a key that it does not know is a mistake, never ignored."""


class Key(Written):
    """The key that the vault makes. `exportable` false keeps it from every machine."""

    type: Literal["RSA", "RSA-HSM", "EC", "EC-HSM"] = "RSA"
    size: Literal[2048, 3072, 4096] = 2048
    curve: Literal["P-256", "P-384", "P-521"] | None = None
    reuse: bool = False
    exportable: bool = True


class Sans(Written):
    """Further names beside `dns_names`, as the vault knows them. `ip_addresses` of both versions."""

    emails: tuple[str, ...] = ()
    upns: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()


class Renewal(Written):
    """When a certificate falls due. Exactly one of the two; both None means 75 % of its life.

    `by`: "vault" lets the vault renew by itself, "sfcert" leaves it to `sfcert renew --due`, through the gate.
    `windows`: when renewals may begin, five-field cron in UTC with a length in minutes; empty: at any time.
    """

    lifetime_percentage: int | None = None
    days_before_expiry: int | None = None
    by: Literal["vault", "sfcert"] = "vault"
    windows: tuple[Window, ...] = ()


class Window(Written):
    """Renewals may begin within `minutes` after each instant of `cron` (UTC; minute hour day month weekday)."""

    cron: str
    minutes: int


class Solver(Written):
    """One way of proving a name to an ACME server. `dns_names` and `dns_zones` select; none: for every name.

    `settings` are the solver's own, with names of files or of environment variables where a secret is needed.
    """

    kind: Literal["http01", "http01-webroot", "azure-dns", "rfc2136", "lexicon"]
    dns_names: tuple[str, ...] = ()
    dns_zones: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


class Acme(Written):
    """The ACME account and how to prove names. The account's key lies in the vault as secret `account_key`.

    `eab_key_file` names the file with the external account's MAC key, base64url.
    """

    directory: str
    contacts: tuple[str, ...] = ()
    account_key: str = "acme-account"
    eab_key_id: str | None = None
    eab_key_file: str | None = None
    profile: str | None = None
    preferred_chain: str | None = None
    renewal_information: bool = True
    ca_file: str | None = None
    solvers: tuple[Solver, ...] = ()


class Issuer(Written):
    """Who signs: "Self", "Unknown", "acme", or the name of an issuer object of the vault.

    `provider` and the account are only needed where that object is not there yet; the account's password comes by the
    command line from a file, never from here.
    """

    name: str
    provider: str | None = None
    account_id: str | None = None
    organization_id: str | None = None
    certificate_type: str | None = None
    acme: Acme | None = None

    @property
    def vault_name(self) -> str:
        """The issuer as the vault's policy names it: an ACME certificate is merged, so the vault knows no issuer."""
        return "Unknown" if self.is_acme else self.name

    @property
    def is_acme(self) -> bool:
        return self.name.lower() == "acme"

    @property
    def is_self(self) -> bool:
        return self.name.lower() == "self"

    @property
    def is_merged(self) -> bool:
        """Whether the signed chain is brought back by us."""
        return self.is_acme or self.is_by_hand

    @property
    def is_by_hand(self) -> bool:
        """Whether the request leaves for somebody to have it signed."""
        return self.name.lower() == "unknown"

    @property
    def is_integrated(self) -> bool:
        return not self.is_merged and not self.is_self


class EnrolmentPolicy(Written):
    """The whole of what is asked for. Defaults are those of the vendor's script for cluster certificates."""

    subject: str
    issuer: Issuer
    dns_names: tuple[str, ...] = ()
    sans: Sans = Sans()
    key: Key = Key()
    ekus: tuple[str, ...] = (SERVER_AUTH, CLIENT_AUTH)
    key_usage: tuple[str, ...] = ("digitalSignature", "keyEncipherment")
    validity_months: int = 4
    renewal: Renewal = Renewal()
    content_type: Literal["application/x-pkcs12", "application/x-pem-file"] = "application/x-pkcs12"
    tags: dict[str, str] = field(default_factory=dict)
    format: str = FORMAT


class PolicyChange(Value):
    """One difference between what the vault has and what is asked for. `path` in the vault's own words."""

    path: str
    before: Any
    after: Any
    needs_new_version: bool


class GateCheck(Value):
    """One question of the gate. `reason` is a CamelCase token of `sfcert.enrol.reasons`."""

    check: str
    verdict: Verdict
    reason: str
    message: str
    remedy: str = ""


class GateReport(Value):
    """All questions of the gate. `kind`: "predicted" before a request, "judged" on the certificate itself.

    `verdict` follows from the checks: `gate_report` builds them.
    """

    kind: Literal["predicted", "judged"]
    verdict: Verdict
    checks: tuple[GateCheck, ...]
    pins_to_add: tuple[str, ...] = ()

    @property
    def not_passed(self) -> tuple[GateCheck, ...]:
        return tuple(one for one in self.checks if one.verdict != "pass")


def gate_report(
    kind: Literal["predicted", "judged"], checks: tuple[GateCheck, ...], pins_to_add: tuple[str, ...] = ()
) -> GateReport:
    """The report of these checks: fail wins over unknown, unknown over pass; no check at all is unknown."""
    said = {one.verdict for one in checks}
    verdict: Verdict = "fail" if "fail" in said else "pass" if said == {"pass"} else "unknown"
    return GateReport(kind=kind, verdict=verdict, checks=checks, pins_to_add=pins_to_add)


class Failure(Value):
    """One attempt that ended badly."""

    at_utc: datetime
    token: str
    message: str


class Condition(Value):
    """As cert-manager writes them: `type` Ready or Issuing; `since_utc` when it last changed, None where unknown."""

    type: Literal["Ready", "Issuing"]
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    since_utc: datetime | None = None


class Advice(Value):
    """What an ACME authority says of a certificate: its id for `replaces`, when to renew it, and before which instant
    it does not want to be asked again (aware UTC)."""

    ari_id: str | None = None
    window: tuple[datetime, datetime] | None = None
    ask_again_utc: datetime | None = None


class Record(Value):
    """What a run remembers for the next one: which pending operation is ours, the open order, what failed.

    `step` is what was about to be done, written before it is done. `order` and `placed`, the answers to challenges that
    may still stand somewhere, are the ACME adapter's own, opaque here; the second outlives the first.
    `issued_policy` is what asked for the version `issued_thumbprint`: the vault's own policy may be a later one's,
    whose request came to nothing. `previous_request_id` is the operation that was seen before ours was asked for.
    `merging` becomes `ari_id` and the renewal window once the merge is done.
    """

    vault_url: str
    name: str
    step: Literal["idle", "ordering", "requesting", "pending", "merging"] = "idle"
    policy_digest: str | None = None
    request_id: str | None = None
    previous_request_id: str | None = None
    merging: Advice | None = None
    order: dict[str, Any] | None = None
    placed: tuple[dict[str, Any], ...] = ()
    chain_pem: str | None = None
    ari_id: str | None = None
    renewal_start_utc: datetime | None = None
    renewal_end_utc: datetime | None = None
    renewal_ask_again_utc: datetime | None = None
    failures: tuple[Failure, ...] = ()
    ready_since_utc: datetime | None = None
    ready_status: str | None = None
    issuing_since_utc: datetime | None = None
    issuing_status: str | None = None
    policy: EnrolmentPolicy | None = None
    issued_policy: EnrolmentPolicy | None = None
    issued_thumbprint: str | None = None
    format: str = RECORD_FORMAT


class CertificateStatus(Value):
    """How one certificate of a vault stands. Instants aware UTC; None where there is no version or it is not known.

    `failed_attempts` counts those in a row since the last success; what is remembered of them ends at twenty.
    """

    vault_url: str
    name: str
    version: str | None
    thumbprint: str | None
    common_name: str | None
    dns_names: tuple[str, ...]
    issuer: str | None
    key: str | None
    not_before_utc: datetime | None
    not_after_utc: datetime | None
    renewal_utc: datetime | None
    revision: int
    is_enabled: bool | None
    is_due: bool
    next_attempt_utc: datetime | None
    conditions: tuple[Condition, ...]
    last_failure: Failure | None
    failed_attempts: int
    pending_status: str | None
    tags: dict[str, str]


class Enrolled(Value):
    """What an enrolment came to.

    `outcome`: "unchanged", "planned" (dry run), "waiting" (the request is out, `csr_pem` is to be signed),
    "updated" (the policy alone), "issued". `pins` are the thumbprints of the direct issuer, every known certificate
    of its key; none for what is its own issuer, since a name pinned to it would be refused at its next renewal.
    `calls` counts what was sent, by kind.
    """

    outcome: Literal["unchanged", "planned", "waiting", "updated", "issued"]
    vault_url: str
    name: str
    changes: tuple[PolicyChange, ...] = ()
    report: GateReport | None = None
    version: str | None = None
    thumbprint: str | None = None
    common_name: str | None = None
    issuer: str | None = None
    issuer_thumbprint: str | None = None
    pins: tuple[str, ...] = ()
    not_after_utc: datetime | None = None
    csr_pem: str | None = None
    notes: tuple[str, ...] = ()
    format: str = "sfcert.enrolled/1"
