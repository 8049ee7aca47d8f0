"""What is foretold of a cluster's certificates, over small whole worlds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sfcert.enrol.forecast import forecast
from sfcert.model.codec import canonical
from sfcert.model.forecast import UNKNOWN_REASONS, CertificateForecast, Forecast
from sfcert.sources.observe import observe
from sfcert.views.forecast import forecast_human, forecast_svg
from tests import make

DAY = timedelta(days=1)


def told(world: make.World, **more: Any) -> Forecast:
    return forecast(make.observation(world), make.NOW, **more)


def only(found: Forecast) -> CertificateForecast:
    assert len(found.certificates) == 1
    return found.certificates[0]


def renewing(percentage: int = 80, months: int = 6, issuer: str = "ExampleCA") -> make.Json:
    return make.policy(
        action="AutoRenew",
        issuer=issuer,
        x509_props={**make.policy()["x509_props"], "validity_months": months},
        lifetime_actions=[
            {"trigger": {"lifetime_percentage": percentage}, "action": {"action_type": "AutoRenew"}},
        ],
    )


def public_leaf(days: int = 199) -> make.Issued:
    issuer = make.authority("DigiCert Global G2 TLS RSA SHA256 2020 CA1")
    begins = make.NOW - 20 * DAY
    return make.certificate(issuer=issuer, key_label="leaf-1", not_before=begins, not_after=begins + days * DAY)


def edited(world: make.World, section: str, **settings: str) -> Forecast:
    plain = make.document(world)
    parameters = [{"name": name, "value": value} for name, value in settings.items()]
    plain["resources"][make.CLUSTER_ID]["body"]["properties"]["fabricSettings"] = [
        {"name": section, "parameters": parameters}
    ]
    return forecast(observe(make.from_document(plain)), make.NOW)


def test_a_cluster_by_name_rotates_by_itself_until_the_horizon() -> None:
    one = only(told(make.common_name_world()))
    assert (one.renews, one.selected, one.arrives) == ("vault", "name", "extension")
    assert [each.number for each in one.rotations] == [1, 2, 3, 4]
    first = one.rotations[0]
    # 180 days, 75 %: 45 days are left; then an hour's poll, a minute, an hour, after three days of the authority
    assert first.due is not None
    assert first.due.earliest_utc == make.NOW + 105 * DAY
    assert first.on_nodes is not None
    assert first.on_nodes.latest_utc == make.NOW + 108 * DAY + timedelta(hours=2, minutes=1)
    assert first.slack_s == (45 - 10) * 86400 - 7260


def test_the_deadline_is_the_end_less_the_sum_that_it_shows() -> None:
    one = only(told(make.common_name_world()))
    assert one.deadline is not None
    whole = timedelta(seconds=sum(part.seconds for part in one.deadline.sum))
    assert one.deadline.at_utc == one.not_after_utc - whole
    assert not one.deadline.is_passed
    assert {part.step for part in one.deadline.sum} == {"issue", "bring", "notice", "let-go"}


def test_nobody_renews_where_the_policy_names_no_authority() -> None:
    one = only(told(make.common_name_world(policy=make.policy(action="AutoRenew", issuer="Unknown"))))
    assert one.renews == "person"
    assert [each.state for each in one.rotations] == ["by-person"]
    assert one.rotations[0].on_nodes is None


def test_a_declared_thumbprint_needs_people_even_where_the_vault_renews() -> None:
    one = only(told(make.world(policy=renewing())))
    assert (one.selected, one.renews) == ("thumbprint", "vault")
    assert [each.state for each in one.rotations] == ["by-person"]
    assert one.deadline is not None
    assert "declare" in {part.step for part in one.deadline.sum}
    assert any("changes nothing by itself" in note for note in one.notes)


def test_a_passed_last_moment_is_said() -> None:
    found = told(make.common_name_world(current=make.leaf("old", not_after=make.NOW + 5 * DAY)))
    assert [one.deadline.is_passed for one in found.passed if one.deadline] == [True]


def test_the_trigger_that_is_long_past_is_overdue_and_counts_from_now() -> None:
    goal = make.leaf("old", not_before=make.NOW - 160 * DAY, not_after=make.NOW + 20 * DAY)
    first = only(told(make.common_name_world(current=goal))).rotations[0]
    assert first.state == "overdue"
    assert first.due is not None
    assert first.due.earliest_utc == make.NOW
    assert first.slack_s == 10 * 86400 - 7260


def test_the_public_schedule_shortens_lives_step_by_step() -> None:
    found = told(make.common_name_world(current=public_leaf(), policy=renewing(months=12)), horizon=1200 * DAY)
    one = only(found)
    lives = [(each.expires.latest_utc - each.begins.latest_utc).days for each in one.rotations]
    assert lives[0] == 199
    assert set(lives[1:]) == {100, 47}
    assert lives == sorted(lives, reverse=True)
    assert [mark.kind for mark in one.marks] == ["eku-sunset", "validity-step", "validity-step"]
    assert all((each.slack_s or 0) < 0 for each, life in zip(one.rotations, lives, strict=True) if life == 47)
    assert any("too late" in note for note in one.notes)


def test_a_private_authority_is_under_no_public_maximum() -> None:
    one = only(told(make.common_name_world(policy=renewing(months=6)), horizon=1200 * DAY))
    assert {(each.expires.latest_utc - each.begins.latest_utc).days for each in one.rotations} == {180}
    assert one.marks == ()


def test_a_margin_without_a_unit_gives_a_span() -> None:
    found = edited(make.common_name_world(), "Security", CertificateExpirySafetyMargin="43200")
    warns = only(found).rotations[0].warns
    ends = make.NOW + 150 * DAY
    assert warns is not None
    assert (warns.earliest_utc, warns.latest_utc) == (ends - 30 * DAY, ends - timedelta(hours=12))
    assert any("disagree" in text for text in found.assumptions)


def test_a_margin_as_time_span_is_a_point_and_nonsense_is_unknown() -> None:
    span = edited(make.common_name_world(), "security", CertificateExpirySafetyMargin="10.00:00:00")
    warns = only(span).rotations[0].warns
    assert warns is not None
    assert warns.earliest_utc == warns.latest_utc == make.NOW + 140 * DAY
    nonsense = edited(make.common_name_world(), "Security", CertificateExpirySafetyMargin="soon")
    assert [one.reason for one in nonsense.unknown] == ["MarginUnreadable"]
    assert only(nonsense).rotations[0].warns is None


def test_an_early_warning_is_called_noise() -> None:
    one = only(told(make.common_name_world(policy=renewing(percentage=90))))
    assert any("means nothing" in note for note in one.notes)


def test_an_unread_vault_is_unknown_with_its_reason_and_has_no_dates() -> None:
    plain = make.document(make.common_name_world())
    plain["vaults"] = {}
    plain["unread"] = [{"what": f"vaults/{make.VAULT_URL}", "why": "403 Forbidden"}]
    found = forecast(observe(make.from_document(plain)), make.NOW)
    assert found.certificates == ()
    reasons = {one.reason: one.why for one in found.unknown}
    assert "403 Forbidden" in reasons["VaultUnread"]
    assert found.passed == ()


def test_an_unread_policy_gives_a_deadline_and_names_what_is_missing() -> None:
    plain = make.document(make.common_name_world())
    plain["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]["policy"] = None
    found = forecast(observe(make.from_document(plain)), make.NOW)
    assert [one.reason for one in found.unknown] == ["PolicyUnread"]
    assert only(found).renews == "unknown"
    assert only(found).deadline is not None


def test_a_template_tells_nothing_of_vaults() -> None:
    plain = make.document(make.common_name_world()) | {"source": "template", "vaults": {}, "vm_instances": None}
    found = forecast(observe(make.from_document(plain)), make.NOW)
    assert "NotInTemplate" in {one.reason for one in found.unknown}


def test_the_older_of_two_declared_thumbprints_has_no_deadline() -> None:
    older = make.leaf("2", not_before=make.NOW - 100 * DAY, not_after=make.NOW + 3 * DAY)
    found = told(make.world(secondary=older, versions=(make.leaf(), older)))
    deadlines = {one.thumbprint: one.deadline for one in found.certificates}
    assert deadlines[older.thumbprint] is None
    assert deadlines[make.leaf().thumbprint] is not None


def test_a_fresh_version_is_under_way_until_old_sessions_have_ended() -> None:
    old = make.leaf("1", not_before=make.NOW - 150 * DAY, not_after=make.NOW + 30 * DAY)
    new = make.leaf("2", not_before=make.NOW - 2 * DAY, not_after=make.NOW + 178 * DAY)
    world = make.common_name_world(goal=new, versions=(old, new))
    states = [each.state for each in only(told(world)).rotations]
    assert states[:2] == ["under-way", "expected"]
    later = forecast(make.observation(world), make.NOW + 9 * DAY)
    assert only(later).rotations[0].state == "expected"


def test_leftovers_of_the_reverse_proxy_have_their_own_deadline() -> None:
    proxy = make.leaf("rp", common_name="rp.example.com", not_after=make.NOW + 20 * DAY)
    found = told(make.common_name_world(reverse_proxy=proxy, has_secrets=True, versions=(make.leaf(), proxy)))
    assert found.certificates[0].roles == ("reverse-proxy",)


def test_extension_4_is_counted_with_its_longest_pause() -> None:
    plain = make.common_name_world(extension_version="4.0")
    one = only(told(plain))
    assert one.deadline is not None
    bring = next(part for part in one.deadline.sum if part.step == "bring")
    assert (bring.seconds, "4.0" in bring.source) == (3600, True)


def test_equal_worlds_give_equal_bytes_and_reasons_are_from_the_closed_list() -> None:
    worlds = [make.world(), make.common_name_world(), make.common_name_world(has_extension=False)]
    for world in worlds:
        assert canonical(told(world)) == canonical(told(world))
        assert {one.reason for one in told(world).unknown} <= set(UNKNOWN_REASONS)


@pytest.mark.parametrize("days", [1, 3000])
@pytest.mark.parametrize(
    "trigger", [{"lifetime_percentage": 99}, {"days_before_expiry": 1}, {"days_before_expiry": 10**12}]
)
@pytest.mark.parametrize("last", [datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), make.NOW + DAY])
def test_numbers_without_measure_give_dates_that_exist(trigger: make.Json, days: int, last: datetime) -> None:
    actions = [{"trigger": trigger, "action": {"action_type": "AutoRenew"}}]
    policy = make.policy(
        action="AutoRenew", issuer="X", lifetime_actions=actions, x509_props={"validity_months": 10**12}
    )
    world = make.common_name_world(current=make.leaf("never", not_after=last), policy=policy)
    text = json.dumps(make.document(world)).replace(
        '"pollingIntervalInS": "3600"', '"pollingIntervalInS": "99999999999999"'
    )
    observation = observe(make.from_document(json.loads(text)))
    for now in (make.NOW, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)):
        found = forecast(observation, now, horizon=days * DAY)
        assert found.certificates[0].deadline is not None
        assert forecast_svg(found)
        assert forecast_human(found)


@pytest.mark.parametrize("days", [1, 30, 548, 3000])
def test_the_next_rotation_is_told_of_however_near_the_horizon(days: int) -> None:
    assert only(told(make.common_name_world(), horizon=days * DAY)).rotations[0].number == 1
