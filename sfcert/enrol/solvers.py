"""Which solver answers for a name? The most specific selector wins, as with cert-manager. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence

from sfcert.model.enrolment import Solver


def solver_for_name(solvers: Sequence[Solver], name: str) -> Solver | None:
    """The solver for a DNS name (a wildcard with its `*.`); None where none is selected.

    A solver that names names and zones answers only for what is among both. An exact name goes before a zone, a longer
    zone before a shorter one, a selector before none, and among equals the one that stands first. A wildcard can be
    proved by DNS alone, so others are passed over for it.

    Source: cert-manager 1.21, pkg/util/solverpicker.
    """
    wanted = name.lower().rstrip(".")
    best: tuple[int, int] | None = None
    chosen: Solver | None = None
    for solver in solvers:
        if wanted.startswith("*.") and solver.kind.startswith("http01"):
            continue
        is_named = any(one.lower().rstrip(".") == wanted for one in solver.dns_names)
        zones = [one.lower().strip(".") for one in solver.dns_zones]
        fitting = [len(one) for one in zones if wanted == one or wanted.endswith(f".{one}")]
        if (solver.dns_names and not is_named) or (zones and not fitting):
            continue
        rank = (int(is_named), max(fitting, default=0))
        if best is None or rank > best:
            best, chosen = rank, solver
    return chosen
