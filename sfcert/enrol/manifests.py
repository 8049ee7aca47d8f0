"""What do cert-manager's manifests ask for? Several documents in, policies out, secrets in memory only. Floor 3.

Kinds: Certificate, Issuer, ClusterIssuer, Secret, Ingress, VirtualServer. The same names and meanings as there
(`manifest_fields`); what has no meaning here is refused by name, with its place. Other kinds are passed over with a
note, unless they ask for a certificate too.
Source: cert-manager's API v1 and its annotations page; NGINX Ingress Controller's VirtualServer v1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from sfcert.enrol.manifest_certificate import certificate_name, certificate_policy
from sfcert.enrol.manifest_documents import Document, documents_of
from sfcert.enrol.manifest_fields import ManifestFault, check_fields, mapping_at, pairs_at, text_at
from sfcert.enrol.manifest_ingress import (
    ACME_LEAD,
    LEAD,
    NO_TEMPORARY,
    annotations_of,
    asks_for_certificates,
    certificates_of_ingress,
    certificates_of_virtual_server,
)
from sfcert.enrol.manifest_issuer import issuer_of
from sfcert.enrol.manifest_secrets import SecretShelf
from sfcert.enrol.policy import checked
from sfcert.errors import Fault, InputError
from sfcert.model.enrolment import EnrolmentPolicy

Json = dict[str, Any]
_EDIT_IN_PLACE = f"{ACME_LEAD}http01-edit-in-place"
_OVERRIDE = f"{ACME_LEAD}http01-override-"
_TEMPORARY = f"{LEAD}issue-temporary-certificate"
#: What reading a field of another shape than the API's raises: a list where a mapping belongs, a number for a text.
_SHAPELESS = (AttributeError, TypeError, ValueError, KeyError)
_NO_SHAPE = "a field has another shape than the API gives it (a list for a mapping, or the like)"
_DERIVED = {"Ingress": certificates_of_ingress, "VirtualServer": certificates_of_virtual_server}
_Issuers = dict[tuple[str, str, str], Document]


@dataclass(frozen=True, slots=True)
class AskedFor:
    """One certificate of the manifests. `secrets` are `name/key` -> text, never shown."""

    name: str
    policy: EnrolmentPolicy
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()


def read_manifests(files: Sequence[tuple[str, str]]) -> tuple[AskedFor, ...]:
    """Every certificate that the manifests ask for, in their order, those of ingresses after the Certificates.

    Args:
        files: name and text of each file; a file may hold several documents.

    Raises:
        InputError: ManifestInvalid with every fault found.
    """
    every = [one for name, text in files for one in documents_of(name, text)]
    faults: list[Fault] = []
    shelf = SecretShelf()
    for one in every:
        if one.is_known and one.kind == "Secret":
            shelf.add(one.namespace, one.name, one.body)
    issuers = _issuers(every, faults)
    notes: list[str] = []
    wanted = [(one, one.body) for one in every if one.is_known and one.kind == "Certificate"]
    wanted += _derived(every, notes, faults)
    found: list[AskedFor] = []
    for document, body in wanted:
        with _told(document, faults):
            found.append(_asked(document, body, issuers, shelf))
    passed_over = _look_at_the_rest(every, faults)
    names = [one.name.lower() for one in found]
    faults += [
        Fault("two of the documents ask for a certificate of this name", path=one)
        for one in sorted({one for one in names if names.count(one) > 1})
    ]
    if faults:
        raise InputError("ManifestInvalid", "The manifests cannot be used as they are.", faults)
    if not found:
        other = f" They hold only {passed_over}." if passed_over else ""
        more = "".join(f" {one}" for one in notes)
        raise InputError(
            "ManifestInvalid", f"The manifests hold no Certificate, and no Ingress that asks for one.{other}{more}"
        )
    if passed_over:
        notes.append(f"Passed over, as they ask for no certificate: {passed_over}.")
    found[0] = replace(found[0], notes=(*found[0].notes, *notes))
    return tuple(found)


@contextmanager
def _told(document: Document, faults: list[Fault]) -> Iterator[None]:
    """What cannot be used of a document becomes a fault with its place, and the next one is read."""
    try:
        yield
    except ManifestFault as fault:
        faults.append(Fault(fault.message, document.file, path=f"{document.where} {fault.path}"))
    except _SHAPELESS:
        faults.append(Fault(_NO_SHAPE, document.file, path=document.where))


def _derived(every: Sequence[Document], notes: list[str], faults: list[Fault]) -> list[tuple[Document, Json]]:
    """What Ingresses ask for, then what VirtualServers do."""
    found: list[tuple[Document, Json]] = []
    for kind, derive in _DERIVED.items():
        for one in every:
            if one.is_known and one.kind == kind:
                with _told(one, faults):
                    more: list[str] = []
                    found += [(one, body) for body in derive(one.body, more)]
                    notes += [f"{one.where}: {note}" for note in more]
    return found


def _look_at_the_rest(every: Sequence[Document], faults: list[Fault]) -> str:
    """The kinds that are passed over, in words. One that asks for a certificate all the same is a fault."""
    for one in every:
        with _told(one, faults):
            if one.is_outdated:
                raise ManifestFault("apiVersion", f"{one.what} is no longer served; write it as cert-manager.io/v1")
            if not one.is_known and asks_for_certificates(one.body):
                raise ManifestFault(
                    "metadata.annotations", f"asks for a certificate, but no {one.what} is read; write a Certificate"
                )
    return ", ".join(sorted({one.what for one in every if not one.is_known}))


def _issuers(every: Sequence[Document], faults: list[Fault]) -> _Issuers:
    """Issuers by kind, namespace and name; a ClusterIssuer has no namespace. Twice the same is a fault."""
    found: _Issuers = {}
    for one in every:
        if not one.is_known or one.kind not in ("Issuer", "ClusterIssuer"):
            continue
        key = (one.kind, one.namespace if one.kind == "Issuer" else "", one.name)
        if key in found and found[key].body != one.body:
            faults.append(Fault(f"another document holds the {one.kind} {one.name} too", one.file, path=one.where))
        found[key] = one
    return found


def _issuer_document(document: Document, body: Json, issuers: _Issuers) -> Document:
    """The issuer that a Certificate refers to: in its own namespace, or for the whole cluster."""
    path = "spec.issuerRef"
    ref = mapping_at(mapping_at(body, "spec", ""), "issuerRef", "spec")
    check_fields(ref, "Certificate spec.issuerRef", path)
    kind, name = text_at(ref, "kind", path) or "Issuer", text_at(ref, "name", path)
    group = text_at(ref, "group", path)
    if not name:
        raise ManifestFault(f"{path}.name", "is missing")
    if group not in ("", "cert-manager.io"):
        raise ManifestFault(f"{path}.group", f"{group} is another product's; only cert-manager.io is known")
    if kind not in ("Issuer", "ClusterIssuer"):
        raise ManifestFault(f"{path}.kind", f"{kind} is not known; Issuer and ClusterIssuer are")
    named = [one for (its_kind, _, its_name), one in issuers.items() if (its_kind, its_name) == (kind, name)]
    # an issuer serves its own namespace; where the manifests leave that open, the only one of the name is meant
    near = [one for one in named if kind == "ClusterIssuer" or one.namespace == document.namespace]
    loose = [one for one in named if not one.namespace or not document.namespace]
    found = next(iter(near), loose[0] if len(loose) == 1 else None)
    if found is None and named:
        listed = ", ".join(sorted(one.namespace or "no namespace" for one in named))
        raise ManifestFault(f"{path}.name", f"the Issuer {name!r} is in another namespace ({listed})")
    if found is None:
        raise ManifestFault(f"{path}.name", f"no document holds the {kind} {name!r}; give its manifest too")
    return found


def _asked(document: Document, body: Json, issuers: _Issuers, shelf: SecretShelf) -> AskedFor:
    name = certificate_name(body)
    found = _issuer_document(document, body, issuers)
    notes: list[str] = []
    # an Issuer without a namespace is where its Certificate is
    namespace = None if found.kind == "ClusterIssuer" else found.namespace or document.namespace
    labels = pairs_at(mapping_at(body, "metadata", ""), "labels", "metadata")
    try:
        issuer, secrets = issuer_of(found.body, shelf, namespace, labels, notes)
    except ManifestFault as fault:
        # the fault stands in the issuer's own document, which may be in another file
        where = found.where if found.file == document.file else f"{found.file} {found.where}"
        raise ManifestFault(f"by {where} {fault.path}", fault.message) from fault
    policy = certificate_policy(body, issuer, notes)
    notes += _notes_on_annotations(annotations_of(document.body), is_acme=issuer.is_acme)
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
    return AskedFor(name, policy, secrets, tuple(notes))


def _notes_on_annotations(annotations: Json, *, is_acme: bool) -> list[str]:
    """What the annotations of a Certificate or an Ingress ask of cert-manager alone."""
    found = []
    if is_acme and str(annotations.get(_EDIT_IN_PLACE)).lower() == "true":
        found.append(
            f"{_EDIT_IN_PLACE}: no ingress is edited here. The authority reaches the solver http01 at port 80 of each "
            "name, or what a web server serves of the solver http01-webroot."
        )
    if is_acme and any(str(key).startswith(_OVERRIDE) for key in annotations):
        found.append(f"{_OVERRIDE}*: no ingress carries the answer here; the solver http01 serves it itself.")
    if str(annotations.get(_TEMPORARY)).lower() == "true":
        found.append(NO_TEMPORARY)
    return found
