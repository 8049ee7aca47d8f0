"""How is a role's certificate declared? By thumbprint or by name, on the cluster and in a node extension.

Source: service-fabric.md 1.1 (cluster) and 1.5 (extension).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sfcert.model.ids import normal_thumbprint
from sfcert.model.observation import Declaration, PinnedName
from sfcert.sources.body import Body

#: What the provider takes in a declared thumbprint; marks that certmgr copies along are not in it. Source: 1.2.
_TAKEN = re.compile(r"[0-9A-Fa-f ]*")


def split_issuers(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Comma-separated issuer thumbprints as (normalized, malformed); '' gives two empty tuples."""
    return _thumbprints([piece.strip() for piece in text.split(",")])


def _thumbprints(candidates: Sequence[str | None]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    good: list[str] = []
    bad: list[str] = []
    for text in filter(None, candidates):
        try:
            if not _TAKEN.fullmatch(text):
                raise ValueError(text)
            good.append(normal_thumbprint(text))
        except ValueError:
            bad.append(text)
    return tuple(good), tuple(bad)


def read_cluster_role(properties: Body, by_thumbprint: str, by_name: str) -> Declaration:
    """One role of the cluster resource: `certificate` with `certificateCommonNames`, or the reverse proxy's pair.

    "both" is what the provider refuses (InvalidCommonNameThumbprintPair), kept so that the audit can say it.
    """
    path = f"properties.{by_thumbprint}"
    if any(properties.is_symbolic(name) for name in (by_thumbprint, by_name)):
        return Declaration(kind="unresolved", path=path)
    thumbprint_at, names_at = properties.at(by_thumbprint), properties.at(by_name)
    thumbprints, malformed = _thumbprints([thumbprint_at.text("thumbprint"), thumbprint_at.text("thumbprintSecondary")])
    names: list[PinnedName] = []
    symbolic = any(thumbprint_at.is_symbolic(name) for name in ("thumbprint", "thumbprintSecondary"))
    symbolic = symbolic or names_at.is_symbolic("commonNames")
    for entry in names_at.items("commonNames"):
        name = entry.text("certificateCommonName")
        if name is None or entry.is_symbolic("certificateIssuerThumbprint"):
            symbolic = True
            continue
        text = entry.text("certificateIssuerThumbprint") or ""
        issuers, bad = split_issuers(text)
        names.append(PinnedName(common_name=name, issuers=issuers, issuers_text=text, malformed=bad))
    has_thumbprint = bool(thumbprints or malformed)
    if symbolic:
        return Declaration(kind="unresolved", path=path, thumbprints=thumbprints, names=tuple(names))
    if names and not has_thumbprint:
        return Declaration(
            kind="common-name", path=f"properties.{by_name}", names=tuple(names), store=names_at.text("x509StoreName")
        )
    if has_thumbprint:
        return Declaration(
            kind="both" if names else "thumbprint",
            path=path,
            thumbprints=thumbprints,
            names=tuple(names),
            store=thumbprint_at.text("x509StoreName"),
            malformed=malformed,
        )
    return Declaration(kind="none", path=path)


def read_extension_role(settings: Body, name: str, path: str) -> Declaration:
    """One role in a node extension's settings: `{thumbprint}` (secondary beside it or inside) or `{commonNames}`."""
    entry, secondary = settings.at(name), settings.at(f"{name}Secondary")
    if settings.is_symbolic(name) or entry.is_symbolic("thumbprint") or entry.is_symbolic("commonNames"):
        return Declaration(kind="unresolved", path=f"{path}.{name}")
    names = entry.texts("commonNames")
    raw_names = entry.raw("commonNames")
    listed = len(raw_names) if isinstance(raw_names, list) else len(names)
    if any(Body(one, symbolic=True).is_symbolic() for one in names) or len(names) != listed:
        return Declaration(kind="unresolved", path=f"{path}.{name}")
    thumbprints, malformed = _thumbprints(
        [entry.text("thumbprint"), secondary.text("thumbprint"), entry.text("thumbprintSecondary")]
    )
    pinned = tuple(PinnedName(common_name=one, issuers=(), issuers_text="") for one in names if one)
    has_thumbprint = bool(thumbprints or malformed)
    if not pinned and not has_thumbprint:
        return Declaration(kind="none", path=f"{path}.{name}")
    return Declaration(
        kind="both" if pinned and has_thumbprint else "common-name" if pinned else "thumbprint",
        path=f"{path}.{name}",
        thumbprints=thumbprints,
        names=pinned,
        store=entry.text("x509StoreName"),
        malformed=malformed,
    )
