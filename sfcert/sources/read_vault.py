"""What does a vault hold, and who may read it? Raw resource and data plane in, `Vault` out.

Source: service-fabric.md 6; the certificate bundle's names as the vault's data plane sends them.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from sfcert.model.bundle import RawCertificate, RawResource, RawVault, RawVersion
from sfcert.model.certificate import Certificate
from sfcert.model.ids import thumbprint_of_x5t
from sfcert.model.observation import AccessPolicy, CertificateVersion, LifetimeAction, Vault, VaultCertificate
from sfcert.pki import read_certificate
from sfcert.sources.body import Body, from_epoch


def _certificate(encoded: str | None) -> Certificate | None:
    if not encoded:
        return None
    try:
        return read_certificate(base64.b64decode(encoded))
    except (ValueError, binascii.Error):
        return None


def _version(raw: RawVersion) -> CertificateVersion:
    certificate = _certificate(raw.cer)
    attributes = raw.attributes
    return CertificateVersion(
        version=raw.id.rstrip("/").rsplit("/", 1)[-1],
        thumbprint=certificate.thumbprint if certificate else thumbprint_of_x5t(raw.x5t),
        certificate=certificate,
        enabled=attributes.get("enabled") is not False,
        created_utc=from_epoch(attributes.get("created")),
        not_before_utc=certificate.not_before_utc if certificate else from_epoch(attributes.get("nbf")),
        not_after_utc=certificate.not_after_utc if certificate else from_epoch(attributes.get("exp")),
        chain=tuple(one for one in map(_certificate, raw.chain) if one is not None),
        chain_source=raw.chain_source,
    )


def _newest_first(version: CertificateVersion) -> tuple[float, float]:
    created = version.created_utc.timestamp() if version.created_utc else 0.0
    begins = version.not_before_utc.timestamp() if version.not_before_utc else 0.0
    return (-created, -begins)


def _vault_certificate(vault_url: str, name: str, raw: RawCertificate) -> VaultCertificate:
    policy = Body(raw.policy, symbolic=False)
    x509 = policy.at("x509_props")
    return VaultCertificate(
        vault_url=vault_url,
        name=name,
        versions=tuple(sorted((_version(one) for one in raw.versions), key=_newest_first)),
        has_policy=raw.policy is not None,
        issuer_name=policy.text("issuer", "name"),
        subject=x509.text("subject"),
        policy_dns_names=x509.texts("sans", "dns_names"),
        policy_ekus=x509.texts("ekus") if x509.raw("ekus") is not None else None,
        key_type=policy.text("key_props", "kty"),
        key_bits=policy.number("key_props", "key_size"),
        exportable=policy.flag("key_props", "exportable"),
        reuse_key=policy.flag("key_props", "reuse_key"),
        content_type=policy.text("secret_props", "contentType"),
        validity_months=x509.number("validity_months"),
        lifetime_actions=tuple(
            LifetimeAction(
                action=entry.text("action", "action_type") or "",
                percentage=entry.number("trigger", "lifetime_percentage"),
                days_before_expiry=entry.number("trigger", "days_before_expiry"),
            )
            for entry in policy.items("lifetime_actions")
        ),
        pending_status=Body(raw.pending, symbolic=False).text("status") if raw.pending else None,
        tags={str(key): str(value) for key, value in (raw.tags or {}).items()},
    )


def _policies(properties: Body) -> tuple[AccessPolicy, ...]:
    return tuple(
        AccessPolicy(
            object_id=(entry.text("objectId") or "").lower(),
            tenant_id=entry.text("tenantId"),
            secrets=tuple(word.lower() for word in entry.texts("permissions", "secrets")),
            certificates=tuple(word.lower() for word in entry.texts("permissions", "certificates")),
        )
        for entry in properties.items("accessPolicies")
    )


def vault_url_of(resource_id: str, body: dict[str, Any], *, is_authored: bool) -> str:
    """A vault's URL without a trailing slash: its vaultUri, else the public cloud's form of its name."""
    uri = Body(body, symbolic=is_authored).text("properties", "vaultUri")
    return (uri or f"https://{resource_id.rstrip('/').rsplit('/', 1)[-1]}.vault.azure.net").rstrip("/").lower()


def read_vault(
    url: str, resource_id: str | None, resource: RawResource | None, contents: RawVault | None, *, is_authored: bool
) -> Vault:
    """One vault from its resource, its data plane, or both; what was not read stays None."""
    body = Body(resource.body if resource else None, symbolic=is_authored)
    properties = body.at("properties")
    rules = properties.at("networkAcls")
    return Vault(
        url=url,
        id=resource_id,
        location=body.text("location"),
        tenant_id=properties.text("tenantId"),
        # absent and null both mean access policies on vaults from before the default changed (reference 6.1)
        uses_rbac=(properties.flag("enableRbacAuthorization") or False) if resource else None,
        policies=_policies(properties) if resource else None,
        enabled_for_deployment=(properties.flag("enabledForDeployment") or False) if resource else None,
        firewall_default=(rules.text("defaultAction") or "Allow") if resource else None,
        firewall_bypass=(rules.text("bypass") or "AzureServices") if resource else None,
        firewall_subnets=tuple(filter(None, (entry.text("id") for entry in rules.items("virtualNetworkRules")))),
        firewall_ips=tuple(filter(None, (entry.text("value") for entry in rules.items("ipRules")))),
        public_network_access=(properties.text("publicNetworkAccess") or "Enabled") if resource else None,
        certificates=None
        if contents is None
        else tuple(_vault_certificate(url, name, raw) for name, raw in sorted(contents.certificates.items())),
    )
