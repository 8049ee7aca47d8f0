"""Which value does a reference to a Secret lead to? By namespace, in memory only, shown nowhere. Floor 3.

A value that cannot be read is told of only where it is asked for: an export of a cluster holds many Secrets that no
issuer needs. Source: Kubernetes' Secret v1 (`stringData` wins over `data`; base64 whose line ends count for nothing);
cert-manager's cluster resource namespace, `cert-manager` unless the installation says otherwise.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from sfcert.enrol.manifest_fields import ManifestFault, text_at

Json = dict[str, Any]
_CLUSTER_NAMESPACE = "cert-manager"


def secret_bytes(body: Json, key: str) -> bytes | None:
    """The value of one key of a Secret; None where it has none.

    Raises:
        ManifestFault: it cannot be read. The path is the key's, the value is in no message.
    """
    for part in ("stringData", "data"):
        given = body.get(part) or {}
        if not isinstance(given, dict):
            raise ManifestFault(part, "has to be a mapping")
        value = given.get(key)
        if value is None:
            continue
        if not isinstance(value, str):
            raise ManifestFault(f"{part}.{key}", "has to be a text; YAML reads something else: quote it")
        if part == "stringData":
            return value.encode("utf-8", "replace")
        try:
            return base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
        except ValueError:
            raise ManifestFault(f"data.{key}", "is not base64") from None
    return None


@dataclass(frozen=True, slots=True)
class _Secret:
    namespace: str
    name: str
    body: Json = field(repr=False)


class SecretShelf:
    """The Secrets of all documents."""

    def __init__(self) -> None:
        self._held: list[_Secret] = []

    def add(self, namespace: str, name: str, body: Json) -> None:
        self._held.append(_Secret(namespace, name, body))

    def value_of(self, ref: Any, path: str, namespace: str | None) -> tuple[str, str]:
        """`name/key` and the text of a reference.

        Args:
            ref: `{name, key}` as the API has it.
            namespace: the issuer's own; None for a ClusterIssuer, which looks where its installation says.

        Raises:
            ManifestFault: there is no such value, it is not plain which one is meant, or it cannot be read.
        """
        if not isinstance(ref, dict):
            raise ManifestFault(path, "a secret's name and key are needed")
        name, key = text_at(ref, "name", path), text_at(ref, "key", path)
        if not name or not key:
            raise ManifestFault(path, "a secret's name and key are needed")
        named = [one for one in self._held if one.name == name]
        if namespace is None:
            here = [one for one in named if one.namespace == _CLUSTER_NAMESPACE] or named
        else:
            here = [one for one in named if one.namespace == namespace]
            here = here or [one for one in named if not one.namespace or not namespace]
        if named and not here:
            listed = ", ".join(sorted({one.namespace for one in named}))
            raise ManifestFault(path, f"the secret {name} is in another namespace ({listed})")
        texts = {self._text(one, key, path) for one in here} - {None}
        if not texts:
            raise ManifestFault(path, f"no document holds the secret {name} with the key {key}")
        if len(texts) > 1:
            # by name alone nobody could say which of them is meant
            raise ManifestFault(path, f"another document gives the secret {name} another value")
        return f"{name}/{key}", str(texts.pop())

    @staticmethod
    def _text(secret: _Secret, key: str, path: str) -> str | None:
        try:
            value = secret_bytes(secret.body, key)
        except ManifestFault as fault:
            raise ManifestFault(path, f"in the secret {secret.name}, {fault.path} {fault.message}") from None
        try:
            return None if value is None else value.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise ManifestFault(path, f"in the secret {secret.name}, data.{key} is no text") from None
