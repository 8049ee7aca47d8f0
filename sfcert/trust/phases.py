"""Through which manifests does the resource provider lead the nodes? Its phases, and the pessimistic single walk.

Floor 2. Leaves out the file store's accounts, which decide no acceptance between nodes, and how long a walk takes.
"""

from __future__ import annotations

from itertools import zip_longest

from sfcert.model.observation import Declaration, PinnedName
from sfcert.trust.world import Manifest, Presented, Trusted, manifest_of

READINGS = ("phases", "single-walk")


def walks(before: Declaration, after: Declaration, reading: str) -> tuple[Manifest, ...]:
    """The manifests in their order; the nodes are walked from each to the next, and back where a walk fails.

    Args:
        reading: `phases`, or `single-walk` where all lists change at once.

    Returns:
        At least one; just one where nothing changes.

    Effects: none.
    Source: reference 3.4 (`CertificateClusterUpgradeFlow`): what is new is trusted everywhere first, then presentation
    moves, then the old trust is dropped. A swap of two thumbprints and a change of pins alone are not seen as
    certificate changes and walk once.
    """
    start, goal = manifest_of(before), manifest_of(after)
    if start == goal:
        return (start,)
    if reading == "single-walk" or not _is_certificate_change(before, after):
        return (start, goal)
    found = [start]
    widened = _widened(start.trusted, goal.trusted)
    if widened != start.trusted:
        found.append(Manifest(trusted=widened, presented=start.presented))
    found.append(Manifest(trusted=widened, presented=goal.presented))
    if _slots_changed(start, goal) != 1 or _is_something_removed(before, after):
        found.append(goal)
    elif goal not in found:
        found[-1] = goal
    return tuple(one for at, one in enumerate(found) if at == 0 or one != found[at - 1])


def is_documented_as_walked_in_phases(before: Declaration, after: Declaration) -> bool:
    """Whether the vendor's own instructions have this change made on running clusters in a way that only works with
    phases: from thumbprints to thumbprints, one of them kept. Source: reference 3.3 (TP2CN table) and UPD."""
    old, new = set(before.thumbprints), set(after.thumbprints)
    return bool(old & new) and old != new and not before.names and not after.names


def describe(manifest: Manifest) -> str:
    """A manifest for people, in the notation V:{what is accepted} P:{what is presented}."""
    accepted = [f"TP={one[:8]}…" for one in manifest.trusted.thumbprints]
    for name in manifest.trusted.names:
        pins = ",".join(f"{one[:8]}…" for one in name.issuers)
        accepted.append(f"CN={name.common_name}" + (f" pinned {pins}" if pins else " unpinned"))
    shown = [f"TP={one[:8]}…" for one in manifest.presented.thumbprints]
    shown += [f"CN={one}" for one in manifest.presented.names]
    also = " (expired counts)" if manifest.trusted.accepts_expired else ""
    return f"V:{{{', '.join(accepted)}}}{also} P:{{{', '.join(shown)}}}"


def _is_certificate_change(before: Declaration, after: Declaration) -> bool:
    names = {name.common_name for name in before.names}, {name.common_name for name in after.names}
    return set(before.thumbprints) != set(after.thumbprints) or names[0] != names[1]


def _is_something_removed(before: Declaration, after: Declaration) -> bool:
    names = {name.common_name for name in before.names} - {name.common_name for name in after.names}
    return bool(set(before.thumbprints) - set(after.thumbprints)) or bool(names)


def _widened(now: Trusted, goal: Trusted) -> Trusted:
    thumbprints = (*now.thumbprints, *(one for one in goal.thumbprints if one not in now.thumbprints))
    names = {name.common_name: name for name in now.names}
    for name in goal.names:
        known = names.get(name.common_name)
        names[name.common_name] = _united(known, name) if known else name
    return Trusted(thumbprints=thumbprints, names=tuple(names.values()))


def _united(left: PinnedName, right: PinnedName) -> PinnedName:
    """One name with the issuers of both. Where either side pins nothing, so does the union: a pin narrows."""
    issuers = (*left.issuers, *(one for one in right.issuers if one not in left.issuers))
    pinned = bool(left.issuers_text.strip()) and bool(right.issuers_text.strip())
    return PinnedName(
        common_name=left.common_name,
        issuers=issuers if pinned else (),
        issuers_text=",".join(issuers) if pinned else "",
    )


def _slots_changed(start: Manifest, goal: Manifest) -> int:
    def changed(old: tuple[str, ...], new: tuple[str, ...]) -> int:
        if not old or not new:
            return max(len(old), len(new))
        doubled = [(*one, *one) if len(one) == 1 else one for one in (old, new)]
        return sum(left != right for left, right in zip_longest(*doubled))

    def of(presented: Presented) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return presented.thumbprints, presented.names

    (old_prints, old_names), (new_prints, new_names) = of(start.presented), of(goal.presented)
    return changed(old_prints, new_prints) + changed(old_names, new_names)
