"""Does the reverse proxy hang on the very certificate that a rollover would retire? Floor 3.

Source: service-fabric.md 7 row 20; rollover, stage 80.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import all_deliveries
from sfcert.rules.engine import Judgement, Rule, fail, fail_at
from sfcert.rules.reading import cannot_tell, open_value


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    proxy = cluster.reverse_proxy
    if proxy.kind == "unresolved" or (proxy.thumbprints and cluster.certificate.kind == "unresolved"):
        yield cannot_tell(
            cluster.id, open_value("The reverse proxy's or the cluster's declaration"), "they share a certificate"
        )
        return
    shared = [one for one in proxy.thumbprints if one in cluster.certificate.thumbprints]
    if shared:
        yield fail_at(
            cluster.id,
            "SharedThumbprint",
            f"The reverse proxy is declared by the thumbprint {shared[0]}, which is the cluster's own: "
            "retiring it from the machines would take the proxy down.",
            "Keep the certificate on the machines until the proxy has a declaration of its own; "
            "the playbook reverse-proxy-to-common-name gives it one.",
            {proxy.path: list(proxy.thumbprints), cluster.certificate.path: list(cluster.certificate.thumbprints)},
        )
    ours = {name.common_name for name in cluster.certificate.names}
    if proxy.thumbprints and ours and not shared:
        for delivery in all_deliveries(observation):
            leaf = delivery.version.certificate if delivery.version else None
            if leaf is not None and leaf.thumbprint in proxy.thumbprints and leaf.common_name in ours:
                yield fail(
                    cluster.id,
                    "LeftBehind",
                    f"The cluster went to the common name {leaf.common_name}, the reverse proxy still names one "
                    "certificate of it by thumbprint: the next renewal leaves the proxy behind.",
                    "Declare the reverse proxy by the same name: the playbook reverse-proxy-to-common-name does.",
                    thumbprint=leaf.thumbprint,
                    declared_at=proxy.path,
                )
                break


RULE = Rule(
    id="reverse-proxy-shares-certificate",
    severity="warning",
    reasons={
        "SharedThumbprint": "Proxy and cluster are declared by the same thumbprint.",
        "LeftBehind": "The cluster is declared by name, the proxy by the thumbprint of a certificate of that name.",
    },
    check=check,
)
