"""Who signed this certificate, and where is that known from? The direct issuer, verified, by a fixed order. Floor 2.

The vault's own answer holds the leaf alone. Order: given by the operator; the chain that the cluster's endpoint or a
node serves; the address inside the leaf (AIA); the PFX in memory, only where the operator allowed it. No candidate
counts unless its key verifies the leaf's signature.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Literal

import msgspec

from sfcert.errors import RemoteError
from sfcert.model.bundle import RawVault, RawVersion
from sfcert.model.certificate import Certificate
from sfcert.pki import direct_issuers, is_issued_by, read_certificate
from sfcert.pki.aia import issuer_addresses, read_issuer_answer
from sfcert.ports import Issuers
from sfcert.sources.reading import Reading

Source = Literal["given", "tls", "aia", "pfx"]
_LONGEST = 5


class ChainFinder:
    """Finds chains for one capture; every address is asked once.

    Args:
        given: certificates that the operator named, in any order.
        presented: what TLS handshakes showed ("host:port" -> base64 DER, leaf first).
        issuers: None: neither AIA nor PFX is asked.
    """

    def __init__(
        self,
        given: Iterable[Certificate],
        presented: dict[str, list[str]] | None,
        issuers: Issuers | None,
        *,
        may_read_secret: bool,
    ) -> None:
        self._given = tuple(given)
        self._served = _read_all(text for chain in (presented or {}).values() for text in chain)
        self._issuers = issuers
        self._may_read_secret = may_read_secret
        self._answers: dict[str, tuple[Certificate, ...]] = {}

    def find(
        self, leaf: Certificate, vault_url: str, name: str, version: str
    ) -> tuple[list[Certificate], Source | None]:
        """The chain from the direct issuer upwards with its source; empty with None where no issuer is known.

        Further certificates of the issuer's key stand at the end, so that all of them are known.
        """
        if leaf.is_self_signed:
            return [], None
        for source, candidates in (("given", self._given), ("tls", self._served)):
            if chain := _chain(leaf, candidates):
                return chain, "given" if source == "given" else "tls"
        if chain := self._by_address(leaf):
            return chain, "aia"
        if self._may_read_secret and self._issuers is not None:
            try:
                found = _read_ders(self._issuers.fetch_pfx_chain(vault_url, name, version))
            except RemoteError:
                return [], None
            if chain := _chain(leaf, found):
                return chain, "pfx"
        return [], None

    def _by_address(self, leaf: Certificate) -> list[Certificate]:
        chain: list[Certificate] = []
        here = leaf
        while len(chain) < _LONGEST and not here.is_self_signed:
            above = [one for url in issuer_addresses(here) for one in self._asked(url) if is_issued_by(here, one)]
            if not above:
                break
            chain.append(above[0])
            here = above[0]
        return chain

    def _asked(self, url: str) -> tuple[Certificate, ...]:
        if self._issuers is None:
            return ()
        if url not in self._answers:
            try:
                self._answers[url] = read_issuer_answer(self._issuers.fetch_by_aia(url))
            except (RemoteError, ValueError):
                # an address that does not answer, or with rubbish, tells nothing: the chain stays unknown
                self._answers[url] = ()
        return self._answers[url]


def _chain(leaf: Certificate, candidates: tuple[Certificate, ...]) -> list[Certificate]:
    direct = direct_issuers(leaf, candidates)
    if not direct:
        return []
    # the one that stands first among the candidates is the one that was named or served
    order = {one.thumbprint: at for at, one in reversed(list(enumerate(candidates)))}
    direct = tuple(sorted(direct, key=lambda one: order[one.thumbprint]))
    chain = [direct[0]]
    while len(chain) < _LONGEST and not chain[-1].is_self_signed:
        above = direct_issuers(chain[-1], candidates)
        if not above:
            break
        chain.append(above[0])
    return chain + [one for one in direct[1:] if one not in chain]


def _read_ders(ders: Iterable[bytes]) -> tuple[Certificate, ...]:
    found: list[Certificate] = []
    for der in ders:
        try:
            found.append(read_certificate(der))
        except ValueError:
            continue
    return tuple(found)


def _read_all(texts: Iterable[str]) -> tuple[Certificate, ...]:
    return _read_ders(base64.b64decode(text) for text in dict.fromkeys(texts))


def with_chains(vaults: dict[str, RawVault], finder: ChainFinder, reading: Reading) -> dict[str, RawVault]:
    """The vaults with a chain written beside every version whose bytes are known and whose issuer could be verified.

    A version without one is recorded as unread under `chains/<certificate id>`.
    """
    jobs = [
        (url, name, index)
        for url, vault in vaults.items()
        for name, certificate in vault.certificates.items()
        for index, version in enumerate(certificate.versions)
        if version.cer is not None and not version.chain
    ]

    def find(job: tuple[str, str, int]) -> RawVersion:
        url, name, index = job
        version = vaults[url].certificates[name].versions[index]
        try:
            leaf = read_certificate(base64.b64decode(version.cer or ""))
        except ValueError:
            reading.refuse(f"chains/{version.id}", "the vault's bytes are no X.509 certificate")
            return version
        chain, source = finder.find(leaf, url, name, version.id.rsplit("/", 1)[-1])
        if not chain and not leaf.is_self_signed:
            reading.refuse(f"chains/{version.id}", "no verified issuer was given, served, or answered by its address")
        encoded = tuple(base64.b64encode(one.der).decode() for one in chain)
        return msgspec.structs.replace(version, chain=encoded, chain_source=source)

    found = dict(zip(jobs, reading.each(jobs, find), strict=True))
    return {
        url: RawVault(
            certificates={
                name: msgspec.structs.replace(
                    one, versions=tuple(found.get((url, name, at), version) for at, version in enumerate(one.versions))
                )
                for name, one in vault.certificates.items()
            }
        )
        for url, vault in vaults.items()
    }
