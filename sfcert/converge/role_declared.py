"""Does what was read back declare a role as a stage leaves it? Cluster, reverse proxy, clients. Floor 3.

A gate names the role in `role`; without it the cluster's own is meant (`sfcert.converge.declared`). Source:
service-fabric.md 1.1, 1.4, 1.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

from sfcert.converge.declared import differs_from_cluster, differs_from_extension, differs_from_manifest, section_of
from sfcert.model.observation import ClientCertificate, Cluster, NodeExtension

Json = dict[str, Any]
#: (kind, value, issuers, is_admin) of a client, fit to be compared.
_Client = tuple[str, str, frozenset[str], bool]


def differs_on_cluster(cluster: Cluster, expects: Json) -> str | None:
    """How the cluster's definition differs from what a gate wants for a role; None where it does not."""
    match expects.get("role"):
        case "clients":
            if cluster.certificate.kind == "none":
                return "it shows no certificate at all"
            return _differs_in_clients(cluster.clients, expects)
        case "reverse-proxy":
            return differs_from_cluster(cluster.reverse_proxy, expects)
    return differs_from_cluster(cluster.certificate, expects)


def differs_on_extension(extension: NodeExtension, expects: Json) -> str | None:
    """How a node extension differs from what a gate wants for a role; None where it does not."""
    is_proxy = expects.get("role") == "reverse-proxy"
    return differs_from_extension(extension.reverse_proxy if is_proxy else extension.certificate, expects)


def differs_in_manifest(manifest: str, expects: Json) -> str | None:
    """How the manifest that the nodes run with differs from what a gate wants for a role; None where it does not."""
    role = expects.get("role")
    if role not in ("clients", "reverse-proxy"):
        return differs_from_manifest(manifest, expects)
    try:
        root = ElementTree.fromstring(manifest)
    except ElementTree.ParseError as error:
        return f"the manifest is not XML ({error})"
    return _lets_in(root, expects) if role == "clients" else _proxies(root, expects)


def _differs_in_clients(clients: Iterable[ClientCertificate], expects: Json) -> str | None:
    have = {_compared(one.kind, one.value, one.issuers, one.is_admin) for one in clients}
    want = set(_wanted(expects))
    if have == want:
        return None
    said = [f"lacks {_listed(want - have)}"] if want - have else []
    return " and ".join([*said, *([f"still has {_listed(have - want)}"] if have - want else [])])


def _lets_in(root: ElementTree.Element, expects: Json) -> str | None:
    """Whether each wanted client is in the list of its role, and none that is gone is: the nodes' lists hold the
    cluster's own certificates too, so that more than what is wanted may stand there."""
    security = section_of(root, "Security")
    if not security:
        return "the manifest has no section Security"
    own = {one.upper() for one in _parts(security.get("ClusterCertThumbprints"))}
    for kind, value, issuers, is_admin in _wanted(expects):
        word = "AdminClient" if is_admin else "Client"
        if kind == "thumbprint":
            if value not in _parts(security.get(f"{word}CertThumbprints")) and value not in own:
                return f"nodes do not let {value} in as {_role(is_admin)}"
            continue
        pins = next(
            (
                frozenset(_parts(text))
                for name, text in section_of(root, f"Security/{word}X509Names").items()
                if name.lower() == value
            ),
            None,
        )
        if pins is None or not issuers <= pins:
            return f"nodes do not let {value} from {_joined(issuers)} in as {_role(is_admin)}"
    listed = {one for word in ("AdminClient", "Client") for one in _parts(security.get(f"{word}CertThumbprints"))}
    left = [one for one in expects.get("gone") or () if one in listed and one not in own]
    return f"nodes still let {_joined(left)} in" if left else None


def _proxies(root: ElementTree.Element, expects: Json) -> str | None:
    gateway = section_of(root, "ApplicationGateway/Http")
    names = set(expects.get("common_names") or ())
    kind, value = gateway.get("GatewayX509CertificateFindType"), gateway.get("GatewayX509CertificateFindValue")
    if kind != "FindBySubjectName" or value not in names:
        return f"the reverse proxy still looks for {value or 'nothing'} ({kind or 'no certificate is named'})"
    return None


def _wanted(expects: Json) -> Iterable[_Client]:
    for one in expects.get("clients") or ():
        yield _compared(one["kind"], one["value"], one.get("issuers") or (), bool(one.get("is_admin")))


def _compared(kind: str, value: str, issuers: Iterable[str], is_admin: bool) -> _Client:
    spelt = value.upper() if kind == "thumbprint" else value.lower()
    return kind, spelt, frozenset(issuer.upper() for issuer in issuers), is_admin


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(one.replace(" ", "").upper() for one in (text or "").split(",") if one.strip())


def _role(is_admin: bool) -> str:
    return "an admin" if is_admin else "one that may only read"


def _listed(clients: Iterable[_Client]) -> str:
    return _joined(one[1] for one in clients)


def _joined(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)) or "nothing"
