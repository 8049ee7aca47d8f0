"""In which steps does a certificate change reach the nodes? The list of manifests that are walked one after another.

Pure. Two readings: by phases, as the vendor's library does it, and the pessimistic single walk.

    phase 1   accept old and new, present old        (only where something is added)
    phase 2   accept as before, present new
    phase 3   accept new, present new                (left out when something was only added)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sfcert.sim.nodes.manifest import Finds, Manifest

CERTIFICATE = "UpdatingUserCertificate"
CONFIGURATION = "UpdatingUserConfiguration"


@dataclass(frozen=True, slots=True)
class Staging:
    """What will be walked: the cluster state that it shows as, and each phase's manifest. Empty: nothing to do."""

    kind: str
    phases: tuple[Manifest, ...]


def is_documented_in_phases(current: Manifest, target: Manifest) -> bool:
    """Whether the vendor's own instructions have owners make this change in a way that only phases survive: thumbprints
    before and after, one of them kept. Source: reference 3.3, TP2CN and UPD."""
    old, new = current.finds, target.finds
    if old is None or new is None or old.by != "thumbprint" or new.by != "thumbprint":
        return False
    return set(old.values) != set(new.values) and bool(set(old.values) & set(new.values))


def stage(current: Manifest, target: Manifest, *, single_walk: bool = False) -> Staging:
    """The walks that lead from one declaration to another.

    Args:
        current: what every node runs with now.
        target: what was asked for.
        single_walk: the pessimistic reading: everything at once.

    Returns:
        No phases where nothing that nodes run with differs; one phase for what is no certificate change (a swap of the
        same two, an issuer list, settings, clients).

    Source: reference 3.4.
    """
    if replace(current, version="") == replace(target, version=""):
        return Staging(CONFIGURATION, ())
    if not _is_certificate_change(current.finds, target.finds):
        return Staging(CONFIGURATION, (target,))
    if single_walk:
        return Staging(CERTIFICATE, (target,))
    union = current.trusts.union(target.trusts)
    phases: list[Manifest] = []
    if union != current.trusts:
        phases.append(replace(target, trusts=union, finds=current.finds, file_store=current.file_store))
    accepted = union if phases else current.trusts
    phases.append(replace(target, trusts=accepted, file_store=_file_store(current, target)))
    if _slots_changed(current.finds, target.finds) == 1 and not _removes(current.finds, target.finds):
        return Staging(CERTIFICATE, tuple(phases))
    phases.append(target)
    return Staging(CERTIFICATE, tuple(phases))


def _values(finds: Finds | None) -> tuple[str, ...]:
    return () if finds is None else tuple(dict.fromkeys(finds.values))


def _is_certificate_change(old: Finds | None, new: Finds | None) -> bool:
    if old is None or new is None:
        return old is not new
    return old.by != new.by or set(_values(old)) != set(_values(new))


def _slots_changed(old: Finds | None, new: Finds | None) -> int:
    before, after = _values(old), _values(new)
    if old is None or new is None or old.by != new.by:
        return max(len(before), 0) + max(len(after), 0)
    one = before if len(before) == 2 else before * 2
    other = after if len(after) == 2 else after * 2
    return sum(a != b for a, b in zip(one, other, strict=True))


def _removes(old: Finds | None, new: Finds | None) -> bool:
    return bool(set(_values(old)) - set(_values(new)))


def _file_store(current: Manifest, target: Manifest) -> tuple[tuple[str, str], ...]:
    """The file store's accounts while the presentation changes: both sides must still open the shares."""
    old, new = current.finds, target.finds
    if old is None or new is None:
        return target.file_store
    if old.by != new.by:
        return tuple(sorted({*current.file_store, *target.file_store}))
    if old.by == "thumbprint" and not set(old.values) & set(new.values):
        return (
            ("PrimaryAccountNTLMX509Thumbprint", old.primary),
            ("SecondaryAccountNTLMX509Thumbprint", new.primary),
        )
    return current.file_store if _removes(old, new) else target.file_store
