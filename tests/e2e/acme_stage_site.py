"""A cluster whose plan asks a real CA by ACME: one embedded Azure of its own, on the wall's time, and Knot. Not a test.

The CA dates what it signs by the wall, so that the site begins there; its virtual time then runs ahead of the CA's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sfcert.pki import read_pem_chain
from tests.e2e import site as sites
from tests.e2e.acme_site import by_update, ca, texts
from tests.e2e.site import Ended, Site, opened
from tests.servers.knot import Knot
from tests.servers.pebble import Pebble
from tests.servers.small_acme import SmallAcme

Json = dict[str, Any]
NAME = "sf.example.test"
CHANGE = ("--playbook", "change-issuer")


class AcmeStage:
    """One cluster, whose declared name lies in Knot's zone."""

    def __init__(self, site: Site, knot: Knot, folder: Path) -> None:
        self.site = site
        self.knot = knot
        self.folder = folder
        #: The solver of the policies that are written; Knot's by default.
        self.solver: Json = by_update(knot, folder)

    # -- what a customer types -----------------------------------------------------------------------------------------

    def policy(self, server: Pebble | SmallAcme, *, acme: Json | None = None, **more: Any) -> str:
        """A policy file for `--enrol-policy`. `acme` is merged into its part of that name."""
        name = str(self.site.facts["common_name"])
        issuer = {"name": "acme", "acme": ca(server, self.solver, **(acme or {}))}
        file = self.folder / "policy.yaml"
        file.write_text(
            json.dumps(
                {"subject": f"CN={name}", "issuer": issuer, "validity_months": 3, "renewal": {"by": "sfcert"}} | more
            )
        )
        return str(file)

    def plan(self, server: Pebble | SmallAcme, *words: str, issuer: str | None = None, **more: Any) -> Ended:
        """`sfcert plan --enrol-policy` with the server's own issuer as the pin, or another one."""
        pin = issuer or issuer_of(server)
        words = words or CHANGE
        return self.site.plan(*words, "--issuer-thumbprints", pin, "--enrol-policy", self.policy(server, **more))

    @property
    def stage(self) -> str:
        return next(str(one["id"]) for one in self.site.planned["stages"] if one["kind"] == "enrol")

    # -- what stands there ---------------------------------------------------------------------------------------------

    def certificate(self, name: str | None = None) -> Json:
        """Thumbprints of the versions, tags of the newest one, and the state of an open request."""

        def look(azure: Any) -> Json:
            vault = azure.find_service("vaults").content(self.site.facts["vault_url"])
            found = vault.certificates.get(name or self.site.facts["certificate_name"])
            if found is None:
                return {"versions": [], "tags": {}, "pending": None}
            newest = found.versions[-1].tags if found.versions else {}
            pending = found.pending.status if found.pending is not None else None
            return {"versions": [one.thumbprint for one in found.versions], "tags": dict(newest), "pending": pending}

        seen: Json = self.site.running.call(look)
        return seen

    def leaves_nothing(self) -> bool:
        """No open request, no record in the zone."""
        return self.certificate()["pending"] in (None, "completed") and texts(self.knot, NAME) == set()


def issuer_of(server: Pebble | SmallAcme) -> str:
    """Thumbprint of the certificate that signs its leaves, as its operator publishes it."""
    assert isinstance(server, Pebble)
    return read_pem_chain(server.issuer_pem().encode())[0].thumbprint


@contextlib.contextmanager
def acme_stage(
    folder: Path, monkeypatch: pytest.MonkeyPatch, knot: Knot, world: str = "one-node-type", **options: Any
) -> Iterator[AcmeStage]:
    with monkeypatch.context() as patch:
        patch.setattr(sites, "START", datetime.now(UTC).replace(microsecond=0))
        patch.setenv("SFCERT_STATE", str(folder / "state"))
        with opened(folder / "site", monkeypatch, world, **{"common_name": NAME, "by_name": True, **options}) as site:
            yield AcmeStage(site, knot, folder)
