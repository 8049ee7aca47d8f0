"""What does trust depend on? One value with the declarations, the stores, the vaults and the rules. Floor 2.

A `World` is what the proof starts from and what each move changes. Nodes are not counted: all nodes of a scale set with
the same store are one. Leaves out how a world is read from an observation (`sfcert.trust.starting_world`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.ids import same_id
from sfcert.model.observation import ClientCertificate, Declaration, PinnedName
from sfcert.trust.rules import RuntimeRules

KeyProvider = Literal["CAPI", "CNG", "unknown"]


class Presented(Value):
    """What a node looks for in its store: thumbprints (primary, then secondary) or common names, never both.

    `accepts_expired` as in `Trusted`."""

    thumbprints: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    store: str = "My"
    accepts_expired: bool | None = None


class Trusted(Value):
    """What a node accepts of others. Thumbprint and name rules may stand side by side while an upgrade walks.

    `accepts_expired`: the node runs with the setting that lets an expired self-signed thumbprint count; None: as the
    runtime's rules say (`RuntimeRules.accepts_expired_pinned`)."""

    thumbprints: tuple[str, ...] = ()
    names: tuple[PinnedName, ...] = ()
    accepts_expired: bool | None = None


class Manifest(Value):
    """The two lists that a node runs with."""

    trusted: Trusted
    presented: Presented


class Holding(Value):
    """One certificate in a node's store. `links_to` is the thumbprint that its renewal property names."""

    certificate: Certificate
    has_key: bool = True
    provider: KeyProvider = "unknown"
    links_to: str | None = None
    store: str = "My"


class Store(Value):
    """One content of a store that some nodes of a group have. `unknown` are thumbprints or vault URLs of certificates
    that are or may be in it and whose bytes were never seen. `nodes` is for people; nothing depends on it."""

    holdings: tuple[Holding, ...] = ()
    unknown: tuple[str, ...] = ()
    nodes: int = 0


class Secret(Value):
    """One certificate version that the platform installs. `thumbprint` is None where the version was not seen."""

    url: str
    thumbprint: str | None
    store: str = "My"


class Delivery(Value):
    """What the Key Vault VM extension of a scale set brings.

    `observes` are certificate URLs (`<vault>/certificates/<name>`, without a version) in the order of the extension.
    `sequenced`: the node extension waits for this one. `syncs_first`: success means that all was installed.
    `keeps_two`: the two newest versions are installed (4.x). `links`: older certificates are linked to newer ones.
    `fixed` are URLs with a version: they never bring another one.
    """

    observes: tuple[str, ...] = ()
    fixed: tuple[Secret, ...] = ()
    sequenced: bool = True
    syncs_first: bool = True
    links: bool = False
    keeps_two: bool = False
    provider: KeyProvider = "unknown"
    store: str = "My"


class Group(Value):
    """The nodes of one scale set. `stores` are the distinct contents seen, never empty where there are nodes.

    `declaration` is the node extension's, `reverse_proxy` what it names for the reverse proxy, None where that is not
    looked at. `name` is for sentences.
    """

    name: str
    scale_set_id: str
    node_type: str | None
    stores: tuple[Store, ...]
    secrets: tuple[Secret, ...]
    deliveries: tuple[Delivery, ...]
    declaration: Declaration
    reverse_proxy: Declaration | None = None


class VaultName(Value):
    """One certificate name of a vault. `versions` are thumbprints, newest created first; `enabled` those of them that
    are enabled. `renews`: the vault may add a version by itself; None where its policy is not known. `renewed`: what
    that was before this plan froze it, None where it did not. `resumed`: this plan, or an earlier run of it, has given
    renewal back, so that the next version counts as coming from an issuer that was seen before."""

    url: str
    versions: tuple[str, ...]
    enabled: tuple[str, ...]
    renews: bool | None
    renewed: bool | None = None
    resumed: bool = False


class Callers(Value):
    """Clients whose certificates are known, by thumbprint, and what let them in where the plan starts."""

    thumbprints: tuple[str, ...]
    clients: tuple[ClientCertificate, ...]
    declaration: Declaration


class World(Value):
    """Everything that decides who accepts whom, at one instant (`now`, aware UTC).

    `certificates` are all leaves by thumbprint; `issuers` maps a leaf's thumbprint to every known certificate of its
    direct issuer's key, and has no entry where the issuer is not known.
    `missing` are facts without which nothing can be decided; `inferences` what was concluded instead of seen.
    `expired_declared`: whether the cluster resource says that expired counts, where the nodes run otherwise
    (`rules`): the next upgrade brings them to it. None: they run as it says.
    `callers` and `reverse_proxy` are None where no stage moves these roles: they are not looked at then.
    """

    declaration: Declaration
    groups: tuple[Group, ...]
    vault_names: tuple[VaultName, ...]
    certificates: dict[str, Certificate]
    issuers: dict[str, tuple[Certificate, ...]]
    rules: RuntimeRules
    now: datetime
    os: str = "Windows"
    clients: tuple[ClientCertificate, ...] = ()
    missing: tuple[str, ...] = ()
    inferences: tuple[str, ...] = ()
    expired_declared: bool | None = None
    callers: Callers | None = None
    reverse_proxy: Declaration | None = None

    def group(self, scale_set_id: str) -> Group | None:
        for one in self.groups:
            # mostly the very same text; spelling differs only where people wrote it
            if one.scale_set_id == scale_set_id:
                return one
        return next((one for one in self.groups if same_id(one.scale_set_id, scale_set_id)), None)

    def with_group(self, group: Group) -> World:
        """This world with one group in the place of its namesake."""
        return msgspec.structs.replace(
            self, groups=tuple(group if same_id(one.scale_set_id, group.scale_set_id) else one for one in self.groups)
        )

    def vault_name(self, certificate_url: str) -> VaultName | None:
        for one in self.vault_names:
            if one.url == certificate_url:
                return one
        wanted = certificate_url.rstrip("/").lower()
        return next((one for one in self.vault_names if one.url.lower() == wanted), None)


def manifest_of(declaration: Declaration) -> Manifest:
    """The lists that a declaration leads to once nothing of an older one is left."""
    return Manifest(
        trusted=Trusted(thumbprints=declaration.thumbprints, names=declaration.names),
        presented=Presented(
            thumbprints=declaration.thumbprints,
            names=tuple(name.common_name for name in declaration.names),
            store=declaration.store or "My",
        ),
    )


def same_store(left: str, right: str) -> bool:
    """Whether two store names mean one store (Windows compares them without regard to case)."""
    return left.lower() == right.lower()


def label(certificates: Mapping[str, Certificate], thumbprint: str) -> str:
    """A certificate for a sentence: the first digits of its thumbprint and its name."""
    known = certificates.get(thumbprint)
    return f"{thumbprint[:8]}…" + (f" ({known.common_name})" if known and known.common_name else "")
