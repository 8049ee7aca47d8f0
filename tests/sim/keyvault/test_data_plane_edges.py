"""The data plane's edges without a network: tokens, routes, versions of the API, the firewall, what is recorded."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography import x509

from sfcert.sim import authority, authorization, entra, keyvault
from sfcert.sim.entra import Entra
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.provider import Caller
from sfcert.sim.keyvault.calls import VaultReply
from sfcert.sim.keyvault.http import VaultHttp

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
HOST = "kv1.vault.azure.net"
VAULT_ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1"


class Wire:
    """One vault and a caller who may do everything, unless the test says otherwise."""

    def __init__(self, **properties: Any) -> None:
        self.azure = Azure(start=START, seed=5, tenant_id="tenant-1", subscription_id="s")
        for service in (entra, authority, authorization, keyvault):
            service.install(self.azure)
        provider = self.azure.provider_of("Microsoft.KeyVault/vaults")
        assert provider is not None
        body = {"location": "westeurope", "properties": {"tenantId": "t", "sku": {"name": "standard"}, **properties}}
        provider.put(parse_id(VAULT_ID), "2026-05-15", body, Caller("", "", ""))
        self.azure.journal.writes.clear()
        self.http = self.azure.service("vault-http", VaultHttp)
        caller = self.azure.service("entra", Entra).default.caller
        self.token: str | None = self.azure.service("entra", Entra).token_for(caller, "https://vault.azure.net")

    def __call__(
        self, method: str, path: str, body: Any = None, *, text: str | None = None, **query: str
    ) -> VaultReply:
        return self.http.answer(
            method,
            path,
            base=f"https://{HOST}",
            vault_host=HOST,
            query={"api-version": "7.4", **query},
            authorization=f"Bearer {self.token}" if self.token else None,
            text=text if text is not None else json.dumps(body) if body is not None else "",
        )

    def create(self, name: str = "c1", issuer: str = "Self", **policy: Any) -> VaultReply:
        whole = {"issuer": {"name": issuer}, "x509_props": {"subject": "CN=a.example"}, **policy}
        return self("POST", f"/certificates/{name}/create", {"policy": whole})


def code(reply: VaultReply) -> str:
    assert reply.body is not None
    error = reply.body["error"]
    return str(error.get("innererror", error)["code"])


def test_without_a_token_a_caller_is_told_where_to_get_one_before_anything_else() -> None:
    wire = Wire()
    wire.token = None
    reply = wire("POST", "/certificates/!/create", text="not json")
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == (
        'Bearer authorization="https://login.microsoftonline.com/tenant-1", resource="https://vault.azure.net"'
    )


def test_no_fault_strikes_or_counts_the_question_where_to_get_a_token() -> None:
    """A process asks it once, for whatever worlds: the same seed would be another run the second time."""
    wire = Wire()
    for fault in ("connection-reset", "throttling", "slow-answer"):
        wire.azure.faults.arm(fault, {"times": 1})
    token, wire.token = wire.token, None
    assert (wire("GET", "/certificates").status, wire.azure.faults.struck.total()) == (401, 0)
    wire.token = token
    assert wire("GET", "/certificates").reset


def test_a_token_for_resource_manager_does_not_open_a_vault() -> None:
    wire = Wire()
    entra_service = wire.azure.service("entra", Entra)
    wire.token = entra_service.token_for(entra_service.default.caller, "https://management.azure.com")
    assert wire("GET", "/certificates").status == 401


@pytest.mark.parametrize("version", ["7.0", "7.6", "2016-10-01", "2025-07-01", "2026-04-01", "7.6-preview.2"])
def test_every_version_of_the_api_is_taken(version: str) -> None:
    assert Wire()("GET", "/certificates", **{"api-version": version}).status == 200


@pytest.mark.parametrize("version", ["", "latest", "7"])
def test_what_is_no_version_is_refused(version: str) -> None:
    assert Wire()("GET", "/certificates", **{"api-version": version}).status == 400


def test_every_kind_of_name_that_a_policy_asks_for_is_in_the_request() -> None:
    upn = f"{'s' * 200}@corp.example"
    sans = {"dns_names": ["a.example"], "emails": ["ops@a.example"], "upns": [upn, "svc@corp.example"]}
    wire = Wire()
    wire.create(issuer="Unknown", x509_props={"subject": "CN=a.example", "sans": sans})
    body = wire("GET", "/certificates/c1/pending").body
    assert body is not None
    request = x509.load_der_x509_csr(base64.b64decode(body["csr"]))
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.example"]
    assert names.get_values_for_type(x509.RFC822Name) == ["ops@a.example"]
    others = [(one.type_id.dotted_string, one.value) for one in names.get_values_for_type(x509.OtherName)]
    assert others == [
        ("1.3.6.1.4.1.311.20.2.3", b"\x0c\x81\xd5" + upn.encode()),
        ("1.3.6.1.4.1.311.20.2.3", b"\x0c\x10svc@corp.example"),
    ]


NAMES = {"uris": ["spiffe://a.example/shop"], "ipAddresses": ["192.0.2.1", "2001:db8::1"]}


@pytest.mark.parametrize(("version", "knows"), [("2025-07-01", True), ("2026-04-01", True), ("7.6", False)])
def test_uris_and_addresses_are_taken_and_shown_since_2025_07_01(version: str, knows: bool) -> None:
    wire = Wire()
    named = {"subject": "CN=a.example", "sans": {"dns_names": ["a.example"], **NAMES}}
    body = {"policy": {"issuer": {"name": "Unknown"}, "x509_props": named}}
    pending = wire("POST", "/certificates/c1/create", body, **{"api-version": version}).body
    assert pending is not None
    request = x509.load_der_x509_csr(base64.b64decode(pending["csr"]))
    found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.UniformResourceIdentifier) == (NAMES["uris"] if knows else [])
    assert [str(one) for one in found.get_values_for_type(x509.IPAddress)] == (NAMES["ipAddresses"] if knows else [])
    shown = {
        asked: wire("GET", "/certificates/c1/policy", **{"api-version": asked}).body for asked in ("7.4", "2025-07-01")
    }
    sans = {asked: one["x509_props"]["sans"] for asked, one in shown.items() if one is not None}
    assert sans == {
        "7.4": {"dns_names": ["a.example"]},
        "2025-07-01": {"dns_names": ["a.example"], **(NAMES if knows else {})},
    }


def test_an_address_that_is_none_is_refused() -> None:
    body = {"policy": {"x509_props": {"subject": "CN=a.example", "sans": {"ipAddresses": ["192.0.2"]}}}}
    reply = Wire()("POST", "/certificates/c1/create", body, **{"api-version": "2025-07-01"})
    assert reply.status == 400


def test_paths_take_any_case_and_a_trailing_slash() -> None:
    wire = Wire()
    wire.create()
    wire("GET", "/certificates/c1/pending")
    assert wire("GET", "/Certificates/C1/").status == 200
    assert wire("GET", "/secrets/C1/").body == wire("GET", "/secrets/c1").body


def test_an_unknown_path_and_a_wrong_method_are_told_apart() -> None:
    wire = Wire()
    assert wire("GET", "/storage").status == 404
    assert wire("POST", "/certificates").status == 405


def test_the_firewall_sees_the_client_s_address() -> None:
    wire = Wire(networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "198.51.100.7"}]})
    assert code(wire("GET", "/certificates")) == "ForbiddenByFirewall"
    wire.azure.switches["client_address"] = "198.51.100.7"
    assert wire("GET", "/certificates").status == 200


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"x509_props": {"subject": "CN=a.example", "ekus": ["0.40.1"]}}, "ekus"),
        ({"x509_props": {"subject": "CN=a.example", "sans": {"emails": ["b\u00fccher@a.example"]}}}, "sans"),
        ({"key_props": {"kty": "RSA", "key_size": 1024}}, "key_size"),
        ({"key_props": {"kty": "oct"}}, "kty"),
        ({"key_props": {"kty": "RSA-HSM", "exportable": True}}, "exportable"),
        ({"x509_props": {"subject": "no name"}}, "subject"),
        ({"x509_props": {}}, "subject"),
        ({"secret_props": {"contentType": "text/plain"}}, "contentType"),
        ({"lifetime_actions": [{"action": {"action_type": "AutoRenew"}}]}, "trigger"),
        (
            {"lifetime_actions": [{"trigger": {"days_before_expiry": 400}, "action": {"action_type": "AutoRenew"}}]},
            "days_before_expiry",
        ),
    ],
)
def test_a_policy_that_cannot_be_is_refused_with_the_property_s_name(policy: dict[str, Any], words: str) -> None:
    reply = Wire().create(**policy)
    assert reply.status == 400
    assert reply.body is not None
    assert words in reply.body["error"]["message"]


def test_a_request_by_hand_cannot_renew_itself() -> None:
    action = {"trigger": {"lifetime_percentage": 80}, "action": {"action_type": "AutoRenew"}}
    reply = Wire().create(issuer="Unknown", lifetime_actions=[action])
    assert (reply.status, code(reply)) == (400, "BadParameter")


def test_a_key_that_may_not_leave_is_not_in_the_secret() -> None:
    wire = Wire()
    wire.create(key_props={"kty": "RSA", "exportable": False}, secret_props={"contentType": "application/x-pem-file"})
    wire("GET", "/certificates/c1/pending")
    reply = wire("GET", "/secrets/c1")
    assert reply.body is not None
    assert "PRIVATE KEY" not in reply.body["value"]
    assert "BEGIN CERTIFICATE" in reply.body["value"]


def test_each_change_is_recorded_once_and_refusals_are_not() -> None:
    wire = Wire()
    wire.create()
    wire("GET", "/certificates/c1/pending")
    wire("PATCH", "/certificates/c1/policy", {"lifetime_actions": []})
    wire("PATCH", "/certificates/nobody/policy", {})
    assert [one["operation"] for one in wire.azure.journal.writes] == [
        "create_certificate",
        "update_certificate_policy",
    ]


def test_a_policy_keeps_what_nobody_here_knows() -> None:
    wire = Wire()
    wire.create(x_unknown={"a": [1, None]})
    reply = wire("GET", "/certificates/c1/policy")
    assert reply.body is not None
    assert reply.body["x_unknown"] == {"a": [1, None]}


def test_contacts_are_told_once_for_each_version() -> None:
    wire = Wire()
    action = {"trigger": {"days_before_expiry": 30}, "action": {"action_type": "EmailContacts"}}
    wire.create(lifetime_actions=[action])
    wire("GET", "/certificates/c1/pending")
    wire.azure.clock.advance(364 * 86400)
    told = [text for _, text in wire.azure.journal.notes if "contacts are told" in text]
    assert len(told) == 1


def test_pages_are_of_the_asked_size_and_link_to_the_rest() -> None:
    wire = Wire()
    for number in range(3):
        wire.create(f"c{number}")
    assert len((wire("GET", "/certificates").body or {})["value"]) == 3
    first = wire("GET", "/certificates", maxresults="2").body or {}
    assert len(first["value"]) == 2
    assert first["nextLink"].startswith(f"https://{HOST}/certificates?")
    assert wire("GET", "/certificates", maxresults="26").status == 400
    assert wire("GET", "/certificates", **{"$skiptoken": "rubbish"}).status == 400


def test_bad_bodies_get_a_message() -> None:
    wire = Wire()
    assert code(wire("POST", "/certificates/c1/create", text="{")) == "BadParameter"
    assert code(wire("POST", "/certificates/c1/import", {"value": "!!!"})) == "BadParameter"
    assert code(wire("POST", "/certificates/c1/import", {})) == "BadParameter"


@pytest.fixture
def wire() -> Wire:
    """One vault to be unkind with."""
    return Wire()


# -- unkindness at this door ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("throttling", 429, "Throttled"),
        ("server-error", 500, "InternalServerError"),
        ("unavailable", 503, "ServiceUnavailable"),
        ("write-conflict", 409, "Conflict"),
        ("precondition-failed", 412, "PreconditionFailed"),
    ],
)
def test_an_armed_refusal_comes_in_the_vault_s_envelope_and_nothing_happens(
    wire: Wire, fault: str, status: int, said: str
) -> None:
    wire.create()
    wire.azure.faults.arm(fault, {"times": 1, "method": "PATCH"})
    change = {"lifetime_actions": []}
    refused = wire("PATCH", "/certificates/c1/policy", change)
    assert (refused.status, code(refused)) == (status, said)
    assert [one["what"] for one in wire.azure.journal.writes] == ["POST certificates"]
    assert wire("PATCH", "/certificates/c1/policy", change).status == 200


def test_who_asks_where_to_get_a_token_is_told_whatever_is_armed(wire: Wire) -> None:
    wire.azure.faults.arm("server-error")
    wire.token = None
    assert wire("GET", "/certificates").status == 401


@pytest.mark.parametrize("fault", ["answer-lost", "answer-cut"])
def test_a_lost_answer_hides_a_change_that_was_made(wire: Wire, fault: str) -> None:
    wire.create()
    wire.azure.faults.arm(fault, {"times": 1})
    lost = wire("PATCH", "/certificates/c1/policy", {"attributes": {"enabled": False}})
    assert (lost.status, lost.reset) == ((500, False) if fault == "answer-lost" else (0, True))
    assert [one["what"] for one in wire.azure.journal.writes] == ["POST certificates", "PATCH certificates"]


def test_a_policy_reads_as_it_was_for_the_looks_that_were_asked(wire: Wire) -> None:
    wire.create(lifetime_actions=[])
    wire.azure.faults.arm("stale-read", {"looks": 2, "times": 1})
    action = {"trigger": {"lifetime_percentage": 50}, "action": {"action_type": "EmailContacts"}}
    wire("PATCH", "/certificates/c1/policy", {"lifetime_actions": [action]})
    seen = [wire("GET", "/certificates/c1/policy").body["lifetime_actions"] for _ in range(3)]  # type: ignore[index]
    assert [len(one) for one in seen] == [0, 0, 1]


def test_shuffled_pages_hold_every_certificate_once(wire: Wire) -> None:
    names = {f"c{number}" for number in range(7)}
    for name in names:
        wire.create(name)
    wire.azure.faults.arm("shuffled-lists", {"page": 3})
    found: list[str] = []
    query, pages = {}, 0
    while True:
        body = wire("GET", "/certificates", **query).body
        assert body is not None
        found += [one["id"].rsplit("/", 1)[-1] for one in body["value"]]
        pages += 1
        if body["nextLink"] is None:
            break
        query = dict(parse_qsl(urlsplit(body["nextLink"]).query))
    assert (sorted(found), pages) == (sorted(names), 3)
    assert found != sorted(found)


def test_a_revoked_token_meets_a_claims_challenge_that_the_vendor_s_client_reads(wire: Wire) -> None:
    wire.azure.faults.arm("token-revoked", {"times": 1})
    refused = wire("GET", "/certificates")
    assert refused.status == 401
    challenge = refused.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    assert 'resource="https://vault.azure.net"' in challenge
    assert wire("GET", "/certificates").status == 401
