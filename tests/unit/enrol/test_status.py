"""Conditions Ready and Issuing, and the metrics that say the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from sfcert.enrol.reading import policy_from_vault
from sfcert.enrol.reasons import CERT_MANAGER_REASONS, CONDITION_REASONS
from sfcert.enrol.status import certificate_status, with_transitions
from sfcert.model.enrolment import CertificateStatus, Failure, Record
from sfcert.views.enrolment import status_human, statuses_human
from sfcert.views.enrolment_metrics import metric_names, metrics_text
from tests import make


def status(
    *versions: dict[str, Any], pending: dict[str, Any] | None = None, record: Record | None = None, days: float = 0
) -> CertificateStatus:
    body = {"policy": make.policy(), "pending": pending, "versions": list(versions), "tags": {"team": "core"}}
    return certificate_status(make.VAULT_URL, "shop", body, record, make.NOW + timedelta(days=days))


def shown(one: CertificateStatus) -> tuple[str, str, str, str]:
    ready, issuing = one.conditions
    return ready.status, ready.reason, issuing.status, issuing.reason


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        (0, ("True", "Ready", "False", "Idle")),
        (110, ("True", "Ready", "True", "Renewing")),
        (151, ("False", "Expired", "True", "Renewing")),
        (-31, ("False", "NotYetValid", "False", "Idle")),
    ],
)
def test_a_certificate_through_its_life(days: float, wanted: tuple[str, ...]) -> None:
    assert shown(status(make.version(make.leaf()), days=days)) == wanted


def test_a_disabled_version_is_not_ready() -> None:
    assert shown(status(make.version(make.leaf(), enabled=False)))[:2] == ("False", "Disabled")


def test_no_version_and_an_operation_in_progress() -> None:
    assert shown(status(pending={"status": "inProgress"})) == ("False", "DoesNotExist", "True", "Pending")


def test_a_failure_backs_off_and_then_says_failed() -> None:
    failure = Failure(at_utc=make.NOW, token="EnrolmentFailed", message="The authority refused.")
    record = Record(vault_url=make.VAULT_URL, name="shop", failures=(failure,))
    assert shown(status(make.version(make.leaf()), record=record))[2:] == ("False", "BackingOff")
    assert shown(status(make.version(make.leaf()), record=record, days=1))[2:] == ("False", "Failed")


def test_where_there_is_nothing_it_is_not_said_that_nothing_is_to_be_done() -> None:
    assert shown(status()) == ("False", "DoesNotExist", "False", "DoesNotExist")


def test_failures_in_a_row_are_counted_and_shown() -> None:
    failures = tuple(Failure(at_utc=make.NOW, token="EnrolmentFailed", message="no") for _ in range(3))
    record = Record(vault_url=make.VAULT_URL, name="shop", failures=failures)
    one = status(make.version(make.leaf()), record=record)
    assert one.failed_attempts == 3
    assert "3 in a row" in status_human(one)
    assert status(make.version(make.leaf())).failed_attempts == 0


def test_one_difference_is_one() -> None:
    other = msgspec.structs.replace(policy_from_vault(make.policy(), {}), validity_months=7)
    record = Record(vault_url=make.VAULT_URL, name="shop", policy=other)
    ready = status(make.version(make.leaf()), record=record).conditions[0]
    assert (ready.reason, ready.message) == (
        "PolicyDiffers",
        "x509_props.validity_months differs from the policy.",
    )


def test_every_condition_that_cert_manager_has_a_word_for_is_known_here() -> None:
    assert set(CERT_MANAGER_REASONS) <= set(CONDITION_REASONS)


def test_every_metric_of_a_certificate_that_cert_manager_has_is_there() -> None:
    there = {
        "certificate_ready_status",
        "certificate_not_after_timestamp_seconds",
        "certificate_not_before_timestamp_seconds",
        "certificate_expiration_timestamp_seconds",
        "certificate_renewal_timestamp_seconds",
    }
    text = metrics_text([status(make.version(make.leaf()))])
    written = {line.split()[2].removeprefix("sfcert_") for line in text.splitlines() if line.startswith("# TYPE")}
    assert written == set(metric_names())
    assert there <= written


def test_a_transition_is_dated_once() -> None:
    record = Record(vault_url=make.VAULT_URL, name="shop")
    first = status(make.version(make.leaf()), record=record)
    kept = with_transitions(record, first, make.NOW + timedelta(microseconds=406250))
    later = status(make.version(make.leaf()), record=kept, days=1)
    assert later.conditions[0].since_utc == make.NOW
    assert with_transitions(kept, later, make.NOW + timedelta(days=1)) == kept
    expired = status(make.version(make.leaf()), record=kept, days=151)
    assert expired.conditions[0].since_utc is None


def test_metrics_and_tables_say_the_same() -> None:
    one = status(make.version(make.leaf()))
    text = metrics_text([one])
    labels = f'name="shop",vault="{make.VAULT_URL}",issuer_name="CN=Example Issuing CA A"'
    assert f'sfcert_certificate_ready_status{{{labels},condition="True"}} 1' in text
    assert f"sfcert_certificate_expiration_timestamp_seconds{{{labels}}} {one.not_after_utc.timestamp():.0f}" in text
    assert all(line.startswith(("#", "sfcert_")) for line in text.splitlines())
    assert "True" in statuses_human([one])
    assert "team: core" in status_human(one)


def test_a_quote_in_a_label_is_escaped() -> None:
    odd = msgspec.structs.replace(status(make.version(make.leaf())), issuer='CN=A "B"\nC')
    assert r'issuer_name="CN=A \"B\"\nC"' in metrics_text([odd])
