"""What will the cluster take? The part of an observation that the gate asks. Floor 3.

Leaves out: how a change gets to the nodes, and whether the declaration itself is sound (audit and plan say that).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sfcert.model.base import Value
from sfcert.model.bundle import NODES_NOT_ASKED, Unread
from sfcert.model.certificate import Certificate
from sfcert.model.ids import VaultReference
from sfcert.model.observation import DeclarationKind, Observation, PinnedName


class Signed(Value):
    """The newest enabled certificate of one name, and the vault's issuer that its policy names."""

    vault_url: str
    issuer_name: str
    leaf: Certificate


class Expectation(Value):
    """What the gate needs to know of a cluster.

    `kind` is how the cluster certificate is declared. `in_use` are certificates of a declared name that nodes present,
    or that the vault holds enabled and could be selected. `observed` is vault URL + name -> newest certificate, of all
    that the nodes' extensions fetch. `known` is every certificate seen anywhere. `links` says whether any extension
    links renewals; None where none says. `unread` names what could not be read; of that, `observed_unread` may hide a
    certificate that the nodes fetch, and `rivals_unread` one that they may prefer. `signed` tells by whom each issuer
    of a vault had its certificates signed. `lives_until_utc`: the day until which a plan counts on the certificate and
    its issuer, None where none does. `is_of_plan`: `names` are what a plan takes, not what the cluster declares.
    """

    cluster_id: str
    kind: DeclarationKind
    names: tuple[PinnedName, ...]
    runtime: str | None
    in_use: tuple[Certificate, ...]
    observed: dict[str, Certificate]
    known: tuple[Certificate, ...]
    links: bool | None
    polling_s: int | None
    unread: tuple[str, ...]
    observed_unread: tuple[str, ...] = ()
    rivals_unread: tuple[str, ...] = ()
    os: Literal["Windows", "Linux", "unknown"] = "unknown"
    signed: tuple[Signed, ...] = ()
    lives_until_utc: datetime | None = None
    is_of_plan: bool = False

    def declared(self, common_name: str) -> PinnedName | None:
        """The declared name that equals this one by case."""
        return next((one for one in self.names if one.common_name == common_name), None)


def expectation_of(
    observation: Observation, *, name: PinnedName | None = None, lives_until_utc: datetime | None = None
) -> Expectation:
    """The gate's view of an observed cluster.

    Args:
        name: what a plan will declare, with the issuers from which it takes a certificate; None: as it is declared.
        lives_until_utc: until when a plan counts on it (aware UTC).

    Effects: none.
    """
    declared = observation.cluster.certificate
    names = declared.names if name is None else (name,)
    wanted = {one.common_name for one in (*declared.names, *names)}
    known = observation.known_certificates()
    by_thumbprint = {one.thumbprint: one for one in known}
    presented = {
        node.presents for node in ((observation.runtime.nodes or ()) if observation.runtime else ()) if node.presents
    }
    in_use = {key: by_thumbprint[key] for key in presented if key in by_thumbprint}
    for vault in observation.vaults:
        for certificate in vault.certificates or ():
            for version in certificate.versions:
                leaf = version.certificate
                if leaf is not None and version.enabled and leaf.common_name in wanted:
                    in_use[leaf.thumbprint] = leaf
    observed: dict[str, Certificate] = {}
    links: bool | None = None
    polling: int | None = None
    unread = [f"{one.what}: {one.why}" for one in observation.unread]
    hidden = [f"{one.what}: {one.why}" for one in observation.unread if _is_scale_set(one.what)]
    preferred = [f"{one.what}: {one.why}" for one in observation.unread if _is_nodes(one)]
    for scale_set in observation.scale_sets:
        for extension in scale_set.key_vault_extensions:
            if extension.link_on_renewal is not None:
                links = bool(links) or extension.link_on_renewal
            if extension.polling_interval_s is not None:
                polling = max(polling or 0, extension.polling_interval_s)
            for entry in extension.observed:
                if entry.reference is None:
                    continue
                found = observation.vault_certificate(entry.reference)
                newest = found.newest_enabled if found is not None else None
                if newest is not None and newest.certificate is not None:
                    observed[entry.reference.certificate_url.lower()] = newest.certificate
                elif (why := _why_hidden(observation, entry.reference)) is not None:
                    hidden.append(f"{entry.reference.certificate_url}: {why}")
        for secret in scale_set.secrets:
            if secret.reference is not None and (why := _why_hidden(observation, secret.reference)) is not None:
                preferred.append(f"{secret.reference.certificate_url}: {why}")
    return Expectation(
        cluster_id=observation.cluster.id,
        kind=declared.kind,
        names=names,
        runtime=observation.cluster.runtime,
        in_use=tuple(in_use[key] for key in sorted(in_use)),
        observed=dict(sorted(observed.items())),
        known=known,
        links=links,
        polling_s=polling,
        unread=tuple(unread),
        observed_unread=tuple(dict.fromkeys(hidden)),
        rivals_unread=tuple(dict.fromkeys((*hidden, *preferred))),
        os=observation.cluster.os,
        signed=_signed(observation),
        lives_until_utc=lives_until_utc,
        is_of_plan=name is not None,
    )


def _signed(observation: Observation) -> tuple[Signed, ...]:
    found = []
    for vault in observation.vaults:
        for certificate in vault.certificates or ():
            newest = certificate.newest_enabled
            if certificate.issuer_name and newest is not None and newest.certificate is not None:
                found.append(
                    Signed(
                        vault_url=certificate.vault_url, issuer_name=certificate.issuer_name, leaf=newest.certificate
                    )
                )
    return tuple(found)


def _is_scale_set(what: str) -> bool:
    """Whether a thing that was not read tells what machines fetch: a scale set, or the list of them."""
    lowered = what.lower()
    if lowered.startswith("scale sets of "):
        return True
    return "/virtualmachinescalesets/" in lowered and not lowered.startswith("vm_instances/")


def _is_nodes(one: Unread) -> bool:
    """Whether the nodes were asked what they present, and did not tell. Not to ask them is the caller's choice."""
    return one.what == "runtime" and one.why != NODES_NOT_ASKED


def _why_hidden(observation: Observation, reference: VaultReference) -> str | None:
    """Why the vault's versions of a certificate are not known; None where they are, or where it has none."""
    found = observation.vault_certificate(reference)
    if found is not None:
        newest = found.newest_enabled
        return None if newest is None or newest.certificate is not None else "its bytes are not shown"
    vault = f"vaults/{reference.vault_url}"
    why = observation.why_unread(f"{vault}/certificates/{reference.name}")
    why = why or next((one.why for one in observation.unread if one.what.lower() == vault.lower()), None)
    if why is not None and why.startswith("404"):
        return None
    return why or "it is not among what was read"
