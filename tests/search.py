"""How far do the laws search? As far in every run, by the same examples: a run tells of what was changed, not of luck.

`make soak` searches further and by new examples; what it finds it tells with the example that makes it again.

Not a test.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

#: So many times as far as in the ordinary suite.
FACTOR = int(os.environ.get("SFCERT_TEST_SEARCH", "1"))


def examples(usual: int) -> int:
    """How many examples a law that usually tries `usual` is to try."""
    return usual * FACTOR


def prepare() -> None:
    """Make this the way in which laws are tried. Two shared cores: a slow moment of the machine is no broken law."""
    settings.register_profile(
        "sfcert",
        deadline=None,
        derandomize=FACTOR == 1,
        max_examples=examples(100),
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("sfcert")
