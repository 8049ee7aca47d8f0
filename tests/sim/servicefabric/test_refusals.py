"""What the simulated resource provider refuses, by the vendor's names."""

from __future__ import annotations

from typing import Any

import pytest

from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.servicefabric.refusals import check_change, check_definition

A, B, C, D = ("A" * 40, "B" * 40, "C" * 40, "D" * 40)


def tp(primary: str, secondary: str = "", **more: Any) -> dict[str, Any]:
    certificate = {"thumbprint": primary, "x509StoreName": "My"}
    if secondary:
        certificate["thumbprintSecondary"] = secondary
    return {"certificate": certificate, **more}


def cn(*entries: tuple[str, str], role: str = "certificateCommonNames", **more: Any) -> dict[str, Any]:
    names = [{"certificateCommonName": name, "certificateIssuerThumbprint": pins} for name, pins in entries]
    return {role: {"commonNames": names, "x509StoreName": "My"}, **more}


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        (cn(("", A)), "InvalidCommonName"),
        (cn(("a", A), ("b", A), ("c", A)), "InvalidCommonNameCount"),
        (cn(("a", A), ("a", B)), "DupeCommonNameNotAllowedForClusterCert"),
        (tp(A) | cn(("a", B)), "InvalidCommonNameThumbprintPair"),
        (cn(("a", "not hex")), "InvalidCertificateIssuerThumbprints"),
        (cn(("a", f"{A},{A.lower()}")), "InvalidCertificateIssuerThumbprints"),
        (tp(A) | cn(("a", B), role="reverseProxyCertificateCommonNames"), "UnsupportedIssuerThumbprintPair"),
        (tp("\u200e" + A), "InvalidClusterCertificateThumbprint"),
        (
            {"clientCertificateThumbprints": [{"isAdmin": True, "certificateThumbprint": A}]},
            "ClientCertDefinedWithoutServerCert",
        ),
        (
            tp(A)
            | {
                "clientCertificateCommonNames": [
                    {"isAdmin": True, "certificateCommonName": "c", "certificateIssuerThumbprint": ""}
                ]
            },
            "ClientCommonNameDefinedWithoutIssuerThumbprint",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_definition_is_refused(definition: dict[str, Any], code: str) -> None:
    with pytest.raises(AzureFailure) as caught:
        check_definition(definition)
    assert (caught.value.status, caught.value.code) == (400, code)


@pytest.mark.parametrize(
    ("current", "wanted", "code"),
    [
        (tp(A, B), tp(C, D), "TwoCertificatesToTwoCertificatesNotAllowed"),
        (tp(A, B), tp(A, C), "TwoCertificatesToTwoCertificatesNotAllowed"),
        (tp(A), tp(B, C), "CertificateUpgradeWithNoIntersectionNotAllowed"),
        (tp(A, B), tp(C), "CertificateUpgradeWithNoIntersectionNotAllowed"),
        (tp(A), {}, "AuthenticationTypeCannotBeChangedByRemovingCertificate"),
        ({}, tp(A), "AuthenticationTypeCannotBeChangedByAddingCertificate"),
        (
            tp(A, nodeTypes=[{"name": "nt0", "vmInstanceCount": 5}]),
            cn(("a", B), nodeTypes=[{"name": "nt0", "vmInstanceCount": 6}]),
            "CertificateAndScaleUpgradeTogetherNotAllowed",
        ),
        (
            tp(A, reliabilityLevel="Silver"),
            tp(B, reliabilityLevel="Gold"),
            "CertificateAndScaleUpgradeTogetherNotAllowed",
        ),
    ],
)
def test_a_change_that_is_not_made_in_one_step_is_refused(
    current: dict[str, Any], wanted: dict[str, Any], code: str
) -> None:
    with pytest.raises(AzureFailure) as caught:
        check_change(current, wanted)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("current", "wanted"),
    [
        (tp(A, B), cn(("a", C))),
        (tp(A, B), tp(B, A)),
        (tp(A), tp(A, B)),
        (tp(A), tp(B)),
        (cn(("a", A)), cn(("a", B))),
        (
            tp(A, nodeTypes=[{"name": "n", "vmInstanceCount": 5}]),
            tp(A, nodeTypes=[{"name": "n", "vmInstanceCount": 7}]),
        ),
    ],
    ids=["type change from two", "swap", "add one", "replace the only one", "issuer list", "scale alone"],
)
def test_what_the_vendor_lets_through_is_let_through(current: dict[str, Any], wanted: dict[str, Any]) -> None:
    check_definition(wanted)
    check_change(current, wanted)


def test_one_certificate_at_a_time_is_a_refusal_on_request() -> None:
    with pytest.raises(AzureFailure) as caught:
        check_change(tp(A), tp(B), one_at_a_time=True)
    assert caught.value.code == "AddAndRemoveCertificateNotAllowed"
    check_change(tp(A), tp(A, B), one_at_a_time=True)
    check_change(tp(A), cn(("a", C)), one_at_a_time=True)
