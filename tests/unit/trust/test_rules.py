"""Which rules follow from a runtime's version and settings (reference 1.3)."""

from __future__ import annotations

import pytest

from sfcert.trust.rules import RuntimeRules, rules_of, rules_of_extension


@pytest.mark.parametrize(
    ("runtime", "newest", "cng"),
    [("7.2.445.9590", True, False), ("7.2.444.1", False, False), ("11.0.2707.1", True, True), (None, None, None)],
)
def test_the_version_decides_selection_and_keys(runtime: str | None, newest: bool | None, cng: bool | None) -> None:
    found = rules_of(runtime, {})
    assert (found.selects_newest, found.cng_keys) == (newest, cng)


@pytest.mark.parametrize(("selects", "may_select"), [(True, True), (False, None), (None, None)])
def test_a_node_extension_need_not_go_by_the_order_of_an_old_runtime(
    selects: bool | None, may_select: bool | None
) -> None:
    rules = RuntimeRules(selects_newest=selects, accepts_expired_pinned=True)
    assert rules_of_extension(rules) == RuntimeRules(selects_newest=may_select, accepts_expired_pinned=True)


def test_settings_are_read_without_regard_to_case_and_only_in_their_section() -> None:
    assert rules_of("11.4.268.1", {"security": {"usesecondaryifnewer": "False"}}).use_secondary_if_newer is False
    assert rules_of("11.4.268.1", {"Fabric.Code": {"UseSecondaryIfNewer": "false"}}).use_secondary_if_newer is True
    settings = {"Security": {"AcceptExpiredPinnedClusterCertificate": "true"}}
    assert rules_of("11.4.268.1", settings).accepts_expired_pinned is True
    assert rules_of("11.4.268.1", settings, "Linux").accepts_expired_pinned is False


def test_linux_has_no_key_providers() -> None:
    assert rules_of("9.0.1", {}, "Linux").cng_keys is True


@pytest.mark.parametrize(
    ("value", "accepts", "uses_secondary"),
    [
        ("true", True, True),
        (" TRUE ", True, True),
        ("false", False, False),
        ("False", False, False),
        ("1", False, True),
    ],
)
def test_a_switch_is_on_or_off_by_its_very_word_and_else_as_the_runtime_has_it(
    value: str, accepts: bool, uses_secondary: bool
) -> None:
    settings = {"Security": {"AcceptExpiredPinnedClusterCertificate": value, "UseSecondaryIfNewer": value}}
    found = rules_of("11.4.268.1", settings)
    assert (found.accepts_expired_pinned, found.use_secondary_if_newer) == (accepts, uses_secondary)


def test_without_settings_an_expired_certificate_counts_nowhere_and_the_secondary_is_used() -> None:
    for os in ("Windows", "Linux", "unknown"):
        found = rules_of("11.4.268.1", {"Security": {}}, os)
        assert (found.accepts_expired_pinned, found.use_secondary_if_newer) == (False, True)
