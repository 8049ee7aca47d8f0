"""The key of an ACME account in a vault: found, made once, and one for all where two runs make it at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from sfcert.acme.keys import AccountKey
from sfcert.cli.acme_wiring import Account, account_key
from sfcert.errors import InputError
from sfcert.model.enrolment import Acme
from tests.fakes import FakeClock

URL = "https://kv.vault.azure.net"


class Secrets:
    """The part of a vault that keeps one secret; every version that was written."""

    def __init__(self, *versions: str) -> None:
        self.versions = list(versions)
        self.looks = 0

    def fetch_account_key(self, vault_url: str, secret: str) -> str | None:
        self.looks += 1
        return self.versions[-1] if self.versions else None

    def put_account_key(self, vault_url: str, secret: str, jwk: str) -> None:
        self.versions.append(jwk)


def account(vault: Secrets) -> Account:
    return Account(vault=cast(Any, vault), vault_url=URL, acme=Acme(directory="https://ca.example"))


def test_a_key_that_is_there_is_taken_without_a_pause() -> None:
    kept, clock = AccountKey.generate(), FakeClock()
    vault = Secrets(kept.to_jwk())
    assert account_key(account(vault), clock).thumbprint == kept.thumbprint
    assert (vault.looks, len(vault.versions), clock.slept) == (1, 1, [])


def test_the_key_that_is_made_is_the_one_that_is_kept() -> None:
    vault = Secrets()
    made = account_key(account(vault), FakeClock())
    assert [AccountKey.from_jwk(one).thumbprint for one in vault.versions] == [made.thumbprint]
    assert account_key(account(vault), FakeClock()).thumbprint == made.thumbprint


def test_two_runs_that_find_no_key_at_once_end_with_one() -> None:
    both = threading.Barrier(2, timeout=10)

    class Crowded(Secrets):
        """Nobody writes before both have looked."""

        def fetch_account_key(self, vault_url: str, secret: str) -> str | None:
            found = super().fetch_account_key(vault_url, secret)
            if found is None:
                both.wait()
            return found

    vault = Crowded()

    def run(_: int) -> str:
        def pause() -> None:
            # it is long enough for the other one's write
            both.wait()

        clock = FakeClock()
        clock.on_sleep = pause
        return account_key(account(vault), clock).thumbprint

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, range(2))
    assert len(vault.versions) == 2
    assert first == second == AccountKey.from_jwk(vault.versions[-1]).thumbprint


def test_what_another_run_has_written_and_is_no_key_is_told_with_its_place() -> None:
    vault, clock = Secrets(), FakeClock()
    clock.on_sleep = lambda: vault.versions.append("no key")
    with pytest.raises(InputError, match=r"kv\.vault\.azure\.net/secrets/acme-account: .*not a private JWK"):
        account_key(account(vault), clock)
