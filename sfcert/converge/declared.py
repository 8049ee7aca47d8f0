"""Does the definition that was read back say what it should? Cluster, node extension, vm secrets, manifest. Floor 3.

Sets are compared, not texts: the resource provider may reorder lists and change the case of hex.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from sfcert.model.ids import normal_thumbprint
from sfcert.model.observation import Declaration, ScaleSet

Json = dict[str, Any]


def wanted_thumbprints(expects: Json) -> tuple[str, ...]:
    """The thumbprints that a gate names, normalized, in its order. Raises ValueError where one is malformed."""
    return tuple(normal_thumbprint(one) for one in expects.get("thumbprints") or ())


def wanted_issuers(expects: Json, common_name: str) -> frozenset[str]:
    """The pins that a gate wants for one name: a list for all names, or a mapping by name."""
    issuers = expects.get("issuers") or ()
    if isinstance(issuers, Mapping):
        found = next((value for key, value in issuers.items() if key.lower() == common_name.lower()), ())
    else:
        found = issuers
    return frozenset(normal_thumbprint(one) for one in found)


def differs_from_cluster(declaration: Declaration, expects: Json) -> str | None:
    """How the cluster's own declaration differs from what a gate wants; None where it does not."""
    names = expects.get("common_names")
    if names is None:
        return _differs_by_thumbprint(declaration, wanted_thumbprints(expects))
    said = _differs_by_name(declaration, names)
    if said is not None:
        return said
    for pinned in declaration.names:
        want, have = wanted_issuers(expects, pinned.common_name), frozenset(pinned.issuers)
        if want != have:
            return f"{pinned.common_name} is pinned to {_listed(have)}, not to {_listed(want)}"
    return None


def differs_from_extension(declaration: Declaration, expects: Json) -> str | None:
    """How a node extension's declaration differs from what a gate wants; None where it does not."""
    names = expects.get("common_names")
    if names is None:
        return _differs_by_thumbprint(declaration, wanted_thumbprints(expects))
    return _differs_by_name(declaration, names)


def _differs_by_thumbprint(declaration: Declaration, wanted: tuple[str, ...]) -> str | None:
    if declaration.kind != "thumbprint" or declaration.malformed:
        return f"it is declared by {declaration.kind}, not by thumbprint"
    if frozenset(declaration.thumbprints) != frozenset(wanted):
        return f"it names {_listed(declaration.thumbprints)}, not {_listed(wanted)}"
    return None


def _differs_by_name(declaration: Declaration, names: Iterable[str]) -> str | None:
    if declaration.kind != "common-name":
        return f"it is declared by {declaration.kind}, not by common name"
    have, want = {one.common_name for one in declaration.names}, set(names)
    if have != want:
        return f"it names {_listed(have)}, not {_listed(want)}"
    return None


def differs_from_secrets(scale_set: ScaleSet, urls: Iterable[str]) -> str | None:
    """How the vm secrets differ from a list of URLs (case aside); None where they do not."""
    have, want = {one.url.lower() for one in scale_set.secrets}, {one.lower() for one in urls}
    if have == want:
        return None
    extra, missing = have - want, want - have
    said = [f"still lists {_listed(extra)}"] if extra else []
    return " and ".join([*said, *([f"lacks {_listed(missing)}"] if missing else [])])


def differs_from_manifest(manifest: str, expects: Json) -> str | None:
    """How the manifest that the cluster runs with differs from what a gate wants; None where it does not.

    Looks at both halves: what nodes present (`ClusterCertificate` of each node type) and what they accept
    (`Security/ClusterX509Names`, `Security` `ClusterCertThumbprints`). A rollback leaves the old ones.

    Source: service-fabric.md 1.4; the manifest's names as in the vendor's cluster manifest schema.
    """
    try:
        root = ElementTree.fromstring(manifest)
    except ElementTree.ParseError as error:
        return f"the manifest is not XML ({error})"
    names = expects.get("common_names")
    presented = [
        (element.get("X509FindType") or "FindByThumbprint", element.get("X509FindValue") or "")
        for element in root.iter()
        if _local(element.tag) == "ClusterCertificate"
    ]
    if not presented:
        return "the manifest names no cluster certificate"
    accepted_names = section_of(root, "Security/ClusterX509Names")
    if names is not None:
        wanted = set(names)
        strange = sorted({value for kind, value in presented if kind != "FindBySubjectName" or value not in wanted})
        if strange:
            return f"nodes still present by {_listed(strange)}"
        if set(accepted_names) != wanted:
            return f"nodes accept the names {_listed(accepted_names)}, not {_listed(wanted)}"
        for name, text in accepted_names.items():
            if (have := _parts(text)) != (want := wanted_issuers(expects, name)):
                return f"nodes pin {name} to {_listed(have)}, not to {_listed(want)}"
        return None
    thumbprints = set(wanted_thumbprints(expects))
    strange = sorted(
        {value for kind, value in presented if kind != "FindByThumbprint" or value.upper() not in thumbprints}
    )
    if strange:
        return f"nodes still present by {_listed(strange)}"
    if accepted_names:
        return f"nodes accept the names {_listed(accepted_names)} too"
    # one of the wanted is enough to present; a peer that does not accept them all refuses whoever presents another
    accepted = {
        one.strip().upper() for one in section_of(root, "Security").get("ClusterCertThumbprints", "").split(",")
    }
    accepted.discard("")
    if accepted != thumbprints:
        return f"nodes accept {_listed(accepted)}, not {_listed(thumbprints)}"
    return None


def section_of(root: ElementTree.Element, name: str) -> dict[str, str]:
    """The parameters of one section of a manifest, empty where it has none of that name."""
    for element in root.iter():
        if _local(element.tag) == "Section" and (element.get("Name") or "").lower() == name.lower():
            return {one.get("Name") or "": one.get("Value") or "" for one in element if _local(one.tag) == "Parameter"}
    return {}


def _parts(text: str) -> frozenset[str]:
    return frozenset(one.strip().upper() for one in text.split(",") if one.strip())


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)) or "nothing"
