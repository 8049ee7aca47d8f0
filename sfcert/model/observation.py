"""What was seen? The captured world as facts of the domain, with what could not be read.

`None` means *not known* wherever a field's docstring does not say otherwise; nothing is ever filled in. Interpretation
happens once, in `sfcert.sources.observe`; everything above reads these facts and, for writing back, the raw bundle.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sfcert.model.base import Value
from sfcert.model.bundle import Bundle, Unread, Unresolved
from sfcert.model.certificate import Certificate
from sfcert.model.ids import VaultReference, same_id

DeclarationKind = Literal["none", "thumbprint", "common-name", "both", "unresolved"]


class PinnedName(Value):
    """A declared common name with its issuer pins. `issuers` are normalized thumbprints; `issuers_text` is as written
    ('' means: no pin). `malformed` are list elements that are no thumbprints."""

    common_name: str
    issuers: tuple[str, ...]
    issuers_text: str
    malformed: tuple[str, ...] = ()


class Declaration(Value):
    """How one role's certificate is declared, and where (`path` inside the resource body).

    `thumbprints` are primary, then secondary, normalized; `malformed` holds those that are not 40 hex digits.
    In a node extension `names` carry no issuers (none can be given there).
    """

    kind: DeclarationKind
    path: str
    thumbprints: tuple[str, ...] = ()
    names: tuple[PinnedName, ...] = ()
    store: str | None = None
    malformed: tuple[str, ...] = ()


class ClientCertificate(Value):
    kind: Literal["thumbprint", "common-name"]
    value: str
    issuers: tuple[str, ...]
    is_admin: bool


class NodeType(Value):
    name: str
    is_primary: bool
    instance_count: int | None
    durability: str | None
    is_stateless: bool
    reverse_proxy_port: int | None


class Cluster(Value):
    """`runtime` is clusterCodeVersion; `os` from vmImage and node extensions; `settings` section -> name -> value.

    `upgrade_description` is raw or None (the provider's defaults hold then).
    """

    id: str
    name: str
    location: str | None
    api_version: str
    guid: str | None
    runtime: str | None
    state: str | None
    provisioning_state: str | None
    os: Literal["Windows", "Linux", "unknown"]
    upgrade_mode: str | None
    reliability: str | None
    management_endpoint: str | None
    cluster_endpoint: str | None
    certificate: Declaration
    reverse_proxy: Declaration
    clients: tuple[ClientCertificate, ...]
    has_aad: bool
    settings: dict[str, dict[str, str]]
    node_types: tuple[NodeType, ...]
    upgrade_description: dict[str, Any] | None


class NodeExtension(Value):
    """The Service Fabric node extension of a scale set. `after` is provisionAfterExtensions."""

    name: str
    type: str
    version: str | None
    node_type: str | None
    cluster_endpoint: str | None
    durability: str | None
    certificate: Declaration
    reverse_proxy: Declaration
    after: tuple[str, ...]
    path: str


class ObservedCertificate(Value):
    """One entry of a Key Vault extension's observedCertificates. `reference` is None where the URL is not a vault's."""

    url: str
    reference: VaultReference | None
    store_name: str | None
    store_location: str | None
    is_object: bool


class KeyVaultExtension(Value):
    """The Key Vault VM extension. Flags are None where absent. `client_id` is authenticationSettings.msiClientId;
    `authentication` is None where that object is absent, and `authentication_misplaced` where it stands in
    secretsManagementSettings."""

    name: str
    type: str
    version: str | None
    observed: tuple[ObservedCertificate, ...]
    polling_interval_s: int | None
    link_on_renewal: bool | None
    require_initial_sync: bool | None
    automatic_upgrade: bool | None
    store_name: str | None
    store_location: str | None
    client_id: str | None
    msi_endpoint: str | None
    has_authentication: bool
    authentication_misplaced: bool
    path: str

    @property
    def major(self) -> int | None:
        head = (self.version or "").split(".")[0]
        return int(head) if head.isdigit() else None


class VmSecret(Value):
    """One certificate that the platform puts on new machines (osProfile.secrets), by version."""

    vault_id: str
    url: str
    reference: VaultReference | None
    store: str | None


class AssignedIdentity(Value):
    """A user-assigned identity as the scale set shows it; the ids are None where the body does not carry them."""

    id: str
    client_id: str | None
    principal_id: str | None


class ExtensionStatus(Value):
    """One extension on one instance. `state` is the word after ProvisioningState/; `at_utc` the newest status time."""

    name: str
    type: str | None
    version: str | None
    state: str | None
    message: str | None
    at_utc: datetime | None


class Instance(Value):
    """One virtual machine. `store` are the thumbprints in its certificate store, None where it cannot be seen."""

    id: str
    name: str | None
    latest_model: bool | None
    provisioning_state: str | None
    update_domain: int | None
    extensions: tuple[ExtensionStatus, ...]
    store: tuple[str, ...] | None


class ScaleSet(Value):
    """A scale set that carries nodes of the cluster. `instances` is None where they could not be listed.

    `api_version` is the one that the body was read with; `subnet_ids` those of its network profile.
    """

    id: str
    name: str
    location: str | None
    api_version: str
    capacity: int | None
    upgrade_mode: str | None
    provisioning_state: str | None
    image: dict[str, Any] | None
    node_extension: NodeExtension
    key_vault_extensions: tuple[KeyVaultExtension, ...]
    extension_names: tuple[str, ...]
    extensions_time_budget: str | None
    secrets: tuple[VmSecret, ...]
    has_system_identity: bool
    system_principal_id: str | None
    user_identities: tuple[AssignedIdentity, ...]
    subnet_ids: tuple[str, ...]
    instances: tuple[Instance, ...] | None

    @property
    def node_type(self) -> str | None:
        return self.node_extension.node_type


class ManagedIdentity(Value):
    id: str
    name: str
    location: str | None
    client_id: str | None
    principal_id: str | None
    tenant_id: str | None


class AccessPolicy(Value):
    object_id: str
    tenant_id: str | None
    secrets: tuple[str, ...]
    certificates: tuple[str, ...]


class CertificateVersion(Value):
    """One version of a vault certificate. `certificate` is None where its bytes were not captured; instants aware UTC.

    `chain` is the direct issuer first, empty when unknown; `chain_source` where it came from.
    """

    version: str
    thumbprint: str
    certificate: Certificate | None
    enabled: bool
    created_utc: datetime | None
    not_before_utc: datetime | None
    not_after_utc: datetime | None
    chain: tuple[Certificate, ...]
    chain_source: str | None

    @property
    def issuer(self) -> Certificate | None:
        """The direct issuer; a self-signed leaf is its own; None when unknown."""
        if self.certificate is not None and self.certificate.is_self_signed:
            return self.certificate
        return self.chain[0] if self.chain else None


class LifetimeAction(Value):
    """`percentage` or `days_before_expiry`, the other None; `action` as the vault spells it."""

    action: str
    percentage: int | None
    days_before_expiry: int | None


class VaultCertificate(Value):
    """One certificate name in a vault. Policy fields are None where the policy was not read or does not say.

    `versions` are newest first by creation, then by NotBefore. `pending_status` is None where no operation stands.
    """

    vault_url: str
    name: str
    versions: tuple[CertificateVersion, ...]
    has_policy: bool
    issuer_name: str | None
    subject: str | None
    policy_dns_names: tuple[str, ...]
    policy_ekus: tuple[str, ...] | None
    key_type: str | None
    key_bits: int | None
    exportable: bool | None
    reuse_key: bool | None
    content_type: str | None
    validity_months: int | None
    lifetime_actions: tuple[LifetimeAction, ...]
    pending_status: str | None
    tags: dict[str, str]

    @property
    def url(self) -> str:
        return f"{self.vault_url}/certificates/{self.name}"

    @property
    def renews_itself(self) -> bool:
        return any(action.action.lower() == "autorenew" for action in self.lifetime_actions)

    @property
    def latest(self) -> CertificateVersion | None:
        """The version that a versionless URL means: the newest created, enabled or not."""
        return self.versions[0] if self.versions else None

    @property
    def newest_enabled(self) -> CertificateVersion | None:
        return next((version for version in self.versions if version.enabled), None)


class Vault(Value):
    """A vault by its URL. Control-plane fields are None, and `id` too, where its resource was not read.

    `certificates` is None where the data plane was not read.
    """

    url: str
    id: str | None
    location: str | None
    tenant_id: str | None
    uses_rbac: bool | None
    policies: tuple[AccessPolicy, ...] | None
    enabled_for_deployment: bool | None
    firewall_default: str | None
    firewall_bypass: str | None
    firewall_subnets: tuple[str, ...]
    firewall_ips: tuple[str, ...]
    public_network_access: str | None
    certificates: tuple[VaultCertificate, ...] | None

    def certificate(self, name: str) -> VaultCertificate | None:
        return next((one for one in self.certificates or () if one.name.lower() == name.lower()), None)


class RoleAssignment(Value):
    """`role_id` is the GUID at the end of roleDefinitionId, lower-case."""

    id: str
    scope: str
    principal_id: str
    role_id: str


class NodeSighting(Value):
    """What one node shows of itself. Each None where it was not seen.

    `presents` is the thumbprint of its cluster certificate by its health event; `served` the chain of a TLS handshake,
    leaf first.
    """

    name: str
    address: str | None
    node_type: str | None
    status: str | None
    upgrade_domain: str | None
    is_seed: bool | None
    presents: str | None
    served: tuple[Certificate, ...] | None
    health: str | None


class Runtime(Value):
    """Service Fabric's own view; None as a whole where nothing was read."""

    nodes: tuple[NodeSighting, ...] | None
    health: str | None
    upgrade_state: str | None
    upgrade_domains_done: int | None
    upgrade_domains: int | None
    manifest: str | None


class Observation(Value):
    """One look at a cluster and at all that its certificates depend on."""

    source: Literal["live", "bundle", "template"]
    observed_at_utc: datetime
    cluster: Cluster
    scale_sets: tuple[ScaleSet, ...]
    identities: tuple[ManagedIdentity, ...]
    vaults: tuple[Vault, ...]
    role_assignments: tuple[RoleAssignment, ...]
    runtime: Runtime | None
    unread: tuple[Unread, ...]
    unresolved: tuple[Unresolved, ...]
    bundle: Bundle

    def vault(self, url: str) -> Vault | None:
        wanted = url.rstrip("/").lower()
        return next((vault for vault in self.vaults if vault.url.lower() == wanted), None)

    def vault_by_id(self, resource_id: str) -> Vault | None:
        return next((vault for vault in self.vaults if vault.id and same_id(vault.id, resource_id)), None)

    def vault_certificate(self, reference: VaultReference) -> VaultCertificate | None:
        vault = self.vault(reference.vault_url)
        return vault.certificate(reference.name) if vault else None

    def identity(self, resource_id: str) -> ManagedIdentity | None:
        return next((one for one in self.identities if same_id(one.id, resource_id)), None)

    def scale_set(self, resource_id: str) -> ScaleSet | None:
        return next((one for one in self.scale_sets if same_id(one.id, resource_id)), None)

    def scale_sets_of(self, node_type: str) -> tuple[ScaleSet, ...]:
        return tuple(one for one in self.scale_sets if (one.node_type or "").lower() == node_type.lower())

    def why_unread(self, what: str) -> str | None:
        """Why something whose name begins with `what` (case aside) is missing; None where all of it was read."""
        wanted = what.lower().rstrip("/")
        return next((one.why for one in self.unread if one.what.lower().rstrip("/").startswith(wanted)), None)

    def known_certificates(self) -> tuple[Certificate, ...]:
        """Every certificate seen anywhere, leaf or issuer, once each, by thumbprint."""
        found: dict[str, Certificate] = {}
        for vault in self.vaults:
            for name in vault.certificates or ():
                for version in name.versions:
                    for one in (version.certificate, *version.chain):
                        if one is not None:
                            found.setdefault(one.thumbprint, one)
        for node in (self.runtime.nodes or ()) if self.runtime else ():
            for one in node.served or ():
                found.setdefault(one.thumbprint, one)
        return tuple(found[key] for key in sorted(found))
