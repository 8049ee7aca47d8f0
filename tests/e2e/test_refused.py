"""Bad input and refusals as a customer meets them: one sentence, its token, its exit code, and nothing sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim.entra import Entra
from sfcert.sim.kernel.azure import Azure
from tests.e2e.site import START, Ended, Site, command, opened

JSON = ("--format", "json")


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that no test of this module changes."""
    with pytest.MonkeyPatch.context() as patch, opened(tmp_path_factory.mktemp("quiet"), patch) as site:
        yield site


@pytest.fixture
def led_to(quiet: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The quiet site with this test's environment led to it (the project's own guard has just emptied it)."""
    for name, value in quiet.running.env().items():
        monkeypatch.setenv(name, value)
    return quiet


def token(ended: Ended) -> str:
    """The token of an error, from one document or from the last line of a stream."""
    document = ended.events[-1] if ended.out.startswith('{"') else ended.json
    assert document["error"]["message"] in ended.err
    return str(document["error"]["token"])


def blocked(site: Site, *words: str) -> str:
    """The reasons of a plan that is blocked; what it says it does not do is not done."""
    sent = site.writes()
    planned = site.plan(*words, *JSON)
    assert (planned.code, planned.json["status"]) == (3, "blocked"), planned.out
    refused = site.apply()
    assert (refused.code, token(refused)) == (3, "PlanBlocked")
    assert site.writes() == sent
    return " ".join(planned.json["blocked_by"])


# -- the command line and its files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda one: one + "x", "ClusterNotFound"),
        (lambda one: one.replace("rg-sf-demo", "rg-nowhere"), "ClusterNotFound"),
        (lambda one: one.replace("/clusters/", "/managedClusters/"), "ManagedCluster"),
        (lambda one: "sf-demo", "Misuse"),
    ],
    ids=["no such cluster", "no such group", "a managed cluster", "only a name"],
)
@pytest.mark.parametrize("name", ["plan", "audit", "inspect", "capture"])
def test_a_cluster_that_cannot_be_had_is_one_sentence(
    name: str, edit: Callable[[str], str], expected: str, led_to: Site, tmp_path: Path
) -> None:
    more = ("-o", str(tmp_path / "bundle.json")) if name == "capture" else JSON
    ended = command(name, "--cluster", edit(led_to.cluster_id), *more)
    assert ended.code == 1
    assert ended.err.startswith("sfcert: ")
    if name != "capture":
        assert token(ended) == expected
    assert not (tmp_path / "bundle.json").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [("hello", "NotX509"), ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "NotX509")],
    ids=["no PEM", "a PEM of nothing"],
)
def test_what_is_no_certificate_is_said_to_be_none(content: str, expected: str, led_to: Site, tmp_path: Path) -> None:
    file = tmp_path / "leaf.pem"
    file.write_text(content)
    ended = led_to.plan("--certificate-pem", str(file), *JSON)
    assert (ended.code, token(ended)) == (1, expected)
    assert str(file) in ended.err


def _edited(plan: dict[str, Any]) -> None:
    plan["stages"][0]["action"] = "Do something else"


def _newer(plan: dict[str, Any]) -> None:
    plan["format"] = "sfcert.plan/2"


@pytest.mark.parametrize(
    ("edit", "expected"),
    [(_edited, "PlanDigestMismatch"), (_newer, "FormatTooNew"), (lambda plan: plan.clear(), "PlanInvalid")],
    ids=["edited", "newer", "emptied"],
)
@pytest.mark.parametrize("name", ["apply", "show", "permissions"])
def test_a_plan_file_that_is_not_as_it_was_written_is_refused(
    name: str, edit: Callable[[dict[str, Any]], None], expected: str, led_to: Site
) -> None:
    assert led_to.plan().code == 2
    plan = led_to.planned
    edit(plan)
    led_to.plan_file.write_text(json.dumps(plan))
    ended = command(name, str(led_to.plan_file), *(["--yes", "--json"] if name == "apply" else JSON))
    assert ended.code == 1
    assert expected in (token(ended) if name != "permissions" else expected)
    assert not led_to.writes()


def test_a_plan_from_a_template_is_for_review_only(led_to: Site, tmp_path: Path) -> None:
    template = tmp_path / "cluster.json"
    template.write_text(files("sfcert.sim.worlds").joinpath("three_node_types.json").read_text("utf-8"))
    facts = led_to.facts
    node_types = [{"name": "nt0", "capacity": 5, "primary": True, "durability": "Bronze"}]
    values = {
        "clusterName": "sf-demo",
        "adminPassword": "only-for-review",
        "vaultId": facts["vault_id"],
        "certificateUrl": facts["certificate_url"],
        "certificateThumbprint": facts["thumbprint"],
        "nodeTypes": node_types,
    }
    parameters = tmp_path / "parameters.json"
    parameters.write_text(json.dumps({"parameters": {name: {"value": value} for name, value in values.items()}}))
    sources = ("--template", str(template), "--parameters", str(parameters))
    planned = command("plan", *sources, "-o", str(led_to.plan_file), *JSON)
    assert planned.code in (2, 3), planned.err
    assert planned.json["appliable"] is False
    ended = led_to.apply()
    assert (ended.code, token(ended)) == (1, "PlanNotAppliable")
    assert not led_to.writes()


def test_a_template_that_does_not_parse_says_where(tmp_path: Path) -> None:
    template = tmp_path / "cluster.json"
    template.write_text('{\n  "resources": [\n    {"type": }\n  ]\n}\n')
    ended = command("plan", "--template", str(template), *JSON)
    assert (ended.code, token(ended)) == (1, "TemplateSyntax")
    assert f"{template}:3:" in ended.err


def test_nothing_is_sent_without_a_yes(led_to: Site) -> None:
    assert led_to.plan().code == 2
    ended = command("apply", str(led_to.plan_file), "--json")
    assert (ended.code, token(ended)) == (6, "ApprovalMissing")
    assert not led_to.writes()


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from sfcert.azure.clock import SimulatedClock

    assert site.plan().code == 2
    sleep, strikes = SimulatedClock.sleep, [KeyboardInterrupt()]

    def interrupted(self: SimulatedClock, seconds: float) -> None:
        # a pause before a call is tried again comes at any moment; this one is after the freeze, in a stage that waits
        if strikes and any("/deployments/" in str(one) for one in site.writes()):
            raise strikes.pop()
        sleep(self, seconds)

    monkeypatch.setattr(SimulatedClock, "sleep", interrupted)
    ended = site.apply()
    assert (ended.code, token(ended)) == (130, "Interrupted")
    stopped = ended.last("run-stopped")
    assert stopped["frozen"]
    assert stopped["go_on"] == f"sfcert apply {site.plan_file}"
    resumed = site.apply()
    assert resumed.code == 0, resumed.err
    assert site.refusals() == []


# -- permissions -------------------------------------------------------------------------------------------------------


def test_an_identity_without_any_role_is_told_so(led_to: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = led_to.running.call(lambda azure: azure.service("entra", Entra).add_application("stranger"))
    monkeypatch.setenv("AZURE_CLIENT_ID", stranger.app_id)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", stranger.secret)
    ended = led_to.plan(*JSON)
    assert (ended.code, token(ended)) == (1, "PermissionDenied")
    assert "403" in ended.err


def test_a_wrong_secret_is_told_and_not_repeated(led_to: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "sim~a-secret-that-is-wrong")
    ended = led_to.plan(*JSON)
    assert (ended.code, token(ended)) == (1, "CredentialUnavailable")
    assert "a-secret-that-is-wrong" not in ended.out + ended.err


def _no_policies(body: dict[str, Any]) -> None:
    body["properties"]["accessPolicies"] = []


def test_no_permission_on_a_vault_alone_blocks_the_plan_and_names_the_vault(site: Site) -> None:
    site.change(site.facts["vault_id"], _no_policies, api_version="2023-07-01")
    assert "https://kv-sf-demo.vault.azure.net were not read (403 ForbiddenByPolicy)" in blocked(site)


def test_permission_lost_between_plan_and_stage_stops_before_anything_is_written(site: Site) -> None:
    assert site.plan().code == 2
    site.change(site.facts["vault_id"], _no_policies, api_version="2023-07-01")
    sent = site.writes()
    ended = site.apply()
    assert (ended.code, token(ended)) == (1, "PermissionDenied")
    assert site.writes() == sent


# -- the cluster and its goal ------------------------------------------------------------------------------------------


def test_a_cluster_in_the_middle_of_an_upgrade_blocks_the_plan(site: Site) -> None:
    site.start_upgrade()
    assert "cluster-not-at-rest" in blocked(site)


def test_a_cluster_that_the_provider_cannot_reach_blocks_the_plan(site: Site) -> None:
    site.of_cluster(lambda cluster: cluster.collapse())
    assert "UpgradeServiceUnreachable" in blocked(site)


def put_certificate(
    site: Site, *, names: tuple[str, ...] = (), issuer: str = "Contoso Issuing CA 01", **more: Any
) -> str:
    """Put a certificate under a name of its own into the vault. Returns its URL, for --certificate."""
    url = site.facts["vault_url"]

    def do(azure: Azure) -> None:
        authority = azure.find_service("authority").get(issuer)
        issued = authority.issue(
            site.facts["common_name"],
            names or (site.facts["common_name"],),
            not_before=START - timedelta(days=1),
            not_after=START + timedelta(days=180),
            **more,
        )
        azure.find_service("vaults").import_version(url, "goal", issued)

    site.running.call(do)
    return f"{url}/certificates/goal"


def test_a_goal_with_another_name_is_refused(led_to: Site) -> None:
    said = blocked(led_to, "--common-name", "other.contoso.example")
    assert "carries the common name 'sf-demo.contoso.example', not 'other.contoso.example'" in said


def test_a_goal_that_may_not_authenticate_clients_is_refused(site: Site) -> None:
    server_alone = put_certificate(site, ekus=("1.3.6.1.5.5.7.3.1",))
    assert "clientAuth" in blocked(site, "--certificate", server_alone)


def test_a_goal_that_is_not_there_is_refused(led_to: Site) -> None:
    said = blocked(led_to, "--certificate", f"{led_to.facts['vault_url']}/certificates/none")
    assert "There is no certificate none in https://kv-sf-demo.vault.azure.net" in said


def test_a_goal_whose_issuer_nobody_shows_is_refused(site: Site) -> None:
    unknown = put_certificate(site, issuer="Contoso Issuing CA 02")
    assert "is not known by any certificate that verifies" in blocked(site, "--certificate", unknown)


def test_pins_that_are_given_join_the_goal_s_own_issuer_and_never_replace_it(led_to: Site) -> None:
    other = led_to.facts["other_issuer_thumbprint"]
    assert led_to.plan("--issuer-thumbprints", other).code == 2
    assert set(led_to.planned["goal"]["issuer_thumbprints"]) == {other, led_to.facts["issuer_thumbprint"]}


def test_a_self_signed_goal_is_refused(site_of: Callable[..., Site]) -> None:
    assert "is self-signed" in blocked(site_of("self-signed"))
