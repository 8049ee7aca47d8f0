"""After the move to a common name, who still names a thumbprint? Floor 3.

Source: service-fabric.md 1.4, 7 rows 20 and 22, 11 A24.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.delivery import is_by_name
from sfcert.rules.engine import Judgement, Rule, fail, fail_at
from sfcert.rules.reading import cannot_tell, open_value

_HEX40 = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{40}(?![0-9A-Fa-f])")
#: Sections whose values are issuer pins, not certificates of ours.
_PIN_SECTIONS = ("x509names", "issuerstores")


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    if is_by_name(observation) is None:
        yield cannot_tell(cluster.id, open_value("The cluster's declaration"), "a thumbprint was left over")
    if not is_by_name(observation):
        return
    if cluster.reverse_proxy.thumbprints:
        yield fail_at(
            cluster.id,
            "ReverseProxy",
            "The reverse proxy is still declared by thumbprint, and no health warning speaks of its expiry.",
            "Move it to its common name with the playbook reverse-proxy-to-common-name.",
            {cluster.reverse_proxy.path: list(cluster.reverse_proxy.thumbprints)},
        )
    for client in cluster.clients:
        if client.kind == "thumbprint":
            yield fail(
                cluster.id,
                "Client",
                f"The client certificate {client.value} is declared by thumbprint: its next renewal is refused.",
                "Let it in by its name and issuer with the playbook client-certificates.",
                thumbprint=client.value,
                is_admin=client.is_admin,
            )
    for section, values in cluster.settings.items():
        if section.lower().endswith(_PIN_SECTIONS):
            continue
        for key, value in values.items():
            found = _HEX40.findall(value)
            if found:
                yield fail_at(
                    cluster.id,
                    "Setting",
                    f"The setting {section}/{key} names the thumbprint {found[0].upper()}.",
                    "Use a name where the setting takes one, or note the day on which it must be changed by hand.",
                    {f"properties.fabricSettings[name='{section}'].{key}": value},
                )


RULE = Rule(
    id="thumbprint-left-over",
    severity="warning",
    reasons={
        "ReverseProxy": "The reverse proxy is declared by thumbprint.",
        "Client": "A client certificate is declared by thumbprint.",
        "Setting": "A fabric setting names a thumbprint.",
    },
    severity_of={"Client": "info"},
    check=check,
)
