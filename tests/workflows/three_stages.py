"""A plan of three stages and the fake Azure that it is made for. Not a test."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from sfcert.model.codec import sealed, sha256_of
from sfcert.model.plan import Deadline, Deployment, Expectation, Gate, Plan, PropertyChange, Stage, VaultOperation
from sfcert.model.progress import Event
from sfcert.model.proof import Proof
from sfcert.planning.expectations import compared_body
from sfcert.ports import Ports
from sfcert.workflows.apply import Outcome, apply
from tests import make
from tests.fakes import FakeArm, FakeClock, FakeVaults

Json = dict[str, Any]
CERTIFICATE_URL = f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}"
AUTO = make.policy(action="AutoRenew")["lifetime_actions"]
MAIL = make.policy(action="EmailContacts")["lifetime_actions"]
CLUSTER_DEPLOYMENT = "sfcert-60-abc"
SAFE = datetime(2027, 3, 1, tzinfo=UTC)
OWNER = "owner-1"


class Killed(BaseException):
    """The process died here."""


def gate(kind: str, subject: str, **expects: Any) -> Gate:
    return Gate(id=kind, kind=kind, level="arm", subject=subject, expects=expects, says=kind)


def expectation(document: Json, resource_id: str) -> Expectation:
    raw = document["resources"][resource_id]
    found = Expectation(resource=resource_id, api_version=raw["api_version"], paths_sha256="", without=("sku",))
    return msgspec.structs.replace(found, paths_sha256=sha256_of(compared_body(found, raw["body"])))


def freeze_stage() -> Stage:
    return Stage(
        id="10-freeze",
        action="Renewal stops.",
        reason="A version in between is the classic killer.",
        kind="vault",
        scope=make.GROUP_SCOPE,
        resource=make.VAULT_ID,
        vault=VaultOperation(
            vault_url=make.VAULT_URL,
            certificate=make.CERTIFICATE_NAME,
            expects={"lifetime_actions": AUTO},
            sets={"lifetime_actions": MAIL},
            expects_tags={"sfcert-frozen-by": None},
            sets_tags={"sfcert-frozen-by": OWNER, "sfcert-frozen-lifetime-actions": "[…]"},
        ),
        gates_out=(gate("renewal-frozen", CERTIFICATE_URL), gate("time-passed", CERTIFICATE_URL, seconds=60)),
        safe_to_stop_until_utc=SAFE,
    )


def cluster_stage(document: Json) -> Stage:
    return Stage(
        id="60-declare",
        action="The cluster is declared by name.",
        reason="That is the goal.",
        kind="deployment",
        scope=make.GROUP_SCOPE,
        resource=make.CLUSTER_ID,
        owned_paths=("properties.certificate", "properties.certificateCommonNames"),
        changes=(
            PropertyChange(path="properties.certificateCommonNames", kind="Create", before=None, after=BY_NAME),
            PropertyChange(path="properties.certificate", kind="Delete", before={}, after=None),
        ),
        deployment=Deployment(
            name=CLUSTER_DEPLOYMENT,
            mode="Incremental",
            template={
                "resources": [
                    {
                        "type": "Microsoft.ServiceFabric/clusters",
                        "name": "shop",
                        **{k: v for k, v in document["resources"][make.CLUSTER_ID]["body"].items() if k != "id"},
                    }
                ]
            },
            parameters={},
        ),
        expects=(expectation(document, make.CLUSTER_ID),),
        gates_in=(gate("cluster-at-rest", make.CLUSTER_ID),),
        gates_out=(
            gate("cluster-at-rest", make.CLUSTER_ID),
            gate("cluster-declares", make.CLUSTER_ID, common_names=[make.COMMON_NAME], issuers=[PIN]),
        ),
        deadline=Deadline(seconds=3600, computed_from="a test"),
        is_point_of_no_return=True,
        safe_to_stop_until_utc=SAFE,
    )


PIN = make.leaf().chain[0].thumbprint
BY_NAME = {
    "commonNames": [{"certificateCommonName": make.COMMON_NAME, "certificateIssuerThumbprint": PIN}],
    "x509StoreName": "My",
}


def resume_stage() -> Stage:
    return Stage(
        id="90-resume",
        action="Renewal resumes.",
        reason="All is declared by name.",
        kind="vault",
        scope=make.GROUP_SCOPE,
        resource=make.VAULT_ID,
        vault=VaultOperation(
            vault_url=make.VAULT_URL,
            certificate=make.CERTIFICATE_NAME,
            expects={"lifetime_actions": MAIL},
            sets={"lifetime_actions": AUTO},
            expects_tags={"sfcert-frozen-by": OWNER},
            sets_tags={"sfcert-frozen-by": None, "sfcert-frozen-lifetime-actions": None},
        ),
        gates_out=(gate("renewal-as", CERTIFICATE_URL, lifetime_actions=AUTO),),
    )


@dataclass
class World:
    """One fake Azure with a plan made for it."""

    document: Json
    clock: FakeClock
    arm: FakeArm
    vaults: FakeVaults
    plan: Plan
    events: list[Event] = field(default_factory=list)

    @property
    def sent(self) -> list[str]:
        return [*self.vaults.sent, *self.arm.sent]

    def apply(self, **options: Any) -> Outcome:
        ports = Ports(arm=self.arm, vaults=self.vaults, nodes=None, clock=self.clock)
        options.setdefault("confirm", lambda question: True)
        return apply(self.plan, ports, emit=self.events.append, **options)

    def told(self, kind: str) -> list[Event]:
        return [one for one in self.events if one.type == kind]


def declare_by_name(arm: FakeArm) -> None:
    properties = arm.resources[make.CLUSTER_ID]["properties"]
    properties.pop("certificate", None)
    properties["certificateCommonNames"] = deepcopy(BY_NAME)


def plan_of(*stages: Stage, **changes: Any) -> Plan:
    proof = Proof(verdict="proved", states=1, pairs=1, assumptions=(), counterexample=None)
    values: Json = {
        "playbook": "thumbprint-to-common-name",
        "inputs": {},
        "accepted": (),
        "cluster_id": make.CLUSTER_ID,
        "created_at_utc": make.NOW,
        "status": "ready",
        "appliable": True,
        "stages": stages,
        "findings": (),
        "proof": proof,
        "tool_version": "test",
    }
    return sealed(Plan(**{**values, **changes}))


def new_world() -> World:
    document = make.document(make.world(policy=make.policy(action="AutoRenew")))
    clock = FakeClock(make.NOW)
    arm = FakeArm(document, clock)
    arm.effects[CLUSTER_DEPLOYMENT] = declare_by_name
    plan = plan_of(freeze_stage(), cluster_stage(document), resume_stage())
    return World(document, clock, arm, FakeVaults(document), plan)


WRITES = ["tags", "policy", "policy", "tags", CLUSTER_DEPLOYMENT]
