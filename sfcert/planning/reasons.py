"""Why may this plan not be applied? Sentences that each name what to do, and the acceptances that would help.

Floor 4.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfcert import dated


class Reasons:
    """Collects what blocks a plan while its questions are asked: each sentence once, in the order found.

    `turned` are the assumptions on which the outcome turned, accepted or not.
    """

    def __init__(self, accepted: Iterable[str]) -> None:
        self._sentences: dict[str, None] = {}
        self._accepted = frozenset(accepted)
        self.turned: dict[str, None] = {}

    def add(self, sentence: str) -> None:
        self._sentences.setdefault(sentence)

    def needs(self, assumption_id: str, because: str) -> None:
        """The plan rests on an assumption of the closed list; without acceptance it is blocked."""
        row = dated.assumption(assumption_id)
        assert row is not None, f"{assumption_id} is not on the closed list"
        self.turned.setdefault(assumption_id)
        if assumption_id not in self._accepted:
            self.add(
                f"{because} The plan would rest on this: {row['text']} If it is wrong: {row['if_wrong']} "
                f"Check: {row['check']} Accept it with --accept {assumption_id}."
            )

    def __bool__(self) -> bool:
        return bool(self._sentences)

    def sentences(self) -> tuple[str, ...]:
        return tuple(self._sentences)
