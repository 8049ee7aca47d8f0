"""Plans about clients and the reverse proxy: made from a bundle, reviewed, rehearsed on its twin, applied."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sfcert.model.codec import pretty, read_plan, sealed
from tests.e2e.site import Ended, Site, command
from tests.e2e.test_client_certificates import known_clients

CLIENTS = ("--playbook", "client-certificates", "--accept", "clients-have-moved")
PROXY = ("--playbook", "reverse-proxy-to-common-name", "--accept", "reverse-proxy-extension-by-name")


def captured(site: Site, *more: str) -> str:
    """The bundle of the site's cluster."""
    file = str(site.folder / "world.json")
    ended = command("capture", "--cluster", site.cluster_id, "-o", file, *more)
    assert ended.code == 0, ended.err
    return file


def planned(site: Site, bundle: str, *more: str) -> Ended:
    return command("plan", "--bundle", bundle, "-o", str(site.plan_file), *more)


def rehearsed(site: Site, bundle: str, *more: str) -> Ended:
    return command("rehearse", str(site.plan_file), "--bundle", bundle, "--format", "json", *more)


def client_bundle(site: Site) -> str:
    urls = [word.partition("=")[2] for word in known_clients(site) if "=" in word]
    return captured(site, *(word for url in urls for word in ("--certificate", url)))


@pytest.mark.parametrize("faults", ["none", "hostile"])
def test_a_plan_about_clients_holds_on_the_twin_and_at_the_cluster(faults: str, site_of: Callable[..., Site]) -> None:
    site = site_of("two-clients")
    bundle = client_bundle(site)
    assert planned(site, bundle, *CLIENTS).code == 2
    ended = rehearsed(site, bundle, "--faults", faults, "--seed", "3", "--runs", "2")
    assert (ended.code, ended.json["verdict"]) == (0, "held"), ended.out
    assert site.apply().code == 0
    assert site.refusals() == []


def test_a_plan_that_forgets_a_client_is_told_by_the_twin(site_of: Callable[..., Site]) -> None:
    """The second stage alone: what the proof would refute breaks in the rehearsal."""
    site = site_of("two-clients")
    bundle = client_bundle(site)
    assert planned(site, bundle, *CLIENTS).code == 2
    plan = read_plan(site.plan_file.read_bytes(), "plan.json")
    last = plan.stage("80-forget-client-thumbprints")
    assert last is not None
    assert last.deployment is not None
    text = pretty(last).replace("reader.contoso.example", "nobody.contoso.example")
    import msgspec

    wrong = msgspec.json.decode(text.encode(), type=type(last))
    wrong = msgspec.structs.replace(wrong, expects=(), gates_in=(), gates_out=())
    site.plan_file.write_text(pretty(sealed(msgspec.structs.replace(plan, stages=(wrong,)))))
    ended = rehearsed(site, bundle)
    assert (ended.code, ended.json["verdict"]) == (3, "broke")
    assert "client reader.contoso.example" in ended.out


@pytest.mark.parametrize("faults", ["none", "hostile"])
def test_a_plan_about_the_reverse_proxy_holds_on_the_twin(faults: str, site_of: Callable[..., Site]) -> None:
    site = site_of("own-reverse-proxy", by_name=True)
    bundle = captured(site)
    assert planned(site, bundle, *PROXY).code == 2
    ended = rehearsed(site, bundle, "--faults", faults, "--seed", "5", "--runs", "2")
    assert (ended.code, ended.json["verdict"]) == (0, "held"), ended.out


def test_both_plans_are_shown_compared_and_audited_as_any_other(site_of: Callable[..., Site]) -> None:
    site = site_of("own-reverse-proxy", by_name=True, reader_client=True)
    findings = site.audit().json["findings"]
    remedies = " ".join(one["remedy"] for one in findings if one["rule"] == "thumbprint-left-over")
    assert "reverse-proxy-to-common-name" in remedies
    assert "client-certificates" in remedies
    bundle = client_bundle(site)
    assert planned(site, bundle, *PROXY).code == 2
    shown = command("show", str(site.plan_file))
    assert shown.code == 0
    assert "60-declare-reverse-proxy-name" in shown.out
    other = site.folder / "clients.json"
    ended = command("plan", "--bundle", bundle, "-o", str(other), *CLIENTS)
    assert ended.code == 2
    for form in ("human", "json", "markdown", "html"):
        assert command("show", str(site.plan_file), "--format", form).code == 0
        assert "60-add-client-names" in command("show", str(other), "--format", form).out
    assert command("diff", str(site.plan_file), str(other)).code == 2
    assert command("diff", str(other), str(other)).code == 0
    actions = json.loads(command("permissions", str(site.plan_file)).out)["Actions"]
    assert "Microsoft.Compute/virtualMachineScaleSets/write" in actions
    only = json.loads(command("permissions", str(other)).out)["Actions"]
    assert "Microsoft.ServiceFabric/clusters/write" in only
    assert "Microsoft.Compute/virtualMachineScaleSets/write" not in only


def test_a_certificate_that_is_no_vault_url_is_refused_before_anything_is_read() -> None:
    ended = command("capture", "--cluster", "/x", "-o", "y.json", "--certificate", "ftp://x")
    assert ended.code == 1
    assert "https://VAULT/certificates/NAME is needed" in ended.err
