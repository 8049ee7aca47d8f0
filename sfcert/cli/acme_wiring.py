"""How is an order by ACME wired? Account key in the vault, solvers by the policy, secrets from files and memory.

The key is read and kept in memory only. Where the vault has none, one is made and put there before the CA hears of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sfcert.errors import InputError
from sfcert.model.progress import Event

if TYPE_CHECKING:
    from datetime import datetime

    from sfcert.acme.keys import AccountKey
    from sfcert.acme.solvers.solver import Solver as AcmeSolver
    from sfcert.acme.values import AcmeEvent, AcmeOptions, RenewalWindow
    from sfcert.azure.enrolment import AzureEnrolmentVault
    from sfcert.cli.connect import Connection
    from sfcert.model.enrolment import Acme, Advice, Solver
    from sfcert.workflows.enrolment_request import AcmeAnswer, Acquire

Json = dict[str, Any]


def acquire_by_acme(
    connection: Connection,
    vault: AzureEnrolmentVault,
    vault_url: str,
    certificate: str,
    acme: Acme,
    secrets: dict[str, str],
    tell: Callable[[Event], None] | None = None,
) -> Acquire:
    """What the workflow calls to have a chain signed.

    Args:
        secrets: values that settings name by `<setting>_secret`, held in memory.
        tell: told of every step of the order.

    Effects: none before it is called.
    """

    def acquire(
        names: Sequence[str],
        csr: Callable[[], bytes],
        *,
        keep: Callable[[Json], None],
        resume: Json | None,
        replaces: str | None,
    ) -> AcmeAnswer:
        from sfcert.acme.issue import obtain
        from sfcert.acme.values import OrderState
        from sfcert.azure.clock import WallClock
        from sfcert.workflows.enrolment_request import AcmeAnswer

        chosen = _solvers(acme, names, connection, secrets)

        def hear(event: AcmeEvent) -> None:
            if event.order is not None:
                keep(msgspec.to_builtins(event.order))
            if tell is not None:
                data = {"name": certificate, "message": event.message}
                tell(Event(type="enrolment-acme", at_utc=connection.clock.now(), data=data))

        chain = obtain(
            options_of(acme),
            account_key(vault, vault_url, acme),
            list(names),
            csr,
            lambda name: chosen[name.lower()],
            # a CA keeps wall time, whatever the vault's clock says
            clock=WallClock(),
            emit=hear,
            replaces=replaces,
            resume=msgspec.convert(resume, OrderState) if resume is not None else None,
            external_account_mac=_mac(acme, secrets),
        )
        return AcmeAnswer(der=chain.der, advice=_advice(chain.ari_id, chain.window))

    return acquire


def advice_for(acme: Acme, ari_id: str | None, ask_again_utc: datetime | None) -> Advice | None:
    """The authority's renewal window for a certificate as of now; None where it gives none, cannot be asked, or does
    not want to be asked before `ask_again_utc`.

    Effects: one unsigned GET of the directory and one of the advice.
    """
    from sfcert.acme.keys import AccountKey
    from sfcert.acme.renewal import fetch_window
    from sfcert.acme.session import AcmeSession
    from sfcert.azure.clock import WallClock
    from sfcert.errors import RemoteError

    if ari_id is None or not acme.renewal_information:
        return None
    # a CA keeps wall time, whatever the vault's clock says
    if ask_again_utc is not None and WallClock().now() < ask_again_utc:
        return None
    try:
        # nothing is signed on the way, so that the account's own key stays where it is
        with AcmeSession(options_of(acme), AccountKey.generate(), WallClock()) as session:
            window = fetch_window(session, ari_id)
    except RemoteError:
        return None  # advice is no reason to fail: the policy's own trigger stays
    return _advice(ari_id, window) if window is not None else None


def _advice(ari_id: str | None, window: RenewalWindow | None) -> Advice:
    from sfcert.model.enrolment import Advice

    if window is None:
        return Advice(ari_id=ari_id)
    return Advice(ari_id=ari_id, window=(window.opens_utc, window.closes_utc), ask_again_utc=window.ask_again_utc)


def options_of(acme: Acme) -> AcmeOptions:
    from sfcert.acme.values import AcmeOptions

    return AcmeOptions(
        directory_url=acme.directory,
        contacts=acme.contacts,
        external_account_kid=acme.eab_key_id,
        profile=acme.profile,
        preferred_chain=acme.preferred_chain,
        ari=acme.renewal_information,
        ca_file=acme.ca_file,
    )


def account_key(vault: AzureEnrolmentVault, vault_url: str, acme: Acme) -> AccountKey:
    """The account's key from the vault; a new one is made and kept there where there is none.

    Effects: one read; one write the first time.
    """
    from sfcert.acme.keys import AccountKey

    kept = vault.fetch_account_key(vault_url, acme.account_key)
    if kept is not None:
        return AccountKey.from_jwk(kept)
    fresh = AccountKey.generate()
    vault.put_account_key(vault_url, acme.account_key, fresh.to_jwk())
    return fresh


def _mac(acme: Acme, secrets: dict[str, str]) -> str | None:
    if acme.eab_key_file is None:
        return secrets.get("eab")
    return _read(acme.eab_key_file)


def _read(file: str) -> str:
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
            found[key.removesuffix("_file")] = _read(value)
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


def _solvers(
    acme: Acme, names: Sequence[str], connection: Connection, secrets: dict[str, str]
) -> dict[str, AcmeSolver]:
    """Lower-case name -> who answers for it, one object for each entry of the policy."""
    from sfcert.enrol.solvers import solver_for_name

    made: dict[int, AcmeSolver] = {}
    chosen: dict[str, AcmeSolver] = {}
    for name in names:
        entry = solver_for_name(acme.solvers, name)
        if entry is None:
            raise InputError(
                "PolicyInvalid",
                f"No solver of the policy answers for {name}"
                f"{'; a wildcard needs one by DNS' if name.startswith('*.') else ''}.",
            )
        if id(entry) not in made:
            made[id(entry)] = _solver(entry, connection, secrets)
        chosen[name.lower()] = made[id(entry)]
    return chosen


def _solver(entry: Solver, connection: Connection, secrets: dict[str, str]) -> AcmeSolver:
    settings = resolved_settings(entry.settings, secrets)
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
