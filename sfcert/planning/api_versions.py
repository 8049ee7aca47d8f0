"""With which api-version is a resource read and written back? One for both, never older than the one it was read with.

Floor 4.
"""

from __future__ import annotations

from sfcert import dated


def api_version_for(resource_type: str, read_with: str | None) -> str:
    """The api-version of the dated file, or the one that the resource was read with where that is newer.

    Versions compare by their date; of one date the stable one wins.

    Effects: none.
    """
    ours = dated.api_version(resource_type)
    if not read_with or read_with[:10] <= ours[:10]:
        return ours
    return read_with
