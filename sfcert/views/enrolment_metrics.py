"""How does a monitoring system see the certificates? Prometheus text, names like cert-manager's.

A certificate is named by its vault where cert-manager names it by its namespace, and the issuer is the one that signed,
where cert-manager says the issuerRef. What is not known is left out, where cert-manager says 0.
Source: cert-manager 1.21, internal/collectors (`certmanager_certificate_*`); the text format 0.0.4 of
Prometheus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sfcert.model.enrolment import CertificateStatus

_GAUGES: tuple[tuple[str, str, Callable[[CertificateStatus], float | None]], ...] = (
    (
        "certificate_not_before_timestamp_seconds",
        "The instant from which the certificate is valid, seconds since the epoch.",
        lambda one: one.not_before_utc.timestamp() if one.not_before_utc else None,
    ),
    (
        "certificate_expiration_timestamp_seconds",
        "The instant at which the certificate expires, seconds since the epoch.",
        lambda one: one.not_after_utc.timestamp() if one.not_after_utc else None,
    ),
    (
        "certificate_not_after_timestamp_seconds",
        "The instant after which the certificate is not valid, seconds since the epoch.",
        lambda one: one.not_after_utc.timestamp() if one.not_after_utc else None,
    ),
    (
        "certificate_renewal_timestamp_seconds",
        "The instant at which the certificate should be renewed, seconds since the epoch.",
        lambda one: one.renewal_utc.timestamp() if one.renewal_utc else None,
    ),
    ("certificate_revision", "How many versions the vault shows.", lambda one: float(one.revision)),
)
_STATES = ("True", "False", "Unknown")


def metric_names() -> tuple[str, ...]:
    """Every metric's name without its lead, in the order of the text."""
    return (*(name for name, _, _ in _GAUGES), "certificate_ready_status", "certificate_last_attempt_failed")


def metrics_text(found: Sequence[CertificateStatus]) -> str:
    """Every certificate as gauges, in the order of `found`; a newline at the end."""
    lines: list[str] = []
    for name, sentence, read in _GAUGES:
        lines += _head(name, sentence)
        lines += [f"sfcert_{name}{{{_labels(one)}}} {value:.0f}" for one in found if (value := read(one)) is not None]
    lines += _head("certificate_ready_status", "Whether the certificate is ready; 1 for the state that holds.")
    for one in found:
        for state in _STATES:
            holds = int(one.conditions[0].status == state)
            lines.append(f'sfcert_certificate_ready_status{{{_labels(one)},condition="{state}"}} {holds}')
    lines += _head("certificate_last_attempt_failed", "Whether the last attempt to renew it failed.")
    lines += [
        f"sfcert_certificate_last_attempt_failed{{{_labels(one)}}} {int(one.last_failure is not None)}" for one in found
    ]
    return "\n".join(lines) + "\n"


def _head(name: str, sentence: str) -> list[str]:
    return [f"# HELP sfcert_{name} {sentence}", f"# TYPE sfcert_{name} gauge"]


def _labels(one: CertificateStatus) -> str:
    return f'name="{_escaped(one.name)}",vault="{_escaped(one.vault_url)}",issuer_name="{_escaped(one.issuer or "")}"'


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
