"""The control port: time, faults, status, loading; every refusal names what is wrong."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from sfcert.sim.host import Running, SimFailed, call_control, start_in_thread
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.worlds.build import operator_of

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.fixture
def sim() -> Iterator[Running]:
    with start_in_thread(start=START, seed=9, tempo="manual") as running:
        yield running


def call(sim: Running, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    return call_control(sim.control_url, method, path, body)


def test_time_moves_by_seconds_and_to_an_instant(sim: Running) -> None:
    seen: list[str] = []
    sim.call(lambda azure: azure.clock.after(30, lambda: seen.append("event"), "event"))
    assert call(sim, "GET", "/now") == {"now": "2026-11-22T10:00:00+00:00"}
    assert call(sim, "POST", "/advance", {"seconds": 45})["now"] == "2026-11-22T10:00:45+00:00"
    assert seen == ["event"]
    assert call(sim, "POST", "/advance", {"until": "2026-11-23T00:00:00+01:00"})["now"] == "2026-11-22T23:00:00+00:00"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "say"),
        ({"seconds": -1}, "forward only"),
        ({"seconds": True}, "say"),
        ({"until": "2026-11-22T09:00:00Z"}, "forward only"),
        ({"until": "yesterday"}, "no instant"),
        ({"until": "2026-11-23T09:00:00"}, "no time zone"),
        ({"seconds": 1e300}, "end of time"),
    ],
)
def test_what_is_no_time_to_go_to_is_refused(sim: Running, body: dict[str, Any], why: str) -> None:
    with pytest.raises(SimFailed, match=why):
        call(sim, "POST", "/advance", body)
    assert sim.call(lambda azure: azure.clock.now) == START


def test_a_published_file_is_what_a_linked_template_finds(sim: Running) -> None:
    place = "https://files.example/nested.json"
    inner = {"outputs": {"said": {"type": "string", "value": "hello"}}, "resources": []}
    assert call(sim, "POST", "/load", {"publish": {place: json.dumps(inner)}}) == {"published": [place]}
    outer = {
        "resources": [
            {
                "type": "Microsoft.Resources/deployments",
                "apiVersion": "2022-09-01",
                "name": "inner",
                "properties": {"mode": "Incremental", "templateLink": {"uri": place}},
            }
        ]
    }
    assert call(sim, "POST", "/load", {"template": outer, "resource_group": "rg"})["deployment"] == "load"
    with pytest.raises(SimFailed, match="no address"):
        call(sim, "POST", "/load", {"publish": {"nested.json": "{}"}})


def test_another_token_is_refused(sim: Running) -> None:
    wrong = sim.control_url[:-1] + ("a" if sim.control_url[-1] != "a" else "b")
    with pytest.raises(SimFailed, match="token"):
        call_control(wrong, "POST", "/advance", {"seconds": 1})


def test_only_declared_faults_can_be_armed_and_they_come_off_again(sim: Running) -> None:
    with pytest.raises(SimFailed, match=r"known are: .*, throttling"):
        call(sim, "POST", "/fault", {"name": "gremlins"})
    armed = call(sim, "POST", "/fault", {"name": "throttling", "times": 2})["armed"]
    assert armed == {"throttling": {"times": 2}}
    assert call(sim, "GET", "/status")["faults_armed"] == armed
    assert call(sim, "POST", "/fault", {"name": "throttling", "off": True}) == {"armed": {}}


def test_a_template_is_loaded_and_a_reset_takes_it_away(sim: Running) -> None:
    template = {
        "resources": [
            {"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01", "name": "v", "location": "x"}
        ]
    }
    call(sim, "POST", "/load", {"template": template, "resource_group": "rg9"})
    network = sim.call(
        lambda azure: [one.id.name for one in azure.resources.of_type("Microsoft.Network/virtualNetworks")]
    )
    assert network == ["v"]
    call(sim, "POST", "/reset")
    assert sim.call(lambda azure: list(azure.resources.all())) == []
    assert call(sim, "GET", "/now") == {"now": "2026-11-22T10:00:00+00:00"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "Say which"),
        ({"world": "atlantis"}, "no world 'atlantis'"),
        ({"template": {"resources": [{"type": "A/b", "name": "[nope()]", "apiVersion": "1"}]}}, "nope"),
    ],
)
def test_what_cannot_be_loaded_is_refused_with_the_reason(sim: Running, body: dict[str, Any], why: str) -> None:
    with pytest.raises(SimFailed, match=why):
        call(sim, "POST", "/load", body)


def test_status_and_page_show_every_node_with_what_it_presents(sim: Running) -> None:
    loaded = call(sim, "POST", "/load", {"world": "one-node-type"})
    status = call(sim, "GET", "/status")
    nodes = status["clusters"][0]["nodes"]
    assert {node["presents"] for node in nodes} == {loaded["thumbprint"]}
    env = sim.env()
    assert (env["SFCERT_CLUSTER_ID"], env["SFCERT_SIM"]) == (loaded["cluster_id"], sim.control_url)
    with urllib.request.urlopen(sim.control_url + "/", timeout=5) as answer:
        page = answer.read().decode()
    assert all(node["name"] in page for node in nodes)
    assert loaded["thumbprint"] in page
    assert "PRIVATE KEY" not in page + str(status)


def test_status_shows_a_cluster_at_work_as_it_stands_now(sim: Running) -> None:
    """What the resource's body said when it was written is not what is going on."""
    loaded = call(sim, "POST", "/load", {"world": "one-node-type"})

    def more_settings(azure: Azure) -> None:
        rid = parse_id(loaded["cluster_id"])
        provider = azure.provider_of(rid.type)
        assert provider is not None
        body = provider.get(rid, "2021-06-01", {})
        body["properties"]["fabricSettings"].append({"name": "X", "parameters": [{"name": "y", "value": "1"}]})
        provider.put(rid, "2021-06-01", body, operator_of(azure))

    sim.call(more_settings)
    [during] = call(sim, "GET", "/status")["clusters"]
    assert during["state"] == "UpdatingUserConfiguration"
    assert during["upgrade"]["kind"]
    call(sim, "POST", "/advance", {"seconds": 6 * 3600})
    [after] = call(sim, "GET", "/status")["clusters"]
    assert (after["state"], after["upgrade"]) == ("Ready", None)


def test_the_journal_tells_every_write_once_from_where_it_is_asked(sim: Running) -> None:
    call(sim, "POST", "/load", {"world": "one-node-type"})
    whole = call(sim, "GET", "/journal")["writes"]
    assert len(whole) > 5
    assert call(sim, "GET", "/journal?after=3")["writes"] == whole[3:]
    with pytest.raises(SimFailed, match="number of writes"):
        call(sim, "GET", "/journal?after=all")


def test_the_tempo_can_be_changed(sim: Running) -> None:
    assert call(sim, "POST", "/tempo", {"mode": "auto"})["mode"] == "auto"
    with pytest.raises(SimFailed, match="manual, auto, factor"):
        call(sim, "POST", "/tempo", {"mode": "presto"})


def test_by_factor_time_runs_on_its_own() -> None:
    with start_in_thread(start=START, tempo="factor", factor=1e6, services=()) as sim:
        seen: list[bool] = []
        sim.call(lambda azure: azure.clock.after(3600, lambda: seen.append(True), "an hour later"))
        for _ in range(2000):
            call(sim, "GET", "/now")
            if seen:
                break
        assert seen == [True]
