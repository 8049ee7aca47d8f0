"""What do cert-manager's manifests ask for? Several documents in, policies out, secrets in memory only. Floor 3.

Kinds: Certificate, Issuer, ClusterIssuer, Secret, Ingress, VirtualServer. The same names and meanings as there; what
has no meaning here is refused by name, with its place. Other kinds are passed over with a note.
Source: cert-manager's API v1 and its annotations page; NGINX Ingress Controller's VirtualServer v1.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import yaml

from sfcert.enrol.manifest_certificate import ManifestFault, certificate_policy, vault_name
from sfcert.enrol.manifest_ingress import certificates_of_ingress, certificates_of_virtual_server
from sfcert.enrol.manifest_issuer import issuer_of
from sfcert.enrol.policy import checked
from sfcert.errors import Fault, InputError
from sfcert.model.enrolment import EnrolmentPolicy

Json = dict[str, Any]
_EDIT_IN_PLACE = "acme.cert-manager.io/http01-edit-in-place"
#: Kind -> the API groups whose kind it is; a core kind has none but a version.
_GROUPS = {
    "Certificate": ("cert-manager.io",),
    "Issuer": ("cert-manager.io",),
    "ClusterIssuer": ("cert-manager.io",),
    "Secret": ("v1",),
    "Ingress": ("networking.k8s.io", "extensions"),
    "VirtualServer": ("k8s.nginx.org",),
}
#: What reading a field of another shape than the API's raises: a list where a mapping belongs, a number for a text.
_SHAPELESS = (AttributeError, TypeError, ValueError, KeyError)
_NO_SHAPE = "a field has another shape than the API gives it (a list for a mapping, or the like)"


@dataclass(frozen=True, slots=True)
class AskedFor:
    """One certificate of the manifests. `secrets` are `name/key` -> text, never shown."""

    name: str
    policy: EnrolmentPolicy
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Document:
    file: str
    number: int
    body: Json

    @property
    def where(self) -> str:
        return f"document {self.number} ({self.body.get('kind')} {self.name})"

    @property
    def is_known(self) -> bool:
        """Whether the kind is read at all, and is that of the API that is meant: others have a Certificate too."""
        group = str(self.body.get("apiVersion") or "").partition("/")[0]
        wanted = _GROUPS.get(str(self.body.get("kind")))
        return wanted is not None and (not group or group in wanted)

    @property
    def namespace(self) -> str:
        metadata = self.body.get("metadata")
        return str(metadata.get("namespace") or "") if isinstance(metadata, dict) else ""

    @property
    def name(self) -> str:
        metadata = self.body.get("metadata")
        return str(metadata.get("name") or "") if isinstance(metadata, dict) else ""


def read_manifests(files: Sequence[tuple[str, str]]) -> tuple[AskedFor, ...]:
    """Every certificate that the manifests ask for, in their order, those of ingresses after the Certificates.

    Args:
        files: name and text of each file; a file may hold several documents.

    Raises:
        InputError: ManifestInvalid with every fault found.
    """
    every = [one for name, text in files for one in _documents(name, text)]
    documents = [one for one in every if one.is_known]
    passed_over = sorted({f"{one.body.get('apiVersion')} {one.body.get('kind')}" for one in every if not one.is_known})
    by_kind: dict[str, list[_Document]] = {}
    for one in documents:
        by_kind.setdefault(str(one.body.get("kind")), []).append(one)
    faults: list[Fault] = []
    secrets = _secrets(by_kind.get("Secret", []), faults)
    issuers = _issuers(by_kind, faults)
    wanted: list[tuple[_Document, Json]] = [(one, one.body) for one in by_kind.get("Certificate", [])]
    for kind, derive in (("Ingress", certificates_of_ingress), ("VirtualServer", certificates_of_virtual_server)):
        for one in by_kind.get(kind, []):
            try:
                wanted += [(one, body) for body in derive(one.body)]
            except ManifestFault as fault:
                faults.append(Fault(fault.message, one.file, path=f"{one.where} {fault.path}"))
            except _SHAPELESS:
                faults.append(Fault(_NO_SHAPE, one.file, path=one.where))
    found = []
    for document, body in wanted:
        try:
            found.append(_asked(document, body, issuers, secrets))
        except ManifestFault as fault:
            faults.append(Fault(fault.message, document.file, path=f"{document.where} {fault.path}"))
        except _SHAPELESS:
            faults.append(Fault(_NO_SHAPE, document.file, path=document.where))
    names = [one.name.lower() for one in found]
    faults += [
        Fault("two of the documents ask for a certificate of this name", path=one)
        for one in sorted({one for one in names if names.count(one) > 1})
    ]
    if faults:
        raise InputError("ManifestInvalid", "The manifests cannot be used as they are.", faults)
    if not found:
        other = f" They hold only {', '.join(passed_over)}." if passed_over else ""
        raise InputError(
            "ManifestInvalid", f"The manifests hold no Certificate, and no Ingress that asks for one.{other}"
        )
    if passed_over:
        note = f"Passed over, as they ask for no certificate: {', '.join(passed_over)}."
        found[0] = replace(found[0], notes=(*found[0].notes, note))
    return tuple(found)


def _issuers(by_kind: dict[str, list[_Document]], faults: list[Fault]) -> dict[tuple[str, str, str], _Document]:
    """Issuers by kind, namespace and name; a ClusterIssuer has no namespace. Twice the same is a fault."""
    found: dict[tuple[str, str, str], _Document] = {}
    for kind in ("Issuer", "ClusterIssuer"):
        for one in by_kind.get(kind, []):
            key = (kind, one.namespace if kind == "Issuer" else "", one.name)
            if key in found and found[key].body != one.body:
                faults.append(Fault(f"another document holds the {kind} {one.name} too", one.file, path=one.where))
            found[key] = one
    return found


def _documents(file: str, text: str) -> list[_Document]:
    try:
        bodies = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark is not None else (None, None)
        problem = str(getattr(error, "problem", None) or error)
        raise InputError("ManifestInvalid", f"{file} is not YAML.", [Fault(problem, file, *at)]) from error
    found = []
    for number, body in enumerate(bodies, 1):
        if body is None:
            continue
        if not isinstance(body, dict) or not body.get("kind"):
            raise InputError("ManifestInvalid", f"{file}: document {number} is no Kubernetes object: it has no kind.")
        items = body.get("items") if str(body.get("kind")) == "List" else None
        for one in items if isinstance(items, list) else [body]:
            if isinstance(one, dict):
                found.append(_Document(file, number, one))
    return found


def _secrets(documents: list[_Document], faults: list[Fault]) -> dict[str, str]:
    """`name/key` -> text of every Secret; faults never show a value."""
    found: dict[str, str] = {}
    for one in documents:
        plain, encoded = one.body.get("stringData") or {}, one.body.get("data") or {}
        if not isinstance(plain, dict) or not isinstance(encoded, dict):
            faults.append(Fault("data and stringData are mappings", one.file, path=one.where))
            continue
        texts = {str(key): str(value).strip() for key, value in plain.items()}
        for key, value in encoded.items():
            try:
                texts.setdefault(str(key), base64.b64decode(str(value), validate=True).decode("utf-8").strip())
            except ValueError:
                faults.append(Fault("is not base64 of text", one.file, path=f"{one.where} data.{key}"))
        for key, text in texts.items():
            name = f"{one.name}/{key}"
            if found.setdefault(name, text) != text:
                # by name alone nobody could say which of the two is meant
                faults.append(Fault("another document gives this secret another value", one.file, path=one.where))
    return found


def _asked(
    document: _Document, body: Json, issuers: dict[tuple[str, str, str], _Document], secrets: dict[str, str]
) -> AskedFor:
    spec = body.get("spec") or {}
    ref = spec.get("issuerRef") or {}
    kind, name = str(ref.get("kind") or "Issuer"), str(ref.get("name") or "")
    if ref.get("group") not in (None, "", "cert-manager.io"):
        raise ManifestFault(
            "spec.issuerRef.group", f"{ref['group']} is another product's; only cert-manager.io is known"
        )
    if kind not in ("Issuer", "ClusterIssuer"):
        raise ManifestFault("spec.issuerRef.kind", f"{kind} is not known; Issuer and ClusterIssuer are")
    named = [one for (its_kind, _, its_name), one in issuers.items() if (its_kind, its_name) == (kind, name)]
    # an issuer serves its own namespace; where the manifests leave that open, the only one of the name is meant
    near = [one for one in named if kind == "ClusterIssuer" or one.namespace == document.namespace]
    loose = [one for one in named if not one.namespace or not document.namespace]
    found = next(iter(near), loose[0] if len(loose) == 1 else None)
    if found is None and named:
        listed = ", ".join(sorted(one.namespace or "no namespace" for one in named))
        raise ManifestFault("spec.issuerRef.name", f"the Issuer {name!r} is in another namespace ({listed})")
    if found is None:
        raise ManifestFault("spec.issuerRef.name", f"no document holds the {kind} {name!r}; give its manifest too")
    notes: list[str] = []
    try:
        issuer, needed = issuer_of(found.body, secrets, notes)
    except ManifestFault as fault:
        # the fault stands in the issuer's own document
        raise ManifestFault(f"by {found.where} {fault.path}", fault.message) from fault
    policy = certificate_policy(body, issuer, notes)
    annotations = (document.body.get("metadata") or {}).get("annotations") or {}
    if issuer.is_acme and str(annotations.get(_EDIT_IN_PLACE)).lower() == "true":
        notes.append(
            f"{_EDIT_IN_PLACE}: no ingress is edited here. The authority reaches the solver http01 at port 80 of each "
            "name, or what a web server serves of the solver http01-webroot."
        )
    try:
        # through plain data, so that a value of another type than the policy's is found here and not in the vault
        policy = msgspec.convert(msgspec.to_builtins(policy), EnrolmentPolicy)
    except msgspec.ValidationError as error:
        raise ManifestFault("spec", f"a field has another type than the API gives it: {error}") from error
    try:
        policy = checked(policy, document.file)
    except InputError as error:
        first = error.faults[0] if error.faults else None
        message = "; ".join(f"{one.path}: {one.message}" for one in error.faults) if first else error.message
        raise ManifestFault("spec", message) from error
    own = {key: secrets[key] for key in needed if key in secrets}
    if issuer.acme is not None and issuer.acme.eab_key_id is not None:
        own["eab"] = secrets[_eab_of(found.body)]
    return AskedFor(vault_name(str((body.get("metadata") or {}).get("name") or "")), policy, own, tuple(notes))


def _eab_of(issuer: Json) -> str:
    ref = (((issuer.get("spec") or {}).get("acme") or {}).get("externalAccountBinding") or {}).get("keySecretRef") or {}
    return f"{ref.get('name')}/{ref.get('key') or 'secret'}"
