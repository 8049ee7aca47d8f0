"""Which certificate does a node present? Selection from its store, by the declaration that it runs with. Floor 2.

Pinned issuers play no part in it: that is the trap. Leaves out whether anybody accepts the choice
(`sfcert.trust.validation`). Where the choice is not settled, every certificate that it may fall on is returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.trust.rules import RuntimeRules
from sfcert.trust.world import Holding, Presented, same_store


class Presentation(Value):
    """What a node may present. `certificates` holds one where the choice is settled, none where nothing can be loaded,
    several where it is not settled; `why` says how it came to that, `missing` what would have to be known."""

    certificates: tuple[Certificate, ...]
    why: str
    missing: tuple[str, ...] = ()

    @property
    def certificate(self) -> Certificate | None:
        """The one that is presented, where that is settled."""
        return self.certificates[0] if len(self.certificates) == 1 and not self.missing else None


def presents(
    presented: Presented,
    holdings: Sequence[Holding],
    rules: RuntimeRules,
    now: datetime,
    *,
    unknown: Sequence[str] = (),
) -> Presentation:
    """The certificate that a node presents, or every one that it may present.

    Args:
        presented: what the node looks for; both lists empty means that it looks for nothing.
        holdings: the whole store, in any order.
        unknown: certificates in the store whose bytes were never seen; by common name each might be the choice.
        now: aware UTC.

    Returns:
        Never an error: an empty choice says why in `why`.

    Effects: none.
    Source: reference 2.1 (order by NotBefore from 7.2.445 on, by NotAfter before; common names exact and with case;
    no issuer filter), 2.5 (keys), section 7 row 3 (links). That a certificate which is not yet valid may be chosen is
    unverified: it and the choice without it are both returned.
    """
    if presented.names:
        return _by_name(presented, holdings, rules, now, unknown)
    return _by_thumbprint(presented, holdings, rules, now, unknown)


def _by_name(
    presented: Presented, holdings: Sequence[Holding], rules: RuntimeRules, now: datetime, unknown: Sequence[str]
) -> Presentation:
    wanted = set(presented.names)
    matching = [one for one in holdings if one.certificate.common_name in wanted]
    missing = tuple(f"the certificate {one} in the store: its subject and dates" for one in unknown)
    return _settle(presented, matching, matching, holdings, rules, now, missing, f"the name {' or '.join(wanted)}")


def _by_thumbprint(
    presented: Presented, holdings: Sequence[Holding], rules: RuntimeRules, now: datetime, unknown: Sequence[str]
) -> Presentation:
    declared = presented.thumbprints
    matching = [one for one in holdings if one.certificate.thumbprint in declared]
    unseen = set(unknown) & set(declared)
    missing = tuple(f"the certificate {one}: its bytes" for one in sorted(unseen))
    first = [one for one in matching if one.certificate.thumbprint == declared[0]] if declared else []
    considered = matching if rules.use_secondary_if_newer else first
    return _settle(presented, considered, matching, holdings, rules, now, missing, "the declared thumbprints")


def _settle(
    presented: Presented,
    considered: Sequence[Holding],
    matching: Sequence[Holding],
    holdings: Sequence[Holding],
    rules: RuntimeRules,
    now: datetime,
    missing: tuple[str, ...],
    what: str,
) -> Presentation:
    able = [one for one in considered if _is_usable(presented, one, rules, now)]
    if not able:
        # A node whose primary cannot be loaded at all falls back on the secondary, newer or not.
        able = [one for one in matching if _is_usable(presented, one, rules, now)]
    if not able:
        return Presentation(certificates=(), why=_why_nothing(presented, matching, rules, now, what), missing=missing)
    chosen: dict[str, Certificate] = {}
    why = ""
    for best in _best(able, rules, now):
        end, note = _end_of_links(presented, best, holdings, matching)
        why = why or note
        if end is not None:
            chosen.setdefault(end.thumbprint, end)
    if not chosen:
        return Presentation(certificates=(), why=why, missing=missing)
    if rules.cng_keys is None and any(one.provider == "CNG" for one in able):
        missing = (*missing, "the runtime version: whether keys of a CNG provider can be used")
    if len(chosen) > 1:
        why = why or "the choice between equals, or with a certificate that is not yet valid, is not settled"
    return Presentation(certificates=tuple(chosen[key] for key in sorted(chosen)), why=why or what, missing=missing)


def _is_usable(presented: Presented, one: Holding, rules: RuntimeRules, now: datetime) -> bool:
    if not one.has_key or not same_store(one.store, presented.store):
        return False
    if one.provider == "CNG" and rules.cng_keys is False:
        return False
    if one.certificate.not_after_utc > now:
        return True
    accepted = rules.accepts_expired_pinned if presented.accepts_expired is None else presented.accepts_expired
    return accepted and bool(presented.thumbprints) and one.certificate.is_self_signed


def _best(able: Sequence[Holding], rules: RuntimeRules, now: datetime) -> Iterable[Holding]:
    """The first of each order that may hold; all of those that tie for it."""
    pools = [able]
    valid = [one for one in able if one.certificate.not_before_utc <= now]
    if valid and len(valid) < len(able):
        pools.append(valid)
    for pool in pools:
        if rules.selects_newest is not False:
            newest = max(one.certificate.not_before_utc for one in pool)
            yield from (one for one in pool if one.certificate.not_before_utc == newest)
        if rules.selects_newest is not True:
            farthest = max(one.certificate.not_after_utc for one in pool)
            yield from (one for one in pool if one.certificate.not_after_utc == farthest)


def _end_of_links(
    presented: Presented, best: Holding, holdings: Sequence[Holding], matching: Sequence[Holding]
) -> tuple[Certificate | None, str]:
    """Where the renewal property of the chosen certificate leads. The operating system follows it by itself; the key of
    a certificate that no declaration asks for was never opened to Service Fabric."""
    at, seen = best, {best.certificate.thumbprint}
    while at.links_to is not None and at.links_to not in seen:
        seen.add(at.links_to)
        after = next((one for one in holdings if one.certificate.thumbprint == at.links_to), None)
        if after is None:
            break
        at = after
    if at is best:
        return best.certificate, ""
    told = f"{best.certificate.thumbprint[:8]}… is linked to {at.certificate.thumbprint[:8]}…"
    if at not in matching or not at.has_key or not same_store(at.store, presented.store):
        return None, f"{told}, whose key Service Fabric does not own"
    return at.certificate, told


def _why_nothing(
    presented: Presented, matching: Sequence[Holding], rules: RuntimeRules, now: datetime, what: str
) -> str:
    if not presented.names and not presented.thumbprints:
        return "nothing is declared"
    if not matching:
        return f"nothing in the store matches {what}"
    if not any(same_store(one.store, presented.store) for one in matching):
        return f"what matches {what} is in another store than {presented.store}"
    if all(one.certificate.not_after_utc <= now for one in matching):
        return f"all that matches {what} has expired"
    if any(one.provider == "CNG" for one in matching) and rules.cng_keys is False:
        return f"what matches {what} has its key in a CNG provider, which this runtime cannot use"
    return f"what matches {what} has no usable private key"
