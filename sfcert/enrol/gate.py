"""Would the cluster take this certificate? Judged on the certificate, between the CA's answer and the merge. Floor 3.

    a  the leaf is for the request's key          e  it is newer than the one in use, valid now, long enough
    b  name by case, name in SAN, usages          f  its names link no other certificate of the nodes
    c  direct issuer among the pins, twins too    g  its authority has no sunset
    d  RSA, and a key that reaches the machines

Every check answers, and unknown never passes. Leaves out: predicting (see `prediction`) and acting on the verdict.
Source: service-fabric.md 2.1 to 2.7 and 7 of the project's reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sfcert.dated import runtime_at_least, timing_s
from sfcert.enrol import sunsets
from sfcert.enrol.checks import (
    check_ekus,
    check_key,
    check_key_usage,
    check_linking,
    check_name_declared,
    check_name_in_san,
    failed,
    passed,
    pin_remedy,
    plan_remedy,
    spelled,
    unknown,
)
from sfcert.enrol.expectation import Expectation
from sfcert.enrol.granted import added_names, lacking_names
from sfcert.enrol.renewal import left_at_trigger
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import EnrolmentPolicy, GateCheck, GateReport, gate_report
from sfcert.pki import direct_issuers, in_order
from sfcert.pki.names import alternative_names

CLOCK_TOLERANCE = timedelta(minutes=5)


def judge(
    chain: Sequence[Certificate],
    policy: EnrolmentPolicy,
    *,
    request_key_sha256: str | None,
    expectation: Expectation | None,
    certificate_url: str,
    known: Iterable[Certificate],
    now: datetime,
) -> GateReport:
    """The gate's report on a certificate.

    Args:
        chain: what the authority answered, in its order; never empty.
        request_key_sha256: of the request's public key (SubjectPublicKeyInfo), None where it could not be read.
        expectation: the cluster that it is for; None: it is judged against the policy alone.
        certificate_url: `<vault>/certificates/<name>`, so that its own older versions are no linking hazard.
        known: further certificates, such as issuers that were found elsewhere.
        now: aware UTC.

    Effects: none.
    """
    leaf = _leaf(chain, request_key_sha256)
    everyone = tuple(
        {one.thumbprint: one for one in (*chain, *known, *(expectation.known if expectation else ()))}.values()
    )
    checks = [_key_match(leaf, request_key_sha256), _chain(chain, leaf)]
    checks += _names(leaf, policy, expectation)
    checks.append(check_ekus(leaf.ekus, policy, is_cluster=expectation is not None))
    checks.append(check_key_usage(leaf.key_usage is None or "digital_signature" in leaf.key_usage))
    issuer, pins = _issuer(leaf, everyone, expectation, now)
    checks += issuer
    checks.append(check_key(leaf.key_type, leaf.key_bits, policy, expectation))
    checks += _times(leaf, policy, expectation, now)
    checks.append(check_linking(leaf.dns_names, expectation, certificate_url))
    if expectation is not None and expectation.lives_until_utc is not None:
        checks.append(_outlives(leaf, direct_issuers(leaf, everyone), expectation.lives_until_utc))
    authority = sunsets.authority_of_issuer(leaf.issuer)
    ends = sunsets.sunset(authority, None, is_pinned=_is_pinned(leaf, expectation), now=now)
    checks.append(failed("sunset", "Sunset", ends) if ends else passed("sunset", sunsets.sunset_ahead(authority, now)))
    return gate_report("judged", tuple(checks), pins)


def leaf_of(chain: Sequence[Certificate]) -> Certificate:
    """The certificate of a chain that signed none of the others; the first where that tells nothing."""
    issuers = {one.issuer for one in chain if not one.is_self_signed}
    return next((one for one in chain if not one.is_ca and one.subject not in issuers), chain[0])


def ordered(
    chain: Sequence[Certificate], request_key_sha256: str | None = None
) -> tuple[tuple[Certificate, ...], tuple[Certificate, ...]]:
    """What of the chain belongs to its leaf, in order, and what does not: machines would take it into their stores."""
    return in_order(chain, _leaf(chain, request_key_sha256))


def _leaf(chain: Sequence[Certificate], key: str | None) -> Certificate:
    return next((one for one in chain if one.public_key_sha256 == key), None) or leaf_of(chain)


def _key_match(leaf: Certificate, key: str | None) -> GateCheck:
    if key is None:
        return unknown("key-matches-request", "RequestUnread", "The vault shows no request to compare the key with.")
    if leaf.public_key_sha256 != key:
        return failed(
            "key-matches-request",
            "OtherKey",
            f"{leaf.thumbprint} is for another key than the vault's request.",
            "Give the vault's own request to the authority; an answer to an older request is of no use.",
        )
    return passed("key-matches-request", "The certificate is for the key of the request.")


def _chain(chain: Sequence[Certificate], leaf: Certificate) -> GateCheck:
    if not leaf.is_self_signed and not direct_issuers(leaf, chain):
        what = "the leaf alone" if len(chain) == 1 else "no certificate that signed the leaf"
        return failed(
            "chain",
            "IntermediateMissing",
            f"The answer holds {what}: machines would look for {leaf.issuer} in the network, and find none behind a "
            "firewall.",
            "Add the issuing certificate to the chain.",
        )
    if chain[0].thumbprint != leaf.thumbprint:
        return passed("chain", "The chain does not begin with the leaf; it is put in order before the merge.")
    return passed("chain", "The chain holds the leaf and its issuer.")


def _names(leaf: Certificate, policy: EnrolmentPolicy, expectation: Expectation | None) -> list[GateCheck]:
    checks = [check_name_declared(leaf.common_name, policy, expectation)]
    checks.append(check_name_in_san(leaf.common_name, leaf.dns_names) or _alternative_names(leaf, policy))
    return checks


def _alternative_names(leaf: Certificate, policy: EnrolmentPolicy) -> GateCheck:
    """Whether every name that was asked for, of any kind, is there. Further ones are told: they keep no node away."""
    has = alternative_names(leaf.der)
    if lacking := lacking_names(policy, has):
        return failed(
            "name-in-san",
            "SanMissing",
            f"Asked for, but not in it: {', '.join(lacking)}.",
            "Let the authority grant every name of the request, or ask for fewer.",
        )
    added = added_names(policy, has)
    more = f" The authority added: {', '.join(added)}." if added else ""
    return passed("name-in-san", f"Every name that was asked for is in it.{more}")


def _is_pinned(leaf: Certificate, expectation: Expectation | None) -> bool:
    name = expectation.declared(leaf.common_name) if expectation and leaf.common_name else None
    return name is not None and bool(name.issuers_text.strip())


def _issuer(
    leaf: Certificate, everyone: tuple[Certificate, ...], expectation: Expectation | None, now: datetime
) -> tuple[list[GateCheck], tuple[str, ...]]:
    """The check of the pins, and which pins are to be added first."""
    question = "issuer-pinned"
    if expectation is None:
        return [passed(question, "No cluster is named, so no pins are asked.")], ()
    if expectation.kind == "unresolved":
        return [unknown(question, "ClusterUnread", "What the cluster declares could not be told.")], ()
    name = expectation.declared(leaf.common_name) if leaf.common_name else None
    if name is None and expectation.names:
        return [unknown(question, "OtherName", "No declared name fits, so no pins can be asked.")], ()
    if name is None:
        return [
            passed(question, "The cluster declares thumbprints; a plan pins the issuer when it moves to names.")
        ], ()
    if not name.issuers_text.strip():
        return [passed(question, f"{name.common_name} is declared without pins: any trusted issuer is taken.")], ()
    issuers = direct_issuers(leaf, everyone)
    if not issuers:
        said = leaf.issuer_common_name or leaf.issuer
        sentence = f"The direct issuer, {said}, is in no chain that is known, so its thumbprint cannot be compared."
        return [unknown(question, "IssuerUnknown", sentence, "Add the issuing certificate to the chain.")], ()
    lacking = tuple(one.thumbprint for one in issuers if one.thumbprint not in name.issuers and one.not_after_utc > now)
    pinned = [one.thumbprint for one in issuers if one.thumbprint in name.issuers]
    if not pinned:
        found = tuple(one.thumbprint for one in issuers)
        who = issuers[0].common_name or issuers[0].subject
        if expectation.is_of_plan:
            sentence = (
                f"{leaf.thumbprint} is signed by {who} ({', '.join(found)}), and the plan takes none for "
                f"{name.common_name} but from {', '.join(name.issuers)}."
            )
            return [failed(question, "IssuerNotPinned", sentence, plan_remedy(found))], found
        sentence = (
            f"{leaf.thumbprint} is signed by {who} ({', '.join(found)}), and {name.common_name} pins only "
            f"{', '.join(name.issuers) or name.issuers_text}: every node would refuse it."
        )
        return [failed(question, "IssuerNotPinned", sentence, pin_remedy(found))], found
    if lacking:
        sentence = (
            f"The issuer's key is certified again as {', '.join(lacking)}, which is not pinned: a machine that builds "
            "its chain through it refuses its peers."
        )
        remedy = plan_remedy((*pinned, *lacking)) if expectation.is_of_plan else pin_remedy(lacking)
        return [failed(question, "TwinNotPinned", sentence, remedy)], lacking
    return [passed(question, f"The direct issuer {', '.join(pinned)} is pinned.")], ()


def _times(
    leaf: Certificate, policy: EnrolmentPolicy, expectation: Expectation | None, now: datetime
) -> list[GateCheck]:
    checks = [_in_date(leaf, now), _lifetime(leaf, policy, expectation)]
    if expectation is not None:
        checks.append(_newer(leaf, policy, expectation, now))
    return checks


def _in_date(leaf: Certificate, now: datetime) -> GateCheck:
    if leaf.not_after_utc <= now:
        sentence = f"It expired on {leaf.not_after_utc:%Y-%m-%d %H:%M} UTC."
        return failed("in-date", "Expired", sentence, "Have the vault's request signed anew.")
    if leaf.not_before_utc > now:
        return failed(
            "in-date",
            "NotYetValid",
            f"It is valid only from {leaf.not_before_utc:%Y-%m-%d %H:%M} UTC; a node that fetches it before would "
            "present it and be refused.",
            "Merge it after that instant.",
        )
    near = now - leaf.not_before_utc < CLOCK_TOLERANCE
    more = " A node whose clock is more than that behind would refuse it for some minutes." if near else ""
    return passed("in-date", f"Valid for {spelled(now - leaf.not_before_utc)} already.{more}")


def _newer(leaf: Certificate, policy: EnrolmentPolicy, expectation: Expectation, now: datetime) -> GateCheck:
    rivals = [one for one in expectation.in_use if one.thumbprint != leaf.thumbprint]
    if expectation.kind != "common-name":
        rivals = [one for one in rivals if one.common_name == leaf.common_name]
    by_start = runtime_at_least(expectation.runtime, "newest_not_before_since")
    if not rivals:
        if expectation.kind == "common-name" and (unread := expectation.rivals_unread or expectation.unread):
            return _unread_rival(unread[0])
        return passed("newer", "No certificate of that name is in use.")
    if by_start is None:
        return unknown("newer", "ClusterUnread", "The runtime's version is not known, so its rule of selection is not.")
    word = "NotBefore" if by_start else "NotAfter"
    best = max(rivals, key=lambda one: one.not_before_utc if by_start else one.not_after_utc)
    mine, theirs = (leaf.not_before_utc, best.not_before_utc) if by_start else (leaf.not_after_utc, best.not_after_utc)
    if mine <= theirs:
        remedy = "Ask the authority for a certificate that is not dated back so far."
        if policy.issuer.is_acme and by_start:
            again = theirs + max(now - mine, timedelta()) + timedelta(minutes=1)
            remedy = f"By ACME no date can be asked for: ask again after {again:%Y-%m-%d %H:%M} UTC."
        return failed(
            "newer",
            "NotNewer",
            f"Its {word} {mine:%Y-%m-%d %H:%M:%S} is not after that of {best.thumbprint} ({theirs:%Y-%m-%d %H:%M:%S}): "
            "nodes would go on presenting the older one until it expires.",
            remedy,
        )
    if expectation.kind == "common-name" and expectation.rivals_unread:
        return _unread_rival(expectation.rivals_unread[0])
    return passed("newer", f"Its {word} is after that of {best.thumbprint}.")


def _unread_rival(what: str) -> GateCheck:
    sentence = f"Not every certificate that nodes may prefer is known; this was not read: {what}."
    return unknown("newer", "ClusterUnread", sentence, "See that it can be read, then ask again.")


def _lifetime(leaf: Certificate, policy: EnrolmentPolicy, expectation: Expectation | None) -> GateCheck:
    """What is left after the renewal falls due must be longer than a delivery: extension, monitor, access list."""
    life = leaf.not_after_utc - leaf.not_before_utc
    left = left_at_trigger(life, policy.renewal)
    polling = (expectation.polling_s if expectation else None) or timing_s("extension_polling_s")
    needed = timedelta(seconds=polling + timing_s("certificate_monitor_s") + timing_s("acl_cycle_s"))
    if left <= needed:
        return failed(
            "lifetime",
            "TooShort",
            f"It lives {spelled(life)}; after renewal falls due {spelled(left)} are left, and a delivery takes up to "
            f"{spelled(needed)}.",
            "Ask for a longer validity, or renew earlier.",
        )
    session = timedelta(seconds=timing_s("session_lifetime_s"))
    more = " That is shorter than a session may last." if left < needed + session else ""
    return passed(
        "lifetime", f"After renewal falls due {spelled(left)} are left; a delivery takes up to {spelled(needed)}.{more}"
    )


def _outlives(leaf: Certificate, issuers: Sequence[Certificate], until: datetime) -> GateCheck:
    """Whether the certificate, and every certificate that may have signed it, lives as long as a plan counts on it."""
    first = min((leaf, *issuers), key=lambda one: one.not_after_utc)
    if first.not_after_utc < until:
        whose = "It" if first is leaf else f"Its issuer {first.thumbprint}"
        return failed(
            "outlives-plan",
            "EndsBeforePlan",
            f"{whose} ends on {first.not_after_utc:%Y-%m-%d %H:%M}; the plan counts on it until "
            f"{until:%Y-%m-%d %H:%M}.",
            "Ask for a longer validity, or plan again with a policy that says how long it lives.",
        )
    return passed("outlives-plan", f"It and its issuer live beyond {until:%Y-%m-%d}.")
