"""Which rule answers for which line of the reference's list of seeds (section 11), how severely, and by which samples?

`critical` and `error` there are error here, `block` is an error that blocks a plan, `warn` a warning. A line that only
a request can break is the planner's, and says where it is tested.
"""

from __future__ import annotations

import pytest

from sfcert.rules.registry import catalogue, rule_named
from tests.rules.case import FOLDER, read_case

#: Seed -> (rule, reason, severity) for each thing that the line asks for.
SEEDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "A01": (("pin-missing", "NoPin", "warning"), ("pin-missing", "NoPinPrivateAuthority", "error")),
    "A02": (("pin-malformed", "NotAThumbprint", "error"), ("pin-malformed", "Duplicated", "error")),
    "A03": (
        ("pin-not-direct-issuer", "AncestorPinned", "error"),
        ("pin-not-direct-issuer", "LeafPinned", "error"),
    ),
    "A04": (("issuer-not-pinned", "NewestVersionUnpinned", "block"),),
    "A05": (("name-malformed", "Prefixed", "error"), ("name-malformed", "WholeSubject", "error")),
    "A06": (
        ("declaration-refused", "InvalidCommonNameCount", "error"),
        ("declaration-refused", "DupeCommonNameNotAllowedForClusterCert", "error"),
    ),
    "A07": (("declaration-refused", "InvalidCommonNameThumbprintPair", "error"),),
    "A08": (("declaration-mismatch", "KindDiffers", "error"), ("declaration-mismatch", "ValueDiffers", "error")),
    "A09": (("store-mismatch", "DeliveredElsewhere", "error"), ("store-mismatch", "NotLocalMachine", "error")),
    "A10": (("extension-url-versioned", "Versioned", "error"), ("extension-url-versioned", "NotASecret", "error")),
    "A11": (
        ("extension-not-sequenced", "NotSequenced", "error"),
        ("extension-not-sequenced", "NameUnknown", "error"),
    ),
    "A12": (("initial-sync-off", "Off", "error"), ("initial-sync-off", "NotSet", "error")),
    "A13": (
        ("linking-on", "On", "error"),
        ("linking-on", "NotSet", "error"),
        ("linking-on", "AlwaysLinks", "warning"),
    ),
    "A14": (
        ("authentication-settings-missing", "Missing", "error"),
        ("authentication-settings-missing", "Misplaced", "error"),
        ("authentication-settings-missing", "NotAClientId", "error"),
        ("authentication-settings-missing", "NotAssigned", "error"),
    ),
    "A15": (
        ("extension-schema-mismatch", "TextsForObjects", "error"),
        ("extension-schema-mismatch", "ObjectsForTexts", "error"),
    ),
    "A16": (
        ("access-missing", "NoPolicy", "error"),
        ("access-missing", "NoRole", "error"),
        ("access-missing", "PolicyOnRbacVault", "error"),
    ),
    "A17": (("vault-firewall", "NoPath", "error"),),
    "A18": (("thumbprint-auto-refreshed", "RenewsItself", "error"),),
    "A19": (("secret-newer-than-extension", "SecretIsNewer", "error"),),
    "A20": (
        ("key-unusable", "NotExportable", "error"),
        ("key-unusable", "HardwareKey", "error"),
        ("key-unusable", "NotRsa", "error"),
        ("eku-missing", "PolicyLacksUsage", "error"),
        ("content-type-wrong", "NotPkcs12", "error"),
        ("renewal-not-automatic", "NoAutoRenew", "warning"),
        ("renewal-too-late", "TooLate", "warning"),
    ),
    "A21": (("sans-included", "NamesIncluded", "error"),),
    "A22": (
        ("runtime-selects-by-expiry", "BeforeNewestWins", "warning"),
        ("runtime-known-fault", "KnownFault", "block"),
        ("extension-four-unsupported", "RuntimeTooOld", "block"),
    ),
    "A23": (("self-signed-by-name", "NotPinnedToItself", "error"),),
    "A24": (
        ("thumbprint-left-over", "ReverseProxy", "warning"),
        ("thumbprint-left-over", "Setting", "warning"),
        ("thumbprint-left-over", "Client", "info"),
    ),
    "A25": (
        ("cluster-not-at-rest", "UnderWay", "block"),
        ("cluster-not-at-rest", "LastChangeFailed", "block"),
        ("cluster-not-at-rest", "UpgradeServiceUnreachable", "block"),
    ),
    "A26": (("update-all-at-once", "BronzeAutomatic", "warning"),),
    "A29": (("name-shared", "SeveralSources", "error"),),
    "A30": (("secret-vault-unfit", "OtherRegion", "error"),),
}
#: Seeds that no state shows, and the tests that hold them.
OF_REQUESTS = {
    "A27": "unit/trust/test_refusals.py",
    "A28": "unit/trust/test_starting_state.py",
}


def test_every_seed_has_an_answer() -> None:
    assert sorted({*SEEDS, *OF_REQUESTS}) == [f"A{number:02}" for number in range(1, 31)]
    assert all((FOLDER.parent / path).is_file() for path in OF_REQUESTS.values())


@pytest.mark.parametrize(
    ("seed", "rule_id", "reason", "severity"), [(key, *one) for key in SEEDS for one in SEEDS[key]]
)
def test_the_rule_says_it_as_severely_and_by_a_sample(seed: str, rule_id: str, reason: str, severity: str) -> None:
    info = next(one for one in catalogue() if one.id == rule_named(rule_id).id)
    said = info.severities.get(reason, info.severity)
    assert (said, info.blocks_plan and said == "error") == (
        "error" if severity == "block" else severity,
        severity == "block",
    ), seed
    samples = sorted((FOLDER / rule_id.replace("-", "_")).glob("fail-*.yaml"))
    assert any(read_case(path).reason == reason for path in samples), f"{seed}: no sample of {rule_id} shows {reason}"
