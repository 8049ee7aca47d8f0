"""How is an order by ACME wired? One account and its session for all certificates of a run, its key in the vault.

The key is read and kept in memory only. Where the vault has none, one is made and put there before the CA hears of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from sfcert.errors import InputError, RemoteError, SfcertError
from sfcert.model.progress import Event

if TYPE_CHECKING:
    from datetime import datetime

    from sfcert.acme.holding import Holding
    from sfcert.acme.keys import AccountKey
    from sfcert.acme.session import AcmeSession
    from sfcert.acme.solvers.solver import Solver as AcmeSolver
    from sfcert.acme.values import AcmeEvent, AcmeOptions, RenewalWindow
    from sfcert.cli.acme_solvers import Solvers
    from sfcert.cli.connect import Connection
    from sfcert.enrol.ports import EnrolmentVault
    from sfcert.model.enrolment import Acme, Advice
    from sfcert.ports import Clock
    from sfcert.workflows.enrolment.request import AcmeAnswer, AcmeAsk, Acquire, Clean

Json = dict[str, Any]
#: Between a run's look at the vault and its write there is one round trip; this is many.
_BOTH_HAVE_WRITTEN_S = 2.0


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a CA and how its names are proved: what the policy says of it, and where its key lies.

    `secrets` are values that settings name by `<setting>_secret`, held in memory.
    """

    vault: EnrolmentVault
    vault_url: str
    acme: Acme
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def identity(self) -> tuple[str, Acme]:
        """What tells two accounts apart. Solvers make no other account."""
        return self.vault_url, msgspec.structs.replace(self.acme, solvers=())


def acquire_by_acme(
    connection: Connection,
    account: Account,
    certificate: str,
    tell: Callable[[Event], None],
    desk: AcmeDesk | None = None,
) -> Acquire:
    """As `AcmeDesk.acquire`, on the run's desk or, where it has none, on one that is closed after the order."""
    if desk is not None:
        return desk.acquire(account, certificate, tell)

    def acquire(ask: AcmeAsk) -> AcmeAnswer:
        with AcmeDesk(connection) as own:
            return own.acquire(account, certificate, tell)(ask)

    return acquire


def clean_by_acme(
    connection: Connection,
    account: Account,
    certificate: str,
    tell: Callable[[Event], None],
    desk: AcmeDesk | None = None,
) -> Clean:
    """As `AcmeDesk.clean`, on the run's desk or, where it has none, on one of its own."""
    return (desk or AcmeDesk(connection)).clean(account, certificate, tell)


class AcmeDesk:
    """Accounts and solvers of one run, for one vault or several. Safe to use from several threads; a context manager.

    An account that could not be opened is not asked for again in the same run.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sessions: dict[tuple[str, Acme], AcmeSession | SfcertError] = {}
        self._solvers: Solvers | None = None
        # policies that differ in a profile alone have sessions of their own, and the same account
        self._holding: Holding | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> AcmeDesk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._sessions.values():
            if not isinstance(one, SfcertError):
                one.close()
        self._sessions.clear()

    def acquire(self, account: Account, certificate: str, tell: Callable[[Event], None]) -> Acquire:
        """What the workflow calls to have a chain signed.

        Args:
            certificate: its name in the vault, for what is told.
            tell: told of every step of the order.

        Effects: none before it is called.
        """

        def acquire(ask: AcmeAsk) -> AcmeAnswer:
            from sfcert.acme.issue import obtain_on
            from sfcert.acme.values import OrderState, Placed
            from sfcert.workflows.enrolment.request import AcmeAnswer

            say = self._speaker(certificate, tell)

            def hear(event: AcmeEvent) -> None:
                if event.order is not None:
                    ask.keep(msgspec.to_builtins(event.order))
                if event.placed is not None:
                    ask.keep_placed(msgspec.to_builtins(event.placed))
                if event.message:
                    say(event.message)

            chosen = self._chosen(account, ask.names)
            with self._lock:
                session = self._session(account, say)
            by_http = sorted(name for name, solver in chosen.items() if solver.kind == "http-01")
            if by_http:
                say(f"HTTP-01: {session.ca} comes to port 80 at {', '.join(by_http)}. {_PREFER_DNS}")
            chain = obtain_on(
                session,
                ask.names,
                ask.csr,
                # a name that an earlier run answered for need not be one of this request's
                lambda name: chosen.get(name.lower()) or self._solver(account, name),
                emit=hear,
                replaces=ask.replaces,
                resume=msgspec.convert(ask.resume, OrderState) if ask.resume is not None else None,
                placed=msgspec.convert(ask.placed, tuple[Placed, ...]),
                timeout_s=ask.timeout_s,
            )
            return AcmeAnswer(der=chain.der, advice=_advice(chain.ari_id, chain.window))

        return acquire

    def clean(self, account: Account, certificate: str, tell: Callable[[Event], None]) -> Clean:
        """What the workflow calls to have taken away what an earlier run left where an authority looks.

        Effects: none before it is called; the CA is not asked.
        """

        def clean(placed: tuple[Json, ...], keep_placed: Callable[[tuple[Json, ...]], None]) -> None:
            from sfcert.acme.authorize import clean
            from sfcert.acme.values import Placed

            say = self._speaker(certificate, tell)

            def hear(event: AcmeEvent) -> None:
                if event.placed is not None:
                    keep_placed(msgspec.to_builtins(event.placed))
                if event.message:
                    say(event.message)

            left = msgspec.convert(placed, tuple[Placed, ...])
            clean(self._held(), left, lambda name: self._solver(account, name), emit=hear)

        return clean

    def _speaker(self, certificate: str, tell: Callable[[Event], None]) -> Callable[[str], None]:
        def say(message: str) -> None:
            data = {"name": certificate, "message": message}
            tell(Event(type="enrolment-acme", at_utc=self._connection.clock.now(), data=data))

        return say

    def _chosen(self, account: Account, names: Sequence[str], *, are_open: bool = False) -> dict[str, AcmeSolver]:
        from sfcert.cli.acme_solvers import Solvers

        with self._lock:
            self._solvers = self._solvers or Solvers(self._connection)
            return self._solvers.for_names(account.acme, names, account.secrets, are_open=are_open)

    def _solver(self, account: Account, name: str) -> AcmeSolver:
        return self._chosen(account, [name], are_open=True)[name.lower()]

    def _held(self) -> Holding:
        from sfcert.acme.holding import Holding

        self._holding = self._holding or Holding()
        return self._holding

    def _session(self, account: Account, say: Callable[[str], None]) -> AcmeSession:
        """The session of this account, open."""
        if account.identity not in self._sessions:
            try:
                self._sessions[account.identity] = _opened(account, say, self._held(), self._connection.clock)
            except SfcertError as error:
                self._sessions[account.identity] = error
        found = self._sessions[account.identity]
        if isinstance(found, SfcertError):
            raise found
        return found


def _opened(account: Account, say: Callable[[str], None], holding: Holding, clock: Clock) -> AcmeSession:
    from sfcert.acme.account import open_account
    from sfcert.acme.session import AcmeSession
    from sfcert.azure.clock import WallClock

    mac = _mac(account)
    # a CA keeps wall time, whatever the vault's clock says
    session = AcmeSession(options_of(account.acme), account_key(account, clock), WallClock(), holding=holding)
    try:
        open_account(session, mac)
    except BaseException:  # also Ctrl-C: no connection may be left open; it always flies on
        session.close()
        raise
    say(f"Account at {session.ca}: {session.account_url}")
    return session


def look_ahead_by_acme(connection: Connection, account: Account, names: Sequence[str]) -> None:
    """Raise where an order for these names could not even begin: files, variables, the CA, its profile, the zones.

    Raises:
        InputError, RemoteError: as the order itself would.

    Effects: one GET of the directory; looks for the names' zones. Nothing is signed or written.
    """
    from sfcert.acme.keys import AccountKey
    from sfcert.acme.order import profile_of
    from sfcert.acme.session import AcmeSession
    from sfcert.acme.solvers.dns01 import Dns01
    from sfcert.azure.clock import WallClock
    from sfcert.cli.acme_solvers import Solvers

    chosen = Solvers(connection).for_names(account.acme, names, account.secrets)
    _mac(account)
    with AcmeSession(options_of(account.acme), AccountKey.generate(), WallClock()) as session:
        # the directory is fetched when it is first looked at, and without a profile nothing else would
        _ = session.directory
        profile_of(session)
    for name, solver in chosen.items():
        if isinstance(solver, Dns01):
            solver.fetch_zone(name)


_PREFER_DNS = "For a cluster's own name that is its load balancer: prefer DNS-01, which needs no way in."


def advice_for(acme: Acme, ari_id: str | None, ask_again_utc: datetime | None) -> Advice | None:
    """The authority's renewal window for a certificate as of now; None where it gives none, cannot be asked, or does
    not want to be asked before `ask_again_utc`.

    Effects: one unsigned GET of the directory and one of the advice.
    """
    from sfcert.acme.keys import AccountKey
    from sfcert.acme.renewal import fetch_window
    from sfcert.acme.session import AcmeSession
    from sfcert.azure.clock import WallClock

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


def account_key(account: Account, clock: Clock) -> AccountKey:
    """The account's key from the vault; a new one is made and kept there where there is none.

    A vault cannot be asked to write only what is not there yet, so that two runs at once may both make a key. Each
    looks again once the other must have written too, and both take the newest: one account is made, not two. A write
    that is held back for longer than that still parts them.

    Args:
        clock: the vault's.

    Raises:
        RemoteError: the vault does not give or take it. InputError: what lies there is no such key.

    Effects: one read; the first time one write, a pause and a second read.
    """
    from sfcert.acme.keys import AccountKey

    name = account.acme.account_key
    secret = f"{account.vault_url.rstrip('/')}/secrets/{name}"
    try:
        kept = account.vault.fetch_account_key(account.vault_url, name)
        if kept is None:
            fresh = AccountKey.generate().to_jwk()
            account.vault.put_account_key(account.vault_url, name, fresh)
            clock.sleep(_BOTH_HAVE_WRITTEN_S)
            kept = account.vault.fetch_account_key(account.vault_url, name) or fresh
        return AccountKey.from_jwk(kept)
    except RemoteError as error:
        raise _no_key(secret, error) from error
    except InputError as error:
        raise InputError(error.token, f"{secret}: {error.message}") from None


def _no_key(secret: str, error: RemoteError) -> RemoteError:
    """Why the account's key could not be had, and what to do."""
    hint = ""
    if error.remote_code == "SecretDisabled":
        hint = " Enable it, or name another `account_key` in the policy."
    elif error.remote_code == "ObjectIsDeletedButRecoverable":
        hint = " It lies soft-deleted: recover it, or name another `account_key` in the policy."
    elif error.status in (401, 403):
        hint = " Give the identity Get and Set on the vault's secrets (the role Key Vault Secrets Officer)."
    return RemoteError(
        error.token,
        f"{secret}, where the account's key is kept: {error.message}{hint}",
        service=error.service,
        operation=error.operation,
        status=error.status,
        remote_code=error.remote_code,
        correlation_id=error.correlation_id,
        retry_after_s=error.retry_after_s,
        transient=error.transient,
    )


def _mac(account: Account) -> str | None:
    from sfcert.cli.acme_solvers import read_secret_file

    if account.acme.eab_key_file is None:
        return account.secrets.get("eab")
    return read_secret_file(account.acme.eab_key_file)
