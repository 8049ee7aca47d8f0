"""Whole worlds: nothing is reported of a healthy one, and nothing passes on what was not read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sfcert.model.finding import Audit
from sfcert.rules import audit
from sfcert.sources.bundle import load_bundle
from sfcert.sources.observe import observe
from tests import make
from tests.rules.case import case_files, read_case

TWO_TYPES = (make.NodeTypeShape(), make.NodeTypeShape("front", 6, "Bronze", False, "Manual"))


def _audit(world: make.World) -> Audit:
    return audit(make.observation(world), now=make.NOW)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as the builders make it"),
        pytest.param({"rbac": False}, id="a vault by access policies"),
        pytest.param({"node_types": TWO_TYPES}, id="two node types"),
        pytest.param({"os": "Linux"}, id="Linux"),
        pytest.param({"has_stores": False}, id="stores that cannot be seen"),
        pytest.param({"versions": (make.leaf(), make.leaf("2", not_before=make.NOW))}, id="after a renewal"),
    ],
)
@pytest.mark.parametrize("build", [make.world, make.common_name_world])
def test_nothing_is_reported_of_a_healthy_world(build: Any, changes: dict[str, Any]) -> None:
    found = _audit(build(**changes))
    assert [(one.rule, one.reason, one.message) for one in found.findings] == []
    assert found.verdict == "pass"
    assert found.passed == found.rules_run


def test_nothing_is_reported_while_a_rollover_has_renewal_frozen_but_the_freeze_itself() -> None:
    tags = {"sfcert-frozen-lifetime-actions": "[]", "sfcert-frozen-by": "sha256:00"}
    found = _audit(make.world(has_extension=True, has_identity=True, has_access=True, tags=tags))
    assert {one.rule for one in found.findings} == {"renewal-left-frozen"}
    assert found.verdict == "pass"


def test_an_unread_vault_makes_the_audit_unknown() -> None:
    plain = make.document(make.common_name_world())
    plain["vaults"] = {}
    plain["unread"] = [{"what": f"vaults/{make.VAULT_URL}", "why": "403 Forbidden"}]
    found = audit(observe(make.from_document(plain)), now=make.NOW)
    assert found.verdict == "unknown"
    assert all("403 Forbidden" in one.message for one in found.findings)


def test_an_unread_vault_that_nobody_needs_changes_nothing() -> None:
    found = _audit(make.world(unread=(("vaults/https://other.vault.azure.net", "403 Forbidden"),)))
    assert found.verdict == "pass"
    assert found.findings == ()


def test_a_failure_is_not_hidden_by_an_unknown() -> None:
    plain = make.document(make.common_name_world(state="UpgradeServiceUnreachable"))
    plain["vaults"] = {}
    assert audit(observe(make.from_document(plain)), now=make.NOW).verdict == "fail"


def test_what_a_template_cannot_hold_is_unknown_at_level_info() -> None:
    plain = make.document(make.common_name_world())
    plain |= {"source": "template", "vaults": {}, "vm_instances": None, "node_stores": None}
    for name in ("clusterState", "provisioningState", "clusterCodeVersion"):
        del plain["resources"][make.CLUSTER_ID]["body"]["properties"][name]
    found = audit(observe(make.from_document(plain)), now=make.NOW)
    assert {(one.verdict, one.severity, one.reason) for one in found.findings} == {("unknown", "info", "NotInTemplate")}
    assert found.verdict == "pass"
    assert found.passed < found.rules_run


def test_a_value_of_the_template_that_stays_open_makes_the_audit_unknown() -> None:
    plain = make.document(make.common_name_world())
    plain |= {"source": "template", "vaults": {}, "vm_instances": None, "node_stores": None}
    plain["resources"][make.CLUSTER_ID]["body"]["properties"]["certificateCommonNames"]["commonNames"] = (
        "[parameters('names')]"
    )
    found = audit(observe(make.from_document(plain)), now=make.NOW)
    assert found.verdict == "unknown"


#: What the README beside the bundles says that a right answer looks like.
EXAMPLES = {
    "healthy-thumbprint": "pass",
    "healthy-common-name": "pass",
    "renewed-by-unpinned-issuer": "fail",
    "upgrade-service-unreachable": "fail",
    "vault-unreadable": "unknown",
    "vault-is-ahead-of-the-declaration": "pass",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_captured_examples_get_the_verdict_that_is_written_beside_them(name: str, shared: Path) -> None:
    observation = observe(load_bundle(shared / "examples" / "bundles" / f"{name}.json"))
    found = audit(observation, now=observation.observed_at_utc)
    assert found.verdict == EXAMPLES[name]
    if found.verdict == "pass":
        assert found.findings == ()


def test_hiding_the_vaults_never_makes_a_cluster_by_name_pass() -> None:
    """The law behind unknown: with less to see the answer may get vaguer, never better."""
    tried = 0
    for path in case_files():
        observation = read_case(path).observation
        observes = any(one.key_vault_extensions for one in observation.scale_sets)
        if observation.source == "template" or observation.cluster.certificate.kind != "common-name" or not observes:
            continue
        hidden = msgspec.structs.replace(observation.bundle, vaults={})
        assert audit(observe(hidden), now=make.NOW).verdict != "pass", path
        tried += 1
    assert tried > 50
