"""Which certificate does a node present? The selection rule, by runtime version.

Pure. Leaves out when a node looks again (see `nodes.node`) and whether others accept it (see `nodes.validation`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sfcert.sim.nodes.manifest import Finds, Manifest
from sfcert.sim.nodes.store import Held, Store, store_key

# 7.2 CU4: from here the newest NotBefore wins, before it the farthest NotAfter (reference 2.1).
NEWEST_FIRST_FROM = (7, 2, 445)
# 11.0: keys of CNG providers can be used (reference 2.5).
CNG_FROM = (11, 0)


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, or why nothing: each candidate that was passed over is named in `passed_over`."""

    held: Held | None
    passed_over: tuple[str, ...] = ()


def matching(finds: Finds, store: Store) -> list[Held]:
    """Everything in the named store that the rule names: thumbprints exactly, names by case-sensitive subject CN."""
    within = store.within(store_key(finds.store))
    if finds.by == "thumbprint":
        wanted = [value.upper() for value in finds.values]
        return sorted((held for held in within if held.thumbprint in wanted), key=lambda h: wanted.index(h.thumbprint))
    return [held for held in within if held.certificate.subject_cn in finds.values]


def choose(finds: Finds | None, store: Store, manifest: Manifest, now: datetime) -> Choice:
    """What a node with this store presents under this rule now.

    Returns:
        The end of the renewal links of the first candidate that can be loaded, in the runtime's order. The issuer plays
        no part: a newer certificate of the same name from an unpinned issuer is chosen.

    Source: reference 2.1, 2.5 and row 3 of 7. With equal dates the order is undocumented; here the greater thumbprint
    comes first (assumed).
    """
    if finds is None:
        return Choice(None, ("nothing is declared",))
    candidates = matching(finds, store)
    if finds.by == "thumbprint" and not manifest.flag("Security", "UseSecondaryIfNewer", True):
        primary = [held for held in candidates if held.thumbprint == finds.primary.upper()]
        rest = [held for held in candidates if held not in primary]
        # The secondary is the fallback only when the primary cannot be loaded at all.
        return _first_usable([*primary, *rest], store, finds, manifest, now)
    return _first_usable(_sorted(candidates, manifest), store, finds, manifest, now)


def _sorted(candidates: Iterable[Held], manifest: Manifest) -> list[Held]:
    def rank(held: Held) -> tuple[datetime, str]:
        certificate = held.certificate
        newest_first = manifest.runtime >= NEWEST_FIRST_FROM
        return (certificate.not_before if newest_first else certificate.not_after, certificate.thumbprint)

    return sorted(candidates, key=rank, reverse=True)


def _first_usable(candidates: Iterable[Held], store: Store, finds: Finds, manifest: Manifest, now: datetime) -> Choice:
    passed_over: list[str] = []
    for held in candidates:
        taken = store.end_of_links(store_key(finds.store), held)
        why = "its renewal link leads nowhere" if taken is None else _unusable(taken, finds, manifest, now)
        if _has_expired(held, finds, manifest, now):
            why = f"expired on {held.certificate.not_after.isoformat()}"
        if why is None:
            return Choice(taken, tuple(passed_over))
        passed_over.append(f"{held.thumbprint}: {why}")
    if not passed_over:
        words = "FindByThumbprint" if finds.by == "thumbprint" else "FindBySubjectName"
        passed_over.append(f"Cannot find certificate with '{words}' '{finds.primary}' in store '{finds.store}'")
    return Choice(None, tuple(passed_over))


def _has_expired(held: Held, finds: Finds, manifest: Manifest, now: datetime) -> bool:
    """Expired counts, unless the cluster was told to live on with a self-signed certificate by thumbprint: a setting
    that accepts it would be of no use if nobody went on presenting it (inferred from reference 1.3 and 7, row 11)."""
    if held.certificate.not_after > now:
        return False
    told = manifest.flag("Security", "AcceptExpiredPinnedClusterCertificate", False)
    return not (told and finds.by == "thumbprint" and held.certificate.self_signed)


def _unusable(held: Held, finds: Finds, manifest: Manifest, now: datetime) -> str | None:
    if _has_expired(held, finds, manifest, now):
        return f"expired on {held.certificate.not_after.isoformat()}"
    if not held.has_key:
        return "no private key (0x8009030E)"
    if held.provider == "CNG" and manifest.runtime < CNG_FROM:
        return "CryptAcquireCertificatePrivateKey failed. Error:0x80090014"
    if not held.readable:
        return "the private key is not readable for Service Fabric (0x8009030D)"
    return None
