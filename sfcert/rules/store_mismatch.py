"""Does the certificate arrive in the store in which Service Fabric looks? Floor 3. Source: service-fabric.md 7 row 16.

On Linux the store is a folder; whether the file that the extension writes there is found by its name is not verified,
so another folder is a warning only.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import address, deliveries, extensions, serves_cluster
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, cluster_body

#: Where Service Fabric looks for the store My on Linux.
LINUX_FOLDER = "/var/lib/sfcerts"


def _store(text: str | None) -> str:
    return (text or "My").lower()


def _raw_store(observation: Observation) -> str | None:
    """The declared store where the declaration's values stay expressions."""
    body = cluster_body(observation)
    return body.text("certificateCommonNames", "x509StoreName") or body.text("certificate", "x509StoreName")


def _on_linux(observation: Observation) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        for observed in extension.observed:
            place = (observed.store_location or extension.store_location or "the extension's own folder").rstrip("/")
            if not observed.url or place == LINUX_FOLDER:
                continue
            found = [one for one in deliveries(observation, scale_set) if one.url == observed.url]
            if any(serves_cluster(one, observation.cluster.certificate) is not False for one in found):
                yield fail(
                    address(scale_set, extension),
                    "LinuxFolder",
                    f"{extension.name} writes {observed.url} to {place}; Service Fabric reads {LINUX_FOLDER}.",
                    f'Set "certificateStoreLocation": "{LINUX_FOLDER}", and try it on one machine.',
                    certificateStoreLocation=observed.store_location,
                )


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    if cluster.certificate.kind == "none":
        return
    if cluster.os == "Linux":
        yield from _on_linux(observation)
        return
    declared = cluster.certificate.store or _raw_store(observation)
    wanted = _store(declared)
    for scale_set in observation.scale_sets:
        node = scale_set.node_extension.certificate
        if node.kind not in ("none", "unresolved") and _store(node.store) != wanted:
            yield fail(
                scale_set.id,
                "DeclarationsDiffer",
                f"The cluster looks in the store {declared or 'My'}, the node extension of "
                f"{scale_set.name} in {node.store or 'My'}.",
                "Declare the same x509StoreName in both.",
                cluster=declared,
                node_extension=node.store,
            )
        for delivery in deliveries(observation, scale_set):
            if _store(delivery.store) == wanted:
                continue
            if delivery.missing is not None:
                yield cannot_tell(delivery.subject, delivery.missing, "it should arrive in the declared store")
            elif serves_cluster(delivery, cluster.certificate):
                yield fail(
                    delivery.subject,
                    "DeliveredElsewhere",
                    f"{delivery.url} arrives in the store {delivery.store or 'My'} of machines of {scale_set.name}; "
                    f"Service Fabric looks in {declared or 'My'}.",
                    "Let it arrive in the declared store.",
                    delivered=delivery.store,
                    declared=declared,
                )
    for scale_set, extension in extensions(observation):
        for observed in extension.observed:
            location = observed.store_location or extension.store_location
            if extension.type.lower() == "keyvaultforwindows" and location and location != "LocalMachine":
                yield fail(
                    address(scale_set, extension),
                    "NotLocalMachine",
                    f"{extension.name} installs {observed.url} in {location}, where Service Fabric never looks "
                    "(the value is case-sensitive).",
                    'Write "LocalMachine".',
                    certificateStoreLocation=location,
                )


RULE = Rule(
    id="store-mismatch",
    severity="error",
    reasons={
        "DeclarationsDiffer": "Cluster and node extension name different stores.",
        "DeliveredElsewhere": "The certificate arrives in another store than the declared one.",
        "NotLocalMachine": "The extension installs it outside LocalMachine.",
        "LinuxFolder": "On Linux the extension writes it to another folder than Service Fabric reads.",
    },
    severity_of={"LinuxFolder": "warning"},
    check=check,
)
