"""What stops a plan at its enrolment by ACME, what is left then, and how it goes on: real servers, real refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.acme_site import by_http, by_update, texts
from tests.e2e.acme_stage_site import CHANGE, NAME, AcmeStage, acme_stage, issuer_of
from tests.e2e.site import Ended, command
from tests.servers.knot import OTHER_SECRET, Knot, running_knot
from tests.servers.pebble import Pebble, running_challenge_server, running_pebble
from tests.servers.small_acme import problem, running_small_acme


@pytest.fixture(scope="module")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knot]:
    with running_knot(tmp_path_factory.mktemp("knot"), ("example.test",)) as running:
        yield running


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory, knot: Knot) -> Iterator[Pebble]:
    with running_pebble(tmp_path_factory.mktemp("pebble"), dns=f"{knot.address}:{knot.port}") as running:
        yield running


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knot: Knot) -> Iterator[AcmeStage]:
    with acme_stage(tmp_path, monkeypatch, knot, friendly=True) as opened:
        yield opened


def stopped_at_its_stage(table: AcmeStage, ended: Ended, code: int, token: str) -> str:
    """Holds the end of a run to its manners; what it says at the end, on one line."""
    assert ended.code == code, ended.err
    stop = ended.last("run-stopped")
    assert stop["token"] == token
    assert f"Next stage: {table.stage}." in stop["text"]
    assert table.leaves_nothing()
    assert len(table.certificate()["versions"]) == 1
    assert table.site.presented() == set(table.certificate()["versions"])
    assert table.site.refusals() == []
    return " ".join(f"{stop['message']} {stop['text']}".split())


def goes_on(table: AcmeStage, server: Pebble) -> None:
    ended = table.site.apply()
    assert ended.code == 0, ended.err
    assert table.site.declares() == {NAME: issuer_of(server)}
    assert table.site.presented() == {table.certificate()["versions"][-1]}
    assert table.site.refusals() == []


def test_a_ca_that_leaves_client_authentication_out_is_refused_with_the_way_out(
    table: AcmeStage, knot: Knot, pebble: Pebble, tmp_path: Path
) -> None:
    """Pebble 2.10 grants server authentication alone, as public CAs do by now."""
    with running_pebble(tmp_path / "newer", dns=f"{knot.address}:{knot.port}", is_newer=True) as newer:
        assert table.plan(newer, acme={"profile": "classic"}).code == 2
        said = stopped_at_its_stage(table, table.site.apply(), 3, "GateRefused")
    assert "UsageMissing: Without client authentication" in said
    assert "name a `profile` of it that grants both" in said
    assert "sfcert plan" in said
    assert "--playbook change-issuer" in said
    # another authority, by another plan, from where this one stopped
    assert table.plan(pebble).code == 2
    goes_on(table, pebble)


def test_a_ca_that_signs_by_another_issuer_than_planned_is_refused_and_planned_again(
    table: AcmeStage, pebble: Pebble, knot: Knot, tmp_path: Path
) -> None:
    """Pebble makes its intermediates anew at each start, as a CA does that rotates them."""
    with running_pebble(tmp_path / "before", dns=f"{knot.address}:{knot.port}") as before:
        old = issuer_of(before)
    assert table.plan(pebble, issuer=old).code == 2
    said = stopped_at_its_stage(table, table.site.apply(), 3, "GateRefused")
    assert f"but from {old}" in said
    assert f"plan again with --issuer-thumbprints {issuer_of(pebble)} and the same --enrol-policy" in said
    assert table.plan(pebble).code == 2
    goes_on(table, pebble)


def test_a_caa_record_stops_the_plan_and_the_same_plan_goes_on_once_it_is_gone(
    table: AcmeStage, tmp_path: Path
) -> None:
    """By the tests' own small CA, because no Pebble looks at CAA."""
    with running_small_acme(tmp_path) as small:
        small.challenge_error = problem("caa", f"CAA record for {NAME} prevents issuance")
        assert table.plan(small, issuer=small.issuer_thumbprint).code == 2
        said = stopped_at_its_stage(table, table.site.apply(), 1, "AcmeCaaForbids")
        assert "Add a CAA record" in said
        small.challenge_error = None
        ended = table.site.apply()
        assert ended.code == 0, ended.err
        assert table.site.declares() == {NAME: small.issuer_thumbprint}
    assert table.site.refusals() == []


def test_a_ca_that_looks_elsewhere_stops_the_plan_and_leaves_no_record(
    table: AcmeStage, pebble: Pebble, tmp_path: Path
) -> None:
    """The zone of the solver is not the one that the CA asks: its answers are another server's."""
    with running_challenge_server(tmp_path / "names") as names, running_pebble(tmp_path / "b", dns=names.dns) as blind:
        names.set_txt(f"_acme-challenge.{NAME}.", "what somebody else has written")
        assert table.plan(blind).code == 2
        stopped_at_its_stage(table, table.site.apply(), 1, "AcmeChallengeFailed")
    assert table.plan(pebble).code == 2
    goes_on(table, pebble)


def test_a_chain_without_its_issuer_is_refused_before_anything_is_merged(table: AcmeStage, tmp_path: Path) -> None:
    with running_small_acme(tmp_path) as small:
        small.chain = "leaf alone"
        assert table.plan(small, issuer=small.issuer_thumbprint).code == 2
        said = stopped_at_its_stage(table, table.site.apply(), 3, "AcmeChainUnusable")
    assert "sfcert apply" in said


# -- told before anything is sent --------------------------------------------------------------------------------------


def nothing_was_sent(table: AcmeStage, ended: Ended, code: int, said: str) -> None:
    assert ended.code == code, ended.err
    assert said in ended.err
    assert not table.site.writes()
    assert table.leaves_nothing()


def test_what_the_order_would_lack_is_told_before_the_first_stage(
    table: AcmeStage, knot: Knot, pebble: Pebble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert table.plan(pebble).code == 2
    (tmp_path / "tsig.key").rename(tmp_path / "elsewhere.key")
    nothing_was_sent(table, table.site.apply(), 1, f"{tmp_path / 'tsig.key'} cannot be read")
    (tmp_path / "elsewhere.key").rename(tmp_path / "tsig.key")

    assert table.plan(pebble, acme={"profile": "none-such"}).code == 2
    nothing_was_sent(table, table.site.apply(), 1, "has no profiles")

    table.solver = {"kind": "lexicon", "settings": {"provider": "cloudflare", "auth_token_env": "NOT_SET_ANYWHERE"}}
    assert table.plan(pebble).code == 2
    nothing_was_sent(table, table.site.apply(), 1, "NOT_SET_ANYWHERE")

    table.solver = {"kind": "azure-dns", "settings": {"resource_group": "rg-sf-demo"}}
    assert table.plan(pebble).code == 2
    nothing_was_sent(table, table.site.apply(), 1, "No DNS zone of the resource group rg-sf-demo")

    table.solver = by_update(knot, tmp_path)
    assert table.plan(pebble, acme={"ca_file": str(tmp_path / "issuer.pem")}).code == 2
    (tmp_path / "issuer.pem").write_text(pebble.issuer_pem())
    nothing_was_sent(table, table.site.apply(), 1, "its certificate is not trusted")


def test_names_that_no_solver_shows_are_refused_by_the_plan_itself(table: AcmeStage, pebble: Pebble) -> None:
    table.solver |= {"dns_zones": ["other.test"]}
    refused = table.plan(pebble)
    assert refused.code == 1
    assert f"no solver answers for {NAME}" in refused.err


def test_the_wrong_key_for_updates_is_told_without_it(table: AcmeStage, pebble: Pebble) -> None:
    table.solver = by_update(table.knot, table.folder, secret=OTHER_SECRET)
    assert table.plan(pebble).code == 2
    ended = table.site.apply()
    assert ended.code == 1
    assert OTHER_SECRET not in ended.out + ended.err
    assert texts(table.knot, NAME) == set()


# -- playbooks that take no such stage ---------------------------------------------------------------------------------


def test_http_01_for_a_clusters_own_name_is_said_to_need_its_load_balancer(table: AcmeStage, pebble: Pebble) -> None:
    table.solver = by_http(pebble)
    assert table.plan(pebble).code == 2
    shown = " ".join(command("show", str(table.site.plan_file), "--stage", table.stage).out.split())
    assert "its load balancer, which has to lead there. Prefer DNS." in shown


def test_a_self_signed_issuer_is_refused_with_the_reason_and_the_way_out(table: AcmeStage, tmp_path: Path) -> None:
    (tmp_path / "self.yaml").write_text(json.dumps({"subject": f"CN={NAME}", "issuer": "Self"}))
    assert table.site.plan(*CHANGE, "--enrol-policy", str(tmp_path / "self.yaml")).code == 3
    told = table.site.planned["blocked_by"]
    assert len(told) == 1
    assert "is its own issuer" in told[0]
    assert "rotate-by-thumbprint" in told[0]
