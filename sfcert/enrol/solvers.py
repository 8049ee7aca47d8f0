"""Which solver answers for a name? The most specific selector wins, as with cert-manager. Floor 3."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sfcert.errors import Fault, InputError
from sfcert.model.enrolment import Acme, EnrolmentPolicy, Solver

#: Settings without which a solver can do nothing.
NEEDED: dict[str, tuple[str, ...]] = {"http01-webroot": ("root",), "rfc2136": ("server",), "lexicon": ("provider",)}


#: Words in the names of settings that are secrets themselves: those of dns-lexicon's providers, and of updates by TSIG.
_SECRET = re.compile(r"token|secret|key|pass|psw|pwd|credential|private|totp|service_account|pin", re.IGNORECASE)
#: Ends of names whose value is none: where a secret lies, or what it is called.
_NAMES = ("_file", "_env", "_name", "_id", "_algorithm", "_is_global")


def held_secrets(solver: Solver) -> tuple[str, ...]:
    """Names of the settings that hold a secret instead of saying where it lies, in their order.

    Source: the options of the providers of dns-lexicon, read 2026-11-30.
    """
    return tuple(key for key in solver.settings if _SECRET.search(key) and not key.endswith(_NAMES))


def secret_faults(policy: EnrolmentPolicy) -> tuple[str, ...]:
    """A sentence for each setting that holds a secret; empty where none does."""
    solvers = policy.issuer.acme.solvers if policy.issuer.acme is not None else ()
    return tuple(
        f"the setting {key} of the solver {one.kind} holds a secret; name its file ({key}_file) or its variable "
        f"({key}_env) instead"
        for one in solvers
        for key in held_secrets(one)
    )


def solver_faults(acme: Acme, names: Sequence[str]) -> tuple[str, ...]:
    """What a look at the policy alone tells of solvers that could not do their work; empty where nothing does.

    A policy without any solver is for an authority that has vetted the names already, so it is not at fault.

    Args:
        names: the DNS names of the certificate, wildcards with their `*.`.

    Effects: none; files and variables that settings name are not looked at.
    """
    faults = [
        f"no solver answers for {name}{'; a wildcard needs one by DNS' if name.startswith('*.') else ''}"
        for name in names
        if acme.solvers and solver_for_name(acme.solvers, name) is None
    ]
    for one in acme.solvers:
        given = {key.removesuffix("_file").removesuffix("_env") for key in one.settings}
        lacking = [key for key in NEEDED.get(one.kind, ()) if key not in given]
        faults += [f"the solver {one.kind} needs the setting {key}" for key in lacking]
    return tuple(faults)


def refuse_unfit_solvers(policy: EnrolmentPolicy) -> None:
    """Raises InputError PolicyInvalid with every fault of `solver_faults`: an order would fail before it began."""
    acme = policy.issuer.acme
    if unfit := solver_faults(acme, policy.dns_names) if acme is not None else ():
        raise InputError(
            "PolicyInvalid",
            "The policy's names could not be shown to the authority.",
            [Fault(one, path="issuer.acme.solvers") for one in unfit],
        )


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
