"""The vendor's own command line, unmodified, with nothing but the variables of `sim env`.

Opt-in by presence: az is no dependency of ours (it takes most of a gigabyte). `SFCERT_TEST_AZ` names it, else the path
is searched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim import worlds
from sfcert.sim.host import Running

AZ = os.environ.get("SFCERT_TEST_AZ") or shutil.which("az")
pytestmark = pytest.mark.skipif(AZ is None, reason="the Azure command line is not installed")

Az = Callable[..., Any]

TEMPLATE = """{
  // az sends this comment, and the key of the template without quotes
  "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
  "contentVersion": "1.0.0.0",
  "parameters": {"n": {"type": "string"}},
  "resources": [{"type": "Microsoft.Network/virtualNetworks", "apiVersion": "2023-09-01", "name": "[parameters('n')]",
    "location": "[resourceGroup().location]", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}]
}
"""


@pytest.fixture
def az(sim: Running) -> Az:
    """Runs az, signed in as the operator of a world with one cluster; returns its parsed output."""
    sim.call(lambda azure: worlds.load(azure, "one-node-type"))
    values = sim.env()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}

    def run(*words: str) -> Any:
        assert AZ is not None
        done = subprocess.run(
            [AZ, *words, "-o", "json"],
            env={**kept, **values, "HOME": values["AZURE_CONFIG_DIR"]},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout) if done.stdout.strip() else None

    app, secret, tenant = (values[f"AZURE_{part}"] for part in ("CLIENT_ID", "CLIENT_SECRET", "TENANT_ID"))
    run("login", "--service-principal", "-u", app, "-p", secret, "--tenant", tenant)
    return run


def test_az_reads_the_world(az: Az, sim: Running) -> None:
    group = sim.env()["SFCERT_RESOURCE_GROUP"]
    assert az("sf", "cluster", "show", "-g", group, "-c", "sf-demo")["clusterState"] == "Ready"
    assert len(az("vmss", "list-instances", "-g", group, "-n", "nt0")) == 5
    listed = az("keyvault", "certificate", "list", "--vault-name", "kv-sf-demo")
    assert "sf-cluster" in [one["name"] for one in listed]
    assert "sf-demo" in [one["name"] for one in az("resource", "list", "-g", group)]
    assert az("role", "assignment", "list", "--all")[0]["principalName"]


def test_az_validates_previews_and_makes_a_deployment(az: Az, sim: Running, tmp_path: Path) -> None:
    group = sim.env()["SFCERT_RESOURCE_GROUP"]
    file = tmp_path / "template.json"
    file.write_text(TEMPLATE, encoding="utf-8")
    given = ("-g", group, "-n", "d1", "-f", str(file), "-p", "n=v1")
    assert az("deployment", "group", "validate", *given)["properties"]["provisioningState"] == "Succeeded"
    assert az("deployment", "group", "create", *given)["properties"]["provisioningState"] == "Succeeded"
    changes = az("deployment", "group", "what-if", *given, "--no-pretty-print")["changes"]
    assert {one["changeType"] for one in changes} == {"NoChange", "Ignore"}


def test_az_changes_things_and_waits_for_them_in_no_time(az: Az, sim: Running) -> None:
    group = sim.env()["SFCERT_RESOURCE_GROUP"]
    assert az("vmss", "update", "-g", group, "-n", "nt0", "--set", "tags.a=b")["tags"]["a"] == "b"
    words = ("sf", "cluster", "setting", "set", "-g", group, "-c", "sf-demo", "--section", "X")
    changed = az(*words, "--parameter", "y", "--value", "1")
    assert "X" in [section["name"] for section in changed["fabricSettings"]]
    made = az("identity", "create", "-g", group, "-n", "id1")
    role = "Key Vault Secrets User"
    words = ("role", "assignment", "create", "--assignee", made["clientId"], "--role", role)
    assigned = az(*words, "--scope", f"/subscriptions/{sim.env()['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{group}")
    assert assigned["principalId"] == made["principalId"]
    az("group", "delete", "-n", group, "--yes")
    assert az("group", "exists", "-n", group) is False
