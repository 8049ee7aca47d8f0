"""The status page in a real browser: what stands in it, that it follows the world, that it runs nothing foreign."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from sfcert.sim import worlds
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.worlds.build import operator_of, put
from tests.servers.chromium import Page, opened, require_chromium

START = datetime(2026, 11, 22, 10, tzinfo=UTC)
_NODES = "[...document.querySelectorAll('tr[data-node]')]"


@pytest.fixture
def sim() -> Iterator[Running]:
    """A cluster of five, and the facts of its world in `azure.switches`, where nothing reads them."""
    require_chromium()

    def prepare(azure: Azure) -> None:
        azure.switches["facts of the test"] = worlds.load(azure, "one-node-type")

    with start_in_thread(start=START, seed=7, prepare=prepare) as running:
        yield running


def in_page(running: Running, folder: Path, look: Any) -> Any:
    async def run() -> Any:
        async with opened(folder) as page:
            await page.open(running.control_url)
            found = await look(page)
            assert page.complaints == []
            return found

    return asyncio.run(run())


def pin_a_stranger(azure: Azure) -> None:
    """A declaration by name whose pin is nobody's: in a single walk nodes part."""
    facts = azure.switches["facts of the test"]
    azure.faults.arm("staging", {"reading": "single"})
    provider = azure.provider_of("Microsoft.ServiceFabric/clusters")
    assert provider is not None
    body = copy.deepcopy(azure.resources.get(facts["cluster_id"]).body)  # type: ignore[union-attr]
    body["properties"].pop("certificate")
    pinned = {"certificateCommonName": facts["common_name"], "certificateIssuerThumbprint": "00" * 20}
    body["properties"]["certificateCommonNames"] = {"commonNames": [pinned], "x509StoreName": "My"}
    checks = {"name": "EnforcePrevalidationOnSecurityChanges", "value": "false"}
    level = {"name": "ClusterProtectionLevel", "value": "EncryptAndSign"}
    body["properties"]["fabricSettings"] = [{"name": "Security", "parameters": [level, checks]}]
    # the walk meets nodes that part, and rolls back
    with pytest.raises(AzureFailure, match="ClusterUpgradeFailed"):
        put(azure, facts["cluster_id"], "2021-06-01", body, operator_of(azure))


def test_it_shows_clock_nodes_with_certificates_requests_and_faults(sim: Running, tmp_path: Path) -> None:
    sim.call(lambda azure: azure.faults.arm("throttling", {"times": 2, "retry_after": 1}))
    for _ in range(3):
        requests.get(f"{sim.base_url}/subscriptions?api-version=2021-04-01", verify=str(sim.ca_bundle), timeout=30)
    now = sim.call(lambda azure: azure.clock.now)

    async def look(page: Page) -> dict[str, Any]:
        return {
            "text": await page.evaluate("document.body.innerText"),
            "now": await page.evaluate("document.querySelector('#now').dateTime"),
            "nodes": await page.evaluate(f"{_NODES}.map(row => row.dataset.node)"),
            "presenting": await page.evaluate(f"{_NODES}.filter(row => row.querySelector('.dot.presents')).length"),
            "marks": await page.evaluate("[...document.querySelectorAll('.holds th.c')].map(one => one.title)"),
        }

    seen = in_page(sim, tmp_path, look)
    facts = sim.call(lambda azure: azure.switches["facts of the test"])
    assert seen["now"] == now.isoformat()
    assert seen["nodes"] == [f"_nt0_{number}" for number in range(5)]
    assert (seen["presenting"], seen["marks"]) == (5, [facts["thumbprint"]])
    assert "throttling" in seen["text"]
    assert "times=0" in seen["text"]
    assert "GET /subscriptions" in seen["text"]
    assert "healthy" in seen["text"]


def test_it_tells_who_was_refused_and_why(sim: Running, tmp_path: Path) -> None:
    sim.call(pin_a_stranger)
    refused = sim.call(lambda azure: [one.reason for one in azure.journal.refusals])
    assert refused

    async def look(page: Page) -> Any:
        return await page.evaluate("document.body.innerText")

    text = in_page(sim, tmp_path, look)
    assert " ".join(refused[-1].split()) in " ".join(text.split())


def test_it_follows_the_world_and_what_was_folded_open_stays_open(sim: Running, tmp_path: Path) -> None:
    async def look(page: Page) -> tuple[Any, Any]:
        await page.evaluate("document.querySelector('#writes').open = true")
        before = await page.evaluate("document.querySelector('#now').dateTime")
        await asyncio.to_thread(sim.advance, 3600.0)
        await page.until(f"document.querySelector('#now').dateTime !== '{before}'")
        return before, await page.evaluate("document.querySelector('#writes').open")

    _, is_open = in_page(sim, tmp_path, look)
    assert is_open is True


def test_looking_at_it_moves_no_time(sim: Running, tmp_path: Path) -> None:
    before = sim.call(lambda azure: azure.clock.now)

    async def look(page: Page) -> None:
        await page.evaluate("again()")

    in_page(sim, tmp_path, look)
    assert sim.call(lambda azure: azure.clock.now) == before


def test_on_a_narrow_screen_no_column_of_nodes_and_faults_lies_out_of_sight(sim: Running, tmp_path: Path) -> None:
    """At 400 pixels who presents what lay beyond the edge, and nothing told of it."""
    sim.call(lambda azure: azure.faults.arm("throttling", {"times": 2, "retry_after": 1}))

    async def look(page: Page) -> Any:
        await page.call("Emulation.setDeviceMetricsOverride", width=400, height=800, deviceScaleFactor=1, mobile=True)
        return await page.evaluate(
            "[...document.querySelectorAll('main>.wide th')]"
            ".map(one => [one.innerText, Math.round(one.getBoundingClientRect().right)])"
        )

    columns = in_page(sim, tmp_path, look)
    assert len(columns) == 5 + 5
    assert [one for one in columns if one[1] > 400 - 11] == []


def test_a_name_that_looks_like_markup_is_text(sim: Running, tmp_path: Path) -> None:
    sim.call(
        lambda azure: azure.journal.notes.append((azure.clock.now, "<img src=x onerror=\"document.title='ran'\">"))
    )

    async def look(page: Page) -> tuple[Any, Any]:
        return await page.evaluate("document.title"), await page.evaluate("document.images.length")

    assert in_page(sim, tmp_path, look) == ("Embedded Azure", 0)
