"""`sfcert inspect --cluster` beside the az commands that show the same facts: one world, one run, whole processes.

Part of `make bench`; printed, nothing is asserted. Skipped, and said so, where `make test-az` has not built its az.
That both show the same is a test (`tests/sim/clients/test_same_facts.py`), by `shown_by_az` and `shown_by_sfcert`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sfcert.sim import worlds
from sfcert.sim.host import Running, start_in_thread

ROOT = Path(__file__).resolve().parent.parent
AZ = Path(os.environ.get("SFCERT_TEST_AZ") or ROOT / ".venv-az" / "bin" / "az")
RUNS = 3


@dataclass(frozen=True)
class Cost:
    """What some processes together took: wall and processor seconds, requests, the largest one's peak in MiB."""

    wall_s: float
    processor_s: float
    calls: int
    peak_mib: float


def commands(facts: dict[str, Any]) -> Iterator[list[str]]:
    """Declarations, scale sets with their machines and extensions, identities, vaults, versions, who may read them."""
    group, vault = facts["resource_group"], facts["vault_url"].removeprefix("https://").split(".")[0]
    yield ["sf", "cluster", "show", "-g", group, "-c", facts["cluster_id"].rsplit("/", 1)[1]]
    yield ["vmss", "list", "-g", group]
    for scale_set_id in facts["scale_set_ids"]:
        yield ["vmss", "list-instances", "-g", group, "-n", scale_set_id.rsplit("/", 1)[1], "--expand", "instanceView"]
    yield ["identity", "list", "-g", group]
    yield ["keyvault", "show", "-n", vault]
    yield ["role", "assignment", "list", "--scope", facts["vault_id"], "--include-inherited"]
    certificate = ["--vault-name", vault, "-n", facts["certificate_name"]]
    yield ["keyvault", "certificate", "show", *certificate]
    yield ["keyvault", "certificate", "list-versions", *certificate]


def shown_by_az(outputs: Sequence[Any]) -> dict[str, Any]:
    """What a person reads out of these commands' JSON, in the order of `commands`."""
    cluster, scale_sets = outputs[0], outputs[1]
    return {
        "state": cluster["clusterState"],
        "runtime": cluster["clusterCodeVersion"],
        "thumbprints": [cluster["certificate"]["thumbprint"]],
        "clients": sorted(one["certificateThumbprint"] for one in cluster["clientCertificateThumbprints"] or []),
        "node types": {one["name"]: _scale_set_by_az(one) for one in scale_sets},
    }


def _scale_set_by_az(scale_set: dict[str, Any]) -> dict[str, Any]:
    profile = scale_set["virtualMachineProfile"]
    extensions = profile["extensionProfile"]["extensions"]
    node = next(one for one in extensions if one["publisher"] == "Microsoft.Azure.ServiceFabric")
    secrets = [one for group in profile["osProfile"]["secrets"] or [] for one in group["vaultCertificates"]]
    return {
        "count": scale_set["sku"]["capacity"],
        "mode": scale_set["upgradePolicy"]["mode"],
        "durability": node["settings"]["durabilityLevel"],
        "declares": [node["settings"]["certificate"]["thumbprint"]],
        "vm secrets": [one["certificateUrl"] for one in secrets],
        "extension": any(one["publisher"] == "Microsoft.Azure.KeyVault" for one in extensions),
    }


def shown_by_sfcert(document: dict[str, Any]) -> dict[str, Any]:
    """The same out of `sfcert inspect --format json`."""
    cluster = document["cluster"]
    return {
        "state": cluster["state"],
        "runtime": cluster["runtime"],
        "thumbprints": cluster["roles"]["cluster"]["values"],
        "clients": sorted(one["value"] for one in cluster["roles"]["clients"]),
        "node types": {
            one["name"]: {
                "count": one["count"],
                "mode": one["upgrade_mode"],
                "durability": one["durability"],
                "declares": one["declaration"]["values"],
                "vm secrets": one["vm_secrets"],
                "extension": one["key_vault_extension"] is not None,
            }
            for one in document["node_types"]
        },
    }


def cost_of(running: Running, environment: dict[str, str], lines: Sequence[Sequence[str]]) -> Cost:
    """Run these command lines one after the other. Raises RuntimeError where one fails."""

    def calls() -> int:
        return running.call(lambda azure: len(azure.journal.requests))

    before, began = calls(), time.perf_counter()
    processor, peak = 0.0, 0
    with Path(os.devnull).open("r+b") as nothing:
        files = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), number) for number in (0, 1, 2)]
        for line in lines:
            pid = os.posix_spawn(line[0], list(line), environment, file_actions=files)
            _, status, used = os.wait4(pid, 0)
            if status:
                raise RuntimeError(f"{' '.join(line)} ended with {os.waitstatus_to_exitcode(status)}")
            processor += used.ru_utime + used.ru_stime
            peak = max(peak, used.ru_maxrss)
    return Cost(time.perf_counter() - began, processor, calls() - before, peak / 1024)


def side_by_side() -> None:
    """Prints the medians of both, by wall time, and their ratio."""
    if not AZ.exists():
        print("sfcert inspect beside az: skipped, `make test-az` builds az first")
        return
    with (
        TemporaryDirectory() as folder,
        start_in_thread(start=datetime(2026, 11, 22, 10, tzinfo=UTC), seed=7) as running,
    ):
        facts = running.call(lambda azure: worlds.load(azure, "three-node-types"))
        values = running.env()
        environment = {**values, "HOME": folder, "PATH": os.environ["PATH"]}
        app, secret, tenant = (values[f"AZURE_{part}"] for part in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"))
        login = [str(AZ), "login", "--service-principal", "-u", app, "-p", secret, "--tenant", tenant]
        cost_of(running, environment, [login])
        ours = [[str(Path(sys.executable).parent / "sfcert"), "inspect", "--cluster", facts["cluster_id"]]]
        theirs = [[str(AZ), *words] for words in commands(facts)]
        pairs = [(cost_of(running, environment, ours), cost_of(running, environment, theirs)) for _ in range(RUNS)]
    median = sorted(pairs, key=lambda pair: pair[1].wall_s / pair[0].wall_s)[RUNS // 2]
    for name, cost in (("sfcert inspect --cluster", median[0]), (f"az, {len(theirs)} commands", median[1])):
        figure = f"{cost.wall_s:.2f} s, {cost.calls} calls, {cost.peak_mib:.0f} MiB"
        print(f"{name:58} {figure:>26}   processor {cost.processor_s:.2f} s")
    ratio = median[1].wall_s / median[0].wall_s
    print(f"{'the same facts, az against sfcert':58} {f'ratio {ratio:.1f}':>26}   aim: >= 5")


if __name__ == "__main__":
    side_by_side()
