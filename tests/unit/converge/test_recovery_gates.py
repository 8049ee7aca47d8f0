"""The gates of a recovery open on what was read, wait for people, and say when what came is of no use."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from tests import make
from tests.unit.converge.test_gates import URL, edited, look, seen

SETTING = {"section": "Security", "parameter": "AcceptExpiredPinnedClusterCertificate"}
CA_A, CA_B = make.authority("Example Issuing CA A"), make.authority("Example Issuing CA B")
OLD = make.leaf("old", not_before=make.NOW - timedelta(days=90), not_after=make.NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("UpgradeServiceUnreachable", ("open", "ClusterUnreachable")),
        ("UpdatingUserConfiguration", ("open", "UpgradeRunning")),
        ("Ready", ("passed", "Holds")),
        (None, ("unknown", "StateUnknown")),
    ],
)
def test_a_cluster_is_waited_for_as_long_as_it_is_out_of_reach(state: str | None, expected: tuple[str, str]) -> None:
    document, cluster, _ = edited()
    cluster["properties"]["clusterState"] = state
    found = look("cluster-reached", seen(document))
    assert (found.state, found.reason) == expected


@pytest.mark.parametrize(
    ("there", "wanted", "state"),
    [
        ("true", "true", "passed"),
        (None, None, "passed"),
        ("true", None, "open"),
        (None, "true", "open"),
        ("false", "true", "open"),
        ("False", "False", "passed"),
    ],
)
def test_a_setting_is_read_back_to_the_letter(there: str | None, wanted: str | None, state: str) -> None:
    document, cluster, _ = edited()
    parameters = [] if there is None else [{"name": "acceptExpiredPinnedClusterCertificate", "value": there}]
    cluster["properties"]["fabricSettings"] = [{"name": "security", "parameters": parameters}]
    assert look("settings-are", seen(document), **SETTING, value=wanted).state == state


def newest(
    issued: make.Issued, *, enabled: bool = True, known: Any = (CA_A,), pending: Any = None, **expects: Any
) -> Any:
    """The gate's verdict where this is the newest version of the vault's certificate."""
    document, _, _ = edited(current=OLD, versions=(issued, OLD))
    certificate = document["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]
    certificate["pending"] = pending
    for version in certificate["versions"]:
        version.pop("chain", None)
        if version["x5t"] == issued.x5t:
            version["attributes"]["enabled"] = enabled
    wanted = {
        "common_name": make.COMMON_NAME,
        "issuers": [CA_A.thumbprint],
        "known": [base64.b64encode(one.der).decode() for one in known],
    }
    return look("newest-version-fits", seen(document), URL, **(wanted | expects))


FRESH_SINCE = make.NOW - timedelta(hours=1)
FRESH = make.leaf("fresh", not_before=FRESH_SINCE)


def test_a_valid_version_of_the_name_from_a_pinned_issuer_opens_the_gate() -> None:
    assert newest(FRESH).state == "passed"


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (lambda: newest(OLD), ("open", "CertificateAbsent")),
        (lambda: newest(FRESH, enabled=False), ("open", "CertificateAbsent")),
        (lambda: newest(FRESH, pending={"status": "inProgress"}), ("open", "OperationPending")),
        (lambda: newest(FRESH, common_name="other.example.com"), ("failed", "NewerVersion")),
        (
            lambda: newest(make.leaf("b", ca="Example Issuing CA B", not_before=make.NOW - timedelta(hours=1))),
            ("failed", "UntrustedIssuer"),
        ),
        (
            lambda: newest(
                make.leaf("b", ca="Example Issuing CA B", not_before=make.NOW - timedelta(hours=1)), known=(CA_B,)
            ),
            ("failed", "UntrustedIssuer"),
        ),
        (lambda: newest(FRESH, known=()), ("unknown", "NotRead")),
    ],
    ids=["ended", "disabled", "pending", "another name", "not pinned", "not pinned and known", "issuer not known"],
)
def test_what_nodes_could_not_go_by_does_not_open_it(verdict: Any, expected: tuple[str, str]) -> None:
    found = verdict()
    assert (found.state, found.reason) == expected


def test_a_version_is_valid_from_its_first_second_to_the_one_before_its_last() -> None:
    assert newest(make.leaf("first", not_before=make.NOW)).state == "passed"
    assert newest(make.leaf("first", not_before=make.NOW + timedelta(seconds=1))).reason == "CertificateAbsent"
    assert (
        newest(make.leaf("last", not_after=make.NOW + timedelta(seconds=1), not_before=FRESH_SINCE)).state == "passed"
    )
    assert newest(make.leaf("last", not_after=make.NOW, not_before=FRESH_SINCE)).reason == "CertificateAbsent"


def test_an_issuer_that_is_known_from_elsewhere_counts_and_one_that_is_no_authority_does_not() -> None:
    document, _, _ = edited(current=OLD, versions=(FRESH, OLD))
    expects = {"common_name": make.COMMON_NAME, "issuers": [CA_A.thumbprint.lower()]}
    assert look("newest-version-fits", seen(document), URL, **expects).state == "passed"
    assert newest(FRESH, known=(CA_A, CA_B, OLD)).state == "passed"
    assert newest(FRESH, known=(CA_B,), issuers=[CA_A.thumbprint, CA_B.thumbprint]).state == "unknown"
    assert newest(FRESH, known=(), issuers=[]).state == "unknown"


def test_a_certificate_without_versions_is_unknown() -> None:
    document, _, _ = edited()
    document["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]["versions"] = []
    found = look("newest-version-fits", seen(document), URL, common_name=make.COMMON_NAME, issuers=[])
    assert (found.state, found.reason) == ("unknown", "NotRead")


def test_a_setting_beside_the_wanted_one_does_not_stand_for_it() -> None:
    document, cluster, _ = edited()
    others = [{"name": "Another", "value": "true"}, {"name": SETTING["parameter"], "value": "false"}]
    cluster["properties"]["fabricSettings"] = [
        {"name": "Other", "parameters": [{"name": SETTING["parameter"], "value": "true"}]},
        {"name": "Security", "parameters": others},
    ]
    found = look("settings-are", seen(document), **SETTING, value="true")
    assert (found.state, found.reason) == ("open", "DeclaredDifferently")
