"""Law: any YAML is read into policies that can be used, or refused in one InputError; and no secret is in either."""

from __future__ import annotations

import copy
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from sfcert.enrol.manifest_fields import FIELDS
from sfcert.enrol.manifests import AskedFor, read_manifests
from sfcert.enrol.policy import checked, vault_policy
from sfcert.errors import InputError
from tests.unit.enrol.manifest_samples import samples
from tests.unit.enrol.manifest_text import CERTIFICATE, INGRESS, ISSUER, TOKEN

WORDS = sorted(
    {key for fields in FIELDS.values() for key in fields}
    | {"apiVersion", "kind", "metadata", "name", "namespace", "labels", "annotations", "spec", "items", "tls", "hosts"}
    | {"data", "stringData", "generateName", "create", "key", "cert-manager", "host", "secret", "status"}
    | {"cert-manager.io/issuer", "cert-manager.io/cluster-issuer", "acme.cert-manager.io/x", "kubernetes.io/tls-acme"}
)
KINDS = [
    "Certificate",
    "Issuer",
    "ClusterIssuer",
    "Secret",
    "Ingress",
    "VirtualServer",
    "List",
    "Gateway",
    "SecretList",
]
VALUES = ["", "own", "web.example.com", "2160h", "1h", "true", "server auth", "RenewBefore", "ARI", "v1", "*.b.example"]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.binary(max_size=4)
    | st.sampled_from([*VALUES, *KINDS, "cert-manager.io/v1", "k8s.nginx.org/v1", "networking.k8s.io/v1"])
    | st.text(max_size=8)
)
KEYS = st.sampled_from(WORDS) | st.text(max_size=4) | st.integers() | st.booleans()
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
OBJECTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS)}, optional={"metadata": TREES, "spec": TREES, "data": TREES, "items": TREES}
)
WHOLE: list[list[Any]] = [
    list(yaml.safe_load_all(ISSUER + CERTIFICATE + INGRESS)),
    *[with_it for _, _, with_it, _ in samples()],
]


def read(text: str) -> tuple[AskedFor, ...]:
    """What was read; nothing where it was refused. Any other exception goes through and fails the test."""
    try:
        return read_manifests([("m.yaml", text)])
    except InputError as error:
        refused = error
    assert refused.token == "ManifestInvalid"
    assert TOKEN not in str(refused)
    return ()


def usable(found: tuple[AskedFor, ...]) -> bool:
    """Whether the vault can be asked for each, and none shows its secrets. Raises where a policy is none."""
    for one in found:
        assert one.name
        assert checked(one.policy, "m.yaml") == one.policy
        assert vault_policy(one.policy)["x509_props"]["subject"]
        assert TOKEN not in repr(one)
    return True


def mutated(documents: list[Any], data: st.DataObject) -> list[Any]:
    """The documents with one place changed: another value there, a key more, or the place gone."""
    made = copy.deepcopy(documents)
    holder: Any = made
    while True:
        inner = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(inner))
        below = holder[key]
        if not isinstance(below, dict | list) or not below or data.draw(st.integers(0, 3)) == 0:
            break
        holder = below
    how = data.draw(st.sampled_from(["other", "gone", "more"]))
    if how == "gone":
        del holder[key]
    elif how == "more" and isinstance(holder, dict):
        holder[data.draw(st.sampled_from(WORDS))] = data.draw(TREES)
    else:
        holder[key] = data.draw(TREES)
    return made


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    assert usable(read(text))


@given(st.lists(TREES | OBJECTS, max_size=4))
def test_any_documents(documents: list[Any]) -> None:
    assert usable(read(yaml.dump_all(documents, allow_unicode=True)))


@given(st.data())
def test_good_documents_with_one_place_changed(data: st.DataObject) -> None:
    documents = data.draw(st.sampled_from(WHOLE))
    assert usable(read(yaml.dump_all(mutated(documents, data), allow_unicode=True)))


@given(st.data())
def test_good_text_with_a_few_letters_changed(data: st.DataObject) -> None:
    text = ISSUER + CERTIFICATE + INGRESS
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(begin + 12, len(text))))
    assert usable(read(text[:begin] + data.draw(st.text(max_size=12)) + text[end:]))
