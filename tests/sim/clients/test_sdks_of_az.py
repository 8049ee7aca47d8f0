"""The SDKs that az brings are another generation than ours; the embedded Azure understands them just as well."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from sfcert.sim import worlds
from sfcert.sim.host import start_in_thread
from tests.az import Desk, needs_az

SCRIPT = Path(__file__).with_name("sdks_of_az.py")
WANTED = {
    "azure-mgmt-compute": ["b", "ProvisioningState/succeeded", 5],
    "azure-mgmt-servicefabric": [{"a": "b"}, "Ready"],
    "azure-mgmt-keyvault": ["kv-sf-demo", ["kv-sf-demo"]],
    "azure-mgmt-msi": [True],
    "azure-mgmt-authorization": [1, True],
    "azure-mgmt-resource-deployments": ["Succeeded"],
    "azure-mgmt-resource": ["rg-sf-demo", True],
    "azure-keyvault-certificates": ["ContosoCA", 1],
    "azure-keyvault-secrets": ["x", "application/x-pkcs12"],
}


@needs_az
def test_every_sdk_that_az_brings_is_understood(tmp_path: Path) -> None:
    with start_in_thread(start=datetime(2026, 11, 22, 10, tzinfo=UTC), seed=7) as running:
        running.call(lambda azure: worlds.load(azure, "one-node-type"))
        done = Desk(running.env(), tmp_path).run(f'"$(dirname "$(command -v az)")/python" {SCRIPT}')
    assert done.returncode == 0, done.stderr
    assert {name: said[1:] for name, said in json.loads(done.stdout).items()} == WANTED
