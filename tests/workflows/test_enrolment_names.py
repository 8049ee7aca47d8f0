"""Names of every kind, from a policy through the embedded Azure's vault and the gate, and back."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from sfcert.enrol.granted import asked_names
from sfcert.enrol.reading import request_der
from sfcert.errors import RefusedError, RemoteError
from sfcert.model.enrolment import Sans
from sfcert.pki.names import alternative_names
from sfcert.workflows.enrolment import enrol, merge
from tests.e2e.site import opened
from tests.workflows.enrolment_site import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    with opened(tmp_path, monkeypatch, "one-node-type") as site:
        yield Desk(site)


NAMES = Sans(emails=("ops@contoso.example",), uris=("spiffe://contoso.example/sf",), ip_addresses=("192.0.2.1",))


@pytest.mark.parametrize("issuer", ["ContosoCA", "Self"])
def test_addresses_and_uris_are_asked_for_granted_and_found_again(desk: Desk, issuer: str) -> None:
    request = desk.request(policy=desk.policy(issuer, sans=NAMES))
    done = enrol(request, desk.means())
    assert done.report is not None
    assert (done.outcome, done.report.verdict) == ("issued", "pass")
    version = (desk.body() or {})["versions"][0]
    assert alternative_names(base64.b64decode(version["cer"])) == asked_names(request.policy)
    assert enrol(request, desk.means()).outcome == "unchanged"
    fewer = enrol(desk.request(policy=desk.policy(issuer), dry_run=True), desk.means())
    assert {one.path.rpartition(".")[2] for one in fewer.changes} == {"emails", "uris", "ipAddresses"}


def test_an_authority_that_leaves_an_address_out_is_refused(desk: Desk) -> None:
    request = desk.request(policy=desk.policy("Unknown", sans=NAMES))
    waiting = enrol(request, desk.means())
    assert waiting.outcome == "waiting"
    pending = desk.vault.fetch_pending(desk.url, "fresh")
    asked = x509.load_der_x509_csr(request_der(pending) or b"")
    names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    kept = [one for one in names if not isinstance(one, x509.IPAddress)]
    assert len(kept) == len(list(names)) - 1
    with pytest.raises(RefusedError, match=r"Asked for, but not in it: address 192\.0\.2\.1\."):
        merge(request, desk.means(), desk.sign(request_der(pending) or b"", "Contoso Issuing CA 01", sans=kept))


def test_a_vault_that_knows_no_later_version_is_asked_by_the_usual_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(desk.request(), desk.means())
    send, asked = desk.requests.call, []

    def call(method: str, vault_url: str, path: str, *more: Any, **words: Any) -> Any:
        asked.append(path)
        if "api-version=2025" in path:
            raise RemoteError("RemoteFailed", "no such version", service="Key Vault", operation=path, status=400)
        return send(method, vault_url, path, *more, **words)

    monkeypatch.setattr(desk.requests, "call", call)
    body = desk.body() or {}
    assert body["policy"]["x509_props"]["subject"] == f"CN={desk.common_name}"
    assert [one for one in asked if one.partition("?")[0].endswith("/policy")] == [
        "/certificates/fresh/policy?api-version=2025-07-01",
        "/certificates/fresh/policy",
    ]
