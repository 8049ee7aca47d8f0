"""Gates over whole small worlds: what opens them, what keeps them shut, and that nothing opens on what was not seen."""

from __future__ import annotations

import base64
from datetime import timedelta, timezone
from typing import Any

import pytest

from sfcert.converge.gates import GATE_KINDS, evidence_of, judge_gate
from sfcert.converge.node_table import node_table
from sfcert.converge.reasons import REASONS
from sfcert.converge.reboot_walk import reboot_walk
from sfcert.converge.resources import judge_cluster, judge_scale_set
from sfcert.model.observation import Observation
from sfcert.model.plan import EvidenceLevel, Gate
from sfcert.model.progress import GateVerdict
from sfcert.sources.observe import observe
from tests import make

Json = dict[str, Any]
URL = f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}"
LEAF = make.leaf().facts
OTHER = make.leaf("2").facts
PIN = make.leaf().chain[0].thumbprint
ALL: frozenset[EvidenceLevel] = frozenset({"arm", "runtime", "tls"})


def look(kind: str, seen: Observation, subject: str = make.CLUSTER_ID, **expects: Any) -> GateVerdict:
    level = expects.pop("level", "arm")
    started, done = expects.pop("started", None), expects.pop("done", None)
    gate = Gate(id=kind, kind=kind, level=level, subject=subject, expects=expects, says=kind)
    evidence = expects.pop("evidence", ALL)
    return judge_gate(
        gate,
        seen,
        now=seen.observed_at_utc,
        evidence=evidence,
        stage_started_utc=started,
        stage_done_utc=done,
    )


def edited(world: make.World | None = None, **changes: Any) -> tuple[Json, Json, Json]:
    document = make.document(make.world(**changes) if world is None else world)
    cluster = document["resources"][make.CLUSTER_ID]["body"]
    scale_set = document["resources"][make.scale_set_id()]["body"]
    return document, cluster, scale_set


def seen(document: Json) -> Observation:
    return observe(make.from_document(document))


def health(thumbprint: str) -> Json:
    text = f"Certificate expiration: thumbprint = {thumbprint.lower()}, expiration = 2027-01-01 00:00:00.000, rest"
    return {
        "HealthEvents": [
            {
                "SourceId": "System.FabricNode",
                "Property": "Certificate_cluster",
                "Description": text,
                "IsExpired": False,
                "SourceUtcTimestamp": "2026-11-22T09:00:00Z",
            }
        ]
    }


def with_nodes(document: Json, *shown: str | None, status: str = "Up", served: bool = False) -> Observation:
    names = [f"_nt0_{number}" for number in range(len(shown))]
    chain = [LEAF.der, *[one.der for one in make.leaf().chain]]
    document["runtime"] = {
        "nodes": [
            {
                "Name": name,
                "IpAddressOrFQDN": f"10.0.0.{at}",
                "Type": "nt0",
                "NodeStatus": status,
                "UpgradeDomain": str(at),
            }
            for at, name in enumerate(names)
        ],
        "node_health": {name: health(one) for name, one in zip(names, shown, strict=True) if one},
        "presented": {
            f"10.0.0.{at}:19080": [base64.b64encode(one).decode() for one in chain] for at in range(len(shown))
        }
        if served
        else None,
    }
    return seen(document)


def test_every_kind_has_its_sentence_and_every_reason_too() -> None:
    assert all(text.endswith(".") for text in (*GATE_KINDS.values(), *REASONS.values()))


@pytest.mark.parametrize(
    ("state", "provisioning", "expected"),
    [
        ("Ready", "Succeeded", ("current", "Holds")),
        ("Ready", "Failed", ("failed", "UpgradeRolledBack")),
        ("UpdatingUserCertificate", "Updating", ("in-progress", "UpgradeRunning")),
        ("Ready", "Updating", ("in-progress", "UpgradeRunning")),
        ("WaitingForNodes", "Succeeded", ("in-progress", "WaitingForNodes")),
        ("UpgradeServiceUnreachable", "Succeeded", ("failed", "ClusterUnreachable")),
        ("SomethingNew", "Succeeded", ("unknown", "StateUnknown")),
    ],
)
def test_a_cluster_is_at_rest_only_by_both_states(state: str, provisioning: str, expected: tuple[str, str]) -> None:
    found = judge_cluster(make.observation(state=state, provisioning_state=provisioning))
    assert (found.state, found.reason) == expected


def test_a_cluster_that_still_rolls_is_not_at_rest_although_arm_says_so() -> None:
    document, _, _ = edited()
    document["runtime"] = {"nodes": [], "upgrade_progress": {"UpgradeState": "RollingForwardInProgress"}}
    assert judge_cluster(seen(document)).reason == "UpgradeRunning"


def test_a_cluster_without_states_is_unknown() -> None:
    document, cluster, _ = edited()
    del cluster["properties"]["clusterState"]
    assert judge_cluster(seen(document)).state == "unknown"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("latestModelApplied", False, ("in-progress", "InstancesBehind")),
        ("latestModelApplied", None, ("unknown", "NotRead")),
        ("provisioningState", "Updating", ("in-progress", "UpdateRunning")),
        ("provisioningState", "Failed", ("failed", "UpdateFailed")),
    ],
)
def test_one_instance_decides_for_its_scale_set(field: str, value: Any, expected: tuple[str, str]) -> None:
    document, _, _ = edited()
    document["vm_instances"][make.scale_set_id()][3]["properties"][field] = value
    found = judge_scale_set(seen(document).scale_sets[0])
    assert (found.state, found.reason) == expected


def test_instances_that_were_not_listed_are_unknown() -> None:
    document, _, _ = edited()
    document["vm_instances"] = None
    assert look("instances-current", seen(document), make.scale_set_id()).state == "unknown"


def test_renewal_is_frozen_only_without_auto_renew_and_without_a_pending_operation() -> None:
    assert look("renewal-frozen", make.observation(), URL).state == "passed"
    renews = make.observation(policy=make.policy(action="AutoRenew"))
    assert look("renewal-frozen", renews, URL).reason == "RenewsItself"
    pending = make.observation(pending={"status": "inProgress"})
    assert look("renewal-frozen", pending, URL).reason == "OperationPending"


def test_renewal_as_compares_the_raw_actions() -> None:
    wanted = make.policy(action="AutoRenew")["lifetime_actions"]
    frozen, resumed = make.observation(), make.observation(policy=make.policy(action="AutoRenew"))
    assert look("renewal-as", frozen, URL, lifetime_actions=wanted).reason == "PolicyDiffers"
    assert look("renewal-as", resumed, URL, lifetime_actions=wanted).state == "passed"


def test_an_unreadable_vault_is_unknown_for_every_gate_about_it() -> None:
    document, _, _ = edited()
    document["vaults"] = {}
    document["unread"] = [{"what": f"vaults/{make.VAULT_URL}", "why": "403 Forbidden"}]
    observation = seen(document)
    for kind in ("renewal-frozen", "renewal-as", "newest-version-is"):
        found = look(kind, observation, URL, thumbprint=LEAF.thumbprint)
        assert found.state == "unknown"


def test_newest_version_and_life() -> None:
    observation = make.observation()
    assert look("newest-version-is", observation, URL, thumbprint=LEAF.thumbprint).state == "passed"
    assert look("newest-version-is", observation, URL, thumbprint=OTHER.thumbprint).reason == "NewerVersion"
    last = LEAF.not_after_utc
    for until, state in ((last, "passed"), (last + timedelta(seconds=1), "failed")):
        expects = {"thumbprint": LEAF.thumbprint, "until_utc": until.isoformat()}
        assert look("remaining-life-at-least", observation, URL, **expects).state == state
    unknown = {"thumbprint": OTHER.thumbprint, "until_utc": last.isoformat()}
    assert look("remaining-life-at-least", observation, URL, **unknown).state == "unknown"


def test_an_absent_identity_is_waited_for_and_an_unread_one_is_unknown() -> None:
    assert look("identity-exists", make.observation(), make.IDENTITY_ID).state == "open"
    assert look("identity-exists", make.observation(has_identity=True), make.IDENTITY_ID).state == "passed"
    unread = make.observation(unread=((make.IDENTITY_ID, "403"),))
    assert look("identity-exists", unread, make.IDENTITY_ID).state == "unknown"


@pytest.mark.parametrize("rbac", [True, False], ids=["roles", "policies"])
@pytest.mark.parametrize("subject", [make.VAULT_URL, make.VAULT_ID], ids=["by address", "by id"])
def test_access_is_granted_by_the_vaults_own_model(rbac: bool, subject: str) -> None:
    expects = {"identity_id": make.IDENTITY_ID}
    without = make.observation(rbac=rbac, has_identity=True)
    granted = make.observation(rbac=rbac, has_identity=True, has_access=True)
    assert look("access-granted", without, subject, **expects).reason == "NotGranted"
    assert look("access-granted", granted, subject, **expects).state == "passed"


def test_a_policy_on_a_vault_that_goes_by_roles_grants_nothing() -> None:
    observation = make.observation(rbac=True, has_identity=True, has_access=True)
    found = look("access-granted", observation, make.VAULT_URL, identity_id=make.IDENTITY_ID, how="policy")
    assert found.state == "open"


def test_time_passes_from_when_the_stage_was_done() -> None:
    observation = make.observation()
    done = observation.observed_at_utc - timedelta(seconds=50)
    assert look("time-passed", observation, seconds=60, done=done).look_again_s == 10
    assert look("time-passed", observation, seconds=50, done=done).state == "passed"
    assert look("time-passed", observation, seconds=60).state == "open"
    assert look("time-passed", observation, seconds=50, started=done).state == "passed"
    sent = done - timedelta(seconds=100)
    assert look("time-passed", observation, seconds=60, started=sent, done=done).look_again_s == 10


def test_a_last_day_without_a_time_zone_is_utc_and_another_zone_is_converted() -> None:
    observation, last = make.observation(), LEAF.not_after_utc
    naive = last.replace(tzinfo=None)
    abroad = last.astimezone(timezone(timedelta(hours=5)))
    for until, state in ((naive, "passed"), (naive + timedelta(seconds=1), "failed"), (abroad, "passed")):
        expects = {"thumbprint": LEAF.thumbprint, "until_utc": until.isoformat()}
        assert look("remaining-life-at-least", observation, URL, **expects).state == state


@pytest.mark.parametrize(
    ("part", "levels"),
    [
        ({}, {"arm"}),
        ({"nodes": []}, {"arm", "runtime"}),
        ({"cluster_manifest": "<a/>", "upgrade_progress": {}}, {"arm", "runtime"}),
        ({"upgrade_progress": {"UpgradeState": "RollingForwardCompleted"}}, {"arm"}),
    ],
    ids=["nothing", "nodes", "the manifest", "the upgrade alone"],
)
def test_a_level_of_evidence_is_reached_only_by_what_was_read(part: Json, levels: set[str]) -> None:
    document, _, _ = edited()
    document["runtime"] = part
    assert evidence_of(seen(document)) == levels


def test_the_declaration_read_back_is_compared_as_sets() -> None:
    by_name, by_thumbprint = make.observation(make.common_name_world()), make.observation()
    names = {"common_names": [make.COMMON_NAME]}
    assert look("cluster-declares", by_name, **names, issuers=[PIN.lower()]).state == "passed"
    assert look("cluster-declares", by_name, **names, issuers={make.COMMON_NAME: [PIN]}).state == "passed"
    assert look("cluster-declares", by_name, **names, issuers=[]).reason == "DeclaredDifferently"
    assert look("cluster-declares", by_thumbprint, **names, issuers=[PIN]).state == "open"
    assert look("cluster-declares", by_thumbprint, thumbprints=[LEAF.thumbprint]).state == "passed"
    assert look("cluster-declares", by_name, thumbprints=[LEAF.thumbprint]).state == "open"
    scale_set = make.scale_set_id()
    assert look("extension-declares", by_name, scale_set, **names).state == "passed"
    assert look("extension-declares", by_thumbprint, scale_set, **names).state == "open"


def test_secrets_are_what_they_should_be() -> None:
    url = make.secret_url(make.leaf())
    assert look("secrets-are", make.observation(), make.scale_set_id(), urls=[url]).state == "passed"
    assert look("secrets-are", make.observation(), make.scale_set_id(), urls=[]).state == "open"
    assert look("secrets-are", make.observation(has_secrets=False), make.scale_set_id(), urls=[]).state == "passed"


def kv_status(document: Json, at: int) -> Json:
    extensions = document["vm_instances"][make.scale_set_id()][at]["properties"]["instanceView"]["extensions"]
    return next(one for one in extensions if "KeyVault" in one["type"])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ProvisioningState/succeeded", ("passed", "Holds")),
        ("ProvisioningState/transitioning", ("open", "ExtensionRunning")),
        ("ProvisioningState/failed/5", ("failed", "ExtensionFailed")),
    ],
)
def test_one_instance_decides_for_the_extension(code: str, expected: tuple[str, str]) -> None:
    document, _, _ = edited(make.common_name_world())
    status = kv_status(document, 2)
    status["statuses"] = [{"code": code}]
    found = look("extension-succeeded", seen(document), make.scale_set_id(), name=status["name"])
    assert (found.state, found.reason) == expected


def test_an_extension_that_is_not_on_an_instance_is_waited_for_and_an_old_status_too() -> None:
    document, _, _ = edited(make.common_name_world())
    status = kv_status(document, 2)
    status["statuses"] = [{"code": "ProvisioningState/succeeded", "time": "2026-01-01T00:00:00Z"}]
    after = look(
        "extension-succeeded",
        seen(document),
        make.scale_set_id(),
        name=status["name"],
        after_utc="2026-06-01T00:00:00Z",
    )
    assert after.reason == "StatusTooOld"
    absent = look("extension-succeeded", seen(document), make.scale_set_id(), name="nobody")
    assert absent.reason == "ExtensionAbsent"


def test_the_others_are_looked_at_without_the_one_that_is_spared() -> None:
    document, _, _ = edited(make.common_name_world())
    status = kv_status(document, 2)
    status["statuses"] = [{"code": "ProvisioningState/failed/1", "message": "boom"}]
    spared = {"except": status["name"]}
    assert look("other-extensions-succeeded", seen(document), make.scale_set_id(), **spared).state == "passed"
    assert look("other-extensions-succeeded", seen(document), make.scale_set_id()).state == "failed"


def test_a_store_that_lacks_the_certificate_keeps_the_gate_shut() -> None:
    observation = make.observation(make.common_name_world())
    assert look("certificate-on-nodes", observation, make.scale_set_id(), thumbprint=LEAF.thumbprint).state == "passed"
    found = look("certificate-on-nodes", observation, make.scale_set_id(), thumbprint=OTHER.thumbprint)
    assert found.reason == "CertificateAbsent"


def test_unseen_stores_pass_only_where_the_extension_vouches_for_them() -> None:
    expects = {"thumbprint": LEAF.thumbprint}
    vouched = make.observation(make.common_name_world(has_stores=False))
    assert look("certificate-on-nodes", vouched, make.scale_set_id(), **expects).state == "passed"
    nobody = make.observation(has_stores=False)
    assert look("certificate-on-nodes", nobody, make.scale_set_id(), **expects).state == "unknown"


def test_an_unseen_store_passes_where_the_model_that_the_machine_runs_lists_the_version_as_a_vm_secret() -> None:
    observation = make.observation(has_stores=False)
    listed = {"thumbprint": LEAF.thumbprint, "secret_url": make.secret_url(make.leaf())}
    assert look("certificate-on-nodes", observation, make.scale_set_id(), **listed).state == "passed"
    other = listed | {"secret_url": make.secret_url(make.leaf("another"))}
    assert look("certificate-on-nodes", observation, make.scale_set_id(), **other).state == "unknown"


def test_nodes_present_by_their_health_events() -> None:
    document, _, _ = edited()
    expects = {"thumbprint": LEAF.thumbprint, "level": "runtime"}
    assert look("nodes-present", with_nodes(document, LEAF.thumbprint, LEAF.thumbprint), **expects).state == "passed"
    mixed = with_nodes(document, LEAF.thumbprint, OTHER.thumbprint)
    assert look("nodes-present", mixed, **expects).reason == "PresentsAnother"
    assert look("nodes-present", with_nodes(document, LEAF.thumbprint, None), **expects).state == "unknown"
    down = with_nodes(document, LEAF.thumbprint, status="Down")
    assert look("nodes-present", down, **expects).reason == "NodeDown"


def test_a_gateway_that_is_ahead_of_the_transport_does_not_open_the_gate() -> None:
    """A handshake shows the gateway alone; what a node presents to its peers follows the store at another hour."""
    document, _, _ = edited()
    expects = {"thumbprint": LEAF.thumbprint, "level": "runtime"}
    behind = with_nodes(document, LEAF.thumbprint, OTHER.thumbprint, served=True)
    assert look("nodes-present", behind, **expects).reason == "PresentsAnother"
    blind = with_nodes(document, LEAF.thumbprint, None, served=True)
    assert look("nodes-present", blind, **expects).state == "unknown"


def test_nodes_serve_from_a_pinned_issuer() -> None:
    document, _, _ = edited()
    served = with_nodes(document, None, None, served=True)
    expects = {"thumbprint": LEAF.thumbprint, "level": "tls"}
    assert look("nodes-serve", served, **expects, issuers=[PIN]).state == "passed"
    assert look("nodes-serve", served, **expects, issuers=["A" * 40]).reason == "UntrustedIssuer"
    assert evidence_of(served) == {"arm", "runtime", "tls"}


MANIFEST = """<ClusterManifest xmlns="http://schemas.microsoft.com/2011/01/fabric"><NodeTypes><NodeType Name="nt0">
<Certificates><ClusterCertificate X509FindType="{kind}" X509FindValue="{value}"/></Certificates></NodeType></NodeTypes>
<FabricSettings><Section Name="Security/ClusterX509Names">{names}</Section></FabricSettings></ClusterManifest>"""


def test_the_manifest_tells_a_rollback_from_a_success() -> None:
    document, _, _ = edited(make.common_name_world())
    by_name = MANIFEST.format(
        kind="FindBySubjectName",
        value=make.COMMON_NAME,
        names=f'<Parameter Name="{make.COMMON_NAME}" Value="{PIN.lower()}"/>',
    )
    old = MANIFEST.format(kind="FindByThumbprint", value=LEAF.thumbprint, names="")
    expects = {"common_names": [make.COMMON_NAME], "issuers": [PIN], "level": "runtime"}
    for manifest, state in ((by_name, "passed"), (old, "open"), ("no xml", "open"), (None, "unknown")):
        document["runtime"] = {"cluster_manifest": manifest, "nodes": []}
        assert look("manifest-declares", seen(document), **expects).state == state


@pytest.mark.parametrize("kind", ["nodes-present", "manifest-declares", "nodes-serve"])
def test_a_level_that_cannot_be_had_is_unknown_and_never_looked_for_again(kind: str) -> None:
    gate = Gate(
        id="g", kind=kind, level="runtime", subject="", expects={"thumbprint": LEAF.thumbprint}, says="It is so."
    )
    observation = make.observation()
    found = judge_gate(gate, observation, now=observation.observed_at_utc, evidence=evidence_of(observation))
    assert (found.state, found.reason, found.look_again_s) == ("unknown", "NotLooked", None)


@pytest.mark.parametrize("kind", sorted(GATE_KINDS))
def test_no_gate_passes_in_a_world_of_which_nothing_was_read(kind: str) -> None:
    document, _, _ = edited()
    document["resources"] = {make.CLUSTER_ID: {"api_version": "2021-06-01", "body": {"id": make.CLUSTER_ID}}}
    document["vaults"], document["vm_instances"] = {}, None
    subject = URL if kind.startswith(("renewal", "newest", "remaining")) else make.scale_set_id()
    expects = {"thumbprint": LEAF.thumbprint, "thumbprints": [LEAF.thumbprint], "seconds": 1, "urls": []}
    expects["until_utc"] = "2026-11-23T00:00:00Z"
    # a setting that is wanted absent
    expects |= {"section": "Security", "parameter": "Any", "value": None, "common_name": make.COMMON_NAME}
    assert look(kind, seen(document), subject, **expects).state != "passed"


def test_the_table_shows_the_strongest_evidence_and_never_counts_an_inference() -> None:
    document, _, _ = edited()
    table = node_table(with_nodes(document, OTHER.thumbprint, LEAF.thumbprint))
    assert [row.evidence for row in table.rows] == ["health", "health"]
    assert table.presenting(LEAF.thumbprint) == 1
    steps = reboot_walk(table, LEAF.thumbprint, "https://x:19080")
    assert "Upgrade domain 0:" in steps
    assert not any("_nt0_1" in step for step in steps)
    inferred = node_table(make.observation())
    assert {row.evidence for row in inferred.rows} == {"inferred"}
    assert inferred.presenting(LEAF.thumbprint) == 0
    assert reboot_walk(inferred, OTHER.thumbprint, None) == ()
