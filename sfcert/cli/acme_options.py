"""How is an order by ACME asked for on the command line, and where do the files lie that a policy names?

The options say the same as the `acme` part of a policy file; what they do not reach is written into one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sfcert.model.enrolment import EnrolmentPolicy, Solver

ACME_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--acme-directory", metavar="URL", help="With --issuer acme: the authority's directory."),
    click.option(
        "--acme-contact",
        "acme_contacts",
        multiple=True,
        metavar="ADDRESS",
        help="An e-mail address of the account; repeatable.",
    ),
    click.option("--acme-account-key", metavar="SECRET", help="The vault's secret with the account's key."),
    click.option("--acme-eab-key-id", metavar="ID", help="External account binding, as the authority gave it out."),
    click.option(
        "--acme-eab-key-file", type=click.Path(path_type=Path), metavar="FILE", help="The MAC key of that binding."
    ),
    click.option("--acme-profile", metavar="NAME", help="One of the profiles that the authority offers."),
    click.option(
        "--acme-chain", "acme_preferred_chain", metavar="NAME", help="The issuer with which the wanted chain ends."
    ),
    click.option(
        "--acme-ca-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Roots (PEM) for the authority's own HTTPS.",
    ),
    click.option(
        "--solver",
        "acme_solvers",
        multiple=True,
        metavar="KIND[,KEY=VALUE]...",
        help="How names are shown: http01, http01-webroot, azure-dns, rfc2136, lexicon; settings as in a policy.",
    ),
)
ACME_NAMES = (
    "acme_directory",
    "acme_contacts",
    "acme_account_key",
    "acme_eab_key_id",
    "acme_eab_key_file",
    "acme_profile",
    "acme_preferred_chain",
    "acme_ca_file",
    "acme_solvers",
)
_LISTS = ("dns_names", "dns_zones")


def acme_of(given: dict[str, Any]) -> dict[str, Any]:
    """The `acme` part of a policy from the options that were given; empty where none was. Raises click.UsageError."""
    found: dict[str, Any] = {}
    for name in ACME_NAMES:
        if name not in given:
            continue
        value, key = given[name], name.removeprefix("acme_")
        if key == "solvers":
            found[key] = [_solver(one) for one in value]
        else:
            found[key] = list(value) if isinstance(value, tuple) else str(value)
    return found


def _solver(text: str) -> dict[str, Any]:
    kind, *parts = (one.strip() for one in text.split(","))
    found: dict[str, Any] = {"kind": kind, "settings": {}}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise click.UsageError(f"--solver {text}: KEY=VALUE is needed, not {part!r}.")
        if key in _LISTS:
            found.setdefault(key, []).append(value)
        else:
            found["settings"][key] = value
    return found


def with_files_from(policy: EnrolmentPolicy, folder: Path) -> EnrolmentPolicy:
    """The policy with each file and web root that it names as an absolute path, taken from `folder`.

    A renewal by a timer runs in another folder than the one in which the certificate was asked for.
    """
    import msgspec

    acme = policy.issuer.acme
    if acme is None:
        return policy

    def placed(path: str | None) -> str | None:
        return str((folder / Path(path).expanduser()).absolute()) if path else path

    def solver(one: Solver) -> Solver:
        settings = {
            key: placed(value) or value if key.endswith("_file") or key == "root" else value
            for key, value in one.settings.items()
        }
        return msgspec.structs.replace(one, settings=settings)

    solvers: Sequence[Solver] = [solver(one) for one in acme.solvers]
    changed = msgspec.structs.replace(
        acme, ca_file=placed(acme.ca_file), eab_key_file=placed(acme.eab_key_file), solvers=tuple(solvers)
    )
    return msgspec.structs.replace(policy, issuer=msgspec.structs.replace(policy.issuer, acme=changed))
