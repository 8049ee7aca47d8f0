"""What does an api-version of the data plane know? Versions are numbers until 7.6 and dates after, but for the first.

Source: the certificates' descriptions in the vendor's API repository: `recoverableDays` came with 7.1,
`preserveCertOrder` with 7.6, the alternative names `uris` and `ipAddresses` with 2025-07-01. Assumed: an older version
neither shows nor takes what came later.
"""

from __future__ import annotations

import copy
from typing import Any

_LATER_NAMES = ("uris", "ipAddresses")


def shows_order(api_version: str) -> bool:
    return _rank(api_version) >= ("7.6",)


def shows_days(api_version: str) -> bool:
    return _rank(api_version) >= ("7.1",)


def as_known(api_version: str, policy: dict[str, Any]) -> dict[str, Any]:
    """A policy without what this version has no words for."""
    if _rank(api_version) >= _rank("2025-07-01"):
        return policy
    found = copy.deepcopy(policy)
    sans = (found.get("x509_props") or {}).get("sans")
    if isinstance(sans, dict):
        for name in _LATER_NAMES:
            sans.pop(name, None)
    return found


def _rank(api_version: str) -> tuple[str, ...]:
    """Sorts versions by age. The numbers have one digit before and one after the dot."""
    version = api_version.lower().partition("-preview")[0]
    if version == "2016-10-01":
        return ()
    return ("dated", version) if "-" in version else (version,)
