"""What was read back is what was wanted only where all of it is: no name, pin, thumbprint or secret more or less."""

from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.unit.converge.test_gates import LEAF, OTHER, PIN, edited, look, seen

NAME = make.COMMON_NAME
NAMED = {"common_names": [NAME], "issuers": [PIN]}
FIRST, SECOND = LEAF.thumbprint, OTHER.thumbprint


@pytest.mark.parametrize(
    ("wanted", "state"),
    [
        ([FIRST, SECOND], "passed"),
        ([SECOND.lower(), FIRST.lower()], "passed"),
        ([FIRST], "open"),
        ([SECOND], "open"),
        ([FIRST, SECOND, "A" * 40], "open"),
    ],
    ids=["both", "both, spelt and ordered otherwise", "the first alone", "the second alone", "one more"],
)
def test_thumbprints_are_declared_only_where_all_of_them_are_and_no_other(wanted: list[str], state: str) -> None:
    observation = make.observation(secondary=make.leaf("2"))
    assert look("cluster-declares", observation, thumbprints=wanted).state == state
    assert look("extension-declares", observation, make.scale_set_id(), thumbprints=wanted).state == state


def test_another_name_than_the_wanted_is_another_declaration() -> None:
    observation = make.observation(make.common_name_world())
    for names in (["other.example.com"], [NAME, "other.example.com"], []):
        assert look("cluster-declares", observation, common_names=names, issuers=[PIN]).state == "open"
        assert look("extension-declares", observation, make.scale_set_id(), common_names=names).state == "open"


def test_a_declaration_by_thumbprint_is_not_one_by_no_name() -> None:
    assert look("cluster-declares", make.observation(), common_names=[]).state == "open"


def test_a_declaration_of_both_kinds_is_none_of_either() -> None:
    document, cluster, _ = edited(make.common_name_world())
    cluster["properties"]["certificate"] = {"thumbprint": FIRST, "x509StoreName": "My"}
    assert look("cluster-declares", seen(document), thumbprints=[FIRST]).state == "open"
    assert look("cluster-declares", seen(document), **NAMED).state == "open"


def test_a_thumbprint_that_cannot_be_read_beside_the_wanted_one_is_another_declaration() -> None:
    document, cluster, _ = edited()
    cluster["properties"]["certificate"]["thumbprintSecondary"] = "not hex"
    assert look("cluster-declares", seen(document), thumbprints=[FIRST]).state == "open"


def test_the_difference_of_vm_secrets_is_told_both_ways() -> None:
    """Who reads it has to see what is missing, and not only what is too much."""
    mine, other = make.secret_url(make.leaf()), make.secret_url(make.leaf("another"))
    lacking = look("secrets-are", make.observation(), make.scale_set_id(), urls=[mine.upper(), other])
    assert lacking.state == "open"
    assert f"lacks {other.lower()}" in lacking.message
    assert "still lists" not in lacking.message
    swapped = look("secrets-are", make.observation(), make.scale_set_id(), urls=[other])
    assert f"still lists {mine.lower()} and lacks {other.lower()}" in swapped.message


def manifest(*presented: tuple[str, str], names: dict[str, str] | None = None, thumbprints: str | None = None) -> Any:
    """A look at a manifest with a node type for each of `presented`, and what it accepts."""
    types = "".join(
        f'<NodeType><Certificates><ClusterCertificate X509FindType="{kind}" X509FindValue="{value}"/></Certificates>'
        "</NodeType>"
        for kind, value in presented
    )
    listed = "".join(f'<Parameter Name="{key}" Value="{value}"/>' for key, value in (names or {}).items())
    accepted = "" if thumbprints is None else f'<Parameter Name="ClusterCertThumbprints" Value="{thumbprints}"/>'
    document, _, _ = edited()
    document["runtime"] = {
        "nodes": [],
        "cluster_manifest": f'<ClusterManifest xmlns="http://schemas.microsoft.com/2011/01/fabric">{types}'
        f'<FabricSettings><Section Name="Security">{accepted}</Section>'
        f'<Section Name="Security/ClusterX509Names">{listed}</Section></FabricSettings></ClusterManifest>',
    }
    return seen(document)


BY_NAME, BY_THUMBPRINT = ("FindBySubjectName", NAME), ("FindByThumbprint", FIRST)


@pytest.mark.parametrize(
    ("observation", "state"),
    [
        (manifest(BY_NAME, names={NAME: PIN}), "passed"),
        (manifest(BY_NAME, BY_NAME, names={NAME: f" {PIN.lower()} , "}), "passed"),
        (manifest(names={NAME: PIN}), "open"),
        (manifest(BY_NAME, BY_THUMBPRINT, names={NAME: PIN}), "open"),
        (manifest(("FindBySubjectName", "other.example.com"), names={NAME: PIN}), "open"),
        (manifest(("FindByThumbprint", NAME), names={NAME: PIN}), "open"),
        (manifest(BY_NAME), "open"),
        (manifest(BY_NAME, names={NAME: PIN, "other.example.com": PIN}), "open"),
        (manifest(BY_NAME, names={NAME: ""}), "open"),
        (manifest(BY_NAME, names={NAME: f"{PIN},{'A' * 40}"}), "open"),
    ],
    ids=[
        "presented and accepted by name",
        "two node types, the pin spelt otherwise",
        "nothing is presented",
        "one node type is behind",
        "another name is presented",
        "the name stands for a thumbprint",
        "the name is not accepted",
        "a name too many is accepted",
        "not pinned",
        "one pin more",
    ],
)
def test_a_manifest_declares_a_name_only_where_nodes_present_by_it_and_accept_just_it(
    observation: Any, state: str
) -> None:
    assert look("manifest-declares", observation, **NAMED, level="runtime").state == state


@pytest.mark.parametrize(
    ("observation", "state"),
    [
        (manifest(BY_THUMBPRINT, thumbprints=f"{SECOND.lower()}, {FIRST}"), "passed"),
        (manifest(("FindByThumbprint", FIRST.lower()), thumbprints=f"{FIRST},{SECOND}"), "passed"),
        (manifest(BY_THUMBPRINT, thumbprints=FIRST), "open"),
        (manifest(BY_THUMBPRINT, thumbprints=f"{FIRST},{SECOND},{'A' * 40}"), "open"),
        (manifest(BY_THUMBPRINT), "open"),
        (manifest(("FindByThumbprint", "A" * 40), thumbprints=f"{FIRST},{SECOND}"), "open"),
        (manifest(BY_NAME, thumbprints=f"{FIRST},{SECOND}"), "open"),
        (manifest(BY_THUMBPRINT, names={NAME: PIN}, thumbprints=f"{FIRST},{SECOND}"), "open"),
    ],
    ids=[
        "both are accepted",
        "spelt otherwise",
        "the second is not accepted yet",
        "one more is accepted",
        "nothing is accepted",
        "another is presented",
        "presented by name",
        "a name is accepted too",
    ],
)
def test_a_manifest_declares_thumbprints_only_where_nodes_accept_every_one_of_them(
    observation: Any, state: str
) -> None:
    """A second certificate that peers do not accept yet must not be presented: the gate waits for it."""
    assert look("manifest-declares", observation, thumbprints=[FIRST, SECOND], level="runtime").state == state
