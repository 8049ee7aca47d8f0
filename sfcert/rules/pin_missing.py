"""Is every declared common name pinned to its issuers? Floor 3. Source: service-fabric.md 1.1, 11 A01."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import table
from sfcert.model.certificate import Certificate
from sfcert.model.observation import Observation
from sfcert.rules.delivery import serving
from sfcert.rules.engine import Judgement, Rule, fail, fail_at
from sfcert.rules.reading import cannot_tell, open_names


def is_surely_private(leaf: Certificate) -> bool:
    """Whether no public authority may have issued this: it is self-signed, or lives longer than they may grant."""
    if leaf.is_self_signed:
        return True
    days = (leaf.not_after_utc - leaf.not_before_utc).days
    return days > max(int(row["days"]) for row in table("validity")["public_maximum"])


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    missing = open_names(observation)
    if missing is not None:
        yield cannot_tell(cluster.id, missing, "every name is pinned")
    leaves = [leaf for _, _, _, leaf in serving(observation)]
    for place, name in enumerate(cluster.certificate.names):
        if name.issuers_text.strip():
            continue
        is_private = any(is_surely_private(leaf) for leaf in leaves if leaf.common_name == name.common_name)
        yield fail_at(
            cluster.id,
            "NoPinPrivateAuthority" if is_private else "NoPin",
            f"{name.common_name} is declared without an issuer: any certificate of that name from any authority that a "
            "machine trusts is accepted"
            + (", and the resource provider may be unable to validate this one at all." if is_private else "."),
            "Declare the thumbprints of the issuers that may sign it (certificateIssuerThumbprint).",
            {f"{cluster.certificate.path}.commonNames[{place}].certificateIssuerThumbprint": name.issuers_text},
        )
    for client in cluster.clients:
        if client.kind == "common-name" and not client.issuers:
            yield fail(
                cluster.id,
                "ClientNotPinned",
                f"The client name {client.value} is declared without an issuer: whoever gets a certificate of it "
                f"from any trusted authority is {'an administrator' if client.is_admin else 'a user'} of the cluster.",
                "Declare the issuers that may sign it.",
                client=client.value,
                is_admin=client.is_admin,
            )


RULE = Rule(
    id="pin-missing",
    severity="warning",
    reasons={
        "NoPin": "A name is declared without issuer thumbprints.",
        "ClientNotPinned": "A client's name is declared without issuer thumbprints.",
        "NoPinPrivateAuthority": "The same as NoPin, and the certificate in use comes from a private authority.",
    },
    severity_of={"NoPinPrivateAuthority": "error"},
    check=check,
)
