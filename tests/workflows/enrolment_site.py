"""A vault in the embedded Azure, the real adapter before it, and an authority by hand. Not a test."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.azure.clock import SimulatedClock
from sfcert.azure.credentials import service_principal
from sfcert.azure.enrolment import AzureEnrolmentVault
from sfcert.azure.retries import Retries
from sfcert.azure.vault_requests import VaultRequests
from sfcert.enrol.expectation import Expectation, expectation_of
from sfcert.model.certificate import Certificate
from sfcert.model.enrolment import Advice, EnrolmentPolicy, Issuer, Record
from sfcert.model.progress import Event
from sfcert.pki import read_certificate
from sfcert.sim.authority.authorities import Authorities
from sfcert.sources.observe import observe
from sfcert.workflows.enrolment.request import AcmeAnswer, AcmeAsk, Means, Request
from tests.e2e.site import Site

Json = dict[str, Any]


class Killed(BaseException):
    """The process ended here; nothing of ours may catch it."""


class Notebook:
    """The `Memory` port in a dictionary: what is saved survives the run."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self.saves = 0

    def load(self) -> Record | None:
        return self.record

    def save(self, record: Record) -> None:
        # through bytes, as a file would have it
        self.record = msgspec.json.decode(msgspec.json.encode(record), type=Record)
        self.saves += 1


class CountingVault:
    """The adapter, with every write counted, and a stop before or after the n-th effect (memory included)."""

    WRITES = ("start_create", "put_policy", "put_tags", "put_merge", "put_cancel", "put_pending_gone", "put_issuer")

    def __init__(self, inner: AzureEnrolmentVault) -> None:
        self._inner = inner
        self.writes: list[str] = []
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self.WRITES:
            return method

        def call(*arguments: Any, **keywords: Any) -> Any:
            self.before(name)
            self.writes.append(name)
            answer = method(*arguments, **keywords)
            self.after(name)
            return answer

        return call


class Desk:
    """What the tests of enrolment share, over one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        values = site.running.env()
        self.clock = SimulatedClock(values["SFCERT_SIM"])
        credential = service_principal(*(values[f"AZURE_{one}"] for one in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")))
        self.requests = VaultRequests(credential, Retries(self.clock))
        self.vault = CountingVault(AzureEnrolmentVault(self.requests))
        self.memory = Notebook()
        self.events: list[Event] = []
        self.url = str(site.facts["vault_url"]).rstrip("/")
        self.name = str(site.facts["certificate_name"])
        self.common_name = "sf-demo.contoso.example"

    def means(self, **more: Any) -> Means:
        given: Json = {"vault": self.vault, "memory": self.memory, "clock": self.clock, "emit": self.events.append}
        return Means(**(given | more))

    def policy(self, issuer: str | Issuer = "ContosoCA", **changes: Any) -> EnrolmentPolicy:
        given: Json = {
            "subject": f"CN={self.common_name}",
            "dns_names": (self.common_name,),
            "issuer": issuer if isinstance(issuer, Issuer) else Issuer(name=issuer),
        }
        return EnrolmentPolicy(**(given | changes))

    def request(self, name: str = "fresh", issuer: str = "ContosoCA", **changes: Any) -> Request:
        policy = changes.pop("policy", None) or self.policy(issuer)
        return Request(vault_url=self.url, name=name, policy=policy, **changes)

    def expectation(self) -> Expectation:
        """What the site's cluster takes, captured through the command line's own capture."""
        from sfcert.cli.connect import capture_now, connect
        from sfcert.cli.source import Source

        source = Source(cluster=self.site.cluster_id, bundle=None, template=None, parameters=None, now=None)
        return expectation_of(observe(capture_now(source, connect(source)), None))

    def body(self, name: str = "fresh") -> Json | None:
        return self.vault.fetch_certificate(self.url, name)

    def thumbprint_of(self, name: str) -> str:
        found = (self.body(name) or {})["versions"][0]
        return read_certificate(base64.b64decode(found["cer"])).thumbprint

    def sign(
        self, csr_der: bytes, authority: str, *, days: int = 120, sans: list[x509.GeneralName] | None = None
    ) -> tuple[Certificate, ...]:
        """What an authority of the world answers to a request: leaf and chain. `sans` None: the request's own names."""
        request = x509.load_der_x509_csr(csr_der)
        sans = sans or list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        ekus = [one.dotted_string for one in request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value]

        def do(azure: Any) -> list[bytes]:
            signer = azure.service("authority", Authorities).get(authority)
            now = azure.clock.now
            leaf = signer.sign(
                request.subject,
                request.public_key(),
                sans=sans,
                not_before=now - timedelta(minutes=1),
                not_after=now + timedelta(days=days),
                ekus=ekus,
                key_usage=["digitalSignature", "keyEncipherment"],
            )
            return [one.public_bytes(Encoding.DER) for one in (leaf, *signer.chain)]

        return tuple(read_certificate(der) for der in self.site.running.call(do))


class FakeAcme:
    """An ACME authority that keeps orders: one order serves until it is signed for a request, as a real one does.

    `in_place` are the answers that stand where it looks; a run that is killed leaves them there.
    """

    def __init__(self, desk: Desk, authority: str) -> None:
        self._desk = desk
        self._authority = authority
        self.orders: list[Json] = []
        self.replaces: list[str | None] = []
        self.timeouts: list[float] = []
        self.in_place: list[Json] = []
        self.before: Callable[[str], None] = lambda _: None

    def __call__(self, ask: AcmeAsk) -> AcmeAnswer:
        self.timeouts.append(ask.timeout_s)
        if ask.resume is None:
            self.before("order")
            self.orders.append({"order_url": f"https://ca/order/{len(self.orders)}", "names": list(ask.names)})
            self.replaces.append(ask.replaces)
            ask.keep(self.orders[-1])
        answer = {"name": ask.names[0], "token": f"t{len(self.timeouts)}"}
        ask.keep_placed((*ask.placed, answer))
        self.in_place.append(answer)
        self.before("challenge")
        self.in_place = [one for one in self.in_place if one not in (*ask.placed, answer)]
        ask.keep_placed(())
        request = ask.csr()
        self.before("finalize")
        chain = self._desk.sign(request, self._authority)
        self.before("downloaded")
        return AcmeAnswer(der=tuple(one.der for one in chain), advice=Advice(ari_id="a.b"))
