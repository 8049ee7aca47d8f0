"""An enrolment as a stage: killed at every effect it is asked for once, and what stands for it is put in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfcert.errors import InputError, RefusedError
from sfcert.model.plan import EnrolOperation
from sfcert.model.progress import Event
from sfcert.workflows.apply import Outcome, apply
from sfcert.workflows.enrolment.request import Means
from tests.e2e.killing import plan_and_ports
from tests.e2e.site import Site, opened
from tests.e2e.test_change_of_issuer import chain_of_the_other_authority
from tests.e2e.test_enrolment_stage import change_words
from tests.workflows.enrolment_site import Desk, FakeAcme, Killed

ACME = {"name": "acme", "acme": {"directory": "https://ca.example/directory", "solvers": [{"kind": "http01"}]}}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A cluster by name that pins the other authority already, and knows it as the issuer `OtherCA`."""
    with opened(tmp_path, monkeypatch, by_name=True) as site:

        def do(azure: Any) -> None:
            vaults = azure.find_service("vaults")
            vaults.bind_issuer(site.facts["vault_url"], "OtherCA", site.facts["other_issuer"])

        site.running.call(do)
        yield site


class Desktop:
    """One plan, applied as often as it takes with the same memory."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.desk = Desk(site)
        self.acme = FakeAcme(self.desk, site.facts["other_issuer"])
        self.stage = site.stage_like("45-")
        self.told: list[Event] = []

    def means(self, operation: EnrolOperation, tell: Callable[[Event], None]) -> Means:
        return self.desk.means(emit=tell, acquire=self.acme if operation.policy.issuer.is_acme else None)

    def apply(self, *, until: str | None = None, has_means: bool = True) -> Outcome:
        plan, ports = plan_and_ports(self.site)
        return apply(
            plan,
            ports,
            confirm=lambda question: True,
            emit=self.told.append,
            until=until,
            enrolments=self.means if has_means else None,
        )


@pytest.mark.parametrize("issuer", ["OtherCA", ACME], ids=["an authority behind the vault", "an authority by ACME"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_dies_at_each_of_its_effects_asks_once(site: Site, issuer: Any, moment: str) -> None:
    """Every run dies at its first write (after it), or at its second (before it), until none is left to die at."""
    assert site.plan(*change_words(site, issuer), *chain_of_the_other_authority(site)).code == 2
    table = Desktop(site)
    table.apply(until="40-pin-issuers")
    asked = len(table.acme.orders)
    for _ in range(30):
        seen = {"writes": 0}

        def die(_: str, seen: dict[str, int] = seen) -> None:
            seen["writes"] += 1
            if moment == "after" or seen["writes"] > 1:
                raise Killed

        setattr(table.desk.vault, moment, die)
        try:
            outcome = table.apply(until=table.stage)
        except Killed:
            continue
        break
    else:
        raise AssertionError("it never came to its end")
    assert outcome.stages[-1].stage == table.stage
    assert table.desk.vault.writes.count("start_create") == 1
    assert len(table.acme.orders) - asked == (0 if issuer == "OtherCA" else 1)
    body = table.desk.body(table.desk.name) or {}
    assert len(body["versions"]) == 2
    assert body["tags"]["sfcert-enrolled-for"].startswith("sfcert-")
    assert site.refusals() == []


def test_a_version_that_somebody_disables_is_asked_for_again(site: Site) -> None:
    assert site.plan(*change_words(site, "OtherCA"), *chain_of_the_other_authority(site)).code == 2
    table = Desktop(site)
    table.apply(until="40-pin-issuers")

    def disable(_: str) -> None:
        raise Killed

    table.desk.vault.before = lambda name: disable(name) if name == "put_tags" else None
    with pytest.raises(Killed):
        table.apply(until=table.stage)
    table.desk.vault.before = lambda _: None

    def do(azure: Any) -> None:
        found = azure.find_service("vaults").content(site.facts["vault_url"]).certificate(table.desk.name)
        found.versions[-1] = replace(found.versions[-1], enabled=False)

    site.running.call(do)
    table.apply(until=table.stage)
    assert table.desk.vault.writes.count("start_create") == 2


def test_somebody_elses_request_is_left_alone(site: Site) -> None:
    assert site.plan(*change_words(site, "OtherCA"), *chain_of_the_other_authority(site)).code == 2
    table = Desktop(site)
    table.apply(until="40-pin-issuers")
    site.switch("vault_issuer_seconds", 86400)
    stranger = table.desk.policy("ContosoCA")
    from sfcert.enrol.policy import vault_policy

    table.desk.vault.start_create(table.desk.url, table.desk.name, vault_policy(stranger), {})
    with pytest.raises(RefusedError) as refused:
        table.apply(until=table.stage)
    assert refused.value.token in ("PendingForeign", "PlanStale")
    assert table.desk.vault.writes.count("start_create") == 1


def test_a_run_that_was_given_nothing_to_enrol_with_says_so(site: Site) -> None:
    assert site.plan(*change_words(site, "OtherCA"), *chain_of_the_other_authority(site)).code == 2
    table = Desktop(site)
    with pytest.raises(InputError, match="nothing to do it with"):
        table.apply(until=table.stage, has_means=False)
