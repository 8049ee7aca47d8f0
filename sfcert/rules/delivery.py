"""Which vault certificates reach the machines of a scale set? By the Key Vault extension and by vm secrets. Floor 3.

The extension brings the version that a versionless URL means now; a vm secret brings exactly its own. Leaves out: how
long that takes, and which one a node then presents (`sfcert.trust`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.observation import (
    CertificateVersion,
    Declaration,
    KeyVaultExtension,
    Observation,
    ObservedCertificate,
    PinnedName,
    ScaleSet,
    VaultCertificate,
    VmSecret,
)
from sfcert.rules.engine import Judgement
from sfcert.rules.reading import (
    Missing,
    cannot_tell,
    certificate_at,
    cluster_body,
    extension_body,
    is_authored,
    is_open,
    not_in_template,
    open_names,
    open_value,
    profile_body,
)


class Delivery(Value):
    """One certificate on its way to the machines of one scale set.

    `subject` is the vault certificate's URL, or the URL as written where it is none. `version` is the version that
    arrives now, None where it is not known or there is none. `missing` says why nothing is known of it.
    """

    how: Literal["extension", "secret"]
    scale_set: ScaleSet
    subject: str
    url: str
    certificate: VaultCertificate | None
    version: CertificateVersion | None
    missing: Missing | None
    store: str | None


def observed_by(observation: Observation) -> Iterator[tuple[ScaleSet, KeyVaultExtension, ObservedCertificate]]:
    """Every entry of every Key Vault extension, in order."""
    for scale_set in observation.scale_sets:
        for extension in scale_set.key_vault_extensions:
            for observed in extension.observed:
                yield scale_set, extension, observed


def extensions(observation: Observation) -> Iterator[tuple[ScaleSet, KeyVaultExtension]]:
    for scale_set in observation.scale_sets:
        for extension in scale_set.key_vault_extensions:
            yield scale_set, extension


def address(scale_set: ScaleSet, extension: KeyVaultExtension) -> str:
    """The subject under which findings name an extension of a scale set."""
    return f"{scale_set.id}/extensions/{extension.name}"


def _version(certificate: VaultCertificate, wanted: str | None) -> CertificateVersion | None:
    if wanted is None:
        return certificate.latest
    return next((one for one in certificate.versions if one.version.lower() == wanted.lower()), None)


def _delivery(
    observation: Observation,
    scale_set: ScaleSet,
    how: Literal["extension", "secret"],
    entry: ObservedCertificate | VmSecret,
    store: str | None,
) -> Delivery:
    reference = entry.reference
    if reference is None:
        return Delivery(
            how=how,
            scale_set=scale_set,
            subject=entry.url or scale_set.id,
            url=entry.url,
            certificate=None,
            version=None,
            # also with the address the inside of the vault would be out of a template's reach
            missing=not_in_template(f"What lies behind an address of {scale_set.name}")
            if is_authored(observation)
            else Missing(
                reason="CertificateUnread", what=f"{entry.url!r}", why="is not the address of a vault's secret"
            ),
            store=store,
        )
    found = certificate_at(observation, reference)
    certificate = None if isinstance(found, Missing) else found
    version = _version(certificate, reference.version) if certificate else None
    missing = found if isinstance(found, Missing) else None
    if certificate is not None and version is not None and version.certificate is None:
        missing = Missing(
            reason="CertificateUnread", what=f"The version {version.version} of {certificate.url}", why="has no bytes"
        )
    return Delivery(
        how=how,
        scale_set=scale_set,
        subject=reference.certificate_url,
        url=entry.url,
        certificate=certificate,
        version=version,
        missing=missing,
        store=store,
    )


def deliveries(observation: Observation, scale_set: ScaleSet) -> tuple[Delivery, ...]:
    """All that reaches machines of this scale set: the extension's entries first, vm secrets after."""
    found = [
        _delivery(observation, scale_set, "extension", observed, observed.store_name or extension.store_name)
        for extension in scale_set.key_vault_extensions
        for observed in extension.observed
    ]
    found += [_delivery(observation, scale_set, "secret", secret, secret.store) for secret in scale_set.secrets]
    return tuple(found)


def unknown_deliveries(observation: Observation, scale_set: ScaleSet) -> Missing | None:
    """Why more may be delivered than `deliveries` lists: a list that stays an expression. None: the lists are whole.

    Only templates have such lists, and what they lead to is not in a template anyhow.
    """
    profile = profile_body(observation, scale_set)
    is_undecided = is_open(profile, "osProfile", "secrets") or any(
        group.is_symbolic() or group.is_symbolic("vaultCertificates") for group in profile.items("osProfile", "secrets")
    )
    if is_undecided or any(observes_unknown(observation, scale_set, one) for one in scale_set.key_vault_extensions):
        return not_in_template(f"All that reaches machines of {scale_set.name}")
    return None


def observes_unknown(observation: Observation, scale_set: ScaleSet, extension: KeyVaultExtension) -> bool:
    """Whether the extension's list of observed certificates stays an expression."""
    body = extension_body(observation, scale_set, extension.name)
    return is_open(body, "settings", "secretsManagementSettings", "observedCertificates")


def observes(observation: Observation, scale_set: ScaleSet, extension: KeyVaultExtension) -> bool:
    """Whether the extension observes anything, also where its list stays an expression."""
    return bool(extension.observed) or observes_unknown(observation, scale_set, extension)


def open_addresses(observation: Observation, scale_set: ScaleSet, extension: KeyVaultExtension) -> Missing | None:
    """Why it is not known which vaults the extension reads."""
    is_one_open = is_authored(observation) and any(not one.url for one in extension.observed)
    if is_one_open or observes_unknown(observation, scale_set, extension):
        return open_value(f"An address that {extension.name} of {scale_set.name} observes")
    return None


def all_deliveries(observation: Observation) -> tuple[Delivery, ...]:
    """Every delivery of every scale set, once for each vault certificate, version and way."""
    found: dict[tuple[str, str, str], Delivery] = {}
    for scale_set in observation.scale_sets:
        for one in deliveries(observation, scale_set):
            found.setdefault((one.how, one.subject.lower(), one.url.lower()), one)
    return tuple(found.values())


def declared_names(observation: Observation) -> tuple[PinnedName, ...]:
    """The names by which the cluster's own certificate is declared, with their pins."""
    return observation.cluster.certificate.names


def is_by_name(observation: Observation) -> bool | None:
    """Whether the cluster is declared by common name; None where the declaration stays an expression as a whole."""
    kind = observation.cluster.certificate.kind
    if kind != "unresolved":
        return kind in ("common-name", "both")
    body = cluster_body(observation)
    if body.is_symbolic("certificateCommonNames"):
        return None
    return body.object("certificateCommonNames") is not None


def undecided(observation: Observation, question: str) -> Iterator[Judgement]:
    """*Unknown* where the declared names of a template stay open: what they select is not in a template anyhow."""
    if open_names(observation) is not None:
        missing = not_in_template("What the cluster's declaration selects")
        yield cannot_tell(observation.cluster.id, missing, question)


def name_of(delivery: Delivery, names: tuple[PinnedName, ...]) -> PinnedName | None:
    """The declared name under which nodes would select what is delivered: equal to its subject CN, case and all.

    Source: service-fabric.md 2.1 (presentation: exact, case-sensitive, no SAN, no wildcard).
    """
    leaf = delivery.version.certificate if delivery.version else None
    return next((name for name in names if leaf is not None and leaf.common_name == name.common_name), None)


def serves_cluster(delivery: Delivery, declaration: Declaration) -> bool | None:
    """Whether the delivered certificate is one of the cluster's own; None where that is not known."""
    leaf = delivery.version.certificate if delivery.version else None
    if leaf is None:
        return None if delivery.missing else False
    return leaf.thumbprint in declaration.thumbprints or name_of(delivery, declaration.names) is not None


def unread_deliveries(observation: Observation, question: str) -> Iterator[Judgement]:
    """*Unknown* for each certificate on its way that is not known, and for each list that stays an expression."""
    for scale_set in observation.scale_sets:
        missing = unknown_deliveries(observation, scale_set)
        if missing is not None:
            yield cannot_tell(scale_set.id, missing, question)
    for delivery in all_deliveries(observation):
        if delivery.missing is not None:
            yield cannot_tell(delivery.subject, delivery.missing, question)


Served = tuple[Delivery, VaultCertificate, CertificateVersion, Certificate]


def serving(observation: Observation) -> Iterator[Served]:
    """The known deliveries that bring one of the cluster's own certificates, with what they bring."""
    for delivery in all_deliveries(observation):
        version, certificate = delivery.version, delivery.certificate
        if version is None or certificate is None or version.certificate is None:
            continue
        if serves_cluster(delivery, observation.cluster.certificate):
            yield delivery, certificate, version, version.certificate


def policy_unread(certificate: VaultCertificate) -> Missing:
    return Missing(reason="CertificateUnread", what=f"The policy of {certificate.url}", why="was not read")
