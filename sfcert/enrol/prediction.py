"""Would the cluster take what this request will bring? Asked before anything is sent. Floor 3.

For an integrated issuer the vault merges by itself, so this is the only gate before; the same questions are judged
again on the certificate as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

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
    unknown,
)
from sfcert.enrol.expectation import Expectation
from sfcert.enrol.names import common_name_of, is_dns_name
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import EnrolmentPolicy, GateCheck, GateReport, gate_report
from sfcert.pki import direct_issuers

ASSUMPTION = "issuer-next-time"


def predict(
    policy: EnrolmentPolicy,
    *,
    expectation: Expectation | None,
    certificate_url: str,
    previous: Certificate | None,
    known: Iterable[Certificate],
    given_issuers: tuple[Certificate, ...],
    accepted: frozenset[str],
    now: datetime,
    signed_by: tuple[str, ...] = (),
) -> GateReport:
    """The gate's report on a request that was not sent yet.

    Args:
        signed_by: thumbprints of the certificates that are to sign, where these alone are known; they win.
        previous: the newest version's leaf, None where there is none.
        known: certificates seen anywhere, in which the previous issuer is looked for.
        given_issuers: issuing certificates that the operator says will sign; they win over the previous version.
        accepted: assumptions; "issuer-next-time" lets an unknown issuer of an integrated authority through.
    """
    everyone = (*known, *(expectation.known if expectation else ()))
    bits = policy.key.size if policy.key.curve is None else None
    checks = [
        check_name_declared(common_name_of(policy.subject), policy, expectation),
        check_ekus(policy.ekus, policy, is_cluster=expectation is not None),
        _name_in_san(policy),
        check_key_usage(not policy.key_usage or "digitalSignature" in policy.key_usage),
        check_key(policy.key.type, bits, policy, expectation),
        check_linking(policy.dns_names, expectation, certificate_url),
    ]
    issuers = given_issuers or (direct_issuers(previous, everyone) if previous is not None else ())
    checks.append(_sunset(policy, expectation, issuers, previous, now))
    pins: tuple[str, ...] = ()
    if not policy.issuer.is_merged:
        expected = signed_by or tuple(one.thumbprint for one in issuers)
        is_given = bool(signed_by or given_issuers)
        elsewhere = _elsewhere(policy, expectation, certificate_url, everyone)
        check, pins = _issuer(policy, expectation, expected, accepted, is_given=is_given, elsewhere=elsewhere)
        checks.append(check)
    return gate_report("predicted", tuple(checks), pins)


def _name_in_san(policy: EnrolmentPolicy) -> GateCheck:
    """A name that no authority can grant is refused; one that was only not asked for, many authorities add."""
    name = common_name_of(policy.subject)
    lacks = check_name_in_san(name, policy.dns_names)
    if lacks is None:
        return passed("name-in-san", "The subject's name is among the names that are asked for.")
    if policy.issuer.is_self or name is None or not is_dns_name(name):
        return lacks
    return passed("name-in-san", "The subject's name was not asked for as a DNS name; many authorities add it.")


def _pins(policy: EnrolmentPolicy, expectation: Expectation | None) -> tuple[str, ...] | None:
    """The pins of the declared name; None where nothing is pinned."""
    name = expectation.declared(common_name_of(policy.subject) or "") if expectation else None
    return name.issuers if name is not None and name.issuers_text.strip() else None


def _sunset(
    policy: EnrolmentPolicy,
    expectation: Expectation | None,
    issuers: tuple[Certificate, ...],
    previous: Certificate | None,
    now: datetime,
) -> GateCheck:
    authority = None
    if policy.issuer.acme is not None:
        authority = sunsets.authority_of_directory(policy.issuer.acme.directory)
    elif policy.issuer.is_integrated:
        names = [*(one.subject for one in issuers), *([previous.issuer] if previous else [])]
        authority = next((found for one in names if (found := sunsets.authority_of_issuer(one))), None)
        authority = authority or sunsets.authority_of_issuer(policy.issuer.provider or policy.issuer.name)
    is_pinned = _pins(policy, expectation) is not None
    if expectation is None:
        return passed("sunset", "No cluster is named, so no pins and no client authentication are asked of it.")
    ends = sunsets.sunset(authority, policy.ekus, is_pinned=is_pinned, now=now)
    return failed("sunset", "Sunset", ends) if ends else passed("sunset", sunsets.sunset_ahead(authority, now))


def _elsewhere(
    policy: EnrolmentPolicy, expectation: Expectation | None, certificate_url: str, known: Iterable[Certificate]
) -> tuple[str, ...]:
    """Thumbprints of what signed the newest certificates that nodes get by the same issuer of the same vault; none
    where one of them is not known."""
    vault = certificate_url.lower().partition("/certificates/")[0]
    found: dict[str, None] = {}
    for one in expectation.signed if expectation is not None else ():
        if one.vault_url.lower() != vault or one.issuer_name.lower() != policy.issuer.name.lower():
            continue
        issuers = direct_issuers(one.leaf, known)
        if not issuers:
            return ()
        found |= dict.fromkeys(each.thumbprint for each in issuers)
    return tuple(found)


def _issuer(
    policy: EnrolmentPolicy,
    expectation: Expectation | None,
    issuers: tuple[str, ...],
    accepted: frozenset[str],
    *,
    is_given: bool,
    elsewhere: tuple[str, ...] = (),
) -> tuple[GateCheck, tuple[str, ...]]:
    question = "issuer-pinned"
    if expectation is None:
        return passed(question, "No cluster is named, so no pins are asked."), ()
    if expectation.kind == "unresolved":
        return unknown(question, "ClusterUnread", "What the cluster declares could not be told."), ()
    pins = _pins(policy, expectation)
    if pins is None:
        return passed(question, "The cluster pins no issuer for that name."), ()
    if policy.issuer.is_self:
        sentence = "A self-signed certificate is its own issuer: nobody can pin it before it was made."
        remedy = (
            "Use an authority for a pinned cluster; a cluster by thumbprint takes one, by the playbook "
            "rotate-by-thumbprint."
        )
        return failed(question, "SelfSigned", sentence, remedy), ()
    if not issuers:
        if ASSUMPTION in accepted:
            return passed(question, f"Which certificate will sign is not known; accepted as {ASSUMPTION}."), ()
        if elsewhere and set(elsewhere) <= set(pins):
            sentence = f"What {policy.issuer.name} had signed last for the nodes came from {', '.join(elsewhere)}"
            return passed(question, f"{sentence}, which is pinned."), ()
        return unknown(
            question,
            "IssuerUnknown",
            f"Which certificate of {policy.issuer.name} will sign is not known: there is no earlier version whose "
            "issuer could be verified.",
            f"Name its issuing certificates with --issuer-pem FILE, or accept {ASSUMPTION}.",
        ), ()
    lacking = tuple(one for one in issuers if one not in pins)
    source = "as given" if is_given else "as the last version's issuer"
    if lacking:
        sentence = f"{policy.issuer.name} will sign by {', '.join(lacking)} ({source}), which the cluster does not pin."
        return failed(question, "IssuerNotPinned", sentence, pin_remedy(lacking)), lacking
    return passed(question, f"The issuer expected, {source}, is pinned."), ()
