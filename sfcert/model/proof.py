"""Was it shown that no two nodes refuse each other? A verdict with what was checked and what was assumed."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from sfcert.model.base import Value

ProofVerdict = Literal["proved", "refuted", "unknown"]


class NodeClass(Value):
    """All nodes that are alike for the purpose of trust, described for people.

    `runs` is the declaration that they run with, `holds` the certificates in their stores, `presents` what follows.
    """

    name: str
    runs: str
    holds: tuple[str, ...]
    presents: str


class CounterExample(Value):
    """The smallest reachable case in which the invariant breaks: one sentence, and the states that make it."""

    stage: str
    invariant: int
    sentence: str
    states: tuple[NodeClass, ...]


class Assumption(Value):
    """Something that the proof rests on. `id` is from the dated list where the reference marks it unverified."""

    id: str
    text: str
    turns: bool


class StageProof(Value):
    """One stage: the node classes before and after, and the verdict under each reading of the resource provider.

    `readings` maps "phases" and "single-walk" to a verdict (both the same where the stage does not touch the cluster).
    `acceptance` lists each coexisting pair once: "A -> B: accepted, thumbprint …" or why not.
    """

    stage: str
    verdict: ProofVerdict
    states: int
    pairs: int
    readings: dict[str, ProofVerdict]
    before: tuple[NodeClass, ...]
    after: tuple[NodeClass, ...]
    acceptance: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Proof(Value):
    """The whole plan: proved when every stage is, refuted when one is, unknown when a fact is missing.

    `missing` names what would have to be read to decide. `orders` holds every order of stages that was put to the proof
    ("60-… before 70-…") with its verdict; the plan is made in the first that is proved. None where there is one order.
    """

    verdict: ProofVerdict
    states: int
    pairs: int
    assumptions: tuple[str, ...]
    counterexample: CounterExample | None
    stages: tuple[StageProof, ...] = ()
    missing: tuple[str, ...] = ()
    orders: dict[str, ProofVerdict] = field(default_factory=dict)
