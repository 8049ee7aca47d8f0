"""`sfcert enrol` by ACME, whole: Pebble signs, real DNS and HTTP answer, the embedded vault holds key and chain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import site as sites
from tests.e2e.site import Ended, Site, command, opened
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot, running_knot
from tests.servers.pebble import Pebble, running_challenge_server, running_pebble

NAME = "sf.example.test"


@pytest.fixture
def today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose virtual time is the wall's: a CA dates its certificates by that."""
    monkeypatch.setattr(sites, "START", datetime.now(UTC).replace(microsecond=0))
    with opened(tmp_path / "site", monkeypatch) as site:
        yield site


@pytest.fixture(scope="module")
def by_http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with (
        running_challenge_server(tmp_path_factory.mktemp("dns")) as names,
        running_pebble(tmp_path_factory.mktemp("pebble"), dns=names.dns) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with running_knot(tmp_path_factory.mktemp("knot"), ("example.test",)) as running:
        yield running


def enrol(site: Site, folder: Path, pebble: Pebble, solver: dict[str, Any], *more: str) -> Ended:
    policy = {
        "subject": f"CN={NAME}",
        "issuer": {
            "name": "acme",
            "acme": {"directory": pebble.directory_url, "ca_file": str(pebble.ca_file), "solvers": [solver]},
        },
    }
    file = folder / "policy.yaml"
    file.write_text(yaml.safe_dump(policy))
    vault = ("--vault", str(site.facts["vault_url"]), "--state", str(folder / "state"))
    return command("enrol", "by-acme", "--policy", str(file), *vault, "--format", "json", *more)


def http_solver(pebble: Pebble) -> dict[str, Any]:
    return {"kind": "http01", "settings": {"host": "127.0.0.1", "port": str(pebble.http_port)}}


def test_by_http_the_key_is_made_in_the_vault_and_the_chain_comes_back(
    today: Site, tmp_path: Path, by_http: Pebble
) -> None:
    done = enrol(today, tmp_path, by_http, http_solver(by_http))
    assert done.code == 0, done.err
    assert done.json["outcome"] == "issued"
    assert done.json["common_name"] == NAME
    assert len(done.json["pins"]) == 1
    assert enrol(today, tmp_path, by_http, http_solver(by_http)).json["outcome"] == "unchanged"
    writes = [subject for (_, subject), _ in today.writes().items()]
    assert sum("/secrets/acme-account" in one for one in writes) == 1


def test_no_secret_is_in_what_is_printed_or_kept(today: Site, tmp_path: Path, by_http: Pebble) -> None:
    done = enrol(today, tmp_path, by_http, http_solver(by_http))
    kept = "".join(one.read_text() for one in (tmp_path / "state").rglob("*.json"))
    for text in (done.out, done.err, kept):
        assert "PRIVATE" not in text
        assert '"d"' not in text
    assert json.loads(kept)["step"] == "idle"


def test_by_dns_with_a_signed_update_and_nothing_left_in_the_zone(
    today: Site, tmp_path: Path, zone: Knot, tmp_path_factory: pytest.TempPathFactory
) -> None:
    at = f"{zone.address}:{zone.port}"
    (tmp_path / "tsig").write_text(KEY_SECRET + "\n")
    settings = {
        "server": at,
        "key_name": KEY_NAME,
        "key_secret_file": str(tmp_path / "tsig"),
        "resolvers": at,
        "authoritative": at,
        "patience_s": "20",
    }
    with running_pebble(tmp_path_factory.mktemp("pebble-dns"), dns=at) as pebble:
        done = enrol(today, tmp_path, pebble, {"kind": "rfc2136", "settings": settings})
    assert done.code == 0, done.err
    assert done.json["common_name"] == NAME
    from sfcert.acme.solvers.lookup import Lookup

    known = Lookup(resolvers=[at], authoritative=[at])
    assert not known.texts_at(known.servers_of("example.test")[0], f"_acme-challenge.{NAME}")


def test_an_issuer_that_the_cluster_does_not_pin_is_stopped_before_the_merge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_http: Pebble
) -> None:
    monkeypatch.setattr(sites, "START", datetime.now(UTC).replace(microsecond=0))
    with opened(tmp_path / "pinned", monkeypatch, by_name=True, common_name=NAME) as site:
        refused = enrol(site, tmp_path, by_http, http_solver(by_http), "--for-cluster", site.cluster_id)
        assert refused.code == 3, refused.err
        assert "IssuerNotPinned" in refused.err
        assert "change-issuer" in refused.err
        vault = ("--vault", str(site.facts["vault_url"]), "--state", str(tmp_path / "state"))
        status = command("status", "by-acme", *vault, "--format", "json").json["certificates"][0]
        assert (status["version"], status["pending_status"]) == (None, None)


def test_a_wrong_answer_to_the_challenge_leaves_nothing_pending(today: Site, tmp_path: Path, by_http: Pebble) -> None:
    (tmp_path / "web").mkdir()
    # the webroot is served by nobody
    solver = {"kind": "http01-webroot", "settings": {"root": str(tmp_path / "web")}}
    failed = enrol(today, tmp_path, by_http, solver)
    assert failed.code == 1
    assert NAME in failed.err
    assert not [one for one in (tmp_path / "web").rglob("*") if one.is_file()]
    again = enrol(today, tmp_path, by_http, http_solver(by_http))
    assert again.code == 0, again.err


def test_a_timer_renews_by_acme_when_it_is_due_and_not_before(today: Site, tmp_path: Path, by_http: Pebble) -> None:
    first = enrol(today, tmp_path, by_http, http_solver(by_http))
    vault = ("--vault", str(today.facts["vault_url"]), "--state", str(tmp_path / "state"))
    early = command("renew", "--due", *vault, "--format", "json")
    assert (early.code, early.json["renewed"]) == (0, []), early.err
    status = command("status", "by-acme", *vault, "--format", "json").json["certificates"][0]
    due = datetime.fromisoformat(status["renewal_utc"])
    wait = (due - datetime.now(UTC)).total_seconds() + 3600
    today.running.call(lambda azure: azure.clock.advance(wait))
    later = command("renew", "--due", *vault, "--format", "json")
    assert later.code == 0, later.err
    assert [one["name"] for one in later.json["renewed"]] == ["by-acme"]
    assert later.json["renewed"][0]["thumbprint"] != first.json["thumbprint"]
