"""Which rules follow from a runtime's version and settings (reference 1.3)."""

from __future__ import annotations

import pytest

from sfcert.trust.rules import rules_of


@pytest.mark.parametrize(
    ("runtime", "newest", "cng"),
    [("7.2.445.9590", True, False), ("7.2.444.1", False, False), ("11.0.2707.1", True, True), (None, None, None)],
)
def test_the_version_decides_selection_and_keys(runtime: str | None, newest: bool | None, cng: bool | None) -> None:
    found = rules_of(runtime, {})
    assert (found.selects_newest, found.cng_keys) == (newest, cng)


def test_settings_are_read_without_regard_to_case_and_only_in_their_section() -> None:
    assert rules_of("11.4.268.1", {"security": {"usesecondaryifnewer": "False"}}).use_secondary_if_newer is False
    assert rules_of("11.4.268.1", {"Fabric.Code": {"UseSecondaryIfNewer": "false"}}).use_secondary_if_newer is True
    settings = {"Security": {"AcceptExpiredPinnedClusterCertificate": "true"}}
    assert rules_of("11.4.268.1", settings).accepts_expired_pinned is True
    assert rules_of("11.4.268.1", settings, "Linux").accepts_expired_pinned is False


def test_linux_has_no_key_providers() -> None:
    assert rules_of("9.0.1", {}, "Linux").cng_keys is True
