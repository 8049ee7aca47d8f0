"""A customer's desk: an embedded Azure of its own, the command line in this process, and what the world then shows.

Not a test. Every command line runs through `sfcert.cli.main.run`, with the variables of `sim env` in place.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfcert.cli.main import run
from sfcert.sim import worlds
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.worlds.build import operator_of, put
from tests.endings import end_state, plain, read, timeless
from tests.unkind_by_default import BY_DEFAULT, arm, told

Json = dict[str, Any]
START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Ended:
    """How one command line ended. `out` is standard output, `err` standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Json:
        """Standard output as the one JSON document that it is."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def events(self) -> list[Json]:
        """Standard output as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def last(self, kind: str) -> Json:
        """The newest event of this type."""
        return next(one for one in reversed(self.events) if one.get("type") == kind)


def command(*arguments: str) -> Ended:
    """Run one command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([*arguments])
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return Ended(code, out.getvalue(), err.getvalue())


class Site:
    """One world with one cluster, reached as a customer reaches Azure."""

    def __init__(self, running: Running, facts: Json, folder: Path) -> None:
        self.running = running
        self.facts = facts
        self.folder = folder
        self.plan_file = folder / "plan.json"
        self._writes_before = running.call(lambda azure: len(azure.journal.writes))
        self._refusals_before = running.call(lambda azure: len(azure.journal.refusals))

    # -- what a customer types -----------------------------------------------------------------------------------------

    @property
    def cluster_id(self) -> str:
        return str(self.facts["cluster_id"])

    @property
    def client_certificate(self) -> Path | None:
        """The operator's certificate and key for the nodes' own endpoint; None where the cluster takes none."""
        given = self.running.env().get("SFCERT_SF_CLIENT_CERTIFICATE")
        return Path(given) if given else None

    def plan(self, *more: str) -> Ended:
        """`plan --cluster … -o plan.json`."""
        return command("plan", "--cluster", self.cluster_id, "-o", str(self.plan_file), *more)

    def apply(self, *more: str) -> Ended:
        return command("apply", str(self.plan_file), "--yes", "--json", *more)

    def goes_through(self, *words: str) -> Ended:
        """Plan with these words and carry it out: proved, every stage done, and no node has refused another."""
        planned = self.plan(*words)
        assert planned.code == 2, planned.out
        assert self.planned["proof"]["verdict"] == "proved"
        applied = self.apply()
        assert applied.code == 0, applied.err
        assert applied.last("run-done")["stages"] == self.stages
        assert self.refusals() == []
        return applied

    def watch(self, *more: str) -> Ended:
        return command("watch", "--cluster", self.cluster_id, "--json", *(more or ("--timeout", "2h")))

    def audit(self) -> Ended:
        return command("audit", "--cluster", self.cluster_id, "--format", "json")

    @property
    def planned(self) -> Json:
        value = json.loads(self.plan_file.read_text())
        assert isinstance(value, dict)
        return value

    @property
    def stages(self) -> list[str]:
        return [stage["id"] for stage in self.planned["stages"]]

    def stage_like(self, prefix: str) -> str:
        """The first stage whose id begins so."""
        return next(one for one in self.stages if one.startswith(prefix))

    # -- what somebody else does ---------------------------------------------------------------------------------------

    def switch(self, name: str, value: Any) -> None:
        self.running.call(lambda azure: azure.switches.update({name: value}))

    def renew(self, *, authority: str | None = None) -> str:
        """The vault renews at this instant. Returns the new thumbprint."""
        url, name = self.facts["vault_url"], self.facts["certificate_name"]
        renewed = self.running.call(
            lambda azure: azure.find_service("vaults").renew_now(url, name, authority=authority)
        )
        return str(renewed.thumbprint)

    def change(self, resource_id: str, edit: Callable[[Json], None], *, api_version: str = "2024-07-01") -> None:
        """Somebody else reads a resource, edits it and writes it back, through to its end."""

        def do(azure: Azure) -> None:
            body = read(azure, resource_id, api_version)
            edit(body)
            put(azure, resource_id, api_version, body, operator_of(azure))

        self.running.call(do)

    def start_upgrade(self) -> None:
        """Somebody changes a setting of the cluster and does not wait for the upgrade."""

        def do(azure: Azure) -> None:
            rid = parse_id(self.cluster_id)
            provider = azure.provider_of(rid.type)
            assert provider is not None
            body = read(azure, self.cluster_id)
            body["properties"]["fabricSettings"].append(
                {"name": "Setup", "parameters": [{"name": "SkipFirewallConfiguration", "value": "true"}]}
            )
            provider.put(rid, "2021-06-01", body, operator_of(azure))

        self.running.call(do)

    # -- what the world shows ------------------------------------------------------------------------------------------

    def writes(self) -> Counter[tuple[str, str]]:
        """Everything that clients asked to change since the world was ready, by kind and subject."""
        seen = self.running.call(lambda azure: deepcopy(azure.journal.writes[self._writes_before :]))
        return Counter((str(one["what"]), str(one["subject"])) for one in seen)

    def refusals(self) -> list[str]:
        """Who refused whom since the world was ready."""
        seen = self.running.call(lambda azure: list(azure.journal.refusals[self._refusals_before :]))
        return [f"{one.at:%d %H:%M} {one.caller} -> {one.refuser}: {one.reason}" for one in seen]

    def of_cluster(self, question: Callable[[Cluster], Any]) -> Any:
        """Ask the simulated cluster itself."""

        def ask(azure: Azure) -> Any:
            found = azure.service("clusters", Clusters).get(self.cluster_id)
            assert found is not None
            return question(found)

        return self.running.call(ask)

    def presented(self) -> set[str | None]:
        """Which thumbprints the nodes present now."""
        return set(
            self.of_cluster(
                lambda cluster: [
                    node.presented.thumbprint if node.presented else None for node in cluster.nodes.values()
                ]
            )
        )

    @property
    def scale_set_id(self) -> str:
        """The first scale set; the only one of most worlds."""
        return str(self.facts["scale_set_ids"][0])

    def body(self, resource_id: str) -> Json:
        """A resource as a GET would answer, without times of day and what Azure counts by itself."""
        body = self.running.call(lambda azure: timeless(read(azure, resource_id)))
        assert isinstance(body, dict)
        return body

    def extensions(self) -> list[Json]:
        """The extensions of the first scale set."""
        profile = self.body(self.scale_set_id)["properties"]["virtualMachineProfile"]
        return list(profile["extensionProfile"]["extensions"])

    def declares(self) -> dict[str, str]:
        """Names that the cluster declares, each with its pins; empty while it declares thumbprints."""
        body = self.body(self.cluster_id)
        declared = body["properties"].get("certificateCommonNames", {}).get("commonNames", [])
        return {one["certificateCommonName"]: one["certificateIssuerThumbprint"] for one in declared}

    def plain(self, value: Any) -> Any:
        """A value without what differs from one site to the next: thumbprints, GUIDs, digests in names."""
        return plain(value, self.facts)

    def plain_writes(self) -> dict[str, int]:
        """`writes`, fit to be compared with those of another site."""
        counted: Counter[str] = Counter()
        for (what, subject), times in self.writes().items():
            counted[f"{what} {self.plain(subject)}"] += times
        return dict(counted)

    def end_state(self) -> Json:
        """What a run leaves behind: cluster, scale sets, access, policy and tags, comparable between sites."""

        state = self.running.call(lambda azure: end_state(azure, self.facts))
        assert isinstance(state, dict)
        return state


def _enter(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name in ("https_proxy", "http_proxy", "no_proxy", "ALL_PROXY", "all_proxy", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@contextlib.contextmanager
def opened(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    world: str = "one-node-type",
    *,
    switches: Json | None = None,
    seed: int = 7,
    friendly: bool = False,
    **options: Any,
) -> Iterator[Site]:
    """A site, with this process led to it until it closes. Its Azure is unkind by default, as any is."""
    facts: Json = {}

    def prepare(azure: Azure) -> None:
        facts.update(worlds.load(azure, world, **options))
        azure.switches.update(deepcopy(switches or {}))
        if not friendly:
            arm(azure, BY_DEFAULT)

    folder.mkdir(parents=True, exist_ok=True)
    with (
        start_in_thread(folder=folder, start=START, seed=seed, prepare=prepare) as running,
        monkeypatch.context() as patch,
    ):
        _enter(patch, running.env())
        try:
            yield Site(running, facts, folder)
        finally:
            # pytest shows it where a test fails
            print(running.call(told))
