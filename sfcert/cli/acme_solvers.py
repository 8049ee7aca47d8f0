"""Who answers an authority's challenges? Solvers by the policy; their secrets come from files, variables and memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfcert.errors import InputError

if TYPE_CHECKING:
    from sfcert.acme.solvers.solver import Solver as AcmeSolver
    from sfcert.cli.connect import Connection
    from sfcert.model.enrolment import Acme, Solver


class Solvers:
    """One object for each entry of a policy, shared by all certificates of a run: they share a port, a record set.

    Not made before it is asked for. Asked by one thread at a time: `AcmeDesk` sees to it.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._made: dict[tuple[str, tuple[tuple[str, str], ...]], AcmeSolver] = {}

    def for_names(
        self, acme: Acme, names: Sequence[str], secrets: dict[str, str], *, are_open: bool = False
    ) -> dict[str, AcmeSolver]:
        """Lower-case name -> who answers for it; empty where the policy has no solver at all.

        An authority that knows the names already, as one that has vetted them for an external account, asks nothing.

        Args:
            are_open: the authority does ask for these names to be shown.

        Raises:
            InputError: nobody does, or a setting cannot be used.
        """
        from sfcert.enrol.solvers import solver_for_name

        chosen: dict[str, AcmeSolver] = {}
        if not acme.solvers and not are_open:
            return chosen
        for name in names:
            entry = solver_for_name(acme.solvers, name)
            if entry is None:
                raise InputError(
                    "PolicyInvalid",
                    f"No solver of the policy answers for {name}"
                    f"{'; a wildcard needs one by DNS' if name.startswith('*.') else ''}.",
                )
            settings = resolved_settings(entry.settings, secrets)
            known = (entry.kind, tuple(sorted(settings.items())))
            if known not in self._made:
                self._made[known] = _solver(entry, settings, self._connection)
            chosen[name.lower()] = self._made[known]
        return chosen


def read_secret_file(file: str) -> str:
    """A file's text without the line's end. Raises InputError FileUnreadable."""
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("FileUnreadable", f"{file} cannot be read: {error}.") from error


def resolved_settings(settings: dict[str, str], secrets: dict[str, str]) -> dict[str, str]:
    """The settings with `<name>_file`, `<name>_env` and `<name>_secret` replaced by what they name.

    Raises:
        InputError: a file, a variable or a secret is not there.
    """
    found: dict[str, str] = {}
    for key, value in settings.items():
        if key.endswith("_file"):
            found[key.removesuffix("_file")] = read_secret_file(value)
        elif key.endswith("_env"):
            if value not in os.environ:
                raise InputError(
                    "Misuse", f"The solver's setting {key} names {value}, which is not in the environment."
                )
            found[key.removesuffix("_env")] = os.environ[value]
        elif key.endswith("_secret"):
            if value not in secrets:
                raise InputError("ManifestInvalid", f"The solver needs the secret {value}, which no manifest holds.")
            found[key.removesuffix("_secret")] = secrets[value]
        else:
            found[key] = value
    return found


def _solver(entry: Solver, settings: dict[str, str], connection: Connection) -> AcmeSolver:
    if entry.kind == "http01":
        from sfcert.acme.solvers.http01_responder import Http01Responder

        return Http01Responder(settings.get("host", ""), _number(settings.get("port", "80"), "port"))
    if entry.kind == "http01-webroot":
        from sfcert.acme.solvers.http01_webroot import Http01Webroot

        return Http01Webroot(Path(_needed(entry, settings, "root")))
    from sfcert.acme.solvers.dns01 import Dns01
    from sfcert.acme.solvers.lookup import Lookup
    from sfcert.azure.clock import WallClock

    # the embedded Azure's zones are asked where it answers for them
    embedded = os.environ.get("SFCERT_DNS_SERVER", "")
    resolvers, authoritative = (settings.pop(name, embedded) for name in ("resolvers", "authoritative"))
    lookup = Lookup(_list(resolvers), _list(authoritative))
    patience_s = float(_number(settings.pop("patience_s", "300"), "patience_s"))
    return Dns01(_writer(entry, settings, connection), lookup, WallClock(), patience_s=patience_s)


def _writer(entry: Solver, settings: dict[str, str], connection: Connection) -> Any:
    if entry.kind == "azure-dns":
        from sfcert.acme.solvers.dns01_azure import AzureDns

        return AzureDns(
            connection.credential,
            settings.get("subscription_id")
            or os.environ.get("AZURE_SUBSCRIPTION_ID")
            or _needed(entry, settings, "subscription_id"),
            resource_group=settings.get("resource_group"),
            zone=settings.get("zone"),
            repeat=lambda send: connection.retries.call(send, is_repeatable=True),
            is_delegation_checked=settings.get("check_delegation", "yes").lower() not in ("no", "false"),
        )
    if entry.kind == "rfc2136":
        from sfcert.acme.solvers.dns01_rfc2136 import Rfc2136

        return Rfc2136(
            _needed(entry, settings, "server"),
            key_name=settings.get("key_name"),
            key_secret=settings.get("key_secret"),
            key_algorithm=settings.get("key_algorithm", "hmac-sha256"),
            zone=settings.get("zone"),
        )
    from sfcert.acme.solvers.dns01_lexicon import LexiconDns

    provider, zone = _needed(entry, settings, "provider"), settings.get("zone")
    own = {key: value for key, value in settings.items() if key not in ("provider", "zone")}
    return LexiconDns(provider, own, zone=zone)


def _needed(entry: Solver, settings: dict[str, str], name: str) -> str:
    if not settings.get(name):
        raise InputError("PolicyInvalid", f"The solver {entry.kind} needs the setting {name}.")
    return settings[name]


def _number(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InputError(
            "PolicyInvalid", f"A solver's setting {name} is {text!r}; a whole number is needed."
        ) from error


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.replace(",", " ").split()]
