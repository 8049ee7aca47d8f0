"""The lines for people who apply by hand: runnable by a shell, lossless for what they do not own."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from sfcert.model.plan import Deployment, InstanceUpgrade, VaultOperation
from sfcert.planning.az import deployment_lines, instance_lines, vault_lines, wait_lines

GROUP = "/subscriptions/sub/resourceGroups/rg (one)"
CLUSTER = f"{GROUP}/providers/Microsoft.ServiceFabric/clusters/sf"
SCALE_SET = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/nt0"


def operation(sets_tags: dict[str, str | None]) -> VaultOperation:
    return VaultOperation(
        vault_url="https://kv.vault.azure.cn",
        certificate="cert",
        expects={},
        sets={
            "lifetime_actions": [{"trigger": {"days_before_expiry": 30}, "action": {"action_type": "EmailContacts"}}]
        },
        expects_tags={},
        sets_tags=sets_tags,
    )


def words_after(line: str, option: str) -> str:
    words = shlex.split(line)
    return words[words.index(option) + 1]


def test_a_deployment_takes_its_template_from_the_plan_and_has_the_name_that_apply_uses() -> None:
    deployment = Deployment(name="sfcert-60-x-1", mode="Incremental", template={}, parameters={})
    shown, created = deployment_lines(GROUP, "60-x", deployment)
    assert shown == 'sfcert show "${PLAN:-plan.json}" --stage 60-x --format template > 60-x.json'
    assert words_after(created, "--resource-group") == "rg (one)"
    assert words_after(created, "--name") == "sfcert-60-x-1"
    assert words_after(created, "--mode") == "Incremental"


def test_freezing_adds_tags_to_those_that_are_there_before_it_writes_the_policy() -> None:
    value = '[{"a":"b`c"}]'
    read, tagged, policy = vault_lines(operation({"sfcert-frozen-by": "me", "sfcert-actions": value}))
    # merge(tags || `{}`, `{…}`): the literal is JSON, with its own backticks escaped
    query = words_after(read, "--query")
    assert query.startswith("{tags: merge(tags || `{}`, `")
    literal = query.removeprefix("{tags: merge(tags || `{}`, `").removesuffix("`)}")
    assert json.loads(literal.replace("\\`", "`")) == {"sfcert-frozen-by": "me", "sfcert-actions": value}
    assert tagged.endswith("--body @tags.json")
    assert words_after(policy, "--url") == "https://kv.vault.azure.cn/certificates/cert/policy?api-version=7.4"
    assert json.loads(words_after(policy, "--body")) == operation({}).sets
    assert words_after(policy, "--resource") == "https://vault.azure.cn"


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        ({}, {}),
        ({"mine": "1"}, {}),
        ({"a": "1", "mine": "2"}, {"a": "1"}),
        ({"mine": "2", "z": "1"}, {"z": "1"}),
        ({"a": "x, }", "mine": "2", "mine-not": 'say "mine": 1'}, {"a": "x, }", "mine-not": 'say "mine": 1'}),
    ],
    ids=["none", "only mine", "mine last", "mine first", "others that look alike"],
)
def test_giving_back_removes_its_own_tags_and_no_other(
    found: dict[str, str], kept: dict[str, str], tmp_path: Path
) -> None:
    """az prints JSON with an entry a line, which is what the line goes by."""
    policy, read, cut, written = vault_lines(operation({"mine": None}))
    assert "/policy?" in policy
    assert read.endswith("> tags.json")
    (tmp_path / "tags.json").write_text(json.dumps(found, indent=2) + "\n")
    subprocess.run(["bash", "-euo", "pipefail", "-c", cut], cwd=tmp_path, check=True)
    assert json.loads((tmp_path / "kept.json").read_text()) == {"tags": kept}
    assert written.endswith("--body @kept.json")


def test_instances_go_one_update_domain_after_the_other_and_the_cluster_is_waited_for_between() -> None:
    upgrade = InstanceUpgrade(scale_set_id=SCALE_SET, api_version="2024-07-01", batches=(("0", "3"), ("1",)))
    first, rest, second, rest_again = instance_lines(upgrade, CLUSTER)
    assert first.endswith("--instance-ids 0 3")
    assert second.endswith("--instance-ids 1")
    assert rest == rest_again
    assert words_after(rest, "--ids") == CLUSTER
    assert "properties.clusterState=='Ready'" in words_after(rest, "--custom")


def test_a_wait_waits_for_the_cluster_and_shows_what_azure_knows() -> None:
    waits, declares, instances = wait_lines(CLUSTER, [SCALE_SET])
    assert waits.startswith("az resource wait ")
    assert words_after(declares, "--cluster-name") == "sf"
    assert "latestModelApplied" in words_after(instances, "--query")
