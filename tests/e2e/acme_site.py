"""Enrolment by ACME as a customer types it: one embedded Azure, one Knot, CAs beside them. Not a test.

The site's virtual time is the wall's, because a CA dates its certificates by that.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509

from sfcert.acme.keys import AccountKey
from sfcert.acme.solvers.lookup import Lookup
from sfcert.sim import worlds
from sfcert.sim.host import Running, start_in_thread
from tests.e2e.site import Ended, command
from tests.servers.knot import KEY_NAME, KEY_SECRET, Knot
from tests.servers.pebble import Pebble
from tests.servers.small_acme import SmallAcme

Json = dict[str, Any]
_numbers = itertools.count(1)


@dataclass
class AcmeSite:
    """`name` is a vault certificate that no other test uses; `host` its name in the zone."""

    running: Running
    facts: Json
    folder: Path
    name: str = field(default_factory=lambda: f"cert-{next(_numbers)}")

    @property
    def vault(self) -> str:
        return str(self.facts["vault_url"]).rstrip("/")

    @property
    def host(self) -> str:
        return f"{self.name}.example.test"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    # -- what a customer types -------------------------------------------------------------------------------------

    def write_policy(self, acme: Json, **more: Any) -> Path:
        file = self.folder / f"{self.name}.yaml"
        issuer = {"name": "acme", "acme": acme}
        file.write_text(yaml.safe_dump({"subject": f"CN={self.host}", "issuer": issuer, **more}))
        return file

    def enrol(self, acme: Json, *arguments: str, **more: Any) -> Ended:
        """`sfcert enrol NAME --policy FILE --format json`."""
        return self.run("enrol", self.name, "--policy", str(self.write_policy(acme, **more)), *arguments)

    def run(self, verb: str, *arguments: str) -> Ended:
        return command(verb, *arguments, "--vault", self.vault, "--state", str(self.state), "--format", "json")

    # -- what the vault holds --------------------------------------------------------------------------------------

    def versions(self) -> int:
        return int(self._ask(lambda stored: len(stored.versions)))

    def has_pending(self) -> bool:
        return bool(self._ask(lambda stored: stored.pending is not None and stored.pending.status == "inProgress"))

    def account_key(self, secret: str = "acme-account") -> AccountKey:
        def read(azure: Any) -> str:
            kept = azure.find_service("vaults").content(self.vault).secret(secret)
            return str(kept.versions[0].value)

        return AccountKey.from_jwk(self.running.call(read))

    def _ask(self, question: Any) -> Any:
        def ask(azure: Any) -> Any:
            content = azure.find_service("vaults").content(self.vault)
            stored = content.certificates.get(self.name.lower()) if content is not None else None
            return question(stored) if stored is not None else 0

        return self.running.call(ask)


@contextmanager
def running_azure(folder: Path) -> Iterator[tuple[Running, Json]]:
    facts: Json = {}
    now = datetime.now(UTC).replace(microsecond=0)

    def prepare(azure: Any) -> None:
        facts.update(worlds.load(azure, "one-node-type"))

    folder.mkdir(parents=True, exist_ok=True)
    with start_in_thread(folder=folder, start=now, seed=7, prepare=prepare) as running:
        yield running, facts


def enter(monkeypatch: pytest.MonkeyPatch, running: Running) -> None:
    """This process is led to the embedded Azure for one test."""
    for name in ("https_proxy", "http_proxy", "no_proxy", "ALL_PROXY", "all_proxy", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in running.env().items():
        monkeypatch.setenv(name, value)


# -- parts of a policy -------------------------------------------------------------------------------------------------


def ca(server: Pebble | SmallAcme, *solvers: Json, **more: Any) -> Json:
    """The `acme` part of a policy."""
    directory = server.directory_url if isinstance(server, Pebble) else f"{server.url}/dir"
    return {"directory": directory, "ca_file": str(server.ca_file), "solvers": list(solvers), **more}


def by_http(pebble: Pebble) -> Json:
    return {"kind": "http01", "settings": {"host": "127.0.0.1", "port": str(pebble.http_port)}}


def by_update(knot: Knot, folder: Path, *, secret: str = KEY_SECRET, **more: str) -> Json:
    at = f"{knot.address}:{knot.port}"
    file = folder / "tsig.key"
    file.write_text(secret + "\n")
    settings = {"server": at, "key_name": KEY_NAME, "key_secret_file": str(file), "resolvers": at, "authoritative": at}
    return {"kind": "rfc2136", "settings": {**settings, "patience_s": "20", **more}}


def texts(knot: Knot, name: str) -> set[str]:
    """What Knot serves at `_acme-challenge.NAME`."""
    at = f"{knot.address}:{knot.port}"
    known = Lookup(resolvers=[at], authoritative=[at])
    return set(known.texts_at(known.servers_of("example.test")[0], f"_acme-challenge.{name}") or ())


def said(ended: Ended) -> tuple[int, str]:
    """Exit code and token of a command that failed, after a look at its manners: one sentence, no traceback, one
    document."""
    document = json.loads(ended.out)
    assert document["format"] == "sfcert.error/1", ended.out
    lines = [line for line in ended.err.splitlines() if line.startswith("sfcert: ")]
    assert len(lines) == 1, ended.err
    assert document["error"]["message"].splitlines()[0] in lines[0]
    return ended.code, str(document["error"]["token"])


def good(ended: Ended) -> Json:
    assert ended.code == 0, ended.err
    return ended.json


# -- what is left behind -----------------------------------------------------------------------------------------------


def nothing_is_left(site: AcmeSite, knot: Knot | None = None) -> None:
    assert site.versions() == 0
    assert not site.has_pending()
    if knot is not None:
        assert texts(knot, site.host) == set()


def leaf_of(site: AcmeSite, name: str | None = None) -> x509.Certificate:
    found: x509.Certificate = site.running.call(
        lambda azure: azure.find_service("vaults").content(site.vault).certificate(name or site.name).latest.leaf
    )
    return found


def sans(leaf: x509.Certificate) -> set[str]:
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))
