"""Random worlds, their plans, plans with something wrong in them, and lives of a cluster under either.

Two judges look at the same plan: the proof, by the moves that it is made of, and the simulator, by the templates that
it sends. Everything comes from seeds. Not a test: `tests/properties` and `tests.soak` ask the questions.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import msgspec
from hypothesis import strategies as st

from sfcert.cli.planned import plan_for
from sfcert.cli.shipped import playbooks_folder, templates_folder
from sfcert.cli.twin import ports_over
from sfcert.errors import RemoteError
from sfcert.model.bundle import Bundle
from sfcert.model.plan import Plan, Stage
from sfcert.model.proof import Proof
from sfcert.planning import assemble
from sfcert.planning.deadlines import APPROVALS_S
from sfcert.planning.inputs import Inputs
from sfcert.ports import Ports
from sfcert.sim.assemble import build
from sfcert.sim.hardships import Hardships
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.operations import Operation
from sfcert.sim.servicefabric.clusters import Clusters
from sfcert.sim.worlds.build import operator_of, prepare
from sfcert.sim.worlds.specs import NodeType, Spec
from sfcert.sources.live import CaptureOptions, capture
from sfcert.sources.observe import observe
from sfcert.trust.moves import Move, Together
from sfcert.trust.prove import prove
from sfcert.trust.world import World as TrustWorld

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PATIENCE_S = 40 * 3600.0
_SENDS = 5
Json = dict[str, Any]
CERTIFICATE_URL = "https://kv-sf-demo.vault.azure.net/certificates/sf-cluster"
#: The provider's own look before a change of security, which saves some wrong plans, is only there on newer clusters.
UNCHECKED: Json = {
    "fabricSettings": [
        {
            "name": "Security",
            "parameters": [
                {"name": "ClusterProtectionLevel", "value": "EncryptAndSign"},
                {"name": "EnforcePrevalidationOnSecurityChanges", "value": "false"},
            ],
        }
    ]
}
_ACCEPTED = ("ends-frozen", "extension-flag-for-others", "second-identity")


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """A cluster by thumbprint: one to three node types, and what makes clusters differ."""
    durabilities = st.sampled_from(["Bronze", "Bronze", "Silver", "Gold"])
    durability = draw(durabilities)
    types = [NodeType("nt0", draw(st.sampled_from([5, 5, 6, 7])), primary=True, durability=durability)]
    for number in range(1, draw(st.integers(1, 3))):
        durability = draw(durabilities)
        smallest = 1 if durability == "Bronze" else 5
        types.append(NodeType(f"nt{number}", draw(st.integers(smallest, 5)), durability=durability))
    return Spec(
        "Drawn.",
        tuple(types),
        vault_model=draw(st.sampled_from(["policy", "rbac"])),
        mode=draw(st.sampled_from(["Automatic", "Automatic", "Manual"])),
        existing_extension=draw(st.sampled_from([None, None, "1.0", "3.0"])),
        secondary=draw(st.sampled_from([False, False, True])),
        system_identity=draw(st.booleans()),
        auto_renew=draw(st.sampled_from([True, True, False])),
        issued_days=-draw(st.integers(2, 60)),
        cluster_settings=draw(st.sampled_from([{}, UNCHECKED])),
    )


@dataclass(frozen=True)
class World:
    """A simulated Azure with one cluster at rest. `facts` are the world's own words of itself."""

    azure: Azure
    facts: Json

    @property
    def cluster_id(self) -> str:
        return str(self.facts["cluster_id"])

    @property
    def ports(self) -> Ports:
        return ports_over(self.azure, self.cluster_id)

    def captured(self, *urls: str) -> Bundle:
        """Everything that a capture reads, and these vault certificates."""
        ports = self.ports
        options = CaptureOptions(certificate_urls=(CERTIFICATE_URL, *urls))
        return capture(self.cluster_id, ports.arm, ports.vaults, ports.nodes, now=ports.clock.now(), options=options)


def made(spec: Spec, seed: int) -> World:
    azure = build(start=START, seed=seed, tempo="manual")
    return World(azure, prepare(azure, "drawn", spec))


@dataclass(frozen=True)
class Deed:
    """What is sent at once, and the move that the proof takes it for. More than one stage: merged."""

    stages: tuple[Stage, ...]
    move: Move


@dataclass(frozen=True)
class Planned:
    """A plan with what it was proved from: the world of the proof, and each stage's move by its id."""

    bundle: Bundle
    plan: Plan
    start: TrustWorld | None
    moves: dict[str, Move]

    def deeds(self) -> list[Deed]:
        return [Deed((stage,), self.moves[stage.id]) for stage in self.plan.stages]

    def proof_of(self, deeds: list[Deed], *, recovers: bool = False) -> Proof:
        """What the proof says of other deeds from the same start; `recovers` as the proof takes it."""
        assert self.start is not None
        # what the plan says of stopping is no longer true of another order
        moves = [msgspec.structs.replace(deed.move, safe_to_stop_until_utc=None) for deed in deeds]
        return prove(self.start, moves, slack_s=APPROVALS_S, accepted=self.plan.accepted, recovers=recovers)


def planned(bundle: Bundle, inputs: Inputs | None = None) -> Planned:
    """Plan, and listen to what the planner gives to the proof: a plan file does not hold its moves.

    `inputs` None: the usual migration.
    """
    heard: list[tuple[TrustWorld, Sequence[Move]]] = []

    def listening(world: TrustWorld, moves: Sequence[Move], **options: Any) -> Proof:
        heard.append((world, moves))
        return prove(world, moves, **options)

    observation = observe(bundle)
    with mock.patch.object(assemble, "prove", listening):
        plan = plan_for(
            observation,
            inputs or _inputs(bundle),
            now=observation.observed_at_utc,
            playbooks=playbooks_folder(),
            templates=templates_folder(),
            version="test",
        )
    ids = [stage.id for stage in plan.stages]
    for world, moves in heard:
        if [move.stage_id for move in moves] == ids:
            return Planned(bundle, plan, world, {move.stage_id: move for move in moves})
    return Planned(bundle, plan, None, {})


def _inputs(bundle: Bundle) -> Inputs:
    certificates = {} if _declares_name(bundle) else {"*": CERTIFICATE_URL}
    return Inputs(accepted=_ACCEPTED, certificates=certificates)


def _declares_name(bundle: Bundle) -> bool:
    return observe(bundle).cluster.certificate.kind == "common-name"


# -- a plan as the proof sees it, and with something wrong in it ------------------------------------------------------


MUTATIONS = ("drop", "swap", "merge", "thaw", "forget")


def mutated(deeds: list[Deed], kind: str, dice: random.Random, other_issuer: str, pins: tuple[str, ...]) -> list[Deed]:
    """The plan with one thing wrong: a stage dropped, two swapped, two merged, renewal not frozen, another issuer
    pinned than the one that signed."""
    wrong = list(deeds)
    if kind == "drop":
        del wrong[dice.randrange(len(wrong))]
    elif kind == "swap":
        one, other = dice.sample(range(len(wrong)), 2)
        wrong[one], wrong[other] = wrong[other], wrong[one]
    elif kind == "merge":
        at = dice.randrange(len(wrong) - 1)
        first, second = wrong[at : at + 2]
        together = Together(
            stage_id=f"{first.move.stage_id}+{second.move.stage_id}",
            deadline_s=first.move.deadline_s + second.move.deadline_s,
            moves=(first.move, second.move),
        )
        wrong[at : at + 2] = [Deed((*first.stages, *second.stages), together)]
    elif kind == "thaw":
        wrong = [deed for deed in wrong if not deed.stages[0].id.startswith("10-freeze")]
    elif kind == "forget":
        wrong = [_with_pins(deed, pins, other_issuer) for deed in wrong]
    return wrong


def _with_pins(deed: Deed, pins: tuple[str, ...], other: str) -> Deed:
    def forgotten(value: Any) -> Any:
        text = msgspec.json.encode(value).decode()
        for pin in pins:
            text = text.replace(pin, other)
        return msgspec.json.decode(text.encode(), type=type(value))

    return Deed(tuple(forgotten(stage) for stage in deed.stages), forgotten(deed.move))


# -- a life without the gates of a run: only what the proof counts on ------------------------------------------------


@dataclass(frozen=True)
class Life:
    """How it went: who was refused (empty: nobody), how many deeds were done, and what befell it meanwhile."""

    refused: tuple[str, ...]
    done: int
    told: tuple[str, ...]


def lived(world: World, deeds: list[Deed], seed: int, *, staging: str | None = None) -> Life:
    """Send deed after deed, each once the one before has ended well, while others do things to the machines.

    There are no gates but those that the proof counts on: a deployment has succeeded, the cluster is at rest, the
    access that was given has spread. Where a vault renews by itself it does so at an unfit moment.

    Args:
        staging: how the provider walks a certificate change; None leaves that to the hardships too.
    """
    azure, dice = world.azure, random.Random(f"life {seed}")
    before = len(azure.journal.refusals)
    hardships = Hardships(azure, world.cluster_id, "hostile", seed=seed)
    hardships.begin()
    if staging is not None:
        azure.switches["staging"] = staging
    done = 0
    for deed in deeds:
        hardships.stage_began()
        if _renews(world) and dice.random() < 0.4:
            azure.clock.after(dice.uniform(0, 3600), lambda: _renew(world), "an unfit renewal")
        if not _send(world, deed):
            break
        done += 1
        azure.clock.advance(dice.choice([600, 1800, 7200]))
    azure.clock.advance(86400)
    refused = [f"{one.at:%d %H:%M} {one.caller} -> {one.refuser}: {one.reason}" for one in azure.journal.refusals]
    cluster = azure.service("clusters", Clusters).get(world.cluster_id)
    assert cluster is not None
    if cluster.down:
        refused.append("the quorum is lost")
    return Life(tuple(refused[before:]), done, tuple(hardships.told))


def _send(world: World, deed: Deed) -> bool:
    """Whether all of it ended well, in time."""
    operations: list[Operation | None] = []
    try:
        for stage in deed.stages:
            operations += _sent(world, stage)
    except AzureFailure:
        return False
    clock = world.azure.clock
    until = clock.now.timestamp() + PATIENCE_S
    cluster = world.azure.service("clusters", Clusters).get(world.cluster_id)
    assert cluster is not None
    while any(one is not None and not one.done for one in operations) or cluster.upgrade is not None:
        due = clock.next_event_at()
        if due is None or due.timestamp() > until:
            return False
        clock.advance_to(due)
    return all(one is None or one.status == "Succeeded" for one in operations)


def _sent(world: World, stage: Stage) -> list[Operation | None]:
    azure = world.azure
    if stage.deployment is not None:
        provider = azure.provider_of("Microsoft.Resources/deployments")
        assert provider is not None
        rid = parse_id(f"{stage.scope}/providers/Microsoft.Resources/deployments/{stage.deployment.name}")
        body = {"properties": {"mode": "Incremental", "template": stage.deployment.template, "parameters": {}}}
        return [provider.put(rid, "2025-04-01", body, operator_of(azure)).operation]
    if stage.vault is not None:
        vaults = world.ports.vaults
        for _ in range(_SENDS):
            # an answer may be lost; doing it twice does the same
            with contextlib.suppress(RemoteError):
                vaults.put_policy(stage.vault.vault_url, stage.vault.certificate, stage.vault.sets)
                break
    if stage.instances is not None:
        rid = parse_id(stage.instances.scale_set_id)
        provider = azure.provider_of(rid.type)
        assert provider is not None
        version, who = stage.instances.api_version, operator_of(azure)
        return [provider.action(rid, "manualupgrade", "POST", version, {"instanceIds": ["*"]}, {}, who).operation]
    return []


def _renews(world: World) -> bool:
    actions = _certificate(world).policy.get("lifetime_actions") or []
    return any(one["action"]["action_type"] == "AutoRenew" for one in actions)


def _renew(world: World) -> None:
    if _renews(world):
        world.azure.find_service("vaults").renew_now(world.facts["vault_url"], world.facts["certificate_name"])


def _certificate(world: World) -> Any:
    content = world.azure.find_service("vaults").content(world.facts["vault_url"])
    return content.certificate(world.facts["certificate_name"])
