"""Would the vault replace a certificate that is declared by its thumbprint? Floor 3.

Source: service-fabric.md 7 rows 9 and 10; 11, A18.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation, ScaleSet
from sfcert.rules.delivery import deliveries
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import Missing, cannot_tell


def _declared(observation: Observation) -> frozenset[str]:
    cluster = observation.cluster
    return frozenset((*cluster.certificate.thumbprints, *cluster.reverse_proxy.thumbprints))


def _judge(observation: Observation, scale_set: ScaleSet, declared: frozenset[str]) -> Iterator[Judgement]:
    found = deliveries(observation, scale_set)
    by_secret = {one.version.thumbprint for one in found if one.how == "secret" and one.version}
    for delivery in found:
        if delivery.how != "extension" or not (declared or observation.cluster.certificate.kind == "unresolved"):
            continue
        certificate = delivery.certificate
        if certificate is None:
            if delivery.missing is not None:
                yield cannot_tell(delivery.subject, delivery.missing, "it feeds a declaration by thumbprint")
            continue
        served = declared & {version.thumbprint for version in certificate.versions}
        if not served:
            continue
        if not certificate.has_policy:
            missing = Missing(reason="CertificateUnread", what=f"The policy of {certificate.url}", why="was not read")
            yield cannot_tell(delivery.subject, missing, "the vault renews it by itself")
            continue
        newest = certificate.newest_enabled
        behind = sorted(served - ({newest.thumbprint} if newest else set()) - by_secret)
        if not certificate.renews_itself and not behind:
            continue
        evidence = {
            "declared": sorted(served),
            "newest": newest.thumbprint if newest else None,
            "lifetime_actions": [action.action for action in certificate.lifetime_actions],
        }
        if behind:
            yield fail(
                delivery.subject,
                "AlreadyReplaced",
                f"{behind[0]} is declared by thumbprint, but a new machine of {scale_set.name} gets a newer version of "
                f"{certificate.name} instead, and cannot join.",
                "Declare the newer version, or bring the declared one by a vm secret; then convert to the common name.",
                **evidence,
            )
        elif served - by_secret:
            yield fail(
                delivery.subject,
                "RenewsItself",
                f"{certificate.name} renews itself while its present version is declared by thumbprint: after the next "
                f"renewal a new machine of {scale_set.name} lacks the declared certificate.",
                "Set the policy to EmailContacts until the cluster is declared by common name.",
                **evidence,
            )
        else:
            yield fail(
                delivery.subject,
                "RenewsBeside",
                f"{certificate.name} renews itself on machines whose declared thumbprint comes by a vm secret: "
                "the renewed certificate arrives, and nobody uses it before the declared one expires.",
                "Convert to the common name, or stop the renewal.",
                **evidence,
            )


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    declared = _declared(observation)
    for scale_set in observation.scale_sets:
        yield from _judge(observation, scale_set, declared)


RULE = Rule(
    id="thumbprint-auto-refreshed",
    severity="error",
    reasons={
        "RenewsItself": "The vault renews it, and nothing else brings the declared version to new machines.",
        "AlreadyReplaced": "The vault holds a newer version and nothing brings the declared one to new machines.",
        "RenewsBeside": "The vault renews the certificate; a vm secret still brings the declared version.",
    },
    severity_of={"RenewsBeside": "warning"},
    check=check,
)
