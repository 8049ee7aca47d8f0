"""Which certificate does the operator hold in hand for an authored template? Floor 4.

A template tells nothing of what a vault holds. For review, the certificate that is given with `--certificate-pem`
stands for the newest version of the vault certificate that the template, or `--certificate`, names. Its policy stays
unknown, so that such a plan never counts as ready.
"""

from __future__ import annotations

from msgspec.structs import replace

from sfcert.model.certificate import Certificate
from sfcert.model.ids import VaultReference, parse_vault_url
from sfcert.model.observation import CertificateVersion, Observation, Vault, VaultCertificate
from sfcert.planning.inputs import Inputs


def with_given_certificate(observation: Observation, inputs: Inputs) -> Observation:
    """The observation of a template with the given certificate in its vaults; any other observation as it is.

    Effects: none.
    """
    leaf = next((one for one in inputs.certificate_pems if not one.is_ca), None)
    if observation.source != "template" or leaf is None:
        return observation
    chain = tuple(one for one in inputs.certificate_pems if one is not leaf)
    vaults = {vault.url.lower(): vault for vault in observation.vaults}
    for reference in _named(observation, inputs):
        vault = vaults.get(reference.vault_url) or _unread_vault(reference.vault_url)
        if vault.certificate(reference.name) is None:
            certificates = (*(vault.certificates or ()), _certificate(reference, leaf, chain))
            vaults[reference.vault_url] = replace(vault, certificates=certificates)
    return replace(observation, vaults=tuple(vaults[url] for url in sorted(vaults)))


def _named(observation: Observation, inputs: Inputs) -> tuple[VaultReference, ...]:
    given = [parse_vault_url(url) for _, url in sorted(inputs.certificates.items())]
    if not given:
        given = [secret.reference for one in observation.scale_sets for secret in one.secrets]
    found = {one.certificate_url.lower(): one for one in given if one is not None}
    return tuple(found.values())


def _unread_vault(url: str) -> Vault:
    return Vault(
        url=url,
        id=None,
        location=None,
        tenant_id=None,
        uses_rbac=None,
        policies=None,
        enabled_for_deployment=None,
        firewall_default=None,
        firewall_bypass=None,
        firewall_subnets=(),
        firewall_ips=(),
        public_network_access=None,
        certificates=None,
    )


def _certificate(reference: VaultReference, leaf: Certificate, chain: tuple[Certificate, ...]) -> VaultCertificate:
    version = CertificateVersion(
        version=reference.version or "",
        thumbprint=leaf.thumbprint,
        certificate=leaf,
        enabled=True,
        created_utc=None,
        not_before_utc=leaf.not_before_utc,
        not_after_utc=leaf.not_after_utc,
        chain=chain,
        chain_source="given",
    )
    return VaultCertificate(
        vault_url=reference.vault_url,
        name=reference.name,
        versions=(version,),
        has_policy=False,
        issuer_name=None,
        subject=None,
        policy_dns_names=(),
        policy_ekus=None,
        key_type=None,
        key_bits=None,
        exportable=None,
        reuse_key=None,
        content_type=None,
        validity_months=None,
        lifetime_actions=(),
        pending_status=None,
        tags={},
    )
