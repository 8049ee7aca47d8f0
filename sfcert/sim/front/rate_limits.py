"""How many requests does the service take? Token buckets, as Resource Manager and the vaults keep them.

    Resource Manager, by subscription (or tenant), principal and kind:   reads 250 and 25 a second,
                                                                         writes and deletes 200 and 10 a second
    a vault, for everything that is not the making of a key:             4,000 in 10 seconds

They hold under the fault `rate-limits` alone, by virtual time: a world whose time stands still would never refill them.
Leaves out: the limits of resource providers, subscription-wide limits over all principals (15 times as many).

Source: "Understand how Azure Resource Manager throttles requests" (limits since 2024, header names), "Azure Key Vault
service limits". The wording of a refusal: Resource Manager's own, as clients report it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sfcert.sim.front.tempo import Tempo
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.strikes import Asked

_KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
#: Bucket size, and which part of it comes back each second.
_ARM: dict[str, tuple[float, float]] = {"reads": (250, 0.1), "writes": (200, 0.05), "deletes": (200, 0.05)}
_VAULT = (4000.0, 0.1)


@dataclass(slots=True)
class _Bucket:
    size: float
    refill_a_s: float
    left: float
    at: datetime

    def fill(self, now: datetime) -> None:
        self.left = min(self.size, self.left + (now - self.at).total_seconds() * self.refill_a_s)
        self.at = now


class RateLimits:
    """The buckets of one world."""

    def __init__(self, azure: Azure, tempo: Tempo) -> None:
        self._azure = azure
        self._tempo = tempo
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}

    def check(self, asked: Asked, authorization: str | None) -> None:
        """Take a token out of the bucket, or refuse. A refused request takes none.

        Raises:
            AzureFailure: 429 with the seconds until there is a token again.
        """
        options: dict[str, Any] | None = self._azure.switches.get("rate-limits")
        if options is None or not _concerns(options, asked):
            return
        bucket = self._bucket(options, asked, authorization)
        bucket.fill(self._azure.clock.now)
        if bucket.left >= 1:
            bucket.left -= 1
            return
        self._azure.faults.struck["rate-limits"] += 1
        wait_s = max(1, math.ceil((1 - bucket.left) / bucket.refill_a_s))
        headers = self._tempo.refused_for(wait_s)
        if asked.door == "vault":
            message = "Request was not processed because too many requests were received."
            raise AzureFailure(429, "Throttled", message, headers=headers)
        kind = _kind(asked)
        message = (
            f"Number of '{kind}' requests for {_scope(asked)} exceeded the limit. Please try again after '{wait_s}'"
            " seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional"
            " information."
        )
        raise AzureFailure(429, "SubscriptionRequestsThrottled", message, headers=headers)

    def headers(self, asked: Asked, authorization: str | None) -> dict[str, str]:
        """What Resource Manager says of the bucket that a request was taken from."""
        options: dict[str, Any] | None = self._azure.switches.get("rate-limits")
        if options is None or asked.door != "arm" or not _concerns(options, asked):
            return {}
        left = int(self._bucket(options, asked, authorization).left)
        return {f"x-ms-ratelimit-remaining-{_scope(asked).split(' ')[0]}-{_kind(asked)}": str(left)}

    def _bucket(self, options: dict[str, Any], asked: Asked, authorization: str | None) -> _Bucket:
        if asked.door == "vault":
            key = ("vault", asked.path.split("/", 1)[0].lower(), "")
            size, part = _VAULT
        else:
            key = (_scope(asked).lower(), _kind(asked), self._principal(asked, authorization))
            size, part = _ARM[_kind(asked)]
            size = float(options.get(_kind(asked), size))
        if key not in self._buckets:
            self._buckets[key] = _Bucket(size, max(size * part, 0.001), size, self._azure.clock.now)
        return self._buckets[key]

    def _principal(self, asked: Asked, authorization: str | None) -> str:
        try:
            caller = self._azure.find_service("entra").caller_of(authorization, "management.azure.com")
        except AzureFailure:
            return ""
        return str(caller.object_id)


def _kind(asked: Asked) -> str:
    return _KINDS.get(asked.method, "writes")


def _scope(asked: Asked) -> str:
    parts = asked.path.strip("/").split("/")
    if parts[0].lower() == "subscriptions" and len(parts) > 1:
        return f"subscription '{parts[1]}'"
    return "tenant"


def _concerns(options: dict[str, Any], asked: Asked) -> bool:
    return asked.door != "nodes" and str(options.get("door", asked.door)) == asked.door
