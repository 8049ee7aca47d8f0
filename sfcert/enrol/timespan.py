"""How long is a duration that Azure writes as text? Floor 3.

Service Fabric writes `d.hh:mm:ss.fff`, Azure Resource Manager `PT1H30M`. Leaves out plain numbers: their unit depends
on the setting.
"""

from __future__ import annotations

import re

_CLOCK = re.compile(r"(?:(?P<d>\d+)\.)?(?P<h>\d+):(?P<m>\d+):(?P<s>\d+)(?:\.\d+)?", re.ASCII)
_ISO = re.compile(r"P(?:(?P<d>\d+)D)?(?:T(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?)?", re.ASCII)
#: Longer than any certificate lives: such values mean "no limit", and would overflow what dates can hold.
LONGEST_S = 100 * 365 * 86400


def timespan_s(text: str) -> int | None:
    """Whole seconds, at most `LONGEST_S`; None where the text is no duration."""
    match = _CLOCK.fullmatch(text.strip()) or _ISO.fullmatch(text.strip())
    if match is None or not any(match.groupdict().values()):
        return None
    part = {key: min(int(value or 0), LONGEST_S) for key, value in match.groupdict().items()}
    return min(part["d"] * 86400 + part["h"] * 3600 + part["m"] * 60 + part["s"], LONGEST_S)
