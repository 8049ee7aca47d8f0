"""Does a node accept a certificate? By thumbprint, or by name with pinned direct issuers. Floor 2.

Leaves out revocation, key usage (Service Fabric does not enforce it between nodes) and the implicit trust between equal
keys that some runtimes grant: the proof takes the strict reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.observation import PinnedName
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.world import Trusted


class Acceptance(Value):
    """One judgement: `ok` is None where a fact is missing, named in `missing`. `rule` is the rule that decided."""

    ok: bool | None
    rule: str
    why: str
    missing: tuple[str, ...] = ()


def accepts(
    trusted: Trusted, leaf: Certificate, issuers: Sequence[Certificate] | None, rules: RuntimeRules, now: datetime
) -> Acceptance:
    """Whether a node with these validation rules accepts `leaf` from a peer.

    Args:
        issuers: every known certificate of the key that signed `leaf`, by verified signature: which of two such
            certificates ends up in a chain is for the operating system to choose. None or empty: not known.
        now: aware UTC.

    Returns:
        The first rule that accepts; else unknown where a rule could not be judged; else refused with every reason.

    Effects: none.
    Source: reference 2.2 (thumbprint: only time is fatal), 2.3 (name or SAN, wildcards, direct issuer, self-signed).
    """
    short = f"{leaf.thumbprint[:8]}…"
    if leaf.not_before_utc > now:
        return Acceptance(ok=False, rule="validity", why=f"{short} is not valid before {leaf.not_before_utc:%F %T}Z")
    if leaf.not_after_utc <= now:
        accepted = rules.accepts_expired_pinned if trusted.accepts_expired is None else trusted.accepts_expired
        if accepted and leaf.is_self_signed and leaf.thumbprint in trusted.thumbprints:
            return Acceptance(ok=True, rule=f"expired thumbprint {short}", why="AcceptExpiredPinnedClusterCertificate")
        return Acceptance(ok=False, rule="validity", why=f"{short} expired on {leaf.not_after_utc:%F %T}Z")
    if leaf.thumbprint in trusted.thumbprints:
        return Acceptance(ok=True, rule=f"thumbprint {short}", why="its thumbprint is declared")
    verdicts = [_by_name(name, leaf, issuers, now) for name in trusted.names]
    for wanted in (True, None):
        for verdict in verdicts:
            if verdict.ok is wanted:
                return verdict
    if verdicts:
        return Acceptance(ok=False, rule=verdicts[0].rule, why="; ".join(dict.fromkeys(one.why for one in verdicts)))
    why = f"{short} is none of the declared thumbprints" if trusted.thumbprints else "nothing is trusted"
    return Acceptance(ok=False, rule="thumbprints", why=why)


def has_name(leaf: Certificate, declared: str) -> bool:
    """Whether the common name or a DNS name of `leaf` stands for the declared name: without regard to case, a wildcard
    in the certificate for one whole label."""
    wanted = declared.lower()
    for name in (leaf.common_name, *leaf.dns_names):
        if name is None:
            continue
        offered = name.lower()
        if offered == wanted:
            return True
        if offered.startswith("*.") and "." in wanted and wanted.partition(".")[2] == offered[2:]:
            return True
    return False


def _by_name(name: PinnedName, leaf: Certificate, issuers: Sequence[Certificate] | None, now: datetime) -> Acceptance:
    short, rule = f"{leaf.thumbprint[:8]}…", f"name {name.common_name}"
    if not has_name(leaf, name.common_name):
        return Acceptance(ok=False, rule=rule, why=f"{short} does not carry the name {name.common_name}")
    if not name.issuers_text.strip() and not name.issuers:
        if leaf.is_self_signed:
            return Acceptance(ok=False, rule=rule, why=f"{short} is self-signed and not pinned to itself")
        why = f"no issuer is pinned for {name.common_name}: it depends on the trusted roots of every machine"
        return Acceptance(ok=None, rule=rule, why=why, missing=(why,))
    if leaf.is_self_signed:
        ok = leaf.thumbprint in name.issuers
        why = f"{short} is self-signed and {'' if ok else 'not '}pinned to itself"
        return Acceptance(ok=ok, rule=f"{rule} pinned to itself", why=why)
    if not issuers:
        fact = f"the direct issuer of {short}"
        return Acceptance(ok=None, rule=rule, why=f"{fact} is not known", missing=(fact,))
    current = [one for one in issuers if one.not_before_utc <= now < one.not_after_utc]
    if not current:
        return Acceptance(ok=False, rule=rule, why=f"every known certificate of the issuer of {short} has expired")
    pinned = [one.thumbprint for one in current if one.thumbprint in name.issuers]
    told = " or ".join(f"{one.thumbprint[:8]}…" for one in current)
    if len(pinned) == len(current):
        return Acceptance(ok=True, rule=f"{rule}, issuer {told}", why=f"its direct issuer {told} is pinned")
    if not pinned:
        return Acceptance(ok=False, rule=rule, why=f"the direct issuer {told} of {short} is not pinned")
    fact = f"which certificate of the issuer's key completes the chain of {short}: {told} (pin all of them)"
    return Acceptance(ok=None, rule=rule, why=f"only one of {told} is pinned", missing=(fact,))
