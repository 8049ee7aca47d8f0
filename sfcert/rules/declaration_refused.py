"""Would the resource provider refuse this declaration as it stands? Floor 3.

The reasons carry the provider's own error names. Source: service-fabric.md 1.2. Refusals of a *change* are the
planner's to foresee.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Declaration, Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, open_value
from sfcert.trust.refusals import Role, refusals_of_definition

#: What is to be done about each. What is missing here has a rule of its own (name-malformed, pin-malformed), or is not
#: known to be refused (a client's name without an issuer: pin-missing).
_THUMBPRINT = "Write 40 hexadecimal digits; type them anew if they were copied from a dialog with invisible marks."
_REMEDIES = {
    "InvalidCommonNameThumbprintPair": "Declare it one way; removing the other property is part of the same change.",
    "InvalidCommonNameCount": "Declare one or two.",
    "DupeCommonNameNotAllowedForClusterCert": "Declare it once, with the issuers of both entries in one list.",
    "InvalidClusterCertificateThumbprint": _THUMBPRINT,
    "InvalidReverseProxyCertificateThumbprint": _THUMBPRINT,
    "InvalidClientCertificateThumbprint": _THUMBPRINT,
    "UnsupportedIssuerThumbprintPair": 'Write an empty certificateIssuerThumbprint ("").',
    "ClientCertDefinedWithoutServerCert": "Declare a cluster certificate, or no client certificates.",
    "IssuerCertStoreAndIssuerPinningCannotBeTogether": "Take the section out of fabricSettings, or the pins.",
}


def _judge(observation: Observation, declaration: Declaration, role: Role) -> Iterator[Judgement]:
    cluster = observation.cluster
    if declaration.kind == "unresolved":
        whose = "cluster" if role == "cluster" else "reverse proxy's"
        missing = open_value(f"The declaration of the {whose} certificate")
        yield cannot_tell(cluster.id, missing, "the resource provider takes it")
    names = [name.common_name for name in declaration.names]
    evidence = {declaration.path: [*declaration.thumbprints, *declaration.malformed, *names]}
    clients = cluster.clients if role == "cluster" else ()
    for code, message in refusals_of_definition(declaration, role=role, clients=clients, settings=cluster.settings):
        if code in _REMEDIES:
            told = message if role == "cluster" else f"The reverse proxy's certificate: {message}"
            yield fail_at(cluster.id, code, told, _REMEDIES[code], evidence)


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster
    yield from _judge(observation, cluster.certificate, "cluster")
    yield from _judge(observation, cluster.reverse_proxy, "reverse-proxy")


RULE = Rule(
    id="declaration-refused",
    severity="error",
    reasons={
        "InvalidCommonNameThumbprintPair": "A role is declared by thumbprint and by name.",
        "InvalidCommonNameCount": "A role has more than two common names.",
        "DupeCommonNameNotAllowedForClusterCert": "A role names one common name twice.",
        "InvalidClusterCertificateThumbprint": "A declared thumbprint of the cluster is none.",
        "InvalidReverseProxyCertificateThumbprint": "A declared thumbprint of the reverse proxy is none.",
        "InvalidClientCertificateThumbprint": "A client's thumbprint holds characters that are not hex.",
        "UnsupportedIssuerThumbprintPair": "The reverse proxy's name has an issuer pin.",
        "ClientCertDefinedWithoutServerCert": "Clients are declared and the cluster has no certificate.",
        "IssuerCertStoreAndIssuerPinningCannotBeTogether": "Issuers are given by stores and by pins at once.",
    },
    check=check,
)
