"""What a machine's own report opens: success of the right extension, with the right certificate, on each of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.unit.converge.test_gates import LEAF, edited, kv_status, look, seen

Json = dict[str, Any]
SETS = make.scale_set_id()
BLIND = make.common_name_world(has_stores=False)


def settings_of(scale_set: Json) -> Json:
    extensions = scale_set["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]
    return next(one["properties"] for one in extensions if one["name"] == "KVVMExtension")


@pytest.mark.parametrize(
    ("version", "waits", "state"),
    [("3.0", True, "passed"), ("3.0", False, "unknown"), ("4.0", False, "passed")],
    ids=["told to wait", "not told to wait", "a version that always waits"],
)
def test_only_an_extension_that_waits_for_the_certificate_vouches_for_it(version: str, waits: bool, state: str) -> None:
    """Without initial sync the extension reports success before anything is installed."""
    document, _, scale_set = edited(BLIND)
    properties = settings_of(scale_set)
    properties["typeHandlerVersion"] = version
    properties["settings"]["secretsManagementSettings"]["requireInitialSync"] = waits
    assert look("certificate-on-nodes", seen(document), SETS, thumbprint=LEAF.thumbprint).state == state


@pytest.mark.parametrize("code", ["ProvisioningState/transitioning", "ProvisioningState/failed/5"])
def test_one_machine_whose_extension_has_not_succeeded_vouches_for_nothing(code: str) -> None:
    document, _, _ = edited(BLIND)
    kv_status(document, 2)["statuses"] = [{"code": code}]
    found = look("certificate-on-nodes", seen(document), SETS, thumbprint=LEAF.thumbprint)
    assert (found.state, found.reason) == ("unknown", "NotSeen")
    assert "nt0_2" in found.message
    assert "nt0_1" not in found.message


def test_a_store_that_was_seen_needs_nobody_to_vouch_for_it() -> None:
    document, _, _ = edited(has_secrets=False)
    expects = {"thumbprint": LEAF.thumbprint.lower()}
    assert look("certificate-on-nodes", seen(document), SETS, **expects).state == "passed"
    del document["node_stores"][SETS]["3"]
    found = look("certificate-on-nodes", seen(document), SETS, **expects)
    assert (found.state, found.reason) == ("unknown", "NotSeen")
    assert "nt0_3" in found.message
    assert "nt0_2" not in found.message


def test_another_extension_that_succeeded_vouches_for_no_certificate() -> None:
    document, _, _ = edited(BLIND)
    view = document["vm_instances"][SETS][2]["properties"]["instanceView"]
    view["extensions"] = [one for one in view["extensions"] if "KeyVault" not in one["type"]]
    assert look("certificate-on-nodes", seen(document), SETS, thumbprint=LEAF.thumbprint).state == "unknown"


@pytest.mark.parametrize(("field", "value"), [("latestModelApplied", False), ("provisioningState", "Updating")])
def test_a_vm_secret_vouches_only_for_a_machine_that_runs_with_it(field: str, value: Any) -> None:
    document, _, _ = edited(has_stores=False)
    document["vm_instances"][SETS][1]["properties"][field] = value
    listed = {"thumbprint": LEAF.thumbprint, "secret_url": make.secret_url(make.leaf()).upper()}
    found = look("certificate-on-nodes", seen(document), SETS, **listed)
    assert (found.state, found.reason) == ("open", "InstancesBehind")


def test_a_machine_that_does_not_tell_its_model_leaves_it_unknown_whether_it_has_the_secret() -> None:
    document, _, _ = edited(has_stores=False)
    del document["vm_instances"][SETS][1]["properties"]["latestModelApplied"]
    listed = {"thumbprint": LEAF.thumbprint, "secret_url": make.secret_url(make.leaf())}
    found = look("certificate-on-nodes", seen(document), SETS, **listed)
    assert (found.state, found.reason) == ("unknown", "NotSeen")


@pytest.mark.parametrize("kind", ["certificate-on-nodes", "extension-succeeded", "instances-current"])
def test_machines_that_could_not_be_listed_leave_the_gate_unknown(kind: str) -> None:
    document, _, _ = edited(make.common_name_world())
    document["vm_instances"] = None
    found = look(kind, seen(document), SETS, thumbprint=LEAF.thumbprint, name="KVVMExtension")
    assert (found.state, found.reason) == ("unknown", "NotRead")


def test_an_extension_may_be_named_by_its_kind() -> None:
    document, _, _ = edited(make.common_name_world())
    wanted = {"type": "keyvaultforwindows"}
    assert look("extension-succeeded", seen(document), SETS, **wanted).state == "passed"
    kv_status(document, 3)["statuses"] = [{"code": "ProvisioningState/failed/5"}]
    assert look("extension-succeeded", seen(document), SETS, **wanted).state == "failed"
    assert look("extension-succeeded", seen(document), SETS, type="KeyVaultForLinux").reason == "ExtensionAbsent"
    assert look("extension-succeeded", seen(document), SETS).reason == "ExtensionAbsent"


def test_an_extension_has_not_brought_a_certificate_that_is_not_enrolled_yet() -> None:
    """The name of the stage that enrols it stands there until that stage is done."""
    expects = {"name": "KVVMExtension", "after_version": "45-enrol"}
    assert look("extension-succeeded", seen(edited(make.common_name_world())[0]), SETS, **expects).reason == "TooEarly"


@pytest.mark.parametrize(
    ("after", "state"),
    [("2026-11-20T08:00:00Z", "passed"), ("2026-11-20T08:00:01Z", "open"), ("2026-11-20T09:00:01+01:00", "open")],
    ids=["as old as the write", "a second older", "a second older, told in another zone"],
)
def test_a_status_that_is_older_than_the_write_does_not_count(after: str, state: str) -> None:
    expects = {"name": "KVVMExtension", "after_utc": after}
    assert look("extension-succeeded", seen(edited(make.common_name_world())[0]), SETS, **expects).state == state


def test_every_extension_after_the_spared_one_is_looked_at_too() -> None:
    document, _, _ = edited(make.common_name_world())
    extensions = document["vm_instances"][SETS][4]["properties"]["instanceView"]["extensions"]
    node = next(one for one in extensions if one["name"] == "nt0_ServiceFabricNode")
    node["statuses"] = [{"code": "ProvisioningState/failed/1"}]
    spared = {"except": ["kvvmextension"]}
    assert look("other-extensions-succeeded", seen(document), SETS, **spared).state == "failed"


def test_a_gate_that_goes_by_what_delivers_a_certificate_says_so() -> None:
    """`in 0 stores that were seen` read as if the certificate were missing."""
    document, _, _ = edited(BLIND)
    found = look("certificate-on-nodes", seen(document), SETS, thumbprint=LEAF.thumbprint)
    assert found.state == "passed"
    assert "vouches for 5 instances" in found.message
    assert "stores" not in found.message
    document, _, _ = edited(has_secrets=False)
    found = look("certificate-on-nodes", seen(document), SETS, thumbprint=LEAF.thumbprint)
    assert found.message.endswith("is in the stores of all 5 instances.")
