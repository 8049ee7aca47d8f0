"""What will the enrolment bring that the plan holds as a stage? The certificate that does not exist yet. Floor 4.

The plan counts on what the gate demands, and on nothing else:

    name, alternative names, usages, key    as the policy asks
    direct issuer                           one of those named with --issuer-thumbprints, all of them pinned
    NotBefore                               after every certificate in use, and not ahead of the nodes
    NotAfter                                half of the validity that the policy asks, from now

A stand-in thumbprint is written wherever the plan would name it; `apply` puts the real one in its place.
Leaves out the stage itself (`enrolment`), and whether the cluster lives with it (the proof).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from sfcert.enrol.expectation import expectation_of
from sfcert.enrol.names import common_name_of, covers
from sfcert.enrol.policy import policy_digest, vault_policy
from sfcert.enrol.prediction import predict
from sfcert.enrol.renewal import renewal_timing
from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import EnrolmentPolicy
from sfcert.model.ids import VaultReference
from sfcert.model.observation import (
    CertificateVersion,
    LifetimeAction,
    Observation,
    PinnedName,
    VaultCertificate,
)
from sfcert.pki import direct_issuers
from sfcert.planning.inputs import Inputs
from sfcert.planning.reasons import Reasons
from sfcert.trust.rules import rules_of

#: A stand-in begins so, that people tell it from a thumbprint at a glance.
STAND_IN = "E0E0E0E0"
#: Half of a month as the vault counts validity, in days: what the gate demands at the least.
_HALF_MONTH_D = 15


class Future(Value):
    """What the enrolment under one vault certificate's name will bring. `certificate` is that name as it will be, with
    the new version first; `previous` as it is, None where it does not exist. `issuers` are all certificates that may
    complete its chain: those named, and known twins of their keys. `named` are the thumbprints that were named."""

    reference: VaultReference
    policy: EnrolmentPolicy
    leaf: Certificate
    issuers: tuple[Certificate, ...]
    named: tuple[str, ...]
    certificate: VaultCertificate
    previous: VaultCertificate | None

    @property
    def url(self) -> str:
        return self.reference.certificate_url

    @property
    def previous_thumbprint(self) -> str | None:
        latest = self.previous.latest if self.previous is not None else None
        return latest.thumbprint if latest is not None else None

    @property
    def mark(self) -> str:
        """The value of the tag by which the version is known afterwards: the same for equal plans."""
        text = "\n".join((self.url.lower(), self.leaf.thumbprint))
        return "sfcert-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def is_absent(observation: Observation, reference: VaultReference) -> bool:
    """Whether the vault itself said that it has no certificate of that name. Not asked is not absent."""
    why = observation.why_unread(f"vaults/{reference.vault_url}/certificates/{reference.name}") or ""
    return observation.vault_certificate(reference) is None and why.startswith("404")


def find_future(
    observation: Observation,
    inputs: Inputs,
    references: Iterable[VaultReference],
    found: Mapping[str, VaultCertificate],
    reasons: Reasons,
) -> Future | Literal["there", "blocked"]:
    """What the enrolment will bring; "there" where the newest version is what the policy asks for already.

    Args:
        references: the vault certificate of each scale set.
        found: those that were read, by URL.

    Effects: adds to `reasons` where it says "blocked".
    """
    policy = inputs.enrolment
    assert policy is not None
    by_url = {one.certificate_url.lower(): one for one in references}
    if len(by_url) != 1:
        reasons.add(
            f"The node types would get certificates of different names ({', '.join(sorted(by_url))}), and one policy "
            "brings one certificate. Enrol it first and import it under each name, or name one with --certificate."
        )
        return "blocked"
    reference = next(iter(by_url.values()))
    if policy.issuer.is_self:
        reasons.add(
            "A self-signed certificate is its own issuer: a cluster that goes by name would have to pin a thumbprint "
            "that does not exist before it is made, and would refuse its next renewal. Let the policy name an "
            "authority. A cluster that stays with thumbprints can have one: enrol it (`sfcert enrol "
            f"{reference.name} --vault {reference.vault_url} --policy FILE --for-cluster RESOURCE_ID`), then plan "
            "rotate-by-thumbprint."
        )
        return "blocked"
    if not inputs.issuer_thumbprints:
        reasons.add(
            f"The certificate that {reference.name} is to get does not exist yet, so that nobody can see who signs it. "
            f"Name the thumbprints of the issuing certificates that may, with --issuer-thumbprints: {_who_may(inputs)}"
        )
        return "blocked"
    previous = next((one for url, one in found.items() if url.lower() == reference.certificate_url.lower()), None)
    state = _is_there(observation, inputs, policy, previous)
    if state is None and previous is not None:
        reasons.add(
            f"The newest version of {previous.url} is what the policy asks for, but no certificate that verifies was "
            "found that signed it. Give its issuer's certificate with --certificate-pem FILE."
        )
        return "blocked"
    if state:
        return "there"
    issuers = _issuers(observation, inputs)
    unseen = [one.thumbprint for one in issuers if not one.der]
    if unseen and not policy.issuer.is_merged:
        reasons.add(
            f"The vault merges the answer of {policy.issuer.name} by itself, so that its issuer has to be recognised "
            f"at once, and the certificate {', '.join(unseen)} was not seen. Give it with --certificate-pem FILE."
        )
        return "blocked"
    leaf = _leaf(observation, inputs, policy, reference, previous, issuers)
    future = Future(
        reference=reference,
        policy=policy,
        leaf=leaf,
        issuers=issuers,
        named=inputs.issuer_thumbprints,
        certificate=_certificate(reference, policy, leaf, issuers, previous),
        previous=previous,
    )
    return future if _passes_the_gate(observation, inputs, future, reasons) else "blocked"


def _is_there(
    observation: Observation, inputs: Inputs, policy: EnrolmentPolicy, previous: VaultCertificate | None
) -> bool | None:
    """Whether the newest version is what is asked for; None where only its issuer is not known."""
    latest = previous.latest if previous is not None else None
    leaf = latest.certificate if latest is not None and latest.enabled else None
    if latest is None or leaf is None:
        return False
    name = common_name_of(policy.subject)
    has_names = leaf.common_name == name and all(
        any(covers(n, one) for n in leaf.dns_names) for one in policy.dns_names
    )
    has_usages = leaf.ekus is None or set(policy.ekus) <= set(leaf.ekus)
    is_rsa = policy.key.type.startswith("RSA")
    has_key = leaf.key_type.upper().startswith("RSA") == is_rsa and (not is_rsa or leaf.key_bits >= policy.key.size)
    if not (has_names and has_usages and has_key):
        return False
    now = observation.observed_at_utc
    timing = renewal_timing(leaf.not_before_utc, leaf.not_after_utc, policy.renewal, now=now, identity=leaf.thumbprint)
    if timing.is_due(now):
        return False
    issuers = direct_issuers(leaf, (*inputs.certificate_pems, *observation.known_certificates()))
    if not issuers:
        return None
    return bool({one.thumbprint for one in issuers} & set(inputs.issuer_thumbprints))


def _who_may(inputs: Inputs) -> str:
    """Where the thumbprints of issuing certificates are to be had from, the given ones first. One or two sentences."""
    given = [one for one in inputs.certificate_pems if one.is_ca]
    lowest = [one for one in given if not any(o.issuer == one.subject and o is not one for o in given)]
    if lowest:
        found = ", ".join(f"{one.thumbprint} ({one.common_name or one.subject})" for one in lowest)
        return f"of --certificate-pem that would be {found}."
    return (
        "the certificates that sign directly, not the root. The authority publishes them; or let it sign one for a "
        "name that no cluster uses (`sfcert enrol probe --vault URL --policy FILE --state FOLDER`, without a cluster), "
        "which ends with its pins. Where it signs by several in turn, name them all."
    )


def _issuers(observation: Observation, inputs: Inputs) -> tuple[Certificate, ...]:
    """The issuing certificates named, with every known twin of their keys; one that was never seen stands as the gate
    demands it: it outlives what it signs."""
    known = {one.thumbprint: one for one in (*inputs.certificate_pems, *observation.known_certificates())}
    seen = [known[one] for one in inputs.issuer_thumbprints if one in known]
    keys = {(one.subject, one.public_key_sha256) for one in seen}
    twins = [one for one in known.values() if one.is_ca and (one.subject, one.public_key_sha256) in keys]
    unseen = [_unseen(one, observation.observed_at_utc) for one in inputs.issuer_thumbprints if one not in known]
    every = {one.thumbprint: one for one in (*seen, *sorted(twins, key=lambda one: one.thumbprint), *unseen)}
    return tuple(every.values())


def _unseen(thumbprint: str, now: datetime) -> Certificate:
    name = f"the issuer {thumbprint[:8]}…"
    return Certificate(
        thumbprint=thumbprint,
        common_name=name,
        subject=name,
        issuer="",
        issuer_common_name=None,
        serial="0",
        dns_names=(),
        not_before_utc=now - timedelta(days=1),
        not_after_utc=now + timedelta(days=36500),
        ekus=None,
        key_usage=None,
        key_type="RSA",
        key_bits=2048,
        public_key_sha256="",
        key_id=None,
        authority_key_id=None,
        is_ca=True,
        is_self_signed=False,
        der=b"",
    )


def _leaf(
    observation: Observation,
    inputs: Inputs,
    policy: EnrolmentPolicy,
    reference: VaultReference,
    previous: VaultCertificate | None,
    issuers: tuple[Certificate, ...],
) -> Certificate:
    now = observation.observed_at_utc
    leaves = [one for one in observation.known_certificates() if not one.is_ca]
    past = max((one.not_before_utc for one in leaves if one.not_before_utc <= now), default=now)
    until = (now + timedelta(days=_HALF_MONTH_D * policy.validity_months)).replace(microsecond=0)
    rules = rules_of(observation.cluster.runtime, observation.cluster.settings, observation.cluster.os)
    if rules.selects_newest is not True:
        # such nodes go by NotAfter, and the gate demands that it is beyond that of every certificate in use
        until = max([until, *(one.not_after_utc + timedelta(seconds=1) for one in leaves)])
    latest = previous.latest.thumbprint if previous is not None and previous.latest is not None else ""
    text = "\n".join((reference.certificate_url.lower(), policy_digest(policy), latest, *inputs.issuer_thumbprints))
    invented = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()
    return Certificate(
        thumbprint=STAND_IN + invented[len(STAND_IN) :],
        common_name=common_name_of(policy.subject),
        subject=policy.subject,
        issuer=issuers[0].subject,
        issuer_common_name=issuers[0].common_name,
        serial="0",
        dns_names=policy.dns_names,
        not_before_utc=past + (now - past) / 2,
        not_after_utc=until,
        ekus=policy.ekus,
        key_usage=policy.key_usage,
        key_type="RSA" if policy.key.type.startswith("RSA") else "EC",
        key_bits=policy.key.size if policy.key.curve is None else 256,
        public_key_sha256=invented,
        key_id=None,
        authority_key_id=None,
        is_ca=False,
        is_self_signed=False,
        der=b"",
    )


def _certificate(
    reference: VaultReference,
    policy: EnrolmentPolicy,
    leaf: Certificate,
    issuers: tuple[Certificate, ...],
    previous: VaultCertificate | None,
) -> VaultCertificate:
    """The name in the vault once the enrolment is done and the plan has given renewal back."""
    version = CertificateVersion(
        version="",
        thumbprint=leaf.thumbprint,
        certificate=leaf,
        enabled=True,
        created_utc=None,
        not_before_utc=leaf.not_before_utc,
        not_after_utc=leaf.not_after_utc,
        chain=issuers[:1],
        chain_source=None,
    )
    written = vault_policy(policy)
    actions = tuple(
        LifetimeAction(
            action=one["action"]["action_type"],
            percentage=one["trigger"].get("lifetime_percentage"),
            days_before_expiry=one["trigger"].get("days_before_expiry"),
        )
        for one in written["lifetime_actions"]
    )
    return VaultCertificate(
        vault_url=reference.vault_url,
        name=reference.name,
        versions=(version, *(previous.versions if previous is not None else ())),
        has_policy=True,
        issuer_name=policy.issuer.vault_name,
        subject=policy.subject,
        policy_dns_names=policy.dns_names,
        policy_ekus=policy.ekus,
        key_type=policy.key.type,
        key_bits=policy.key.size if policy.key.curve is None else None,
        exportable=policy.key.exportable,
        reuse_key=policy.key.reuse,
        content_type=policy.content_type,
        validity_months=policy.validity_months,
        lifetime_actions=actions,
        pending_status=None,
        tags=dict(previous.tags) if previous is not None else {},
    )


def _passes_the_gate(observation: Observation, inputs: Inputs, future: Future, reasons: Reasons) -> bool:
    """What the gate would say before the request, for this plan's name and issuers; each no is a reason."""
    name = PinnedName(
        common_name=future.leaf.common_name or "", issuers=future.named, issuers_text=",".join(future.named)
    )
    latest = future.previous.latest if future.previous is not None else None
    is_same_issuer = (
        future.previous is not None
        and (future.previous.issuer_name or "").lower() == future.policy.issuer.vault_name.lower()
    )
    report = predict(
        future.policy,
        expectation=expectation_of(observation, name=name),
        certificate_url=future.url,
        previous=latest.certificate if latest is not None and is_same_issuer else None,
        known=inputs.certificate_pems,
        given_issuers=tuple(one for one in future.issuers if one.der),
        accepted=frozenset(inputs.accepted),
        now=observation.observed_at_utc,
        signed_by=future.named,
    )
    for one in report.not_passed:
        reasons.add(
            f"The gate would not let the enrolment of {future.url} begin ({one.check}): {one.message} "
            f"{one.remedy}".rstrip()
        )
    return report.verdict == "pass"
