"""What a failed attempt left is forgiven once it is sent again; whatever else a gate finds is not."""

from __future__ import annotations

import msgspec
import pytest

from sfcert.converge.reasons import verdict
from sfcert.model.progress import GateState
from sfcert.workflows.own_attempt import Attempt, forgiven
from tests import make
from tests.workflows.three_stages import cluster_stage, gate, new_world

SETS = make.scale_set_id("nt0")
STAGE = msgspec.structs.replace(cluster_stage(new_world().document), resource=SETS)


@pytest.mark.parametrize(
    ("kind", "state", "reason", "attempt", "expected"),
    [
        ("cluster-at-rest", "failed", "UpgradeRolledBack", "failed", "passed"),
        ("cluster-at-rest", "failed", "UpgradeRolledBack", "half-done", "passed"),
        ("cluster-at-rest", "failed", "UpgradeRolledBack", "none", "failed"),
        ("cluster-at-rest", "open", "UpgradeRunning", "failed", "open"),
        ("instances-current", "open", "InstancesBehind", "half-done", "passed"),
        ("instances-current", "failed", "UpdateFailed", "half-done", "passed"),
        ("instances-current", "failed", "UpdateFailed", "failed", "failed"),
        ("instances-current", "open", "UpdateRunning", "half-done", "open"),
        ("instances-current", "unknown", "NotRead", "half-done", "unknown"),
        ("certificate-on-nodes", "open", "InstancesBehind", "half-done", "passed"),
        ("certificate-on-nodes", "open", "InstancesBehind", "none", "open"),
        ("certificate-on-nodes", "open", "CertificateAbsent", "half-done", "open"),
        ("certificate-on-nodes", "unknown", "NotSeen", "half-done", "unknown"),
        ("extension-succeeded", "failed", "ExtensionFailed", "half-done", "failed"),
    ],
)
def test_only_its_own_doing_is_forgiven(
    kind: str, state: GateState, reason: str, attempt: Attempt, expected: GateState
) -> None:
    found = verdict(kind, state, reason, "It is so.")
    after = forgiven(found, gate(kind, SETS.upper()), STAGE, attempt)
    assert after.state == expected
    if expected == "passed":
        assert after.message == "It is so. That was this stage's own attempt, which is sent again."
    else:
        assert after is found
    assert forgiven(found, gate(kind, make.CLUSTER_ID), STAGE, attempt) is found
