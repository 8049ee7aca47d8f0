"""Capture through fake ports: complete, in a fixed order, honest about what it could not read, and free of secrets."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sfcert.errors import InputError, RemoteError
from sfcert.model.bundle import Bundle
from sfcert.model.codec import canonical
from sfcert.sources.live import CaptureOptions, Part, capture, part_of, refresh
from sfcert.sources.observe import observe
from sfcert.sources.redact import has_redacted, redact
from tests import make
from tests.fakes import FakeArm, FakeClock, FakeNodes, FakeVaults, refusal

Json = dict[str, Any]


class World:
    """A fake Azure that serves one made world; leaves only, as a vault's own answer has no chain."""

    def __init__(self, world: make.World | None = None) -> None:
        self.document = make.document(world or make.common_name_world(has_stores=False))
        for vault in self.document["vaults"].values():
            for certificate in vault["certificates"].values():
                for version in certificate["versions"]:
                    version["chain"] = []
        self.arm = FakeArm(self.document, FakeClock(make.NOW))
        self.vaults = FakeVaults(self.document)
        self.nodes: FakeNodes | None = None

    def capture(self, cluster_id: str = make.CLUSTER_ID, **options: Any) -> Bundle:
        return capture(
            cluster_id,
            self.arm,
            self.vaults,
            self.nodes,
            now=make.NOW,
            options=CaptureOptions(**options),
        )

    def why(self, bundle: Bundle, what: str) -> str | None:
        return next((one.why for one in bundle.unread if one.what.lower() == what.lower()), None)


def test_everything_of_the_world_is_captured_and_observed_alike() -> None:
    world = World()
    bundle = world.capture(given=tuple(one.facts for one in make.leaf().chain))
    assert set(bundle.resources) == set(world.document["resources"])
    live, made = observe(bundle), make.observation(make.common_name_world(has_stores=False))
    assert live.cluster == made.cluster
    assert live.scale_sets == made.scale_sets
    assert [one.thumbprint for one in live.known_certificates()] == [
        one.thumbprint for one in made.known_certificates()
    ]
    assert live.role_assignments == made.role_assignments


def test_two_captures_of_an_unchanged_world_are_equal_bytes_also_with_another_spelling_of_the_id() -> None:
    world = World()
    first = world.capture()
    assert canonical(world.capture()) == canonical(first)
    assert canonical(world.capture(make.CLUSTER_ID.upper())) == canonical(first)


def test_a_scale_set_of_another_cluster_is_left_out() -> None:
    world = World()
    other = make.scale_set_id("other")
    text = json.dumps({**world.arm.resources[make.scale_set_id()], "id": other})
    world.arm.resources[other] = json.loads(text.replace(make.CLUSTER_GUID, "99999999-0000-4000-8000-000000000009"))
    assert other not in world.capture().resources


def test_an_absent_cluster_and_a_managed_one_and_something_else_are_told_apart() -> None:
    world = World()
    for cluster_id, token in (
        (make.CLUSTER_ID + "x", "ClusterNotFound"),
        (make.CLUSTER_ID.replace("/clusters/", "/managedClusters/"), "ManagedCluster"),
        (make.VAULT_ID, "Misuse"),
        ("shop", "Misuse"),
    ):
        with pytest.raises(InputError) as caught:
            world.capture(cluster_id)
        assert caught.value.token == token


def test_no_permission_on_the_cluster_ends_the_capture() -> None:
    world = World()
    world.arm.refusals["/clusters/"] = refusal(403, "AuthorizationFailed")
    with pytest.raises(RemoteError) as caught:
        world.capture()
    assert caught.value.token == "PermissionDenied"


@pytest.mark.parametrize(
    ("part", "what"),
    [
        ("nt0/virtualMachines", f"vm_instances/{make.scale_set_id()}"),
        ("userAssignedIdentities", make.IDENTITY_ID),
        ("roleAssignments", f"roleAssignments at {make.VAULT_ID}"),
        ("vaults/shop-kv", f"vault resources/{make.VAULT_URL}"),
    ],
)
def test_what_is_refused_is_unread_with_its_reason_and_the_rest_is_still_there(part: str, what: str) -> None:
    world = World()
    world.arm.refusals[part] = refusal(403, "AuthorizationFailed")
    bundle = world.capture()
    why = world.why(bundle, what)
    assert why is not None
    assert make.CLUSTER_ID in bundle.resources


def test_a_refused_vault_is_unread_as_a_whole() -> None:
    world = World()
    world.vaults.refusals[make.VAULT_URL] = refusal(403, "ForbiddenByRbac")
    bundle = world.capture()
    assert bundle.vaults == {}
    assert world.why(bundle, f"vaults/{make.VAULT_URL}") == "403 ForbiddenByRbac"


def test_a_goal_that_nothing_observes_yet_is_read_too_and_an_absent_one_is_unread() -> None:
    world = World(make.world())
    world.vaults.vaults[make.VAULT_URL]["next"] = {"policy": {}, "pending": None, "versions": [], "tags": {}}
    urls = (f"{make.VAULT_URL}/certificates/next", f"{make.VAULT_URL}/certificates/none")
    bundle = world.capture(certificate_urls=urls)
    assert set(bundle.vaults[make.VAULT_URL].certificates) == {"next", make.CERTIFICATE_NAME}
    assert world.why(bundle, f"vaults/{make.VAULT_URL}/certificates/none") == "404 CertificateNotFound"


def test_an_identity_that_does_not_exist_is_a_question_with_no_answer_not_unread() -> None:
    world = World(make.world())
    bundle = world.capture(identity_ids=(make.IDENTITY_ID,))
    assert world.why(bundle, make.IDENTITY_ID) is None
    assert any(one.what == f"identity {make.IDENTITY_ID}" and one.found == 0 for one in bundle.queries)


def chain_source(bundle: Bundle) -> str | None:
    return bundle.vaults[make.VAULT_URL].certificates[make.CERTIFICATE_NAME].versions[0].chain_source


def test_the_issuer_is_taken_as_given_before_served() -> None:
    world = World()
    issued = make.leaf()
    served = [issued.der, *[one.der for one in issued.chain]]
    endpoint = "shop.fabric.example.com:19080"
    body = world.arm.resources[make.CLUSTER_ID]["properties"]
    body["managementEndpoint"] = f"https://{endpoint}"
    world.nodes = FakeNodes(refusal(403), {endpoint: served})
    assert chain_source(world.capture()) == "tls"
    assert chain_source(world.capture(given=(issued.chain[0].facts,))) == "given"


def test_a_chain_that_does_not_verify_is_not_believed() -> None:
    world = World()
    stranger = make.leaf("x", ca="Somebody Else")
    bundle = world.capture(given=tuple(one.facts for one in stranger.chain))
    assert chain_source(bundle) is None
    assert any(one.what.startswith("chains/") for one in bundle.unread)


class Answering:
    """An `Issuers` port that serves one body at every address and counts."""

    def __init__(self, answer: bytes | RemoteError) -> None:
        self.answer = answer
        self.pfx = 0

    def fetch_by_aia(self, url: str) -> bytes:
        if isinstance(self.answer, RemoteError):
            raise self.answer
        return self.answer

    def fetch_pfx_chain(self, vault_url: str, name: str, version: str) -> list[bytes]:
        self.pfx += 1
        return [one.der for one in make.leaf().chain]


def test_a_pfx_is_opened_only_where_it_was_allowed() -> None:
    world = World()
    issuers = Answering(refusal(404))

    def run(may: bool) -> Bundle:
        options = CaptureOptions(may_read_secret=may)
        return capture(make.CLUSTER_ID, world.arm, world.vaults, None, now=make.NOW, options=options, issuers=issuers)

    assert chain_source(run(False)) is None
    assert issuers.pfx == 0
    assert chain_source(run(True)) == "pfx"


def test_no_secret_enters_a_bundle_and_equal_ones_stay_equal() -> None:
    world = World()
    profile = world.arm.resources[make.scale_set_id()]["properties"]["virtualMachineProfile"]
    extension = profile["extensionProfile"]["extensions"][0]["properties"]
    profile["osProfile"]["customData"] = "c2VjcmV0"
    extension["protectedSettings"] = {"StorageAccountKey1": "hunter2hunter2"}
    extension["settings"]["connection"] = "Server=x;Password=hunter3;"
    text = canonical(world.capture()).decode()
    assert not any(word in text for word in ("c2VjcmV0", "hunter2", "hunter3"))
    assert text == canonical(world.capture()).decode()


def test_redaction_leaves_what_is_no_secret_and_is_stable() -> None:
    body = {
        "osProfile": {"secrets": [{"sourceVault": {"id": "/x"}}], "adminPassword": "p"},
        "parameters": [{"name": "ClientSecret", "value": "v"}, {"name": "ClusterProtectionLevel", "value": "Sign"}],
        "secretsManagementSettings": {"observedCertificates": ["https://kv/secrets/a"]},
    }
    found = redact(body, "salt")
    assert found["osProfile"]["secrets"] == [{"sourceVault": {"id": "/x"}}]
    assert has_redacted(found["osProfile"]["adminPassword"])
    assert has_redacted(found["parameters"][0])
    assert found["parameters"][1] == body["parameters"][1]
    assert found["secretsManagementSettings"] == body["secretsManagementSettings"]
    assert redact(found, "salt") == found
    assert redact(body, "other") != found


def test_a_refresh_reads_only_its_part_and_only_its_subject() -> None:
    world = World()
    before = world.capture()
    world.arm.read.clear()
    world.arm.resources[make.scale_set_id()]["tags"] = {"a": "b"}
    after = refresh(
        before,
        world.arm,
        world.vaults,
        None,
        parts=[Part.SCALE_SETS, Part.INSTANCES],
        now=make.NOW,
        subjects=frozenset({make.scale_set_id()}),
    )
    assert world.arm.read == [make.scale_set_id(), f"{make.scale_set_id()}/virtualMachines"]
    assert after.resources[make.scale_set_id()].body["tags"] == {"a": "b"}
    assert after.vaults == before.vaults
    assert set(after.resources) == set(before.resources)


def test_what_became_readable_is_no_longer_unread() -> None:
    world = World()
    world.vaults.refusals[make.VAULT_URL] = refusal(403)
    before = world.capture()
    world.vaults.refusals.clear()
    after = refresh(before, world.arm, world.vaults, None, parts=[Part.CERTIFICATES], now=make.NOW)
    assert world.why(before, f"vaults/{make.VAULT_URL}") is not None
    assert world.why(after, f"vaults/{make.VAULT_URL}") is None
    assert after.vaults


def test_every_unread_name_belongs_to_a_part() -> None:
    world = World()
    world.arm.refusals = {"nt0/virtualMachines": refusal(403), "roleAssignments": refusal(403), "vaults": refusal(403)}
    world.vaults.refusals[make.VAULT_URL] = refusal(403)
    world.nodes = FakeNodes(refusal(403))
    bundle = world.capture()
    assert len(bundle.unread) > 4
    assert all(part_of(one.what) is not None for one in bundle.unread)


def test_runtime_and_handshakes_reach_the_bundle_raw() -> None:
    world = World()
    served = make.leaf()
    runtime = {"nodes": [{"Name": "_nt0_0", "IpAddressOrFQDN": "10.0.0.4", "Type": "nt0"}], "cluster_manifest": "<x/>"}
    world.nodes = FakeNodes(runtime, {"10.0.0.4:19080": [served.der]})
    bundle = world.capture()
    assert bundle.runtime.nodes == runtime["nodes"]
    assert bundle.runtime.presented == {"10.0.0.4:19080": [base64.b64encode(served.der).decode()]}
