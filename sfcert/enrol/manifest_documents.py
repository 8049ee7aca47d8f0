"""Which Kubernetes objects does a file hold? Lists opened, nulls left out, kinds told apart. Floor 3.

Source: Kubernetes' API conventions: a null is a field that is not set, and `List` and `<Kind>List` hold items.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sfcert.errors import Fault, InputError
from sfcert.yaml_text import read_documents

Json = dict[str, Any]
#: Kind -> the API groups whose kind it is; a core kind has none but a version.
_GROUPS = {
    "Certificate": ("cert-manager.io",),
    "Issuer": ("cert-manager.io",),
    "ClusterIssuer": ("cert-manager.io",),
    "Secret": ("v1",),
    "Ingress": ("networking.k8s.io", "extensions"),
    "VirtualServer": ("k8s.nginx.org",),
}

#: cert-manager's own group, and the one that it had until 0.10.
_OWN_GROUPS = ("cert-manager.io", "certmanager.k8s.io")


@dataclass(frozen=True, slots=True)
class Document:
    """One object, without nulls; it may be a Secret. `number` counts the documents of its file from 1."""

    file: str
    number: int
    body: Json = field(repr=False)

    @property
    def kind(self) -> str:
        return str(self.body.get("kind"))

    @property
    def what(self) -> str:
        return f"{self.body.get('apiVersion') or ''} {self.kind}".strip()

    @property
    def where(self) -> str:
        return f"document {self.number} ({self.kind} {self.name})"

    @property
    def is_known(self) -> bool:
        """Whether the kind is read at all, and is that of the API that is meant: others have a Certificate too."""
        group = str(self.body.get("apiVersion") or "").partition("/")[0]
        wanted = _GROUPS.get(self.kind)
        return wanted is not None and (not group or group in wanted) and not self.is_outdated

    @property
    def namespace(self) -> str:
        return self._of_metadata("namespace")

    @property
    def name(self) -> str:
        return self._of_metadata("name")

    @property
    def is_outdated(self) -> bool:
        """Whether it is cert-manager's, of an API that is no longer served: its fields had other names."""
        group = str(self.body.get("apiVersion") or "").partition("/")[0]
        is_ours = "cert-manager.io" in _GROUPS.get(self.kind, ()) and group in _OWN_GROUPS
        return is_ours and self.body.get("apiVersion") != "cert-manager.io/v1"

    def _of_metadata(self, key: str) -> str:
        metadata = self.body.get("metadata")
        return str(metadata.get(key) or "") if isinstance(metadata, dict) else ""


def documents_of(file: str, text: str) -> list[Document]:
    """Every object of a file, in order.

    Raises:
        InputError: ManifestInvalid; with every document that is no object.
    """
    found: list[Document] = []
    faults: list[Fault] = []
    for number, body in enumerate(read_documents(text, file, "ManifestInvalid"), 1):
        if body is None:
            continue
        for path, one in _items(body):
            if isinstance(one, dict) and isinstance(one.get("kind"), str) and one["kind"]:
                found.append(Document(file, number, _without_nulls(one)))
            else:
                faults.append(Fault("is no Kubernetes object: it has no kind", file, path=f"document {number}{path}"))
    if faults:
        raise InputError("ManifestInvalid", "The manifests cannot be used as they are.", faults)
    return found


def _items(body: Any) -> list[tuple[str, Any]]:
    """A list's items, of whatever kind; else the object itself."""
    kind = body.get("kind") if isinstance(body, dict) else None
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(kind, str) or not kind.endswith("List") or not isinstance(items, list):
        return [("", body)]
    of_kind = {"apiVersion": body.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
    found = []
    for at, one in enumerate(items):
        inner = _items({**of_kind, **one} if isinstance(one, dict) else one)
        found += [(f" items[{at}]{path}", body) for path, body in inner]
    return found


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value]
    return value
