"""Enrolment against the embedded Azure's vault: issued, judged, refused, resumed after a stop at every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sfcert.enrol.expectation import Expectation
from sfcert.enrol.policy import vault_policy
from sfcert.enrol.reading import request_der
from sfcert.errors import ConvergenceError, InputError, RefusedError, RemoteError
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import Acme, Issuer, Renewal, Window
from sfcert.model.observation import PinnedName
from sfcert.workflows.enrolment import enrol, merge
from tests.e2e.site import opened
from tests.workflows.enrolment_site import Desk, FakeAcme, Killed


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with opened(tmp_path, monkeypatch, "one-node-type") as site:
        yield Desk(site)


ACME = Issuer(name="acme", acme=Acme(directory="https://ca.example/directory"))


def expecting(desk: Desk, pin: str | None) -> Expectation:
    """A cluster that declares the desk's common name, with this pin (None: no pin)."""
    pins = (pin,) if pin else ()
    return Expectation(
        cluster_id=desk.site.cluster_id,
        kind="common-name",
        names=(PinnedName(common_name=desk.common_name, issuers=pins, issuers_text=pin or ""),),
        runtime="11.4.268.1",
        in_use=(),
        observed={},
        known=(),
        links=None,
        polling_s=3600,
        unread=(),
    )


def test_an_integrated_issuer_brings_a_version_that_is_judged(desk: Desk) -> None:
    done = enrol(desk.request(), desk.means())
    assert done.outcome == "issued"
    assert done.thumbprint == desk.thumbprint_of("fresh")
    assert done.report is not None
    assert done.report.verdict == "pass"
    assert desk.vault.writes == ["start_create"]


def test_a_second_run_with_the_same_policy_sends_nothing(desk: Desk) -> None:
    enrol(desk.request(), desk.means())
    desk.vault.writes.clear()
    assert enrol(desk.request(), desk.means()).outcome == "unchanged"
    assert desk.vault.writes == []


def test_a_dry_run_shows_the_differences_and_sends_nothing(desk: Desk) -> None:
    request = desk.request(desk.name, policy=desk.policy(validity_months=5), dry_run=True)
    planned = enrol(request, desk.means())
    assert planned.outcome == "planned"
    assert {"x509_props.validity_months", "lifetime_actions"} <= {one.path for one in planned.changes}
    assert desk.vault.writes == []


def test_a_change_of_the_trigger_alone_keeps_the_version(desk: Desk) -> None:
    first = enrol(desk.request(), desk.means())
    later = desk.policy(renewal=Renewal(lifetime_percentage=60), tags={"team": "core"})
    changed = enrol(desk.request(policy=later), desk.means())
    assert changed.outcome == "updated"
    assert desk.thumbprint_of("fresh") == first.thumbprint
    body = desk.body() or {}
    assert body["policy"]["lifetime_actions"][0]["trigger"]["lifetime_percentage"] == 60
    assert body["tags"] == {"team": "core"}


def test_an_issuer_object_that_is_missing_is_created_and_its_refusal_is_told(desk: Desk) -> None:
    policy = desk.policy(issuer=Issuer(name="NewCA", provider="DigiCert", account_id="42"))
    with pytest.raises(RemoteError, match="refused the account's credentials") as refused:
        enrol(desk.request(policy=policy), desk.means())
    assert refused.value.token == "EnrolmentFailed"
    assert desk.vault.fetch_issuer(desk.url, "NewCA")["provider"] == "DigiCert"
    assert desk.memory.record is not None
    assert len(desk.memory.record.failures) == 1


def test_an_issuer_object_that_is_another_one_is_refused_and_named(desk: Desk) -> None:
    desk.vault.put_issuer(desk.url, "NewCA", {"provider": "DigiCert", "credentials": {"account_id": "42"}})
    desk.vault.writes.clear()
    policy = desk.policy(issuer=Issuer(name="NewCA", provider="GlobalSign", account_id="43"))
    with pytest.raises(InputError, match="account_id '42' there, '43' in the policy") as refused:
        enrol(desk.request(policy=policy), desk.means())
    assert "provider 'DigiCert' there, 'GlobalSign' in the policy" in str(refused.value)
    assert desk.vault.writes == []


def test_a_dry_run_tells_that_an_issuer_would_be_created_and_refuses_one_that_cannot_be(desk: Desk) -> None:
    policy = desk.policy(issuer=Issuer(name="NewCA", provider="DigiCert"))
    planned = enrol(desk.request(policy=policy, dry_run=True), desk.means())
    assert planned.outcome == "planned"
    assert any("would create the vault's issuer NewCA" in one for one in planned.notes)
    with pytest.raises(InputError, match="has no issuer 'Nobody'"):
        enrol(desk.request(issuer="Nobody", dry_run=True), desk.means())
    assert desk.vault.writes == []


def test_an_issuer_that_nobody_knows_is_refused_before_anything_is_asked(desk: Desk) -> None:
    with pytest.raises(InputError, match="has no issuer 'Nobody'"):
        enrol(desk.request(issuer="Nobody"), desk.means())
    assert desk.vault.writes == []


def test_a_slow_issuer_ends_in_not_converged_and_the_next_run_goes_on(desk: Desk) -> None:
    desk.site.switch("vault_issuer_seconds", 7200)
    with pytest.raises(ConvergenceError):
        enrol(desk.request(timeout_s=600), desk.means())
    assert enrol(desk.request(timeout_s=7200), desk.means()).outcome == "issued"
    assert desk.vault.writes == ["start_create"]


def test_a_foreign_operation_is_explained_and_left_alone(desk: Desk) -> None:
    enrol(desk.request(issuer="Unknown"), desk.means())
    desk.memory.record = None
    desk.vault.writes.clear()
    with pytest.raises(RefusedError, match="did not begin") as refused:
        enrol(desk.request(issuer="Unknown"), desk.means())
    assert refused.value.token == "PendingForeign"
    assert desk.vault.writes == []
    again = enrol(desk.request(issuer="Unknown", cancel_pending=True), desk.means())
    assert again.outcome == "waiting"
    assert desk.vault.writes == ["put_cancel", "put_pending_gone", "start_create"]


def test_a_request_to_be_signed_by_hand_is_handed_out_twice_and_merged_once(desk: Desk) -> None:
    request = desk.request(issuer="Unknown")
    first = enrol(request, desk.means())
    assert first.csr_pem == enrol(request, desk.means()).csr_pem
    chain = desk.sign(request_der(desk.vault.fetch_pending(desk.url, "fresh")) or b"", "Contoso Issuing CA 01")
    backwards = tuple(reversed(chain))
    done = merge(request, desk.means(), backwards)
    assert done.outcome == "issued"
    assert done.thumbprint == chain[0].thumbprint
    assert done.pins == (chain[1].thumbprint,)
    desk.vault.writes.clear()
    again = merge(request, desk.means(), chain)
    assert (again.outcome, again.thumbprint) == ("unchanged", done.thumbprint)
    assert desk.vault.writes == []
    with pytest.raises(InputError, match="no request in progress"):
        merge(request, desk.means(), chain[1:])


def test_a_merge_that_was_killed_after_it_was_done_is_taken_up_by_the_same_merge(desk: Desk) -> None:
    request = desk.request(issuer="Unknown")
    enrol(request, desk.means())
    chain = desk.sign(request_der(desk.vault.fetch_pending(desk.url, "fresh")) or b"", "Contoso Issuing CA 01")
    desk.vault.after = _stop_at("put_merge")
    with pytest.raises(Killed):
        merge(request, desk.means(), chain)
    desk.vault.after = lambda _: None
    assert merge(request, desk.means(), chain).outcome == "unchanged"
    assert desk.memory.record is not None
    assert desk.memory.record.step == "idle"


def test_a_wrong_chain_does_not_end_a_request_that_somebody_else_began(desk: Desk) -> None:
    request = desk.request(issuer="Unknown")
    enrol(desk.request("other", issuer="Unknown"), desk.means())
    other = desk.sign(request_der(desk.vault.fetch_pending(desk.url, "other")) or b"", "Contoso Issuing CA 01")
    enrol(request, desk.means())
    desk.memory.record = None
    with pytest.raises(RefusedError, match="stays open"):
        merge(request, desk.means(), other)
    assert (desk.vault.fetch_pending(desk.url, "fresh") or {})["status"] == "inProgress"


def test_a_chain_that_could_not_be_judged_finds_its_request_again(desk: Desk) -> None:
    expectation = expecting(desk, desk.site.facts["issuer_thumbprint"])
    blind = msgspec.structs.replace(expectation, rivals_unread=("vaults/https://kv.vault.azure.net: 403",))
    enrol(desk.request(issuer="Unknown"), desk.means())
    chain = desk.sign(request_der(desk.vault.fetch_pending(desk.url, "fresh")) or b"", "Contoso Issuing CA 01")
    with pytest.raises(RefusedError, match="stays open for the same chain"):
        merge(desk.request(issuer="Unknown", expectation=blind), desk.means(), chain)
    seeing = desk.request(issuer="Unknown", expectation=expectation)
    assert merge(seeing, desk.means(), chain).outcome == "issued"


def test_certificates_that_belong_to_no_line_of_the_leaf_are_not_merged(desk: Desk) -> None:
    request = desk.request(issuer="Unknown")
    enrol(request, desk.means())
    der = request_der(desk.vault.fetch_pending(desk.url, "fresh")) or b""
    mine, strange = desk.sign(der, "Contoso Issuing CA 01"), desk.sign(der, desk.site.facts["other_issuer"])
    with pytest.raises(RefusedError, match="does not let") as refused:
        merge(request, desk.means(), (mine[0], strange[1]), keep_pending=True)
    assert any("IntermediateMissing" in one for one in refused.value.evidence)
    done = merge(request, desk.means(), (strange[1], *mine))
    assert done.outcome == "issued"
    assert any(strange[1].thumbprint in one for one in done.notes)
    assert desk.memory.record is not None
    assert (desk.memory.record.chain_pem or "").count("BEGIN") == len(mine) - 1


def test_a_chain_for_another_key_is_not_merged_and_the_operation_is_cancelled(desk: Desk) -> None:
    request = desk.request(issuer="Unknown")
    enrol(desk.request("other", issuer="Unknown"), desk.means())
    other = desk.sign(request_der(desk.vault.fetch_pending(desk.url, "other")) or b"", "Contoso Issuing CA 01")
    desk.memory.record = None
    enrol(request, desk.means())
    with pytest.raises(RefusedError, match="OtherKey"):
        merge(request, desk.means(), other)
    assert desk.vault.fetch_pending(desk.url, "fresh") is None


def test_an_issuer_that_is_not_pinned_is_refused_and_the_pin_to_add_is_named(desk: Desk) -> None:
    facts = desk.site.facts
    request = desk.request(policy=desk.policy(issuer=ACME), expectation=expecting(desk, facts["issuer_thumbprint"]))
    acme = FakeAcme(desk, facts["other_issuer"])
    with pytest.raises(RefusedError) as refused:
        enrol(request, desk.means(acquire=acme))
    assert refused.value.exit_code == 3
    assert facts["other_issuer_thumbprint"] in str(refused.value)
    assert "change-issuer" in str(refused.value)
    assert desk.body() is None
    assert "put_merge" not in desk.vault.writes


def test_a_prediction_refuses_an_integrated_issuer_before_anything_is_sent(desk: Desk) -> None:
    request = desk.request(desk.name, expectation=expecting(desk, "AA" * 20), renew=True)

    def find(leaf: Any) -> tuple[Any, ...]:
        return desk.sign(request_der(desk.vault.fetch_pending(desk.url, "probe")) or b"", "Contoso Issuing CA 01")[1:]

    enrol(desk.request("probe", issuer="Unknown"), desk.means())
    desk.memory.record = None
    desk.vault.writes.clear()
    with pytest.raises(RefusedError, match="IssuerNotPinned"):
        enrol(request, desk.means(find_issuers=find))
    assert desk.vault.writes == []


def test_an_unknown_issuer_blocks_unless_the_assumption_is_accepted(desk: Desk) -> None:
    pin = desk.site.facts["issuer_thumbprint"]
    with pytest.raises(RefusedError, match="issuer-next-time"):
        enrol(desk.request(expectation=expecting(desk, pin)), desk.means())
    assert desk.vault.writes == []
    accepted = desk.request(expectation=expecting(desk, pin), accepted=frozenset({"issuer-next-time"}))
    # the vault hides the chain, so what was issued is still unknown to the gate, and says so
    with pytest.raises(RefusedError, match="IssuerUnknown"):
        enrol(accepted, desk.means())


def test_acme_orders_first_and_leaves_no_operation_where_a_challenge_fails(desk: Desk) -> None:
    acme = FakeAcme(desk, "Contoso Issuing CA 01")

    def fail(step: str) -> None:
        if step == "challenge":
            raise RemoteError("RemoteFailed", "wrong answer", service="ca", operation="challenge", transient=False)

    acme.before = fail
    request = desk.request(policy=desk.policy(issuer=ACME))
    with pytest.raises(RemoteError):
        enrol(request, desk.means(acquire=acme))
    assert desk.vault.writes == []
    acme.before = lambda _: None
    assert enrol(request, desk.means(acquire=acme)).outcome == "issued"
    assert desk.memory.record is not None
    assert desk.memory.record.failures == ()


def test_what_a_failed_order_left_in_place_outlives_the_order_and_a_change_of_the_policy(desk: Desk) -> None:
    """The order is given up; whoever comes next has to know what may still stand where the authority looks."""
    acme = FakeAcme(desk, "Contoso Issuing CA 01")

    def fail(step: str) -> None:
        if step == "challenge":
            raise RemoteError(
                "AcmeChallengeFailed", "wrong answer", service="ca", operation="challenge", transient=False
            )

    acme.before = fail
    with pytest.raises(RemoteError):
        enrol(desk.request(policy=desk.policy(issuer=ACME)), desk.means(acquire=acme))
    assert desk.memory.record is not None
    assert desk.memory.record.order is None
    assert len(desk.memory.record.placed) == len(acme.in_place) == 1
    acme.before = lambda _: None
    changed = desk.policy(issuer=ACME, validity_months=6)
    assert enrol(desk.request(policy=changed, timeout_s=77.0), desk.means(acquire=acme)).outcome == "issued"
    assert acme.in_place == []
    assert desk.memory.record.placed == ()
    assert acme.timeouts[-1] == 77.0


def test_a_renewal_by_acme_says_what_it_replaces(desk: Desk) -> None:
    acme = FakeAcme(desk, "Contoso Issuing CA 01")
    policy = desk.policy(issuer=ACME)
    first = enrol(desk.request(policy=policy), desk.means(acquire=acme))
    desk.clock.sleep(3600)
    second = enrol(desk.request(policy=policy, renew=True), desk.means(acquire=acme))
    assert second.thumbprint != first.thumbprint
    assert acme.replaces == [None, "a.b"]


# -- the crash law ------------------------------------------------------------------------------

STEPS: list[tuple[str, str]] = [
    ("before", "start_create"),
    ("after", "start_create"),
    ("before", "put_merge"),
    ("after", "put_merge"),
    ("acme", "order"),
    ("acme", "challenge"),
    ("acme", "finalize"),
    ("acme", "downloaded"),
]


@pytest.mark.parametrize(("where", "what"), STEPS, ids=[f"{where} {what}" for where, what in STEPS])
def test_killed_at_a_step_and_run_again_there_is_one_order_one_request_and_nothing_pending(
    desk: Desk, where: str, what: str
) -> None:
    acme = FakeAcme(desk, "Contoso Issuing CA 01")
    means = desk.means(acquire=acme)
    request = desk.request(policy=desk.policy(issuer=ACME))
    stop = _stop_at(what)
    if where == "acme":
        acme.before = stop
    else:
        setattr(desk.vault, where, stop)
    with pytest.raises(Killed):
        enrol(request, means)
    acme.before = desk.vault.before = desk.vault.after = lambda _: None
    done = enrol(request, means)
    assert done.outcome in ("issued", "unchanged")
    body = desk.body() or {}
    assert len(body["versions"]) == 1
    assert (body["pending"] or {}).get("status") != "inProgress"
    assert len(acme.orders) == 1
    assert desk.vault.writes.count("start_create") == 1
    assert desk.vault.writes.count("put_merge") == 1
    assert desk.memory.record is not None
    assert desk.memory.record.step == "idle"


def test_killed_at_every_save_of_the_record_an_integrated_enrolment_asks_once(desk: Desk) -> None:
    """Stops right after the n-th save, for every n, with a certificate of its own each."""
    for stop_after in range(1, 20):
        desk.memory.record = None
        desk.vault.writes.clear()
        saves = iter(range(1, 100))
        save = desk.memory.save

        def counted(record: Any, saves: Any = saves, save: Any = save, limit: int = stop_after) -> None:
            save(record)
            if next(saves) == limit:
                raise Killed

        desk.memory.save = counted  # type: ignore[method-assign] # the fake's own way of being stopped
        request = desk.request(f"fresh-{stop_after}")
        try:
            enrol(request, desk.means())
            was_killed = False
        except Killed:
            was_killed = True
        desk.memory.save = save  # type: ignore[method-assign] # and of going on
        assert enrol(request, desk.means()).outcome in ("issued", "unchanged")
        assert desk.vault.writes == ["start_create"]
        if not was_killed:
            assert stop_after > 2
            return
    pytest.fail("an enrolment does not save twenty times")


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize(
    ("issuer", "step"), [("integrated", "start_create"), ("acme", "start_create"), ("acme", "put_merge")]
)
def test_a_renewal_that_was_killed_asks_no_second_time(desk: Desk, issuer: str, step: str, where: str) -> None:
    """The operation of the version before is completed and still shown: it must not be taken for the new one."""
    acme = FakeAcme(desk, "Contoso Issuing CA 01")
    means = desk.means(acquire=acme)
    policy = desk.policy(ACME if issuer == "acme" else "ContosoCA")
    first = enrol(desk.request(policy=policy), means)
    desk.clock.sleep(3600)
    desk.vault.writes.clear()
    setattr(desk.vault, where, _stop_at(step))
    with pytest.raises(Killed):
        enrol(desk.request(policy=policy, renew=True), means)
    desk.vault.before = desk.vault.after = lambda _: None
    desk.clock.sleep(3600)  # an integrated issuer has answered meanwhile
    done = enrol(desk.request(policy=policy, renew=True), means)
    assert done.outcome == "issued"
    assert done.thumbprint != first.thumbprint
    assert len((desk.body() or {})["versions"]) == 2
    assert desk.vault.writes.count("start_create") == 1
    assert len(acme.orders) == (2 if issuer == "acme" else 0)


def test_a_policy_that_differs_only_in_what_the_vault_does_not_know_is_remembered(desk: Desk) -> None:
    enrol(desk.request(), desk.means())
    windows = Renewal(windows=(Window(cron="0 2 * * 6", minutes=60),))
    assert enrol(desk.request(policy=desk.policy(renewal=windows)), desk.means()).outcome == "unchanged"
    assert desk.memory.record is not None
    assert desk.memory.record.policy is not None
    assert desk.memory.record.policy.renewal == windows


def _stop_at(what: str) -> Callable[[str], None]:
    def stop(step: str) -> None:
        if step == what:
            raise Killed

    return stop


# -- bad days of the vault --------------------------------------------------------------------------


def test_a_name_that_lies_soft_deleted_is_explained(desk: Desk) -> None:
    enrol(desk.request(), desk.means())
    desk.requests.call("DELETE", desk.url, "/certificates/fresh")
    with pytest.raises(InputError, match="lies soft-deleted"):
        enrol(desk.request(), desk.means())


def test_a_version_that_somebody_disabled_is_replaced(desk: Desk) -> None:
    first = enrol(desk.request(), desk.means())
    desk.requests.call("PATCH", desk.url, f"/certificates/fresh/{first.version}", {"attributes": {"enabled": False}})
    second = enrol(desk.request(), desk.means())
    assert second.outcome == "issued"
    assert second.thumbprint != first.thumbprint


def test_a_vault_that_refuses_is_named_and_nothing_is_remembered_as_begun(desk: Desk) -> None:
    def take_rights_away(azure: Any) -> None:
        azure.find_service("vaults").resource(desk.url).body["properties"]["accessPolicies"] = []

    desk.site.running.call(take_rights_away)
    with pytest.raises(RemoteError) as refused:
        enrol(desk.request(), desk.means())
    assert refused.value.token == "PermissionDenied"
    assert desk.memory.record is None


def test_an_operation_that_ends_as_cancelled_is_told_and_the_next_run_asks_again(desk: Desk) -> None:
    desk.site.switch("vault_issuer_seconds", 7200)
    with pytest.raises(ConvergenceError):
        enrol(desk.request(timeout_s=60), desk.means())
    desk.vault.put_cancel(desk.url, "fresh")
    desk.vault.writes.clear()
    desk.site.switch("vault_issuer_seconds", 0)
    done = enrol(desk.request(), desk.means())
    assert done.outcome == "issued"
    assert "ended as cancelled" in done.notes[0]


def test_a_policy_that_changed_while_its_request_is_open_takes_the_operation_for_another(desk: Desk) -> None:
    enrol(desk.request(issuer="Unknown"), desk.means())
    other = desk.policy("Unknown", validity_months=6)
    with pytest.raises(RefusedError, match="--cancel-pending"):
        enrol(desk.request(policy=other), desk.means())


def test_what_stands_in_the_vault_is_judged_again_for_a_cluster(desk: Desk) -> None:
    """An integrated issuer's version that the gate refused does not pass by running the same command again."""
    enrol(desk.request(), desk.means())
    with pytest.raises(RefusedError, match="stands in the vault"):
        enrol(desk.request(expectation=expecting(desk, "AA" * 20)), desk.means())


def test_what_stands_in_the_vault_is_judged_where_no_cluster_is_named_too(desk: Desk) -> None:
    """What the vault had merged and the gate refused would be told as good by the next run of a pipeline."""
    policy = desk.policy("Self", key_usage=("keyEncipherment",))
    desk.vault.start_create(desk.url, "fresh", vault_policy(policy), {})
    desk.clock.sleep(300)
    with pytest.raises(RefusedError, match="stands in the vault"):
        enrol(desk.request(policy=policy), desk.means())


def test_an_issuer_is_looked_for_once_for_each_certificate(desk: Desk) -> None:
    asked: list[str] = []

    def find(leaf: Certificate) -> tuple[Certificate, ...]:
        asked.append(leaf.thumbprint)
        return ()

    done = enrol(desk.request(), desk.means(find_issuers=find))
    assert asked == [done.thumbprint]
    assert done.pins == ()
