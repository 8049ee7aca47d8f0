"""The vendor's own clients against the simulated vaults: control plane, certificates, secrets."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.rest import HttpRequest
from azure.keyvault.certificates import (
    AdministratorContact,
    CertificateClient,
    CertificateContact,
    CertificatePolicy,
    CertificatePolicyAction,
    LifetimeAction,
)
from azure.keyvault.secrets import SecretClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from sfcert.sim.authority.authorities import Authorities, Issued
from sfcert.sim.host import Running, start_in_thread
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.ids import parse_id
from sfcert.sim.kernel.provider import Caller
from sfcert.sim.keyvault import policy as policies
from sfcert.sim.keyvault.vaults import Vaults

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
URL = "https://kv1.vault.azure.net"
GROUP = "rg1"
SERVICES = ("authority", "authorization", "identity", "keyvault")


def prepare(azure: Azure) -> None:
    """A group, a vault `kv1` that the operator reaches by role, and an authority bound as issuer `Corp`."""
    azure.find_service("groups").put(azure.subscription_id, GROUP, {"location": "westeurope"})
    vault_id = f"/subscriptions/{azure.subscription_id}/resourceGroups/{GROUP}/providers/Microsoft.KeyVault/vaults/kv1"
    properties = {"tenantId": azure.tenant_id, "sku": {"family": "A", "name": "standard"}}
    provider = azure.provider_of("Microsoft.KeyVault/vaults")
    assert provider is not None
    body = {"location": "westeurope", "properties": properties}
    provider.put(parse_id(vault_id), "2026-05-15", body, Caller("", "", "world"))
    authorities = azure.service("authority", Authorities)
    authorities.create("root", not_before=START - 9 * DAY, not_after=START + 9000 * DAY)
    authorities.create("corp", not_before=START - 9 * DAY, not_after=START + 4000 * DAY, parent="root")
    azure.service("vaults", Vaults).bind_issuer(URL, "Corp", "corp")


@pytest.fixture
def sim() -> Iterator[Running]:
    """The vault's services alone, so that these tests stand without the rest of the simulator."""
    with start_in_thread(start=START, seed=7, services=SERVICES, prepare=prepare) as running:
        yield running


@pytest.fixture
def certificates(way: Any) -> Iterator[CertificateClient]:
    with data_client(way, CertificateClient) as client:
        yield client


@pytest.fixture
def secrets(way: Any) -> Iterator[SecretClient]:
    with data_client(way, SecretClient) as client:
        yield client


def data_client(way: Any, kind: Any) -> Any:
    if way.name == "direct":
        url, more = way.running.vault_url("kv1"), {"verify_challenge_resource": False}
    else:
        url, more = URL, {"proxies": {"https": way.running.proxy_url}}
    return kind(url, way.credential, connection_verify=way.keywords["connection_verify"], **more)


def make_policy(issuer: str, **more: Any) -> CertificatePolicy:
    keywords = {"subject": "CN=a.example", "san_dns_names": ["a.example"], "validity_in_months": 12, **more}
    return CertificatePolicy(issuer_name=issuer, **keywords)


def create(client: CertificateClient, name: str, issuer: str, **more: Any) -> Any:
    return client.begin_create_certificate(name, make_policy(issuer, **more), _polling_interval=0.01).result()


def issue(sim: Running, *, days: int = 90) -> Issued:
    def make(azure: Azure) -> Issued:
        now = azure.clock.now
        corp = azure.service("authority", Authorities).get("corp")
        return corp.issue("a.example", ["a.example"], not_before=now, not_after=now + timedelta(days=days))

    return sim.call(make)


def reason(caught: pytest.ExceptionInfo[HttpResponseError]) -> tuple[int | None, str, str | None]:
    assert caught.value.response is not None
    error = caught.value.response.json()["error"]
    return caught.value.status_code, error["code"], error.get("innererror", {}).get("code")


def test_a_self_signed_certificate_is_made_read_and_downloaded(certificates: Any, secrets: Any) -> None:
    made = create(certificates, "c1", "Self")
    leaf = x509.load_der_x509_certificate(bytes(made.cer))
    assert made.properties.x509_thumbprint == leaf.fingerprint(hashes.SHA1())
    assert leaf.issuer == leaf.subject
    assert made.policy.lifetime_actions[0].action == CertificatePolicyAction.auto_renew
    secret = secrets.get_secret("c1")
    key, certificate, others = pkcs12.load_key_and_certificates(base64.b64decode(secret.value), None)
    assert certificate == leaf
    assert key is not None
    assert key.public_key() == leaf.public_key()
    assert others == []
    assert (secret.properties.content_type, secret.properties.managed) == ("application/x-pkcs12", True)
    assert secret.properties.version == made.properties.version


def test_an_issuer_signs_in_virtual_time_and_the_secret_carries_its_chain(way: Any, certificates: Any) -> None:
    made = create(certificates, "c1", "Corp", content_type="application/x-pem-file")
    leaf = x509.load_der_x509_certificate(bytes(made.cer))
    authority = way.running.call(lambda azure: azure.service("authority", Authorities).get("corp"))
    leaf.verify_directly_issued_by(authority.certificate)
    with data_client(way, SecretClient) as secrets:
        text = secrets.get_secret("c1").value
    assert text.startswith("-----BEGIN PRIVATE KEY-----")
    assert x509.load_pem_x509_certificates(text.encode()) == [leaf, *authority.chain]


def test_a_request_waits_for_its_merge_and_blocks_others_meanwhile(way: Any, certificates: Any) -> None:
    begun = create(certificates, "c1", "Unknown")
    assert begun.status == "inProgress"
    assert "Perform Merge" in begun.status_details
    with pytest.raises(ResourceExistsError) as caught:
        create(certificates, "c1", "Self")
    assert reason(caught) == (409, "Forbidden", None)
    stranger = issue(way.running)
    with pytest.raises(HttpResponseError) as refused:
        certificates.merge_certificate("c1", [stranger.leaf.public_bytes(Encoding.DER)])
    assert reason(refused) == (400, "BadParameter", None)
    request = x509.load_der_x509_csr(bytes(begun.csr))

    def sign(azure: Azure) -> list[bytes]:
        corp = azure.service("authority", Authorities).get("corp")
        leaf = corp.sign(
            request.subject,
            request.public_key(),
            sans=list(request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value),
            not_before=azure.clock.now,
            not_after=azure.clock.now + 90 * DAY,
        )
        return [one.public_bytes(Encoding.DER) for one in (leaf, *corp.chain)]

    merged = certificates.merge_certificate("c1", way.running.call(sign))
    assert bytes(merged.cer) == way.running.call(lambda azure: _latest(azure).leaf).public_bytes(Encoding.DER)
    assert certificates.get_certificate_operation("c1").status == "completed"
    assert len(way.running.call(lambda azure: _latest(azure).chain)) == 2


def test_the_newer_client_asks_for_addresses_and_uris_and_reads_them_back(certificates: Any) -> None:
    names = {"san_ip_addresses": ["192.0.2.1", "2001:db8::1"], "san_uris": ["spiffe://a.example/shop"]}
    made = create(certificates, "c1", "Self", **names)
    found = x509.load_der_x509_certificate(bytes(made.cer)).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert [str(one) for one in found.value.get_values_for_type(x509.IPAddress)] == names["san_ip_addresses"]
    assert found.value.get_values_for_type(x509.UniformResourceIdentifier) == names["san_uris"]
    policy = certificates.get_certificate_policy("c1")
    assert {name: getattr(policy, name) for name in names} == names


def test_merge_is_refused_while_an_issuer_works(certificates: Any, way: Any) -> None:
    way.running.call(lambda azure: azure.switches.update({"vault_issuer_seconds": 86400}))
    body = {"policy": {"issuer": {"name": "Corp"}, "x509_props": {"subject": "CN=a.example"}}}
    begun = certificates.send_request(HttpRequest("POST", "/certificates/c1/create?api-version=7.4", json=body))
    assert begun.status_code == 202
    assert "/certificates/c1/pending?api-version=7.4&request_id=" in begun.headers["Location"]
    with pytest.raises(HttpResponseError) as caught:
        certificates.merge_certificate("c1", [issue(way.running).leaf.public_bytes(Encoding.DER)])
    assert reason(caught)[:2] == (403, "Forbidden")


def test_an_operation_is_cancelled_and_deleted(certificates: Any) -> None:
    create(certificates, "c1", "Unknown")
    assert certificates.cancel_certificate_operation("c1").cancellation_requested is True
    assert certificates.get_certificate_operation("c1").status == "cancelled"
    with pytest.raises(HttpResponseError) as caught:
        certificates.cancel_certificate_operation("c1")
    assert reason(caught)[0] == 400
    assert certificates.delete_certificate_operation("c1").name == "c1"
    with pytest.raises(ResourceNotFoundError) as gone:
        certificates.get_certificate_operation("c1")
    assert reason(gone) == (404, "PendingCertificateNotFound", None)


def test_imports_make_versions_that_lists_page_through(way: Any, certificates: Any) -> None:
    prints = []
    for _ in range(5):
        issued = issue(way.running)
        pfx = pkcs12.serialize_key_and_certificates(
            None, issued.key, issued.leaf, list(issued.chain), BestAvailableEncryption(b"pw")
        )
        made = certificates.import_certificate("c1", pfx, password="pw", tags={"n": "1"})
        prints.append(made.properties.x509_thumbprint)
        way.running.advance(60)
    listed = list(certificates.list_properties_of_certificate_versions("c1", max_page_size=2))
    assert {one.x509_thumbprint for one in listed} == set(prints)
    assert len(listed) == 5
    assert certificates.get_certificate("c1").properties.x509_thumbprint == prints[-1]
    assert certificates.get_certificate("c1").policy.issuer_name == "Unknown"
    assert [one.name for one in certificates.list_properties_of_certificates()] == ["c1"]


def test_a_wrong_password_is_told(way: Any, certificates: Any) -> None:
    issued = issue(way.running)
    pfx = pkcs12.serialize_key_and_certificates(None, issued.key, issued.leaf, None, BestAvailableEncryption(b"pw"))
    with pytest.raises(HttpResponseError) as caught:
        certificates.import_certificate("c1", pfx, password="other")
    assert reason(caught) == (400, "BadParameter", None)


def test_a_disabled_latest_version_fails_and_an_older_one_is_still_there(way: Any, certificates: Any) -> None:
    first = create(certificates, "c1", "Self")
    way.running.advance(60)
    create(certificates, "c1", "Self")
    certificates.update_certificate_properties("c1", enabled=False)
    assert certificates.get_certificate("c1").properties.enabled is False
    with data_client(way, SecretClient) as secrets:
        with pytest.raises(HttpResponseError) as caught:
            secrets.get_secret("c1")
        assert reason(caught) == (403, "Forbidden", "SecretDisabled")
        assert secrets.get_secret("c1", first.properties.version).value


def test_freezing_by_the_policy_stops_the_renewal(way: Any, certificates: Any) -> None:
    made = create(certificates, "c1", "Corp")
    policy = certificates.get_certificate_policy("c1")
    frozen = LifetimeAction(CertificatePolicyAction.email_contacts, lifetime_percentage=80)
    policy._lifetime_actions = [frozen]
    answer = certificates.update_certificate_policy("c1", policy)
    assert [one.action for one in answer.lifetime_actions] == [CertificatePolicyAction.email_contacts]
    assert answer.subject == "CN=a.example"
    way.running.advance(350 * 86400)
    assert certificates.get_certificate("c1").properties.version == made.properties.version
    policy._lifetime_actions = [LifetimeAction(CertificatePolicyAction.auto_renew, lifetime_percentage=80)]
    certificates.update_certificate_policy("c1", policy)
    way.running.advance(120)
    assert certificates.get_certificate("c1").properties.version != made.properties.version


def test_a_certificate_is_deleted_recovered_and_purged(way: Any, certificates: Any) -> None:
    create(certificates, "c1", "Self")
    deleted = certificates.begin_delete_certificate("c1").result()
    assert deleted.recovery_id is not None
    with pytest.raises(ResourceNotFoundError):
        certificates.get_certificate("c1")
    with pytest.raises(ResourceExistsError) as caught:
        create(certificates, "c1", "Self")
    assert reason(caught) == (409, "Conflict", "ObjectIsDeletedButRecoverable")
    certificates.begin_recover_deleted_certificate("c1").result()
    assert certificates.get_certificate("c1").name == "c1"
    certificates.begin_delete_certificate("c1").result()
    assert [one.name for one in certificates.list_deleted_certificates()] == ["c1"]
    certificates.purge_deleted_certificate("c1")
    create(certificates, "c1", "Self")


def test_issuers_and_contacts_are_kept_without_the_password(certificates: Any) -> None:
    contact = AdministratorContact(first_name="A", last_name="B", email="a@b.example", phone="1")
    made = certificates.create_issuer(
        "Other", "DigiCert", account_id="7", password="p", admin_contacts=[contact], enabled=True
    )
    assert (made.name, made.provider, made.account_id, made.password) == ("Other", "DigiCert", "7", None)
    assert {one.name for one in certificates.list_properties_of_issuers()} == {"Corp", "Other"}
    assert certificates.update_issuer("Other", provider="GlobalSign").provider == "GlobalSign"
    failed = certificates.begin_create_certificate("c9", make_policy("Other"), _polling_interval=0.01).result()
    assert (failed.status, failed.error.code) == ("failed", "Certificate issuer error")
    assert certificates.delete_issuer("Other").name == "Other"
    certificates.set_contacts([CertificateContact(email="x@y.example")])
    assert [one.email for one in certificates.get_contacts()] == ["x@y.example"]


def test_plain_secrets_live_beside_those_of_certificates(certificates: Any, secrets: Any) -> None:
    create(certificates, "c1", "Self")
    secrets.set_secret("s1", "value", content_type="text/plain", tags={"a": "b"})
    assert secrets.get_secret("s1").value == "value"
    assert [one.name for one in secrets.list_properties_of_secrets()] == ["c1", "s1"]
    with pytest.raises(ResourceExistsError):
        secrets.set_secret("c1", "no")
    secrets.begin_delete_secret("s1").wait()
    assert [one.name for one in secrets.list_deleted_secrets()] == ["s1"]


def test_a_vault_lives_through_its_control_plane(way: Any) -> None:
    body: dict[str, Any] = {
        "location": "westeurope",
        "properties": {
            "tenantId": way.running.env()["AZURE_TENANT_ID"],
            "sku": {"family": "A", "name": "standard"},
            "accessPolicies": [],
        },
    }
    entry = {"tenantId": body["properties"]["tenantId"], "objectId": "1" * 8, "permissions": {"secrets": ["get"]}}
    with ExitStack() as stack:
        client = stack.enter_context(KeyVaultManagementClient(way.credential, way.subscription, **way.keywords))
        made = client.vaults.begin_create_or_update(GROUP, "kv2", body, polling_interval=0.01).result()
        assert made.properties.vault_uri == "https://kv2.vault.azure.net/"
        assert made.properties.enable_rbac_authorization is True
        changed = client.vaults.update_access_policy(GROUP, "kv2", "add", {"properties": {"accessPolicies": [entry]}})
        assert [one.object_id for one in changed.properties.access_policies] == ["1" * 8]
        client.vaults.update_access_policy(
            GROUP,
            "kv2",
            "add",
            {"properties": {"accessPolicies": [{**entry, "permissions": {"secrets": ["list"], "keys": ["get"]}}]}},
        )
        policies_now = client.vaults.get(GROUP, "kv2").properties.access_policies
        assert [list(one.permissions.secrets) for one in policies_now] == [["get", "list"]]
        patched = client.vaults.update(GROUP, "kv2", {"properties": {"enabledForDeployment": True}})
        assert patched.properties.enabled_for_deployment is True
        assert {one.name for one in client.vaults.list_by_resource_group(GROUP)} == {"kv1", "kv2"}
        assert {one.name for one in client.vaults.list_by_subscription()} == {"kv1", "kv2"}
        client.vaults.delete(GROUP, "kv2")
        assert [one.name for one in client.vaults.list_deleted()] == ["kv2"]
        with pytest.raises(HttpResponseError) as caught:
            client.vaults.begin_create_or_update(GROUP, "kv2", body, polling_interval=0.01).result()
        assert reason(caught)[:2] == (409, "ConflictError")
        client.vaults.begin_purge_deleted("kv2", "westeurope", polling_interval=0.01).result()
        assert list(client.vaults.list_deleted()) == []


def _latest(azure: Azure) -> Any:
    found = azure.service("vaults", Vaults).content(URL).certificate("c1")
    assert found is not None
    assert policies.is_unknown(found.policy)
    return found.latest
