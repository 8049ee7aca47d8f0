"""What goes wrong at the vault while an order runs: rights, a stranger's operation, what is deleted or disabled."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.acme_site import AcmeSite, Json, by_http, by_update, ca, nothing_is_left, said, texts
from tests.e2e.site import command
from tests.servers.knot import Knot
from tests.servers.pebble import Pebble
from tests.servers.small_acme import SmallAcme

_ALL = ("get", "list", "set", "create", "update", "import", "delete", "recover", "backup", "restore", "purge")


class Rights:
    """The signed-in identity's rights in the vault, changed for one test."""

    def __init__(self, site: AcmeSite) -> None:
        self._site = site
        self._kept: list[Json] = []

    def take(self, kind: str, *names: str) -> None:
        """Take these rights of one kind (`certificates`, `secrets`) from everybody."""

        def do(azure: Any) -> list[Json]:
            properties = azure.find_service("vaults").resource(self._site.vault).body["properties"]
            kept = json.loads(json.dumps(properties["accessPolicies"]))
            for one in properties["accessPolicies"]:
                held = one["permissions"].get(kind) or []
                held = [right for name in held for right in (_ALL if name.lower() == "all" else (name,))]
                one["permissions"][kind] = [name for name in held if name.lower() not in names]
            return list(kept)

        found = self._site.running.call(do)
        self._kept = self._kept or found

    def give_back(self) -> None:
        def do(azure: Any) -> None:
            azure.find_service("vaults").resource(self._site.vault).body["properties"]["accessPolicies"] = self._kept

        if self._kept:
            self._site.running.call(do)


@pytest.fixture
def rights(site: AcmeSite) -> Iterator[Rights]:
    held = Rights(site)
    yield held
    held.give_back()


@pytest.mark.parametrize(
    ("kind", "right", "sentence"),
    [
        ("certificates", "get", "GET /certificates/"),
        ("certificates", "create", "/create"),
        ("secrets", "get", "the account's key"),
        ("secrets", "set", "the account's key"),
    ],
)
def test_a_vault_that_does_not_let_us_in_says_at_what(
    site: AcmeSite, pebble: Pebble, rights: Rights, kind: str, right: str, sentence: str
) -> None:
    rights.take(kind, right)
    failed = site.enrol(ca(pebble, by_http(pebble), account_key=f"account-{site.name}"))
    assert said(failed) == (1, "PermissionDenied")
    assert sentence in failed.err
    nothing_is_left(site)
    rights.give_back()
    done = site.enrol(ca(pebble, by_http(pebble), account_key=f"account-{site.name}"))
    assert done.code == 0, done.err


def test_a_vault_that_refuses_the_merge_keeps_its_request_and_the_next_run_merges(
    site: AcmeSite, small: SmallAcme, knot: Knot, rights: Rights
) -> None:
    asked = ca(small, by_update(knot, site.folder))
    small.on_finalize = lambda: rights.take("certificates", "create")
    failed = site.enrol(asked)
    assert said(failed) == (1, "PermissionDenied")
    assert "pending/merge" in failed.err
    assert site.versions() == 0
    small.on_finalize = lambda: None
    rights.give_back()
    done = site.enrol(asked)
    assert done.code == 0, done.err
    assert (site.versions(), site.has_pending(), texts(knot, site.host)) == (1, False, set())


def test_a_vault_that_does_not_let_us_cancel_hides_no_error_and_its_request_stays_ours(
    site: AcmeSite, small: SmallAcme, knot: Knot, rights: Rights
) -> None:
    asked = ca(small, by_update(knot, site.folder))
    small.chain = "leaf alone"
    small.on_finalize = lambda: rights.take("certificates", "update", "delete")
    failed = site.enrol(asked)
    assert said(failed) == (3, "AcmeChainUnusable")
    assert "could not be cancelled" in failed.err
    assert site.has_pending()
    small.chain, small.on_finalize = "good", lambda: None
    rights.give_back()
    done = site.enrol(asked)
    assert done.code == 0, done.err
    assert (site.versions(), site.has_pending(), len(small.orders)) == (1, False, 2)


def test_somebody_elses_operation_is_left_alone_before_the_ca_is_asked(
    site: AcmeSite, small: SmallAcme, knot: Knot, tmp_path: Path
) -> None:
    theirs = ("--vault", site.vault, "--state", str(tmp_path / "theirs"), "--subject", f"CN={site.host}")
    assert command("enrol", site.name, *theirs, "--issuer", "Unknown").code == 0
    asked = ca(small, by_update(knot, site.folder))
    failed = site.enrol(asked)
    assert said(failed) == (3, "PendingForeign")
    assert site.has_pending()
    assert small.asked == []
    assert site.enrol(asked, "--cancel-pending").code == 0
    assert not site.has_pending()


def test_a_soft_deleted_name_is_told_before_the_ca_is_asked(
    site: AcmeSite, pebble: Pebble, small: SmallAcme, knot: Knot
) -> None:
    assert site.enrol(ca(pebble, by_http(pebble))).code == 0
    site.running.call(lambda azure: delete_certificate(azure, site))
    failed = site.enrol(ca(small, by_update(knot, site.folder)))
    assert said(failed) == (1, "CertificateNotFound")
    assert "lies soft-deleted: recover it" in failed.err
    assert small.asked == []


def delete_certificate(azure: Any, site: AcmeSite) -> None:
    vaults = azure.find_service("vaults")
    vaults.deletions.delete(vaults.content(site.vault), site.name, 90)


def test_a_soft_deleted_account_key_is_told(site: AcmeSite, pebble: Pebble) -> None:
    asked = ca(pebble, by_http(pebble), account_key=f"account-{site.name}")
    assert site.enrol(asked).code == 0

    def delete(azure: Any) -> None:
        from sfcert.sim.keyvault.state import Deleted

        kept = azure.find_service("vaults").content(site.vault).secrets[f"account-{site.name}"]
        now = azure.clock.now
        kept.deleted = Deleted(at=now, purge_at=now + timedelta(days=90), event=None)

    site.running.call(delete)
    failed = site.enrol(asked, "--renew")
    code, _ = said(failed)
    assert code == 1
    assert "the account's key" in failed.err
    assert "recover" in failed.err
    assert (site.versions(), site.has_pending()) == (1, False)


def test_a_version_that_somebody_disabled_is_replaced_and_said(site: AcmeSite, pebble: Pebble) -> None:
    asked = ca(pebble, by_http(pebble))
    first = site.enrol(asked).json

    def disable(azure: Any) -> None:
        stored = azure.find_service("vaults").content(site.vault).certificate(site.name)
        stored.versions[-1] = dataclasses.replace(stored.versions[-1], enabled=False)

    site.running.call(disable)
    done = site.enrol(asked)
    assert done.code == 0, done.err
    assert done.json["thumbprint"] != first["thumbprint"]
    assert any("disabled" in one for one in done.json["notes"]), done.json["notes"]
