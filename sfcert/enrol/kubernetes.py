"""How do a Kubernetes secret and a vault certificate become each other? A `kubernetes.io/tls` secret in, a
SecretProviderClass out. Floor 3. Keys pass through memory and are never shown.

Source: Kubernetes' kubernetes.io/tls secrets; the Azure provider of the Secrets Store CSI driver, `objectType: secret`
for certificate with key, `secretObjects` for the secret that an ingress reads, and its page on identity access modes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import yaml

from sfcert.enrol.manifest_documents import documents_of
from sfcert.enrol.manifest_fields import ManifestFault
from sfcert.enrol.manifest_secrets import secret_bytes
from sfcert.errors import InputError
from sfcert.model.certificate import Certificate
from sfcert.pki.keyed import pfx_of_pem

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TlsSecret:
    """A secret ready for the vault. `pfx_base64` is a secret; `chain` is leaf first."""

    name: str
    chain: tuple[Certificate, ...]
    annotations: dict[str, str]
    pfx_base64: str = field(repr=False)


def read_tls_secret(text: str, file: str) -> TlsSecret:
    """The one `kubernetes.io/tls` secret of a manifest (YAML or JSON).

    Raises:
        InputError: ManifestInvalid, without anything of the key.
    """
    found = [one.body for one in documents_of(file, text) if one.is_known and one.kind == "Secret"]
    if len(found) != 1:
        raise InputError("ManifestInvalid", f"{file} holds {len(found)} secrets; exactly one is needed.")
    body = found[0]
    if body.get("type") != "kubernetes.io/tls":
        raise InputError(
            "ManifestInvalid", f"{file}: the secret is of type {body.get('type')!r}, not kubernetes.io/tls."
        )
    if not isinstance(body.get("metadata") or {}, dict):
        raise InputError("ManifestInvalid", f"{file}: metadata is no mapping.")
    parts = {key: _value(body, key, file) for key in ("tls.crt", "tls.key")}
    name = str((body.get("metadata") or {}).get("name") or "tls")
    try:
        pfx, chain = pfx_of_pem(parts["tls.crt"], parts["tls.key"], name)
    except ValueError as error:
        raise InputError("ManifestInvalid", f"{file}: {error}.") from None
    given = (body.get("metadata") or {}).get("annotations") or {}
    pairs = given.items() if isinstance(given, dict) else ()
    annotations = {str(key): str(value) for key, value in pairs if "last-applied" not in str(key)}
    return TlsSecret(name, chain, annotations, pfx)


def _value(body: Json, key: str, file: str) -> bytes:
    try:
        value = secret_bytes(body, key)
    except ManifestFault as fault:
        raise InputError("ManifestInvalid", f"{file}: {fault.path} {fault.message}.") from None
    if value is None:
        raise InputError("ManifestInvalid", f"{file}: the secret has no {key}.")
    return value


def secret_provider_class(
    vault_url: str, name: str, *, tenant_id: str, client_id: str | None, secret_name: str, namespace: str | None
) -> str:
    """The manifest with which an ingress uses the vault's certificate, YAML.

    Args:
        client_id: of the workload identity that reads the vault; None takes the system-assigned identity of the node.
        secret_name: the `kubernetes.io/tls` secret that the driver keeps in step.
    """
    wanted = f"array:\n  - |\n    objectName: {name}\n    objectType: secret\n"
    parameters: Json = {
        "usePodIdentity": "false",
        "keyvaultName": urlsplit(vault_url).netloc.split(".")[0],
        "tenantId": tenant_id,
        "objects": _Block(wanted),
    }
    if client_id is not None:
        parameters["clientID"] = client_id
    else:
        # with neither of the two the provider would ask for a service principal's password
        parameters |= {"useVMManagedIdentity": "true", "userAssignedIdentityID": ""}
    metadata: Json = {"name": secret_name}
    if namespace is not None:
        metadata["namespace"] = namespace
    manifest: Json = {
        "apiVersion": "secrets-store.csi.x-k8s.io/v1",
        "kind": "SecretProviderClass",
        "metadata": metadata,
        "spec": {
            "provider": "azure",
            "secretObjects": [
                {
                    "secretName": secret_name,
                    "type": "kubernetes.io/tls",
                    "data": [{"objectName": name, "key": key} for key in ("tls.key", "tls.crt")],
                }
            ],
            "parameters": parameters,
        },
    }
    return str(yaml.dump(manifest, Dumper=_Dumper, sort_keys=False))


class _Block(str):
    """A text of several lines, written as such: the driver's documents are read by people too."""


class _Dumper(yaml.SafeDumper):
    """Writes `_Block`s as block literals."""


_Dumper.add_representer(
    _Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|")
)
