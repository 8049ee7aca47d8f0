"""One world of the soak: a vault, a DNS zone and a CA in virtual time, a folder, and what a customer types. Not a test.

The adapters are those that reach Azure and a CA; only what carries their requests is another.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sfcert.azure.issuers import RemoteIssuers
from sfcert.azure.retries import Retries
from sfcert.azure.vault_requests import VaultRequests
from sfcert.cli import connect as connecting
from sfcert.cli.main import run
from sfcert.cli.twin import TwinClock, _Operator, _Wire
from sfcert.sim.assemble import build
from sfcert.sim.authority.authorities import Authorities, Authority
from sfcert.sim.direct import Direct
from sfcert.sim.front import Groups
from sfcert.sim.front.unkind import Unkind
from sfcert.sim.keyvault.state import CertificateObject
from sfcert.sim.worlds.build import operator_of, put
from tests import make
from tests.enrolments.authority import HOST, SoakAcme, ToAuthority, Whim, expected_text
from tests.enrolments.cases import Case
from tests.enrolments.wire import Killed, Process, Wire

Json = dict[str, Any]
GROUP, ZONE = "rg-soak", "fabric.example.com"
ISSUING, OTHER = "Soak Issuing CA", "Another Issuing CA"
PASSWORD = "pass-word-of-the-account"
_NEVER = Whim("", 0)


@dataclass(frozen=True)
class Ended:
    """How one command ended. `code` is None where its process was killed."""

    arguments: tuple[str, ...]
    code: int | None
    out: str
    err: str
    effects: tuple[str, ...]

    @property
    def document(self) -> Json:
        """What standard output holds; {} where that is no document."""
        try:
            found: Json = json.loads(self.out)
        except ValueError:
            return {}
        return found

    @property
    def outcome(self) -> str:
        return str(self.document.get("outcome")) if self.code == 0 else ""

    @property
    def token(self) -> str:
        """Of the error; empty where there is none."""
        if self.code is None or self.code == 0:
            return ""
        document = self.document
        failed = document.get("failed") or [document.get("error") or {}]
        return str(failed[0].get("token"))

    def __str__(self) -> str:
        said = " ".join(line for line in self.err.splitlines() if line.startswith("sfcert: "))[:200]
        how = "killed" if self.code is None else f"{self.code} {self.outcome or self.token}"
        return f"{self.arguments[0]}: {how} {said}"


class World:
    """`now_policy` is what the policy file says. A context manager: this process is led to the world meanwhile."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.case, self.folder = case, folder
        self.azure = build(start=make.NOW, seed=case.seed, tempo="manual")
        self.direct = Direct(self.azure)
        self.clock = TwinClock(self.azure, self.direct)
        self._vault_way = _Wire(self.direct)
        self.dns_is_silent = Whim("dns-silent", case.dns.get("silent", 0))
        self.dns_is_late = Whim("dns-late", case.dns.get("late", 0))
        kind = "dns-01" if case.way == "acme-dns" else "http-01"
        self.ca = SoakAcme(self.clock.now, case.habits, self._sees, kind)
        self.ca.open_key, self.ca.is_merged, self.ca.is_kept = self._open_key, self._is_merged, self._is_kept
        self._ca_way = ToAuthority(self.ca)
        self.wire = Wire(self)
        self.now_policy: Json = {}
        #: whether a run has said that it could not take an answer away.
        self.has_left_something = False
        (folder / "web").mkdir(parents=True, exist_ok=True)
        self._furnish()

    def __enter__(self) -> World:
        self._patch = pytest.MonkeyPatch()
        for name in ("https_proxy", "http_proxy", "no_proxy", "ALL_PROXY", "all_proxy", "SFCERT_SIM", "SFCERT_STATE"):
            self._patch.delenv(name, raising=False)
        self._patch.setenv("SFCERT_DNS_SERVER", "192.0.2.53")
        self._patch.setenv("AZURE_SUBSCRIPTION_ID", self.azure.subscription_id)
        self._patch.setattr(connecting, "connect", lambda *_, **__: self._connection())
        self._patch.setattr("sfcert.azure.clock.WallClock", lambda: self.clock)
        self.wire.install(self._patch)
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    # -- what is there -------------------------------------------------------------------------------------------------

    def _furnish(self) -> None:
        azure, caller = self.azure, operator_of(self.azure)
        now = azure.clock.now
        azure.service("groups", Groups).put(azure.subscription_id, GROUP, {"location": "westeurope"})
        scope = f"/subscriptions/{azure.subscription_id}/resourceGroups/{GROUP}/providers"
        everything = {"secrets": ["get", "list", "set"], "certificates": ["all"], "keys": ["all"]}
        policy = {"tenantId": azure.tenant_id, "objectId": caller.object_id, "permissions": everything}
        properties = {
            "tenantId": azure.tenant_id,
            "sku": {"family": "A", "name": "standard"},
            "enableSoftDelete": True,
            "accessPolicies": [policy],
        }
        name = urlsplit(make.VAULT_URL).netloc.split(".")[0]
        vault = f"{scope}/Microsoft.KeyVault/vaults/{name}"
        put(azure, vault, "2023-07-01", {"location": "westeurope", "properties": properties}, caller)
        put(azure, f"{scope}/Microsoft.Network/dnsZones/{ZONE}", "2018-05-01", {"location": "global"}, caller)
        authorities = azure.service("authority", Authorities)
        for one in (ISSUING, OTHER):
            authorities.create(one, not_before=now - timedelta(days=900), not_after=now + timedelta(days=3650))
        self.vaults = azure.find_service("vaults")
        self.vaults.bind_issuer(make.VAULT_URL, "SoakCA", ISSUING)
        if self.case.issuer_is_new:
            self.vaults.content(make.VAULT_URL).issuers.clear()

    def _connection(self) -> connecting.Connection:
        credential, retries = _Operator(self.direct), Retries(self.clock)
        requests_ = VaultRequests(credential, retries)
        nobody: Any = None
        return connecting.Connection(
            credential=credential,
            retries=retries,
            clock=self.clock,
            arm=nobody,
            vault_requests=requests_,
            vaults=nobody,
            issuers=RemoteIssuers(retries),
        )

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        """The answer of whoever serves the request's host."""
        if urlsplit(str(request.url)).hostname == HOST:
            return self._ca_way.send(request)
        return self._vault_way.send(request)

    def forget_echoes(self) -> None:
        """Reads show what is there, from now on."""
        unkind = self.azure.service("unkind", Unkind)
        unkind._stale.clear()
        unkind._unseen.clear()

    # -- what is typed -------------------------------------------------------------------------------------------------

    def write_policy(self, **changes: Any) -> None:
        case = self.case
        issuer: Any = {"self": "Self", "by-hand": "Unknown"}.get(case.way)
        if case.way == "integrated":
            issuer = {"name": "SoakCA"}
            if case.issuer_is_new:
                issuer |= {"provider": "SoakProvider", "account_id": "00000"}
        if case.is_acme:
            web = {"kind": "http01-webroot", "settings": {"root": str(self.folder / "web")}}
            azure = {"kind": "azure-dns", "settings": {"patience_s": "120"}}
            solver = azure if case.way == "acme-dns" else web
            issuer = {"name": "acme", "acme": {"directory": f"{self.ca.url}/dir", "solvers": [solver]}}
        given: Json = {"subject": f"CN={make.COMMON_NAME}", "dns_names": list(case.names), "issuer": issuer}
        for key, value in (*case.policy.items(), *changes.items()):
            given[key] = {**given[key], **value} if key in given and isinstance(value, dict) else value
        self.now_policy = given
        (self.folder / "policy.yaml").write_text(yaml.safe_dump(given))
        (self.folder / "password").write_text(PASSWORD)

    def write_bundle(self) -> None:
        """What the cluster takes: the name, from whom the case says."""
        pin = self.ca.issuer_thumbprint if self.case.is_acme else self.authority(ISSUING).thumbprint
        other = self.authority(OTHER).thumbprint
        world = make.common_name_world(pins=pin if self.case.pins == "right" else other)
        (self.folder / "cluster.json").write_text(json.dumps(make.document(world)))
        (self.folder / "issuing.pem").write_text(self.authority(ISSUING).pem())

    @property
    def gate(self) -> list[str]:
        if self.case.pins is None:
            return []
        named = ["--for-bundle", str(self.folder / "cluster.json")]
        return [*named, "--issuer-pem", str(self.folder / "issuing.pem")] if self.case.way == "integrated" else named

    def enrol(self, *more: str, process: Process | None = None, state: str = "state") -> Ended:
        arguments = ["enrol", make.CERTIFICATE_NAME, "--policy", str(self.folder / "policy.yaml"), *self.gate, *more]
        if self.case.way == "by-hand":
            arguments += ["--csr", str(self.folder / "request.pem")]
        if self.case.way == "integrated" and self.case.issuer_is_new:
            arguments += ["--issuer-password-file", str(self.folder / "password")]
        return self.type(*arguments, process=process, state=state)

    def merge(self, *, process: Process | None = None) -> Ended:
        chain = str(self.folder / "chain.pem")
        return self.type("merge", make.CERTIFICATE_NAME, "--chain", chain, *self.gate, process=process)

    def renew(self, *more: str, process: Process | None = None) -> Ended:
        return self.type("renew", make.CERTIFICATE_NAME, *self.gate, *more, process=process)

    def type(self, *arguments: str, process: Process | None = None, state: str = "state") -> Ended:
        """One command in a process of its own."""
        at = self.folder / state
        before, self.ca.machine = self.ca.machine, state
        whole = [*arguments, "--vault", make.VAULT_URL, "--state", str(at), "--format", "json"]
        out, err = io.StringIO(), io.StringIO()
        code: int | None = None
        with (
            self.wire.run(process or Process()) as running,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            contextlib.suppress(Killed),
        ):
            code = run(whole)
        self.ca.machine = before
        self.has_left_something |= "could not be taken away" in err.getvalue()
        return Ended(tuple(arguments), code, out.getvalue(), err.getvalue(), tuple(running.effects))

    # -- what people do ------------------------------------------------------------------------------------------------

    def sign(self, what: str) -> None:
        """An authority signs what lies in the file of the request; somebody brings it back as `what` says."""
        request = x509.load_pem_x509_csr((self.folder / "request.pem").read_bytes())
        signer = self.authority(OTHER if what == "other authority" else ISSUING)
        key: Any = request.public_key()
        if what == "other key":
            key = ec.generate_private_key(ec.SECP256R1()).public_key()
        sans = list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        usages = request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        now = self.clock.now().replace(microsecond=0)
        leaf = signer.sign(
            request.subject,
            key,
            sans=sans,
            not_before=now - timedelta(minutes=1),
            not_after=now + timedelta(days=120),
            ekus=[one.dotted_string for one in usages],
        )
        chain = [leaf, *signer.chain]
        chain = {"leaf alone": chain[:1], "reversed": chain[::-1]}.get(what, chain)
        text = "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)
        (self.folder / "chain.pem").write_text(text)

    # -- what stands ---------------------------------------------------------------------------------------------------

    def authority(self, name: str) -> Authority:
        return self.azure.service("authority", Authorities).get(name)

    @property
    def stored(self) -> CertificateObject | None:
        content = self.vaults.content(make.VAULT_URL)
        found: CertificateObject | None = content.certificates.get(make.CERTIFICATE_NAME)
        return found

    @property
    def versions(self) -> int:
        return len(self.stored.versions) if self.stored else 0

    @property
    def is_open(self) -> bool:
        """Whether an operation is in progress."""
        stored = self.stored
        if stored is None or stored.pending is None:
            return False
        self.vaults.lifecycle.settle(self.vaults.content(make.VAULT_URL), stored)
        return stored.pending is not None and stored.pending.status == "inProgress"

    @property
    def account_key(self) -> Json | None:
        kept = self.vaults.content(make.VAULT_URL).secret("acme-account")
        found: Json | None = json.loads(kept.versions[-1].value) if kept and kept.versions else None
        return found

    def texts(self) -> list[str]:
        """Every TXT record that stands in the zone."""
        records = self.azure.resources.of_type("Microsoft.Network/dnsZones/TXT")
        return [
            "".join(part)
            for one in records
            for part in (each["value"] for each in one.body["properties"]["TXTRecords"])
        ]

    def files(self) -> list[str]:
        """Every file below the web server's root."""
        return sorted(str(one.relative_to(self.folder)) for one in (self.folder / "web").rglob("*") if one.is_file())

    def states(self) -> Iterator[Path]:
        """Every file that runs have written down."""
        for folder in self.folder.glob("state*"):
            yield from (one for one in folder.rglob("*") if one.is_file())

    def _sees(self, kind: str, name: str, token: str, key_authorization: str) -> bool:
        if kind == "dns-01":
            return expected_text(key_authorization) in self.texts()
        file = self.folder / "web" / ".well-known" / "acme-challenge" / token
        return file.is_file() and file.read_text() == key_authorization

    def _is_kept(self, order_url: str) -> bool:
        return any(f'"{order_url}"' in one.read_text() for one in self.states())

    def _is_merged(self, leaf: x509.Certificate) -> bool:
        return self.stored is not None and any(one.leaf == leaf for one in self.stored.versions)

    def _open_key(self) -> bytes | None:
        if not self.is_open:
            return None
        stored = self.stored
        assert stored is not None
        assert stored.pending is not None
        return stored.pending.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
