"""Which checks are the same before and after a certificate exists? Name, usages, key, linking. Floor 3."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sfcert.dated import runtime_at_least
from sfcert.enrol.expectation import Expectation
from sfcert.enrol.names import common_name_of, covers, is_dns_name
from sfcert.enrol.reasons import GATE_REASONS
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.enrolment import EnrolmentPolicy, GateCheck

_USAGE_NAMES = {SERVER_AUTH: "server authentication", CLIENT_AUTH: "client authentication"}
_SHORTEST_RSA = 2048


def passed(check: str, message: str) -> GateCheck:
    return GateCheck(check=check, verdict="pass", reason="Holds", message=message)


def failed(check: str, reason: str, message: str, remedy: str = "") -> GateCheck:
    assert reason in GATE_REASONS
    return GateCheck(check=check, verdict="fail", reason=reason, message=message, remedy=remedy)


def unknown(check: str, reason: str, message: str, remedy: str = "") -> GateCheck:
    assert reason in GATE_REASONS
    return GateCheck(check=check, verdict="unknown", reason=reason, message=message, remedy=remedy)


def spelled(span: timedelta) -> str:
    """A span as a sentence takes it: `36 d 3 min`, `2 h 1 min`; to the minute, which is all that a gate is about."""
    minutes = max(0, round(span.total_seconds() / 60))
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{count} {name}" for count, name in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts) or "less than a minute"


def pin_remedy(thumbprints: Iterable[str]) -> str:
    """The sentence that says which pins come first."""
    pins = ",".join(thumbprints)
    return (
        f"First add the pin {pins}: `sfcert plan --playbook change-issuer --issuer-thumbprints <pins now>,{pins}`, "
        "and apply it; then ask again. Or let that plan ask, with --enrol-policy."
    )


def plan_remedy(thumbprints: Iterable[str]) -> str:
    """The sentence for whoever enrols by a plan that counts on other issuers."""
    return (
        f"If that is the authority that you mean, plan again with --issuer-thumbprints {','.join(thumbprints)} and the "
        "same --enrol-policy: that plan pins it before it asks."
    )


def check_name_declared(common_name: str | None, policy: EnrolmentPolicy, expectation: Expectation | None) -> GateCheck:
    """The subject's name against the cluster's declared names by case, or against the policy where there is none."""
    question = "subject-name"
    if common_name is None:
        remedy = (
            "Ask for a subject with CN. Where it was asked for, the authority leaves it out: by ACME that is the "
            "profile's doing, and another one may keep it."
        )
        return failed(question, "OtherName", "The subject states no common name.", remedy)
    asked = common_name_of(policy.subject)
    if common_name != asked:
        sentence = f"The subject's name is {common_name}; {asked} was asked for."
        return failed(question, "NameNotAsked", sentence, "Let the authority keep the subject of the vault's request.")
    if expectation is None or expectation.kind in ("thumbprint", "none"):
        return passed(question, f"The subject's name is {common_name}, as asked for.")
    if expectation.kind == "unresolved":
        return unknown(question, "ClusterUnread", "What the cluster declares could not be told.")
    if expectation.declared(common_name) is not None:
        return passed(question, f"The cluster declares {common_name}.")
    for one in expectation.names:
        if one.common_name.lower() == common_name.lower():
            sentence = (
                f"The cluster declares {one.common_name}; nodes compare by case and would not find {common_name}."
            )
            return failed(question, "NameCase", sentence, f"Ask for the subject CN={one.common_name}.")
    names = ", ".join(one.common_name for one in expectation.names) or "no name"
    return failed(
        question,
        "OtherName",
        f"The cluster declares {names}; nodes would not find {common_name}.",
        "Ask for a subject that the cluster declares, or declare this name first.",
    )


def check_ekus(has: tuple[str, ...] | None, policy: EnrolmentPolicy, *, is_cluster: bool) -> GateCheck:
    """The usages of a certificate (None: any usage) against what a cluster, or the policy, needs."""
    question = "usages"
    needed = (SERVER_AUTH, CLIENT_AUTH) if is_cluster else policy.ekus
    lacking = [one for one in needed if has is not None and one not in has]
    if not lacking:
        return passed(question, "Every usage that is needed is granted.")
    words = ", ".join(_USAGE_NAMES.get(one, one) for one in lacking)
    if not set(lacking) <= set(policy.ekus):
        remedy = "Let the policy ask for both: ekus [server_auth, client_auth]."
    elif policy.issuer.is_acme:
        remedy = (
            "It was asked for, but by ACME the authority decides the usages: name a `profile` of it that grants both, "
            "or ask an authority that does, such as one of your own."
        )
    else:
        remedy = "Ask an authority, or one of its products, that grants both server and client authentication."
    return failed(question, "UsageMissing", f"Without {words}.", remedy)


def check_name_in_san(common_name: str | None, dns_names: tuple[str, ...]) -> GateCheck | None:
    """The subject's name among the alternative names; None where it is."""
    if common_name is not None and any(covers(one, common_name) for one in dns_names):
        return None
    named = common_name or "No name"
    remedy = "Ask for it as a DNS name too."
    if common_name is not None and not is_dns_name(common_name):
        remedy = "Ask for a subject that is a DNS name with a dot, and, where it has other letters, in its xn-- form."
    return failed(
        "name-in-san",
        "NotInSan",
        f"{named} is not among the alternative names ({', '.join(dns_names) or 'none'}).",
        remedy,
    )


def check_key_usage(can_sign: bool) -> GateCheck:
    """Whether the key may sign a handshake. `can_sign`: digitalSignature is granted, or no use is ruled out.

    Source: RFC 5280 section 4.2.1.3; RFC 8446 section 4.4.2.2.
    """
    question = "key-usage"
    if can_sign:
        return passed(question, "The key may sign a handshake.")
    return failed(
        question,
        "UsageMissing",
        "Its key usage lacks digitalSignature, without which no TLS handshake succeeds.",
        "Ask for key_usage [digitalSignature, keyEncipherment], and an authority that grants it.",
    )


def check_key(
    key_type: str, key_bits: int | None, policy: EnrolmentPolicy, expectation: Expectation | None
) -> GateCheck:
    """Whether the runtime can use the key and a machine can get it. `key_type` as X.509 has it."""
    question = "key-usable"
    if expectation is None:
        return passed(question, "No cluster is named, so its runtime is not asked.")
    if not policy.key.exportable or policy.key.type.endswith("HSM"):
        return failed(
            question,
            "KeyUnusable",
            "The key may not leave the vault, so machines would get the certificate without it.",
            "Ask for an exportable key of type RSA.",
        )
    if not key_type.upper().startswith("RSA"):
        return failed(
            question,
            "KeyUnusable",
            f"The key is {key_type}; Service Fabric is only known to work with RSA keys.",
            "Ask for a key of type RSA.",
        )
    if key_bits is not None and key_bits < _SHORTEST_RSA:
        return failed(question, "KeyUnusable", f"The RSA key has only {key_bits} bits.", "Ask for 2048 bits or more.")
    if policy.content_type == "application/x-pem-file":
        remedy = "Ask for the content type application/x-pkcs12."
        if expectation.os == "Windows":
            sentence = f"It would be handed out as {policy.content_type}; Windows machines import only PKCS #12."
            return failed(question, "KeyUnusable", sentence, remedy)
        is_new_enough = runtime_at_least(expectation.runtime, "cng_keys_since")
        if is_new_enough is False:
            sentence = (
                f"The runtime {expectation.runtime} needs a key of the older provider, which a PEM does not bring."
            )
            return failed(question, "KeyUnusable", sentence, remedy)
        if is_new_enough is None or expectation.os == "unknown":
            sentence = "Whether the machines can use a PEM depends on their system and runtime, which were not read."
            return unknown(question, "ClusterUnread", sentence, remedy)
    return passed(question, f"{key_type}{f' {key_bits}' if key_bits else ''} can be used.")


def check_linking(dns_names: tuple[str, ...], expectation: Expectation | None, certificate_url: str) -> GateCheck:
    """Whether Windows would bind another certificate of the nodes to this one, or this one to another: one set of
    names within the other.

    Source: service-fabric.md 7, row 3.
    """
    question = "linking"
    if expectation is None:
        return passed(question, "No cluster is named, so what its nodes observe is not asked.")
    mine = frozenset(one.lower() for one in dns_names)
    for url, other in expectation.observed.items():
        if url == certificate_url.lower():
            continue
        theirs = frozenset(one.lower() for one in other.dns_names)
        if not mine or not theirs or not (theirs <= mine or mine <= theirs):
            continue
        sentence = (
            f"The nodes also observe {url}, whose names ({', '.join(sorted(theirs))}) and the new ones "
            f"({', '.join(sorted(mine))}) lie within each other"
        )
        if expectation.links is False:
            return passed(question, f"{sentence}; linking is switched off on every node type.")
        return failed(
            question,
            "Links",
            f"{sentence}: Windows binds one to the other as its renewal.",
            "Give each certificate names of its own, or switch linkOnRenewal off first.",
        )
    others = [one for one in expectation.observed_unread if not one.lower().startswith(certificate_url.lower() + ":")]
    if others:
        sentence = f"Not every certificate that the nodes observe is known; this was not read: {others[0]}"
        if expectation.links is False:
            return passed(question, f"{sentence}; linking is switched off on every node type.")
        return unknown(question, "ClusterUnread", f"{sentence}.", "See that it can be read, then ask again.")
    return passed(question, "Its names lie within those of no other certificate that the nodes observe.")
