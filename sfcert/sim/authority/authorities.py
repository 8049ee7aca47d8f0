"""Who signs certificates in the simulated world? Named authorities with keys, roots and intermediates.

All instants are virtual time, given by the caller: this module asks no clock. Leaves out revocation and policies of a
real authority; it signs what it is asked to sign, wrong names and expired issuers included, because worlds need them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from sfcert.sim.authority import building
from sfcert.sim.authority.keys import KeyMaker, PrivateKey
from sfcert.sim.kernel.azure import Azure

EKUS_BOTH = (building.SERVER_AUTH, building.CLIENT_AUTH)


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-1 of the DER as upper-case hex: how Service Fabric and Windows name a certificate."""
    return certificate.fingerprint(hashes.SHA1()).hex().upper()


@dataclass(frozen=True, slots=True)
class Issued:
    """A leaf with its key. `chain` begins with the direct issuer and ends with the root; empty when self-signed."""

    leaf: x509.Certificate
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def thumbprint(self) -> str:
        return thumbprint(self.leaf)

    def pem(self) -> str:
        """Leaf and chain, public parts only."""
        return "".join(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in (self.leaf, *self.chain))


class Authority:
    """One certificate authority. `backdate` is how far before the asked instant it dates a vault's certificates."""

    def __init__(
        self,
        name: str,
        certificate: x509.Certificate,
        key: PrivateKey,
        parent: Authority | None,
        *,
        keys: KeyMaker,
        serial: Callable[[], int],
        aia_url: str | None,
    ) -> None:
        self.name = name
        self.certificate = certificate
        self.key = key
        self.parent = parent
        self.aia_url = aia_url
        self.backdate = timedelta(minutes=10)
        self._keys = keys
        self._serial = serial

    def pem(self) -> str:
        """The authority's own certificate, public part."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")

    @property
    def thumbprint(self) -> str:
        return thumbprint(self.certificate)

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """This authority's certificate first, its root last."""
        return (self.certificate, *(self.parent.chain if self.parent else ()))

    def issue(
        self,
        subject_cn: str,
        sans: Sequence[str],
        *,
        not_before: datetime,
        not_after: datetime,
        ekus: Sequence[str] = EKUS_BOTH,
        key_type: str = "RSA",
        key_size: int = 2048,
        key: PrivateKey | None = None,
    ) -> Issued:
        """A leaf under this authority.

        Args:
            subject_cn: a common name, or a whole name such as `CN=a.example, O=Example`.
            sans: DNS names, addresses, mailboxes or URIs; empty for no such extension.
            not_before, not_after: aware UTC, in virtual time; may lie outside this authority's own validity.
            ekus: dotted ids; empty for no such extension.
            key: the key to certify again; None makes a fresh one.
        """
        key = key or self._keys.make(key_type, key_size)
        leaf = self.sign(
            building.name_of(subject_cn),
            key.public_key(),
            sans=building.general_names(sans),
            not_before=not_before,
            not_after=not_after,
            ekus=ekus,
        )
        return Issued(leaf, key, self.chain)

    def sign(
        self,
        subject: x509.Name,
        public_key: CertificatePublicKeyTypes,
        *,
        sans: Sequence[x509.GeneralName],
        not_before: datetime,
        not_after: datetime,
        ekus: Sequence[str] = EKUS_BOTH,
        key_usage: Sequence[str] = ("digitalSignature", "keyEncipherment"),
    ) -> x509.Certificate:
        """A leaf for a key that stays elsewhere (a vault's request)."""
        return building.certificate(
            subject=subject,
            public_key=public_key,
            serial=self._serial(),
            not_before=not_before,
            not_after=not_after,
            signer=self.key,
            issuer=self.certificate,
            sans=sans,
            ekus=ekus,
            key_usage=key_usage,
            aia_url=self.aia_url,
        )


class Authorities:
    """All authorities of one world, by name."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.keys = KeyMaker()
        self._by_name: dict[str, Authority] = {}

    def serial(self) -> int:
        """A positive serial number of at most 127 bits, from the seed."""
        return self._azure.random.getrandbits(126) | (1 << 126)

    def create(
        self,
        name: str,
        *,
        not_before: datetime,
        not_after: datetime,
        parent: str | None = None,
        subject: str | None = None,
        key_type: str = "RSA",
        same_key_as: str | None = None,
        aia_url: str | None = None,
    ) -> Authority:
        """Found an authority: a root, or an intermediate under `parent`.

        Args:
            name: how the world calls it; also its common name unless `subject` says otherwise.
            same_key_as: make a twin, another certificate over that authority's key. With that one's subject the two
                are interchangeable for a chain builder but have different thumbprints.
            aia_url: the address that its leaves name for this certificate.
        """
        above = self.get(parent) if parent is not None else None
        twin = self.get(same_key_as) if same_key_as is not None else None
        key = twin.key if twin else self.keys.make(key_type)
        subject_name = twin.certificate.subject if twin and subject is None else building.name_of(subject or name)
        certificate = building.certificate(
            subject=subject_name,
            public_key=key.public_key(),
            serial=self.serial(),
            not_before=not_before,
            not_after=not_after,
            signer=above.key if above else key,
            issuer=above.certificate if above else None,
            ca=True,
            aia_url=above.aia_url if above else None,
        )
        authority = Authority(name, certificate, key, above, keys=self.keys, serial=self.serial, aia_url=aia_url)
        self._by_name[name] = authority
        return authority

    def get(self, name: str) -> Authority:
        """
        Raises:
            KeyError: no authority has this name.
        """
        return self._by_name[name]

    def all(self) -> tuple[Authority, ...]:
        return tuple(self._by_name.values())

    def by_aia(self, url: str) -> Authority | None:
        """Whose certificate this address serves."""
        return next((one for one in self._by_name.values() if one.aia_url == url), None)

    def self_signed(
        self,
        subject_cn: str,
        sans: Sequence[str],
        *,
        not_before: datetime,
        not_after: datetime,
        ekus: Sequence[str] = EKUS_BOTH,
        key_type: str = "RSA",
        key_size: int = 2048,
        key: PrivateKey | None = None,
    ) -> Issued:
        """A leaf that is its own issuer; its chain is empty. Arguments as `Authority.issue`."""
        key = key or self.keys.make(key_type, key_size)
        leaf = building.certificate(
            subject=building.name_of(subject_cn),
            public_key=key.public_key(),
            serial=self.serial(),
            not_before=not_before,
            not_after=not_after,
            signer=key,
            issuer=None,
            sans=building.general_names(sans),
            ekus=ekus,
        )
        return Issued(leaf, key, ())
