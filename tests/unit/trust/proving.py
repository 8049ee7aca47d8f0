"""Proofs in one line: the goal, the other certificate and their issuers, and the two usual beginnings. Not a test."""

from __future__ import annotations

from sfcert.model.certificate import Certificate
from sfcert.model.observation import Declaration
from sfcert.model.proof import Proof
from sfcert.trust.moves import Move
from sfcert.trust.prove import prove
from sfcert.trust.world import World
from tests.unit.trust.small import DAY, authority, by_thumbprint, cert, world

G, O = cert("G", day=50), cert("O", day=10)  # noqa: E741  # the reference's own letters: goal and other
NEWER = cert("N", day=60)
I, J = authority("I"), authority("J")  # noqa: E741  # issuers of goal and other
ISSUERS = {"G": (I,), "O": (J,), "N": (J,)}


def start(declared: Declaration, held: tuple[Certificate, ...], **changes: object) -> World:
    options: dict[str, object] = {"held": held, "versions": (G, O)} | changes
    return world(declared, (G, O, NEWER), ISSUERS, **options)  # type: ignore[arg-type]  # keywords, by name


def judge(begin: World, moves: list[Move], **options: object) -> Proof:
    return prove(begin, moves, slack_s=DAY, **options)  # type: ignore[arg-type]  # keywords, by name


def told(proof: Proof) -> str:
    assert proof.counterexample is not None
    return proof.counterexample.sentence


HEALTHY = start(by_thumbprint("G"), (G,))
AHEAD = start(by_thumbprint("O"), (O,))
