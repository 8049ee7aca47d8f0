"""Which certificate shall the nodes present by name, and from which vault does each scale set get it? Floor 4.

G is the newest version of the vault certificate that the operator names or, without that, of the one whose versions
hold what is declared for the role that moves. Leaves out its issuers (`issuers`) and how it reaches the nodes
(`provision`).
"""

from __future__ import annotations

from sfcert.model.base import Value
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH, Certificate
from sfcert.model.ids import VaultReference
from sfcert.model.observation import Observation, ScaleSet, VaultCertificate
from sfcert.planning.future import Future, find_future, is_absent
from sfcert.planning.inputs import Inputs
from sfcert.planning.issuers import FoundIssuers, find_issuers, find_issuers_to_change
from sfcert.planning.reasons import Reasons
from sfcert.planning.roles import Role, role_declaration, role_thumbprints
from sfcert.playbook import Aim

SMALLEST_RSA_BITS = 2048


class FoundGoal(Value):
    """G with everything that follows from it. `references` maps scale set id -> the vault certificate it is to observe;
    `certificates` are those vault certificates, once each, by URL. `future` where a stage of the plan has to bring G:
    then G is what the gate demands of it, and no certificate yet."""

    certificate: Certificate
    common_name: str
    issuers: FoundIssuers
    references: dict[str, VaultReference]
    certificates: tuple[VaultCertificate, ...]
    future: Future | None = None

    @property
    def thumbprint(self) -> str:
        return self.certificate.thumbprint

    @property
    def pins(self) -> tuple[str, ...]:
        return self.issuers.pins

    def reference(self, scale_set_id: str) -> VaultReference:
        return self.references[scale_set_id]


def find_goal(
    observation: Observation, inputs: Inputs, reasons: Reasons, aim: Aim = "name", role: Role = "cluster"
) -> FoundGoal | None:
    """The goal, or None where none can be named; every obstacle becomes a reason.

    Args:
        aim: by thumbprint a certificate needs neither a name nor an issuer, and may be self-signed.
        role: whose certificate it is. The reverse proxy takes no issuer pins, so that its may be self-signed too.

    Effects: adds to `reasons`.
    Source: contracts, *Where the direct issuer comes from*; reference 2.6 (both usages), 3.1 (preconditions), 6.2.
    """
    references: dict[str, VaultReference] = {}
    found: dict[str, VaultCertificate] = {}
    unread = False
    for scale_set in observation.scale_sets:
        reference = _reference_for(observation, inputs, scale_set, reasons, role)
        if reference is None:
            continue
        references[scale_set.id] = reference
        certificate = observation.vault_certificate(reference)
        if certificate is None and inputs.enrolment is not None and is_absent(observation, reference):
            continue
        if certificate is None:
            unread = True
            reasons.add(_not_read(observation, reference))
        else:
            found[certificate.url] = certificate
    if unread or len(references) < len(observation.scale_sets):
        return None
    if inputs.enrolment is not None:
        future = find_future(observation, inputs, references.values(), found, reasons)
        if future == "blocked":
            return None
        if isinstance(future, Future):
            return _enrolled(observation, inputs, future, references, reasons)
    leaves = {url: _newest(one, inputs, reasons) for url, one in found.items()}
    known = {leaf.thumbprint: leaf for leaf in leaves.values() if leaf is not None}
    if None in leaves.values() or not known:
        return None
    if len(known) > 1:
        listed = "; ".join(f"{url} holds {leaf.thumbprint}" for url, leaf in sorted(leaves.items()) if leaf)
        reasons.add(
            f"The node types would get different certificates: {listed}. Import one certificate under all these names, "
            "or name one with --certificate."
        )
        return None
    leaf = next(iter(known.values()))
    certificates = tuple(found[url] for url in sorted(found))
    if not (aim == "thumbprint" or _is_fit_by_name(observation, inputs, leaf, reasons, role)):
        return None
    _check_fitness(observation, leaf, certificates, reasons, role)
    if aim == "thumbprint":
        issuers: FoundIssuers | None = FoundIssuers(verified=(), pins=(), source="not asked: declared by thumbprint")
    elif role == "reverse-proxy":
        issuers = FoundIssuers(verified=(), pins=(), source="not asked: the reverse proxy takes no pins")
    elif aim == "issuer":
        issuers = find_issuers_to_change(observation, inputs, leaf, certificates, reasons)
    else:
        issuers = find_issuers(observation, inputs, leaf, certificates, reasons)
    if issuers is None:
        return None
    return FoundGoal(
        certificate=leaf,
        common_name=leaf.common_name or "",
        issuers=issuers,
        references=references,
        certificates=certificates,
    )


def _enrolled(
    observation: Observation,
    inputs: Inputs,
    future: Future,
    references: dict[str, VaultReference],
    reasons: Reasons,
) -> FoundGoal | None:
    """The goal that a stage of the plan is to bring; its pins are those named, beside those that are declared."""
    if not _is_fit_by_name(observation, inputs, future.leaf, reasons, "cluster"):
        return None
    _check_fitness(observation, future.leaf, (future.certificate,), reasons, "cluster")
    name = future.leaf.common_name or ""
    declared = next((one for one in observation.cluster.certificate.names if one.common_name == name), None)
    pins = tuple(dict.fromkeys((*(declared.issuers if declared else ()), *future.named)))
    source = "named with --issuer-thumbprints; the gate holds the enrolment to it"
    return FoundGoal(
        certificate=future.leaf,
        common_name=name,
        issuers=FoundIssuers(verified=future.issuers, pins=pins, source=source),
        references=references,
        certificates=(future.certificate,),
        future=future,
    )


def declared_thumbprints(observation: Observation) -> frozenset[str]:
    """Every thumbprint that the cluster role is declared by, on the cluster or on any node extension."""
    return role_thumbprints(observation, "cluster")


def _reference_for(
    observation: Observation, inputs: Inputs, scale_set: ScaleSet, reasons: Reasons, role: Role
) -> VaultReference | None:
    named = inputs.reference_for(scale_set.node_type)
    if named is not None:
        return named
    mentioned = _mentioned(scale_set)
    candidates = _candidates(observation, role)
    fitting = [one for one in candidates if one.url.lower() in mentioned] or candidates
    if len(fitting) == 1:
        one = fitting[0]
        return VaultReference(vault_url=one.vault_url, kind="certificates", name=one.name, version=None)
    if fitting:
        listed = ", ".join(one.url for one in fitting)
        reasons.add(
            f"More than one vault certificate could be meant for {scale_set.name}: {listed}. Name one with "
            f"--certificate {scale_set.node_type}=URL."
        )
        return None
    unread = [url for url in _vaults_mentioned(observation) if _is_unread(observation, url)]
    for url in unread:
        why = observation.why_unread(f"vaults/{url}") or "it is not in the capture"
        reasons.add(
            f"The certificates of {url} were not read ({why}), so that nobody can say what the nodes would get. Grant "
            "reading certificates there and capture again."
        )
    if not unread:
        declared = ", ".join(sorted(role_thumbprints(observation, role))) or _declared_names(observation, role)
        reasons.add(
            f"No vault certificate that was read holds what is declared ({declared}). Put the goal certificate into a "
            "vault and name it with --certificate URL."
        )
    return None


def _candidates(observation: Observation, role: Role) -> list[VaultCertificate]:
    thumbprints = role_thumbprints(observation, role)
    names = {one.common_name for one in role_declaration(observation, role).names}
    every = [one for vault in observation.vaults for one in vault.certificates or ()]
    by_thumbprint = [one for one in every if thumbprints & {version.thumbprint for version in one.versions}]
    if by_thumbprint or not names:
        return by_thumbprint
    return [
        one
        for one in every
        if any(version.certificate and version.certificate.common_name in names for version in one.versions)
    ]


def _mentioned(scale_set: ScaleSet) -> frozenset[str]:
    """Certificate URLs, lower-case, that the scale set gets already: by vm secret or by extension."""
    references = [secret.reference for secret in scale_set.secrets]
    references += [one.reference for extension in scale_set.key_vault_extensions for one in extension.observed]
    return frozenset(one.certificate_url.lower() for one in references if one is not None)


def _vaults_mentioned(observation: Observation) -> tuple[str, ...]:
    found = {url.partition("/certificates/")[0] for one in observation.scale_sets for url in _mentioned(one)}
    return tuple(sorted(found))


def _is_unread(observation: Observation, url: str) -> bool:
    vault = observation.vault(url)
    return vault is None or vault.certificates is None


def _declared_names(observation: Observation, role: Role) -> str:
    return ", ".join(one.common_name for one in role_declaration(observation, role).names) or "nothing"


def _not_read(observation: Observation, reference: VaultReference) -> str:
    vault = observation.vault(reference.vault_url)
    if vault is not None and vault.certificates is not None:
        return (
            f"There is no certificate {reference.name} in {reference.vault_url}. Correct --certificate, or put the "
            "certificate there and capture again."
        )
    why = observation.why_unread(f"vaults/{reference.vault_url}") or "it is not in the capture"
    return (
        f"The certificate {reference.certificate_url} was not read ({why}), so that its newest version is not known. "
        "Grant reading certificates there and capture again."
    )


def _newest(one: VaultCertificate, inputs: Inputs, reasons: Reasons) -> Certificate | None:
    latest = one.latest
    if latest is None:
        reasons.add(f"{one.url} has no version that could be read. Enrol or import the certificate first.")
        return None
    if not latest.enabled:
        reasons.add(
            f"The newest version of {one.url} ({latest.thumbprint}) is disabled: a machine that asks for it gets "
            "nothing. Enable it, or bring a newer one."
        )
        return None
    leaf = latest.certificate or next(
        (pem for pem in inputs.certificate_pems if pem.thumbprint == latest.thumbprint), None
    )
    if leaf is None:
        reasons.add(
            f"The bytes of {one.url} ({latest.thumbprint}) were not read. Give the public certificate and its chain "
            "with --certificate-pem."
        )
    return leaf


def _is_fit_by_name(observation: Observation, inputs: Inputs, leaf: Certificate, reasons: Reasons, role: Role) -> bool:
    """Whether nodes can go by the certificate's name. Each obstacle is a reason; False where planning on has no
    sense."""
    short = f"The goal certificate {leaf.thumbprint}"
    if leaf.is_self_signed and role == "cluster":
        reasons.add(
            f"{short} is self-signed: by common name it would have to be pinned to itself and could never be renewed. "
            "Bring one from an authority into the vault and plan again."
        )
        return False
    if not leaf.common_name or not leaf.common_name.strip():
        reasons.add(f"{short} has no common name in its subject. Enrol one that has, and plan again.")
        return False
    if inputs.common_name is not None and leaf.common_name != inputs.common_name:
        reasons.add(
            f"{short} carries the common name {leaf.common_name!r}, not {inputs.common_name!r} (nodes select by exact, "
            "case-sensitive equality). Name another certificate with --certificate, or enrol one with this name."
        )
    declared = {one.common_name for one in role_declaration(observation, role).names}
    if declared and leaf.common_name not in declared:
        whose = "The reverse proxy" if role == "reverse-proxy" else "The cluster"
        reasons.add(
            f"{whose} is declared by {', '.join(sorted(declared))}, but the vault's newest certificate carries "
            f"{leaf.common_name}: nodes would find nothing. Renew with the declared name."
        )
    return True


def _check_fitness(
    observation: Observation,
    leaf: Certificate,
    certificates: tuple[VaultCertificate, ...],
    reasons: Reasons,
    role: Role,
) -> None:
    """Whether any node can use the certificate, however it is declared. Each obstacle is a reason."""
    short = f"The goal certificate {leaf.thumbprint}"
    usages = ((SERVER_AUTH, "serverAuth"), (CLIENT_AUTH, "clientAuth"))
    # the reverse proxy is a server to those who call it; services may ask it for no certificate at all
    wanted = usages[:1] if role == "reverse-proxy" else usages
    lacking = [name for oid, name in wanted if leaf.ekus is not None and oid not in leaf.ekus]
    if lacking:
        needs = "a reverse proxy needs it" if role == "reverse-proxy" else "a cluster certificate needs both"
        reasons.add(f"{short} lacks the extended key usage {' and '.join(lacking)}; {needs}. Enrol one that has them.")
    if leaf.key_type.upper() != "RSA" or leaf.key_bits < SMALLEST_RSA_BITS:
        reasons.add(
            f"{short} has a {leaf.key_bits}-bit {leaf.key_type} key; Service Fabric needs RSA of {SMALLEST_RSA_BITS} "
            "bits or more. Enrol one with such a key."
        )
    now = observation.observed_at_utc
    if not leaf.not_before_utc <= now < leaf.not_after_utc:
        reasons.add(
            f"{short} is valid from {leaf.not_before_utc:%Y-%m-%d %H:%M} to {leaf.not_after_utc:%Y-%m-%d %H:%M} UTC, "
            "not now. Bring one that is."
        )
    for one in certificates:
        if one.exportable is False:
            reasons.add(
                f"The policy of {one.url} makes its key non-exportable: no node can fetch it with its key. Enrol it "
                "with an exportable key."
            )
        if observation.cluster.os == "Windows" and one.content_type not in (None, "application/x-pkcs12"):
            reasons.add(
                f"{one.url} is kept as {one.content_type}; on Windows it has to be application/x-pkcs12. Change the "
                "policy and renew."
            )
