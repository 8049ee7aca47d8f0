"""Whole files as customers bring them, one on disk for each situation; its first line says what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcert.enrol.manifests import read_manifests
from sfcert.errors import InputError

FOLDER = Path(__file__).parent / "manifests"
FILES = sorted(FOLDER.glob("*.yaml"))


def expected(text: str, word: str) -> str:
    first = text.splitlines()[0]
    assert first.startswith(f"# {word}: ")
    return first.removeprefix(f"# {word}: ")


@pytest.mark.parametrize("file", [one for one in FILES if one.name.startswith("pass-")], ids=lambda one: one.stem)
def test_a_file_that_is_taken(file: Path) -> None:
    text = file.read_text("utf-8")
    found = read_manifests([(file.name, text)])
    assert ", ".join(one.name for one in found) == expected(text, "names")


@pytest.mark.parametrize("file", [one for one in FILES if one.name.startswith("fail-")], ids=lambda one: one.stem)
def test_a_file_that_is_refused_with_one_clear_fault(file: Path) -> None:
    text = file.read_text("utf-8")
    with pytest.raises(InputError) as refused:
        read_manifests([(file.name, text)])
    (fault,) = refused.value.faults
    assert refused.value.token == "ManifestInvalid"
    assert str(fault).endswith(expected(text, "said"))
    assert file.name in str(refused.value) or fault.file is None
    assert "KEYMATERIAL" not in str(refused.value)


def test_every_file_is_tried() -> None:
    assert FILES
    assert all(one.name.startswith(("pass-", "fail-")) for one in FILES)


def test_the_secret_of_the_issuers_own_namespace_is_the_one_that_is_used() -> None:
    text = (FOLDER / "pass-secrets-of-two-namespaces-under-one-name.yaml").read_text("utf-8")
    (asked,) = read_manifests([("m.yaml", text)])
    assert asked.secrets == {"dns/token": "own"}


def test_a_cluster_issuer_looks_in_the_namespace_of_the_installation() -> None:
    text = (FOLDER / "pass-secrets-of-two-namespaces-under-one-name.yaml").read_text("utf-8")
    text = text.replace("kind: Issuer", "kind: ClusterIssuer").replace(
        "{name: own}}", "{name: own, kind: ClusterIssuer}}"
    )
    with pytest.raises(InputError, match="gives the secret dns another value"):
        read_manifests([("m.yaml", text)])
    (asked,) = read_manifests([("m.yaml", text.replace("namespace: other", "namespace: cert-manager"))])
    assert asked.secrets == {"dns/token": "foreign"}


def test_a_tls_block_without_a_secret_is_passed_over_and_said_so() -> None:
    text = (FOLDER / "pass-an-ingress-with-a-block-for-the-default-certificate.yaml").read_text("utf-8")
    (asked,) = read_manifests([("m.yaml", text)])
    assert any("spec.tls[0] asks for no certificate" in note for note in asked.notes)


def test_a_fault_of_the_issuer_names_the_issuers_own_file() -> None:
    whole = (FOLDER / "fail-a-secret-that-is-not-base64.yaml").read_text("utf-8")
    secret, issuer, certificate = whole.split("---\n")
    with pytest.raises(InputError) as refused:
        read_manifests([("secret.yaml", secret), ("issuer.yaml", issuer), ("web.yaml", certificate)])
    (fault,) = refused.value.faults
    assert fault.file == "web.yaml"
    assert "by issuer.yaml document 1 (ClusterIssuer own) spec.acme.solvers[0]" in str(fault)
