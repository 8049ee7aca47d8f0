"""Who takes away what an earlier run left where an authority looks? Every later one, due or not. Floor 5.

An order takes away what the run before it left; where none is made, this does.
"""

from __future__ import annotations

from typing import Any

import msgspec

from sfcert.workflows.enrolment.request import Means

Json = dict[str, Any]


def clean_up(means: Means) -> None:
    """Take away what an earlier run could not, where an authority looks. What is still left is told and stays kept.

    Effects: none where nothing was left.
    """
    record = means.memory.load()
    if record is None or not record.placed or means.clean is None:
        return

    def keep(placed: tuple[Json, ...]) -> None:
        means.memory.save(msgspec.structs.replace(means.memory.load() or record, placed=placed))

    means.clean(record.placed, keep)
