"""Which declared clients can be let in by name, by which issuers, and which have to stay by thumbprint? Floor 4.

A client's certificate is known from a vault that was read, or from `--certificate-pem`. Its issuer is taken only where
its signature verifies. What cannot be verified stays as it is and is told. Source: reference 1.1 (both lists are
written as a whole), 1.2 (a client's name needs issuers, any number of names), 2.3 (self-signed, roles: a caller gets
the highest among the rules that match; cluster certificates are admin clients).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.ids import normal_thumbprint
from sfcert.model.observation import ClientCertificate, Observation
from sfcert.pki import direct_issuers
from sfcert.planning.inputs import Inputs
from sfcert.planning.reasons import Reasons
from sfcert.trust.rules import rules_of
from sfcert.trust.validation import accepts, has_name
from sfcert.trust.world import Trusted

Json = dict[str, Any]
THUMBPRINTS, NAMES = "clientCertificateThumbprints", "clientCertificateCommonNames"


class KnownClient(Value):
    """A client by thumbprint whose certificate is known, with every known certificate of the key that signed it."""

    declared: ClientCertificate
    certificate: Certificate
    issuers: tuple[Certificate, ...]


class ClientGoal(Value):
    """Where the client certificates are led to.

    `names` is the raw list by name as it is to be declared, `named` the same as facts. `known` are the certificates of
    clients by thumbprint, `goes` those thumbprints that a name, or the cluster's own declaration, stands for.
    `by_cluster` are those of them that need no name. `stays` says of every other thumbprint why it stays. `keeps` is
    the raw list by thumbprint without those that go.
    """

    names: list[Json]
    named: tuple[ClientCertificate, ...]
    adds: tuple[str, ...]
    known: tuple[KnownClient, ...]
    goes: tuple[ClientCertificate, ...]
    by_cluster: tuple[str, ...]
    stays: tuple[tuple[str, str], ...]
    keeps: list[Json]


def find_clients(observation: Observation, inputs: Inputs, raw: Json, reasons: Reasons) -> ClientGoal | None:
    """What becomes of each declared client, or None where nothing can be said of them.

    Args:
        raw: the cluster's `properties` as they were read: entries keep what they hold beside what is known here.

    Effects: adds to `reasons`, where none of the clients by thumbprint could be verified.
    """
    lists = [raw.get(one) for one in (THUMBPRINTS, NAMES)]
    if any(isinstance(one, str) for one in lists):
        reasons.add("The client certificates could not be resolved from the template. Give the parameter values.")
        return None
    thumbprints, names = ([dict(one) for one in given or ()] for given in lists)
    finding = _Finding(observation, inputs, names)
    clients = [one for one in observation.cluster.clients if one.kind == "thumbprint"]
    for one in clients:
        finding.take(one)
    finding.spare_readers()
    goes = finding.going()
    if clients and not goes and not any(one.kind == "common-name" for one in observation.cluster.clients):
        told = " ".join(f"{thumbprint}: {why}" for thumbprint, why in finding.stays.items())
        reasons.add(
            "None of the client certificates can be let in by name. "
            f"{told} Name the vault certificates that clients use with --certificate LABEL=URL, or give the public "
            "certificates and their chains with --certificate-pem."
        )
        return None
    gone = {(one.value, one.is_admin) for one in goes}
    return ClientGoal(
        names=finding.names,
        named=finding.named(),
        adds=tuple(dict.fromkeys(finding.added)),
        known=tuple(finding.known.values()),
        goes=goes,
        by_cluster=tuple(finding.by_cluster),
        stays=tuple(finding.stays.items()),
        keeps=[one for one in thumbprints if (_tidy(one), bool(one.get("isAdmin"))) not in gone],
    )


class _Finding:
    """Gathers while it goes through the declared clients, in their order."""

    def __init__(self, observation: Observation, inputs: Inputs, names: list[Json]) -> None:
        self._observation, self._inputs = observation, inputs
        self._every = {one.thumbprint: one for one in (*inputs.certificate_pems, *observation.known_certificates())}
        self._written = names
        self._candidates: list[KnownClient] = []
        self.known: dict[tuple[str, bool], KnownClient] = {}
        self.stays: dict[str, str] = {}
        self.by_cluster: dict[str, None] = {}
        self.added: list[str] = []

    def take(self, client: ClientCertificate) -> None:
        """Where one client by thumbprint belongs."""
        found = self._certificate(client)
        if isinstance(found, str):
            self.stays[client.value] = found
            return
        issuers = direct_issuers(found, self._every.values())
        known = KnownClient(declared=client, certificate=found, issuers=issuers)
        self.known[client.value, client.is_admin] = known
        if self._is_the_clusters(known):
            self.by_cluster[client.value] = None
            return
        why = self._unfit(known)
        if why is None:
            self._candidates.append(known)
        else:
            self.stays[client.value] = why

    def spare_readers(self) -> None:
        """An admin whose name would make another client an admin too stays by thumbprint."""
        kept = []
        for one in self._candidates:
            name, pins = str(one.certificate.common_name), set(self._pins(one))
            lifted = self._lifted(name, pins) if one.declared.is_admin else []
            if lifted:
                self.stays[one.declared.value] = (
                    f"by its name {name} the client {', '.join(lifted)}, which may only read, would be an admin as "
                    "well; give one of them a certificate with a name of its own."
                )
            else:
                kept.append(one)
        self._candidates = kept
        self.names = self._united()

    def _lifted(self, name: str, pins: set[str]) -> list[str]:
        """The readers, by thumbprint or by name, whom an admin of this name would make admins."""
        standing = (_issuers(one) for one in self._written if _key(one) == (name.lower(), True))
        fresh = pins - {pin for issuers in standing for pin in issuers}
        found = [
            other.declared.value
            for other in self.known.values()
            if not other.declared.is_admin
            and other.declared.value not in self.by_cluster
            and (other.declared.value, True) not in self.known
            and has_name(other.certificate, name)
            and fresh & {issuer.thumbprint for issuer in other.issuers}
        ]
        # who goes by a reader's name is seen no more, but carries that name
        found += [
            str(one["certificateCommonName"])
            for one in self._written
            if _key(one) == (name.lower(), False) and fresh & set(_issuers(one))
        ]
        return found

    def going(self) -> tuple[ClientCertificate, ...]:
        """The thumbprints that something else stands for, in the order in which they are declared."""
        moved = {(one.declared.value, one.declared.is_admin) for one in self._candidates}
        return tuple(
            one
            for one in self._observation.cluster.clients
            if one.kind == "thumbprint"
            and ((one.value, one.is_admin) in moved or one.value in self.by_cluster)
            and one.value not in self.stays
        )

    def named(self) -> tuple[ClientCertificate, ...]:
        """The list by name as facts."""
        return tuple(
            ClientCertificate(
                kind="common-name",
                value=str(one.get("certificateCommonName") or ""),
                issuers=_issuers(one),
                is_admin=bool(one.get("isAdmin")),
            )
            for one in self.names
        )

    def _certificate(self, client: ClientCertificate) -> Certificate | str:
        """The certificate behind a thumbprint, or why it has to stay."""
        try:
            wanted = normal_thumbprint(client.value)
        except ValueError:
            return "this is no thumbprint (40 hex digits); correct it by hand."
        found = self._every.get(wanted)
        if found is None:
            doubt = "" if client.is_admin else " Whether a name that is added makes an admin of it cannot be told."
            return f"its certificate was not seen.{doubt}"
        if found.not_after_utc <= self._observation.observed_at_utc:
            return f"it has expired on {found.not_after_utc:%Y-%m-%d} and lets nobody in; take it away by hand."
        return found

    def _is_the_clusters(self, client: KnownClient) -> bool:
        """Whether the cluster's own declaration lets it in, as an admin, whatever is declared for clients."""
        cluster, now = self._observation.cluster, self._observation.observed_at_utc
        rules = rules_of(cluster.runtime, cluster.settings, cluster.os)
        own = Trusted(thumbprints=cluster.certificate.thumbprints, names=cluster.certificate.names)
        return accepts(own, client.certificate, client.issuers, rules, now).ok is True

    def _unfit(self, client: KnownClient) -> str | None:
        leaf = client.certificate
        if leaf.is_self_signed:
            return "it is self-signed: by name it would be pinned to itself and could never be renewed."
        if not (leaf.common_name or "").strip():
            return "its subject has no common name."
        if not client.issuers:
            return f"no certificate of its issuer ({leaf.issuer}) is known whose signature verifies."
        return None

    def _pins(self, client: KnownClient) -> tuple[str, ...]:
        """Every known certificate of the issuer's key, and those that the operator named."""
        return tuple(dict.fromkeys((*(one.thumbprint for one in client.issuers), *self._inputs.issuer_thumbprints)))

    def _united(self) -> list[Json]:
        """The list by name: entries that stand stay as they are, one name and role gets one entry with all issuers."""
        found = [dict(one) for one in self._written]
        for client in self._candidates:
            name, is_admin = str(client.certificate.common_name), client.declared.is_admin
            entry = next((one for one in found if _key(one) == (name.lower(), is_admin)), None)
            if entry is None:
                entry = {"isAdmin": is_admin, "certificateCommonName": name, "certificateIssuerThumbprint": ""}
                found.append(entry)
            lacking = [pin for pin in self._pins(client) if pin not in _issuers(entry)]
            if lacking:
                before = str(entry.get("certificateIssuerThumbprint") or "").strip()
                entry["certificateIssuerThumbprint"] = ",".join([*([before] if before else []), *lacking])
                self.added.append(name)
        return found


def _key(entry: Json) -> tuple[str, bool]:
    return str(entry.get("certificateCommonName") or "").lower(), bool(entry.get("isAdmin"))


def _issuers(entry: Json) -> tuple[str, ...]:
    return tuple(_normal(str(entry.get("certificateIssuerThumbprint") or "").split(",")))


def _normal(parts: Iterable[str]) -> Iterable[str]:
    return (part.replace(" ", "").upper() for part in parts if part.strip())


def _tidy(entry: Json) -> str:
    return str(entry.get("certificateThumbprint") or "").replace(" ", "").upper()
