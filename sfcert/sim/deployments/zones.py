"""Which availability zones does a template get? `pickZones` and the mapping of logical to physical zones.

Each subscription sees a region's physical zones in an order of its own, as the real one does; here the order comes
from the subscription's id. Source: "Resource functions" and "pickZones" of the ARM template reference, read 2026-11.
Assumed: every region that is listed here has three zones; the codes of refusals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import permutations
from typing import Any

from sfcert.sim.front.catalogue import LOCATIONS
from sfcert.sim.kernel.failure import AzureFailure

_COUNT = 3
_ORDERS = tuple(permutations(range(1, _COUNT + 1)))
#: Types of which the documentation says that they may be placed in a zone.
_ZONAL = frozenset(
    {
        "microsoft.compute/disks",
        "microsoft.compute/virtualmachines",
        "microsoft.compute/virtualmachinescalesets",
        "microsoft.network/publicipaddresses",
    }
)


def answer_zones(name: str, args: list[Any]) -> Any:
    """The value of one of the zone functions; None for another function's name.

    Raises:
        AzureFailure: 400 `InvalidTemplate` for arguments that mean no zone.
    """
    kinds: dict[str, Callable[..., Any]] = {
        "pickzones": _pick,
        "tologicalzone": lambda where, region, zone: _logical(where, region, zone),
        "tologicalzones": lambda where, region, zones: [_logical(where, region, one) for one in zones],
        "tophysicalzone": lambda where, region, zone: _physical(where, region, zone),
        "tophysicalzones": lambda where, region, zones: [_physical(where, region, one) for one in zones],
    }
    function = kinds.get(name.lower())
    if function is None:
        return None
    try:
        return function(*args)
    except (TypeError, ValueError, IndexError) as error:
        raise AzureFailure(
            400,
            "InvalidTemplate",
            f"Unable to evaluate template language function '{name}': the arguments name no availability zone.",
        ) from error


def _pick(namespace: str, resource_type: str, location: str, count: int = 1, offset: int = 0) -> list[str]:
    if _region(location) not in LOCATIONS or f"{namespace}/{resource_type}".lower() not in _ZONAL:
        return []
    if not 1 <= count <= _COUNT or not 0 <= offset < _COUNT or offset + count > _COUNT:
        raise ValueError(count)
    return [str(zone) for zone in range(offset + 1, offset + count + 1)]


def _region(location: str) -> str:
    return location.replace(" ", "").lower()


def _order(subscription: str, location: str) -> tuple[int, ...]:
    if _region(location) not in LOCATIONS:
        raise ValueError(location)
    digest = hashlib.sha256(f"{subscription} {_region(location)}".lower().encode()).digest()
    return _ORDERS[digest[0] % len(_ORDERS)]


def _physical(subscription: str, location: str, zone: str) -> str:
    return f"{_region(location)}-az{_order(subscription, location)[int(zone) - 1]}"


def _logical(subscription: str, location: str, zone: str) -> str:
    region, _, number = str(zone).rpartition("-az")
    if region.lower() != _region(location):
        raise ValueError(zone)
    return str(_order(subscription, location).index(int(number)) + 1)
