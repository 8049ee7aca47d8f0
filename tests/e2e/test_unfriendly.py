"""The commands themselves while Azure throttles, fails, loses answers, cuts lines and shuffles lists, all at once.

Each fault by itself, and pairs of them, see `tests/workflows/test_unkindness.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from sfcert.sim.kernel.azure import Azure
from tests.e2e.site import Json, Site, command

UNKIND: dict[str, Json] = {
    "throttling": {"chance": 0.06, "retry_after": 5},
    "server-error": {"chance": 0.04},
    "unavailable": {"chance": 0.04},
    "connection-reset": {"chance": 0.02},
    "answer-lost": {"chance": 0.3},
    "answer-cut": {"chance": 0.3},
    "shuffled-lists": {},
    "short-tokens": {},
    "stale-read": {"chance": 0.3},
    "appears-late": {"chance": 0.3},
    "token-expired": {"chance": 0.01},
    "token-revoked": {"chance": 0.01},
    "rate-limits": {"reads": 60, "writes": 6},
}


def _arm(azure: Azure, later: int) -> None:
    for name, options in UNKIND.items():
        azure.faults.arm(name, {**options, "after": later})


def _struck(azure: Azure) -> int:
    return sum(text.split(":")[0] in UNKIND for _, text in azure.journal.notes)


@pytest.mark.parametrize("later", [0, 5])
def test_an_unfriendly_azure_changes_neither_the_end_nor_what_is_sent(later: int, site_of: Callable[..., Site]) -> None:
    """`later`: how many requests each unkindness lets by first, so that other ones are met. The seed is the site's."""
    friendly = site_of(friendly=True)
    friendly.plan()
    assert friendly.apply().code == 0
    site = site_of()
    site.plan()
    site.running.call(partial(_arm, later=later))

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.running.call(_struck) >= 5
    assert any(one["type"] == "retry" for one in applied.events)
    assert site.plain_writes() == friendly.plain_writes()
    assert site.refusals() == []
    assert site.declares() == {site.facts["common_name"]: site.facts["issuer_thumbprint"]}
    assert site.watch().code == 0
    bundle = str(site.folder / "world.json")
    assert command("capture", "--cluster", site.cluster_id, "-o", bundle).code == 0
    assert command("plan", "--bundle", bundle, "--format", "json").json["status"] == "nothing-to-do"


def test_a_write_that_conflicts_for_ever_ends_with_its_token_and_goes_on_later(site: Site) -> None:
    assert site.plan().code == 2
    site.running.call(lambda azure: azure.faults.arm("write-conflict", {"match": "sfcert-40"}))
    ended = site.apply()
    assert ended.code == 1
    assert ended.events[-1]["error"]["token"] in ("RemoteFailed", "RetriesExhausted")
    # the last answer may be another unkindness of the same world
    assert ended.events[-1]["error"]["status"] in (409, 429, 500, 503)
    assert any("409" in one["what"] for one in ended.events if one["type"] == "retry")
    assert ended.last("run-stopped")["frozen"]
    site.running.call(lambda azure: azure.faults.disarm("write-conflict"))
    assert site.apply().code == 0
    assert site.refusals() == []
