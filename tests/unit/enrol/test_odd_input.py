"""Law: whatever a file holds, enrolment reads it or says in one InputError why not, and shows no key."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from sfcert.enrol.kubernetes import read_tls_secret, secret_provider_class
from sfcert.enrol.manifests import read_manifests
from sfcert.enrol.policy import read_policy
from sfcert.errors import InputError
from tests import make
from tests.unit.enrol.manifest_text import CERTIFICATE, INGRESS, ISSUER

ODD = st.sampled_from([None, [], {}, "", 0, -1, 1.5, True, "x", ["x"], {"x": "y"}, [{}], {"name": []}])
POLICY = {
    "subject": "CN=a.example.com",
    "dns_names": ["a.example.com"],
    "issuer": {"name": "acme", "acme": {"directory": "https://ca", "solvers": [{"kind": "http01", "settings": {}}]}},
    "key": {"type": "RSA", "size": 2048},
    "ekus": ["server_auth"],
    "renewal": {"lifetime_percentage": 70, "windows": [{"cron": "* * * * *", "minutes": 5}]},
    "tags": {"a": "b"},
}
SECRET = {
    "kind": "Secret",
    "type": "kubernetes.io/tls",
    "metadata": {"name": "web", "annotations": {"a": "b"}},
    "data": {"tls.crt": base64.b64encode(b"x").decode(), "tls.key": base64.b64encode(b"KEYMATERIAL").decode()},
}


def places(value: Any, lead: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a document, itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, one in inner for found in ((*lead, key), *places(one, (*lead, key)))]


def changed(document: Any, at: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(document)
    holder = made
    for key in at[:-1]:
        holder = holder[key]
    holder[at[-1]] = value
    return made


def refusal_of(read: Callable[[], object]) -> InputError | None:
    """The refusal, or None where it was read; anything else goes through and fails the test."""
    try:
        read()
    except InputError as error:
        return error
    return None


@given(at=st.sampled_from(places(POLICY)), value=ODD)
def test_a_policy_with_one_odd_value(at: tuple[Any, ...], value: Any) -> None:
    text = yaml.safe_dump(changed(POLICY, at, value))
    refused = refusal_of(lambda: read_policy(text, "policy.yaml"))
    assert refused is None or "policy.yaml" in str(refused)


DOCUMENTS = list(yaml.safe_load_all(ISSUER + CERTIFICATE + INGRESS))


@given(at=st.sampled_from(places(DOCUMENTS)), value=ODD)
def test_manifests_with_one_odd_value(at: tuple[Any, ...], value: Any) -> None:
    text = yaml.safe_dump_all(changed(DOCUMENTS, at, value))
    refused = refusal_of(lambda: read_manifests([("m.yaml", text)]))
    assert refused is None or refused.token == "ManifestInvalid"


@given(at=st.sampled_from(places(SECRET)), value=ODD)
def test_a_secret_with_one_odd_value(at: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(InputError) as refused:
        read_tls_secret(yaml.safe_dump(changed(SECRET, at, value)), "secret.yaml")
    assert "KEYMATERIAL" not in str(refused.value)
    assert refused.value.__cause__ is None


def tls(**more: Any) -> dict[str, Any]:
    """A good secret, as `kubectl get -o yaml` writes it, with its base64 in lines."""
    leaf = make.leaf("k8s", common_name="web.example.com")
    crt = leaf.x509.public_bytes(Encoding.PEM)
    key = make.key("leaf-k8s").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    data = {"tls.crt": base64.encodebytes(crt).decode(), "tls.key": base64.encodebytes(key).decode()}
    return {"kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "web"}, "data": data, **more}


def test_a_secret_in_lines_of_base64_and_in_a_list_is_read() -> None:
    plain = read_tls_secret(yaml.safe_dump(tls()), "secret.yaml")
    for listed in ({"kind": "List", "items": [tls()]}, {"apiVersion": "v1", "kind": "SecretList", "items": [tls()]}):
        assert read_tls_secret(yaml.safe_dump(listed), "secret.yaml").chain == plain.chain
    assert read_tls_secret(yaml.safe_dump_all([{"kind": "ConfigMap"}, tls()]), "secret.yaml").name == "web"


def test_two_secrets_and_one_of_another_product_are_told() -> None:
    with pytest.raises(InputError, match="holds 2 secrets"):
        read_tls_secret(yaml.safe_dump_all([tls(), tls()]), "secret.yaml")
    with pytest.raises(InputError, match="holds 0 secrets"):
        read_tls_secret(yaml.safe_dump(tls(apiVersion="bitnami.com/v1alpha1")), "secret.yaml")


def test_the_csi_manifest_is_yaml_whose_objects_are_yaml_again() -> None:
    text = secret_provider_class(
        "https://kv.vault.azure.net", "web", tenant_id="t", client_id="c", secret_name="web-tls", namespace="shop"
    )
    spec = yaml.safe_load(text)["spec"]
    inner = yaml.safe_load(yaml.safe_load(spec["parameters"]["objects"])["array"][0])
    assert inner == {"objectName": "web", "objectType": "secret"}
    assert spec["parameters"]["keyvaultName"] == "kv"
    assert {one["key"] for one in spec["secretObjects"][0]["data"]} == {"tls.key", "tls.crt"}


def parameters(client_id: str | None) -> dict[str, str]:
    url = "https://kv.vault.azure.net"
    text = secret_provider_class(url, "web", tenant_id="t", client_id=client_id, secret_name="web-tls", namespace=None)
    found: dict[str, str] = yaml.safe_load(text)["spec"]["parameters"]
    return found


def test_the_csi_manifest_names_one_identity_and_never_a_password() -> None:
    """Without either of the two the driver's provider looks for a service principal in a secret."""
    by_workload, by_node = parameters("c-1"), parameters(None)
    assert by_workload["clientID"] == "c-1"
    assert "useVMManagedIdentity" not in by_workload
    assert (by_node["useVMManagedIdentity"], by_node["userAssignedIdentityID"]) == ("true", "")
    assert "clientID" not in by_node
