"""The commands of enrolment as a customer types them, against the embedded Azure."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sfcert.azure.enrolment import AzureEnrolmentVault
from sfcert.model.frozen import OWNER_TAG
from tests import make
from tests.e2e.site import Ended, Site, command, opened
from tests.workflows.enrolment_site import Desk

NAME = "CN=sf-demo.contoso.example"


@pytest.fixture
def by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A cluster that declares its common name and pins its issuer."""
    with opened(tmp_path / "by-name", monkeypatch, by_name=True) as site:
        yield site


def test_enrol_twice_status_and_renew(sfcert: Callable[..., Ended], tmp_path: Path, site: Site) -> None:
    first = sfcert("enrol", "fresh", "--subject", NAME, "--issuer", "ContosoCA", "--format", "json")
    assert first.code == 0, first.err
    assert first.json["outcome"] == "issued"
    assert (
        sfcert("enrol", "fresh", "--subject", NAME, "--issuer", "ContosoCA", "--format", "json").json["outcome"]
        == "unchanged"
    )
    metrics = tmp_path / "metrics.txt"
    status = sfcert("status", "fresh", "--metrics", str(metrics), "--format", "json")
    assert status.code == 0
    ready = status.json["certificates"][0]["conditions"][0]
    assert (ready["type"], ready["status"]) == ("Ready", "True")
    assert 'sfcert_certificate_ready_status{name="fresh"' in metrics.read_text()
    renewed = sfcert("renew", "fresh", "--format", "json")
    assert renewed.code == 0, renewed.err
    assert renewed.json["renewed"][0]["thumbprint"] != first.json["thumbprint"]
    shown = sfcert("certificates", "show", "fresh")
    assert renewed.json["renewed"][0]["thumbprint"] in shown.out
    assert "fresh" in sfcert("certificates", "list").out


def test_what_went_away_after_the_vault_was_listed_fails_no_list(
    sfcert: Callable[..., Ended], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = str(site.facts["certificate_name"])
    monkeypatch.setattr(AzureEnrolmentVault, "fetch_names", lambda *_: ["gone", name])
    told = sfcert("status", "--format", "json")
    assert told.code == 0, told.err
    assert [one["name"] for one in told.json["certificates"]] == [name]


def test_who_signed_is_read_from_the_secret_where_that_is_allowed(sfcert: Callable[..., Ended], site: Site) -> None:
    """An integrated issuer's answer is merged by the vault, which shows the leaf alone."""
    words = ("enrol", "fresh", "--subject", NAME, "--issuer", "ContosoCA")
    first = sfcert(*words)
    assert first.code == 0, first.err
    assert "Pins: not known. --issuer-pem FILE, or --read-secret" in first.out
    told = sfcert(*words, "--read-secret")
    assert f'"certificateIssuerThumbprint": "{site.facts["issuer_thumbprint"]}"' in told.out, told.out
    assert sfcert("renew", "fresh", "--read-secret", "--format", "json").json["renewed"][0]["pins"]


def test_a_request_goes_out_is_signed_and_comes_back(sfcert: Callable[..., Ended], tmp_path: Path, site: Site) -> None:
    csr = tmp_path / "request.pem"
    out = sfcert("enrol", "by-hand", "--subject", NAME, "--issuer", "Unknown", "--csr", str(csr))
    assert out.code == 0, out.err
    desk = Desk(site)
    der = x509.load_pem_x509_csr(csr.read_bytes()).public_bytes(Encoding.DER)
    chain = tmp_path / "chain.pem"
    signed = desk.sign(der, "Contoso Issuing CA 01")
    chain.write_bytes(b"".join(x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM) for one in signed))
    back = sfcert("merge", "by-hand", "--chain", str(chain), "--format", "json")
    assert back.code == 0, back.err
    assert back.json["thumbprint"] == signed[0].thumbprint
    assert back.json["pins"] == [signed[1].thumbprint]


def test_a_program_signs_between_two_pipes(
    sfcert: Callable[..., Ended], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("enrol", "piped", "--subject", NAME, "--issuer", "Unknown", "--csr", "-")
    out = sfcert(*words)
    assert out.code == 0, out.err
    assert "the request is out and waits to be signed" in out.err
    der = x509.load_pem_x509_csr(out.out.encode()).public_bytes(Encoding.DER)
    assert out.out.startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert out.out.endswith("-----END CERTIFICATE REQUEST-----\n")
    signed = Desk(site).sign(der, "Contoso Issuing CA 01")
    pem = b"".join(x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM) for one in signed)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pem)))
    back = sfcert("merge", "piped", "--chain", "-", "--format", "json")
    assert back.json["thumbprint"] == signed[0].thumbprint
    both = sfcert(*words, "--format", "json")
    assert both.code == 1
    assert "both want standard output" in both.err


def test_what_the_cluster_would_refuse_is_not_merged(by_name: Site, tmp_path: Path) -> None:
    vault, state = str(by_name.facts["vault_url"]), str(tmp_path / "state")
    csr, chain = tmp_path / "request.pem", tmp_path / "chain.pem"
    asked = ("--vault", vault, "--state", state)
    assert command("enrol", "next", "--subject", NAME, "--issuer", "Unknown", "--csr", str(csr), *asked).code == 0
    der = x509.load_pem_x509_csr(csr.read_bytes()).public_bytes(Encoding.DER)
    signed = Desk(by_name).sign(der, by_name.facts["other_issuer"])
    chain.write_bytes(b"".join(x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM) for one in signed))
    refused = command("merge", "next", "--chain", str(chain), "--for-cluster", by_name.cluster_id, *asked)
    assert refused.code == 3
    assert by_name.facts["other_issuer_thumbprint"] in refused.err
    status = command("status", "next", "--format", "json", *asked)
    assert status.json["certificates"][0]["version"] is None
    assert status.json["certificates"][0]["pending_status"] is None


def test_what_is_its_own_issuer_is_given_out_with_no_pins(sfcert: Callable[..., Ended]) -> None:
    """A name that is pinned to such a certificate is refused by every node at its next renewal."""
    asked = ("enrol", "own", "--subject", NAME, "--issuer", "Self")
    done = sfcert(*asked, "--format", "json")
    assert done.json["pins"] == []
    shown = sfcert(*asked)
    assert "certificateIssuerThumbprint" not in shown.out
    assert "its own issuer: declare it by thumbprint" in " ".join(shown.out.split())


def test_a_pinned_cluster_gets_its_next_certificate(by_name: Site, tmp_path: Path) -> None:
    done = command(
        "enrol",
        str(by_name.facts["certificate_name"]),
        "--subject",
        NAME,
        "--issuer",
        "ContosoCA",
        "--renew",
        "--vault",
        str(by_name.facts["vault_url"]),
        "--state",
        str(tmp_path),
        "--for-cluster",
        by_name.cluster_id,
        "--read-secret",
        "--format",
        "json",
    )
    assert done.code == 0, done.err
    assert done.json["report"]["verdict"] == "pass", done.json["report"]
    assert by_name.facts["issuer_thumbprint"] in done.json["pins"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("enrol", "x"), "in one way"),
        (("enrol", "x", "--subject", "O=Nobody", "--issuer", "Self"), "states no CN"),
        (("enrol", "bad_name", "--subject", NAME, "--issuer", "Self"), "no name of a vault certificate"),
        (("enrol", "x", "--subject", f"{NAME}, CN=other.contoso.example", "--issuer", "Self"), "several CNs"),
        (("enrol", "Issuers", "--subject", NAME, "--issuer", "Self"), "its own issuers at /certificates/issuers"),
        (("enrol", "x", "--subject", NAME, "--issuer", "Self", "--solver", "http01"), "needs --acme-directory"),
        (("enrol", "x", "--subject", NAME, "--issuer", "Self", "--eku", "serverAuth"), "server_auth, client_auth"),
        (("renew",), "--due"),
        (("enrol", "x", "--subject", NAME, "--issuer", "Self", "--csr", "x.pem"), "goes with the issuer Unknown"),
        (("enrol", "x", "--subject", NAME, "--issuer", "Self", "--tag", "a=1", "--tag", "a=2"), "given twice"),
        (("enrol", "x", "--subject", NAME, "--issuer", "Self", "--issuer-provider", "DigiCert"), "not with Self"),
        (("status", "--metrics", "99999"), "between 1 and 65535"),
        (("certificates", "--watch", "--every", "0s"), "at least 1s"),
        (("status", "--metrics", ""), "no file's name"),
        (("status", "--metrics", "-"), "standard output holds the status"),
        (("export", "x", "--secret-provider-class", "--tenant", ""), "no id"),
        (
            ("export", "x", "--secret-provider-class", "--tenant", "t", "--secret-name", "No_Name"),
            "no name in Kubernetes",
        ),
        (("status", "nothing-here"), "has no certificate"),
        (
            (
                *("enrol", "x", "--subject", "CN=*.contoso.example", "--issuer", "acme", "--solver", "http01"),
                *("--acme-directory", "https://ca.invalid/directory", "--dry-run"),
            ),
            "a wildcard needs one by DNS",
        ),
        (("enrol", "x", "--policy", "/dev/zero"), "/dev/zero holds more than 64 MiB"),
        (("enrol", "--manifest", "/dev/zero"), "/dev/zero holds more than 64 MiB"),
        (("merge", "x", "--chain", "/dev/zero"), "/dev/zero holds more than 64 MiB"),
        (("merge", "nothing-here", "--chain", "/nowhere/chain.pem"), "cannot be read"),
    ],
)
def test_bad_input_is_one_clear_message(sfcert: Callable[..., Ended], arguments: tuple[str, ...], said: str) -> None:
    ended = sfcert(*arguments)
    assert ended.code == 1
    assert said in ended.err


def test_a_certificate_that_nobody_enrolled_is_not_said_to_differ(sfcert: Callable[..., Ended]) -> None:
    found = {one["name"]: one["conditions"][0] for one in sfcert("status", "--format", "json").json["certificates"]}
    assert found["sf-operator"]["reason"] == "Ready"


def test_a_kubernetes_secret_is_imported_once_and_its_key_is_never_shown(
    sfcert: Callable[..., Ended], tmp_path: Path
) -> None:
    leaf = make.leaf("k8s", common_name="web.example.com")
    crt = b"".join(one.x509.public_bytes(Encoding.PEM) for one in (leaf, *leaf.chain))
    key = make.key("leaf-k8s").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {
            "name": "web-tls",
            "annotations": {"cert-manager.io/common-name": "web.example.com", "x": "y" * 257},
        },
        "data": {"tls.crt": base64.b64encode(crt).decode(), "tls.key": base64.b64encode(key).decode()},
    }
    file = tmp_path / "secret.json"
    file.write_text(json.dumps(manifest))
    first = sfcert("import", "--kubernetes-secret", str(file))
    assert first.code == 0, first.err
    assert leaf.thumbprint in first.out
    assert "no tag became of x." in first.err
    assert "cert-manager.io/common-name: web.example.com" in sfcert("certificates", "show", "web-tls").out
    assert "nothing to do" in sfcert("import", "--kubernetes-secret", str(file)).out
    manifest["data"]["tls.key"] = base64.b64encode(
        make.key("another").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ).decode()
    file.write_text(json.dumps(manifest))
    wrong = sfcert("import", "--kubernetes-secret", str(file))
    assert wrong.code == 1
    assert "not the key of the first certificate" in wrong.err
    assert "PRIVATE" not in first.out + first.err + wrong.out + wrong.err


MANIFESTS = f"""
apiVersion: v1
kind: List
items:
- apiVersion: cert-manager.io/v1
  kind: Issuer
  metadata: {{name: own, namespace: shop}}
  spec: {{selfSigned: {{}}}}
- apiVersion: networking.k8s.io/v1
  kind: Ingress
  metadata:
    name: web
    namespace: shop
    annotations:
      cert-manager.io/issuer: own
      cert-manager.io/common-name: {NAME.removeprefix("CN=")}
      cert-manager.io/usages: digital signature,key encipherment,server auth,client auth
      cert-manager.io/subject-organizations: '"Contoso, Ltd"'
      cert-manager.io/secret-template: '{{"labels": {{"team": "core"}}}}'
  spec: {{tls: [{{secretName: web-tls, hosts: [web.contoso.example]}}]}}
"""


def test_what_kubectl_prints_is_enrolled_from_standard_input(
    sfcert: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    def given(text: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))

    given(MANIFESTS.encode())
    done = sfcert("enrol", "--manifest", "-", "--format", "json")
    assert done.code == 0, done.err
    assert (done.json["outcome"], done.json["name"]) == ("issued", "web-tls")
    shown = sfcert("certificates", "show", "web-tls", "--format", "json").json
    assert shown["dns_names"] == [NAME.removeprefix("CN="), "web.contoso.example"]
    assert shown["tags"]["team"] == "core"
    assert "Contoso" in shown["issuer"]
    given(MANIFESTS.encode())
    assert sfcert("enrol", "--manifest", "-", "--format", "json").json["outcome"] == "unchanged"
    given(b"kind: \xff")
    odd = sfcert("enrol", "--manifest", "-")
    assert (odd.code, odd.err) == (1, "sfcert: standard input is not UTF-8 text (byte 6).\n")
    given(b"")
    assert "hold no Certificate" in sfcert("enrol", "--manifest", "-").err
    assert "can be read once" in sfcert("enrol", "--manifest", "-", "--manifest", "-").err


def test_a_password_that_comes_too_late_says_how_it_is_changed(sfcert: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("hunter2\n")
    words = ("enrol", "fresh", "--subject", NAME, "--issuer", "Digi", "--issuer-provider", "DigiCert")
    with_account = (*words, "--issuer-account", "a", "--issuer-password-file", str(tmp_path / "pw"))
    assert "signs for accounts alone" not in sfcert(*with_account).err
    late = sfcert(*with_account)
    assert "issuer update --vault-name kv-sf-demo --issuer-name Digi" in late.err
    assert "hunter2" not in late.err + late.out
    nobody = sfcert(*words, "--issuer-password-file", str(tmp_path / "pw"))
    assert (nobody.code, "--issuer-account" in nobody.err) == (1, True)


def test_a_certificate_of_extended_usages_alone_can_shake_hands(sfcert: Callable[..., Ended], tmp_path: Path) -> None:
    """The most common usages there are: cert-manager leaves the key usage out, a vault writes one in any case."""
    spec = {"dnsNames": ["web.contoso.example"], "issuerRef": {"name": "own"}, "usages": ["server auth", "client auth"]}
    documents = [
        {"kind": "Issuer", "metadata": {"name": "own"}, "spec": {"selfSigned": {}}},
        {"kind": "Certificate", "metadata": {"name": "web"}, "spec": spec},
    ]
    file = tmp_path / "web.yaml"
    file.write_text("\n---\n".join(json.dumps(one) for one in documents))
    done = sfcert("enrol", "--manifest", str(file))
    assert done.code == 0, done.err
    assert "digital signature and key encipherment are asked for beside them" in done.err


def test_the_csi_manifest_names_vault_and_certificate(sfcert: Callable[..., Ended]) -> None:
    out = sfcert("export", "web-tls", "--secret-provider-class", "--tenant", "t-1")
    assert out.code == 0, out.err
    assert "kind: SecretProviderClass" in out.out
    assert "objectName: web-tls" in out.out


def test_what_the_cluster_would_refuse_is_not_imported(by_name: Site, tmp_path: Path) -> None:
    """A secret from elsewhere is put to the same gate as what is enrolled."""
    name, vault = str(by_name.facts["common_name"]), str(by_name.facts["vault_url"])
    leaf = make.leaf("strange", common_name=name)
    pem = b"".join(one.x509.public_bytes(Encoding.PEM) for one in (leaf, *leaf.chain))
    key = make.key("leaf-strange").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    data = {"tls.crt": base64.b64encode(pem).decode(), "tls.key": base64.b64encode(key).decode()}
    file = tmp_path / "secret.json"
    file.write_text(
        json.dumps({"kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "s"}, "data": data})
    )
    words = ("import", "strange", "--vault", vault, "--kubernetes-secret", str(file))
    refused = command(*words, "--for-cluster", by_name.cluster_id)
    assert refused.code == 3, refused.err
    assert "IssuerNotPinned" in refused.err
    assert "Nothing was imported" in refused.err
    assert command("certificates", "show", "strange", "--vault", vault).code == 1
    assert command(*words).code == 0


def test_nothing_is_imported_over_a_certificate_whose_renewal_a_plan_has_frozen(site: Site, tmp_path: Path) -> None:
    leaf = make.leaf("frozen", common_name="web.example.com")
    pem = b"".join(one.x509.public_bytes(Encoding.PEM) for one in (leaf, *leaf.chain))
    key = make.key("leaf-frozen").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    data = {"tls.crt": base64.b64encode(pem).decode(), "tls.key": base64.b64encode(key).decode()}
    file = tmp_path / "secret.json"
    file.write_text(
        json.dumps({"kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "s"}, "data": data})
    )
    desk, name = Desk(site), str(site.facts["certificate_name"])
    newest = (desk.body(name) or {})["versions"][0]
    version = str(newest["id"]).rsplit("/", 1)[-1]
    desk.vault.put_tags(desk.url, name, version, {**(newest.get("tags") or {}), OWNER_TAG: "sha256:plan"})
    refused = command("import", name, "--vault", desk.url, "--kubernetes-secret", str(file))
    assert refused.code == 3, refused.err
    assert "a plan has frozen its renewal" in refused.err
    assert (desk.body(name) or {})["versions"][0]["id"] == newest["id"]


def test_an_operation_of_ones_own_is_cancelled_where_that_is_asked(sfcert: Callable[..., Ended], site: Site) -> None:
    words = ("enrol", "stuck", "--subject", NAME, "--issuer", "Unknown", "--format", "json")
    first = sfcert(*words).json["csr_pem"]
    assert sfcert(*words).json["csr_pem"] == first
    assert sfcert(*words, "--cancel-pending").json["csr_pem"] != first


def test_a_dry_run_tells_tags_and_the_trigger_in_words(sfcert: Callable[..., Ended]) -> None:
    words = ("enrol", "fresh", "--subject", NAME, "--issuer", "ContosoCA")
    assert sfcert(*words).code == 0
    told = sfcert(*words, "--tag", "team=core", "--renew-at", "60", "--dry-run")
    assert "tags.team" in told.out
    assert "AutoRenew at 75 % -> AutoRenew at 60 %" in told.out
    assert sfcert(*words, "--tag", "team=core").code == 0
    assert "tags.team" not in sfcert(*words, "--tag", "team=core", "--dry-run").out


@pytest.mark.parametrize("nought", ["--renew-at", "--renew-before", "--validity-months"])
def test_nought_is_refused_and_not_passed_over(sfcert: Callable[..., Ended], nought: str) -> None:
    told = sfcert("enrol", "fresh", "--subject", NAME, "--issuer", "ContosoCA", nought, "0")
    assert told.code == 1
    assert "must lie between" in told.err


def test_the_list_needs_no_name_of_its_own(sfcert: Callable[..., Ended], site: Site) -> None:
    """`sfcert certificates --watch`, as people type it."""
    told = command("certificates", "--vault", str(site.facts["vault_url"]), "--watch", "--timeout", "1s")
    assert told.code == 0, told.err
    assert str(site.facts["certificate_name"]) in told.out
