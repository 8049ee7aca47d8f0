"""On which certificates does a cluster depend, and how do they reach its machines? Floor 3.

Three kinds, in this order: declared by thumbprint (whoever brings it), brought and found by a declared name, brought
for something else. What is declared or brought and not known is named. Leaves out: time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.forecast import Role, Unknown
from sfcert.model.ids import VaultReference
from sfcert.model.observation import (
    CertificateVersion,
    KeyVaultExtension,
    Observation,
    ScaleSet,
    VaultCertificate,
)


class Dependency(Value):
    """One certificate that somebody relies on. `version` is the one that reaches machines now.

    `is_declared_by_nodes`: a node extension names it by thumbprint too. `successor` is the thumbprint that nodes prefer
    already, where two are declared; None otherwise.
    """

    leaf: Certificate
    certificate: VaultCertificate | None
    version: CertificateVersion | None
    roles: tuple[Role, ...]
    selected: Literal["name", "thumbprint", "application"]
    arrives: Literal["extension", "secret", "elsewhere"]
    scale_sets: tuple[ScaleSet, ...]
    extensions: tuple[KeyVaultExtension, ...]
    is_declared_by_nodes: bool = False
    successor: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return self.certificate.url if self.certificate else f"thumbprint {self.leaf.thumbprint}"

    @property
    def is_loaded_by_service_fabric(self) -> bool:
        return "cluster" in self.roles or "reverse-proxy" in self.roles


class _Way(Value):
    how: Literal["extension", "secret"]
    scale_set: ScaleSet
    extension: KeyVaultExtension | None
    url: str
    reference: VaultReference | None


class _Brought(Value):
    way: _Way
    certificate: VaultCertificate
    version: CertificateVersion | None


def _ways(observation: Observation) -> Iterator[_Way]:
    for scale_set in observation.scale_sets:
        for extension in scale_set.key_vault_extensions:
            for one in extension.observed:
                yield _Way(
                    how="extension", scale_set=scale_set, extension=extension, url=one.url, reference=one.reference
                )
        for secret in scale_set.secrets:
            yield _Way(how="secret", scale_set=scale_set, extension=None, url=secret.url, reference=secret.reference)


def _unread(observation: Observation, way: _Way) -> Unknown:
    is_template = observation.source == "template"
    if way.reference is None:
        return Unknown(
            subject=way.url or way.scale_set.id,
            reason="NotInTemplate" if is_template else "CertificateUnread",
            what=f"the certificate that {way.scale_set.name} gets from {way.url or 'an address'}",
            why="the address is an expression" if is_template else "it is not the address of a vault's secret",
        )
    subject, url = way.reference.certificate_url, way.reference.vault_url
    if is_template:
        why = "a template does not hold what is inside a vault; take --cluster or --bundle"
        return Unknown(subject=subject, reason="NotInTemplate", what="every rotation of it", why=why)
    vault = observation.vault(url)
    is_vault = vault is None or vault.certificates is None
    told = observation.why_unread(f"vaults/{url}" if is_vault else f"vaults/{url}/certificates/{way.reference.name}")
    return Unknown(
        subject=subject,
        reason="VaultUnread" if is_vault else "CertificateUnread",
        what="every rotation of it",
        why=f"{'its vault' if is_vault else 'it'} was not read ({told or 'it is not in the capture'})",
    )


def _brought(observation: Observation) -> tuple[list[_Brought], list[Unknown]]:
    known: list[_Brought] = []
    unknown: dict[str, Unknown] = {}
    for way in _ways(observation):
        found = observation.vault_certificate(way.reference) if way.reference else None
        if found is None or way.reference is None:
            one = _unread(observation, way)
            unknown.setdefault(one.subject.lower(), one)
            continue
        wanted = way.reference.version
        if wanted is None:
            version = found.newest_enabled
        else:
            version = next((one for one in found.versions if one.version.lower() == wanted.lower()), None)
        known.append(_Brought(way=way, certificate=found, version=version))
        if version is None or version.certificate is None:
            why = "its vault holds no such version" if version is None else "the capture does not hold its bytes"
            gone = Unknown(subject=found.url, reason="CertificateUnread", what="the version that is brought", why=why)
            unknown.setdefault(found.url.lower(), gone)
    return known, list(unknown.values())


def _declared_thumbprints(observation: Observation) -> dict[str, tuple[tuple[Role, ...], bool]]:
    """Thumbprint -> its roles, and whether a node extension names it."""
    cluster = observation.cluster
    places: list[tuple[Role, tuple[str, ...], bool]] = [
        ("cluster", cluster.certificate.thumbprints, False),
        ("reverse-proxy", cluster.reverse_proxy.thumbprints, False),
    ]
    for one in observation.scale_sets:
        places.append(("cluster", one.node_extension.certificate.thumbprints, True))
        places.append(("reverse-proxy", one.node_extension.reverse_proxy.thumbprints, True))
    places += [("client", (one.value,), False) for one in cluster.clients if one.kind == "thumbprint"]
    found: dict[str, tuple[tuple[Role, ...], bool]] = {}
    for role, thumbprints, by_nodes in places:
        for thumbprint in thumbprints:
            roles, before = found.get(thumbprint, ((), False))
            found[thumbprint] = (roles if role in roles else (*roles, role), before or by_nodes)
    return found


def _declared_names(observation: Observation) -> dict[str, tuple[Role, ...]]:
    cluster = observation.cluster
    places: list[tuple[Role, str]] = [("cluster", one.common_name) for one in cluster.certificate.names]
    places += [("reverse-proxy", one.common_name) for one in cluster.reverse_proxy.names]
    places += [("client", one.value) for one in cluster.clients if one.kind == "common-name"]
    found: dict[str, tuple[Role, ...]] = {}
    for role, name in places:
        found[name] = (*found.get(name, ()), *(() if role in found.get(name, ()) else (role,)))
    return found


def _preferred(observation: Observation, leaves: dict[str, Certificate]) -> dict[str, str]:
    """Of two thumbprints that one role declares: the older one -> the newer one, which nodes present.

    Only where both are known and nothing else declares the older one. Source: service-fabric.md 2.1.
    """
    declared = observation.cluster.certificate.thumbprints
    security = {key.lower(): value.lower() for key, value in observation.cluster.settings.get("Security", {}).items()}
    if len(set(declared)) != 2 or not set(declared) <= set(leaves) or security.get("usesecondaryifnewer") == "false":
        return {}
    older, newer = sorted(set(declared), key=lambda one: leaves[one].not_before_utc)
    return {} if leaves[older].not_before_utc == leaves[newer].not_before_utc else {older: newer}


def _by_thumbprint(
    observation: Observation, brought: list[_Brought], unknown: list[Unknown]
) -> tuple[list[Dependency], set[str]]:
    """The declared ones, and the vault certificates (lower-case URL) that are told of by them."""
    leaves = {one.thumbprint: one for one in observation.known_certificates()}
    preferred = _preferred(observation, leaves)
    found: list[Dependency] = []
    told: set[str] = set()
    for thumbprint, (roles, by_nodes) in _declared_thumbprints(observation).items():
        leaf = leaves.get(thumbprint)
        if leaf is None:
            only_clients = roles == ("client",)
            unknown.append(
                Unknown(
                    subject=f"thumbprint {thumbprint}",
                    reason="ClientElsewhere" if only_clients else "CertificateUnread",
                    what=f"the certificate of {' and '.join(roles)} with this thumbprint",
                    why="it lies with the client" if only_clients else "no source that was read holds it",
                )
            )
            continue
        home, version = _home(observation, thumbprint)
        mine = [
            one
            for one in brought
            if (one.version is not None and one.version.thumbprint == thumbprint)
            or (home is not None and one.way.how == "extension" and one.certificate.url == home.url)
        ]
        if home is not None:
            told.add(home.url.lower())
        by_secret = [one for one in mine if one.way.how == "secret"]
        found.append(
            Dependency(
                leaf=leaf,
                certificate=home,
                version=version,
                roles=roles,
                selected="thumbprint",
                arrives="secret" if by_secret else "extension" if mine else "elsewhere",
                scale_sets=_scale_sets(by_secret or mine),
                extensions=_extensions(mine),
                is_declared_by_nodes=by_nodes,
                successor=preferred.get(thumbprint) if roles == ("cluster",) else None,
                notes=() if mine or roles == ("client",) else ("Nothing that was seen brings it to a new machine.",),
            )
        )
    return found, told


def _home(observation: Observation, thumbprint: str) -> tuple[VaultCertificate | None, CertificateVersion | None]:
    for vault in observation.vaults:
        for one in vault.certificates or ():
            for version in one.versions:
                if version.thumbprint == thumbprint:
                    return one, version
    return None, None


def _scale_sets(brought: list[_Brought]) -> tuple[ScaleSet, ...]:
    found = {one.way.scale_set.id: one.way.scale_set for one in brought}
    return tuple(found.values())


def _extensions(brought: list[_Brought]) -> tuple[KeyVaultExtension, ...]:
    return tuple(one.way.extension for one in brought if one.way.extension is not None)


def _by_name(
    observation: Observation, brought: list[_Brought], told: set[str], unknown: list[Unknown]
) -> list[Dependency]:
    names = _declared_names(observation)
    groups: dict[tuple[str, str, str], list[_Brought]] = {}
    for one in brought:
        if one.version is None or one.version.certificate is None or one.certificate.url.lower() in told:
            continue
        groups.setdefault((one.certificate.url.lower(), one.way.how, one.version.thumbprint), []).append(one)
    by_extension = {url for url, how, _ in groups if how == "extension"}
    found: list[Dependency] = []
    for (url, how, _), mine in groups.items():
        if how == "secret" and url in by_extension:
            continue  # the extension brings the same certificate, and its newest version
        first = mine[0]
        assert first.version is not None
        assert first.version.certificate is not None
        leaf = first.version.certificate
        roles = names.get(leaf.common_name or "", ())
        notes = []
        if how == "extension" and first.certificate.latest is not first.version:
            notes.append("Its newest version is disabled: a versionless address gets nothing until that is mended.")
        found.append(
            Dependency(
                leaf=leaf,
                certificate=first.certificate,
                version=first.version,
                roles=roles or ("application",),
                selected="name" if roles else "application",
                arrives=first.way.how,
                scale_sets=_scale_sets(mine),
                extensions=_extensions(mine),
                notes=tuple(notes),
            )
        )
    carried = {one.leaf.common_name for one in found}
    for name, roles in names.items():
        if name not in carried:
            only_clients = roles == ("client",)
            unknown.append(
                Unknown(
                    subject=f"name {name}",
                    reason="ClientElsewhere" if only_clients else "NameNotDelivered",
                    what=f"the certificate of {' and '.join(roles)} with this name",
                    why="it lies with the client" if only_clients else "nothing that is known to be brought carries it",
                )
            )
    return found


def dependencies(observation: Observation) -> tuple[tuple[Dependency, ...], tuple[Unknown, ...]]:
    """Everything the cluster relies on, and what of it is not known.

    Returns:
        Each certificate once for each way that matters, in the order of the declarations and scale sets; no expiry is
        looked at.

    Effects: none.
    """
    brought, unknown = _brought(observation)
    cluster = observation.cluster
    for role, declaration in (("cluster", cluster.certificate), ("reverse proxy", cluster.reverse_proxy)):
        if declaration.kind == "unresolved":
            what = f"how the certificate of the {role} is declared"
            why = "it is an expression that could not be evaluated"
            unknown.append(Unknown(subject=cluster.id, reason="ValueUnresolved", what=what, why=why))
    declared, told = _by_thumbprint(observation, brought, unknown)
    named = _by_name(observation, brought, told, unknown)
    return (*declared, *named), tuple(unknown)
