"""The vendor's own command line, unmodified: the table of its commands, and a few words of several of them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.az import Desk, needs_az
from tests.sim.clients.api_versions import OF_AZ
from tests.sim.clients.az_table import ROWS, Row
from tests.sim.clients.az_world import TEMPLATE, At, az_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[At]:
    """One world for all of this file: signing in and starting az cost more than the calls."""
    with az_world(tmp_path_factory.mktemp("desk")) as at:
        yield at


def filled(value: Any, names: dict[str, str]) -> Any:
    """The value with each `{name}` in its texts put in."""
    if isinstance(value, str):
        return value.format(**names)
    if isinstance(value, dict):
        return {key: filled(one, names) for key, one in value.items()}
    return [filled(one, names) for one in value] if isinstance(value, list) else value


def lacks(said: Any, wanted: Any, where: str = "") -> list[str]:
    """What of the wanted part is not in the answer, by its place; nothing when all is there."""
    if isinstance(wanted, dict):
        if not isinstance(said, dict):
            return [f"{where or '.'}: {said!r} is no object"]
        return [fault for key, one in wanted.items() for fault in lacks(said.get(key), one, f"{where}.{key}")]
    if isinstance(wanted, list):
        if not isinstance(said, list):
            return [f"{where or '.'}: {said!r} is no list"]
        missing = [one for one in wanted if all(lacks(member, one) for member in said)]
        return [f"{where or '.'}: no member has {one!r}" for one in missing]
    same = str(said).lower() == wanted.lower() if isinstance(wanted, str) else said == wanted
    return [] if same else [f"{where or '.'}: {said!r} is not {wanted!r}"]


@needs_az
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_command_of_the_table_is_answered_and_does_what_it_says(world: At, row: Row) -> None:
    world.before = row.ready(world)
    world.asked.clear()
    words = shlex.split(filled(row.words, world.names))
    world.said = world.desk.az(*row.command.split(), *words)
    if row.gives is not None:
        assert lacks(world.said, filled(row.gives, world.names)) == []
    assert row.then(world)
    spoken = {(kind, version) for kind, version in world.asked if version not in OF_AZ.get(kind, ())}
    assert row.command == "rest" or not spoken, "these api-versions are not in the list that the SDKs are held to"


def test_the_table_would_find_an_answer_wanting() -> None:
    said = {"a": [{"name": "x", "n": 1}, {"name": "y"}], "ok": True}
    assert lacks(said, {"a": [{"name": "y"}, {"name": "x", "n": 1}], "ok": True}) == []
    assert lacks(said, {"a": [{"name": "y", "n": 1}]}) == [".a: no member has {'name': 'y', 'n': 1}"]
    assert lacks(said, {"ok": False, "b": None}) == [".ok: True is not False"]
    assert lacks(said, {"b": {"c": 1}}) == [".b: None is no object"]


@needs_az
def test_a_deployment_is_validated_previewed_made_and_read(world: At) -> None:
    desk, group, group_id = world.desk, world.names["group"], world.names["group_id"]
    file = world.file("template.json", TEMPLATE)
    given = ("-g", group, "-n", "d1", "-f", str(file), "-p", "n=v1")
    assert desk.az("deployment", "group", "validate", *given)["properties"]["provisioningState"] == "Succeeded"
    before = desk.az("deployment", "group", "what-if", *given, "--no-pretty-print")["changes"]
    assert {one["changeType"] for one in before} == {"Create", "Ignore"}
    made = desk.az("deployment", "group", "create", *given)["properties"]
    assert made["outputs"]["made"]["value"] == f"{group_id}/providers/Microsoft.Network/virtualNetworks/v1"
    after = desk.az("deployment", "group", "what-if", *given, "--no-pretty-print")["changes"]
    assert {one["changeType"] for one in after} == {"NoChange", "Ignore"}
    assert desk.az("deployment", "group", "show", "-g", group, "-n", "d1")["properties"] == made
    steps = desk.az("deployment", "operation", "group", "list", "-g", group, "-n", "d1")
    assert {one["properties"]["provisioningState"] for one in steps} == {"Succeeded"}


@needs_az
def test_a_person_reads_the_difference_that_a_deployment_would_make(world: At) -> None:
    file = world.file("template.json", TEMPLATE)
    words = f"deployment group what-if -g {world.names['group']} -n d3 -f {file} -p n=v3"
    done = world.desk.run(f"az {words}")
    assert done.returncode == 0, done.stderr
    assert "+ Microsoft.Network/virtualNetworks/v3 [2023-09-01]" in done.stdout
    assert "Resource changes: 1 to create" in done.stdout


@needs_az
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("sf cluster show -g {group} -c no-such", "ResourceNotFound"),
        ("vmss show -g {group} -n no-such", "ResourceNotFound"),
        ("keyvault certificate show --vault-name {vault} -n no-such", "CertificateNotFound"),
        ("keyvault secret show --vault-name {vault} -n no-such", "SecretNotFound"),
        ("group show -n no-such", "ResourceGroupNotFound"),
        ("deployment group show -g {group} -n no-such", "DeploymentNotFound"),
        ("deployment group create -g {group} -n d2 -f {folder}/broken.json -p n=v1", "InvalidTemplate"),
        ("vmss update-instances -g {group} -n front --instance-ids 99", "not an active Virtual Machine"),
    ],
    ids=lambda value: value.split(" -")[0],
)
def test_a_refusal_reaches_the_person_with_the_vendors_code(world: At, words: str, said: str) -> None:
    world.file("broken.json", TEMPLATE.replace("parameters('n')", "parameters('m')"))
    assert said in world.desk.refused(*shlex.split(words.format(**world.names)))


@needs_az
def test_nobody_gets_in_with_a_wrong_secret(world: At, tmp_path: Path) -> None:
    """With a folder of its own: az would not ask again while it remembers a token."""
    values = {**world.running.env(), "AZURE_CONFIG_DIR": str(tmp_path / "az")}
    words = ("-u", values["AZURE_CLIENT_ID"], "-p", "wrong", "--tenant", values["AZURE_TENANT_ID"])
    assert "AADSTS7000215" in Desk(values, tmp_path).refused("login", "--service-principal", *words)


@needs_az
def test_the_variables_of_sim_env_are_all_that_az_needs(tmp_path: Path) -> None:
    """As a person types it: the simulator as a server, `eval`, and az."""
    desk = Desk({"AZURE_CONFIG_DIR": str(tmp_path)}, tmp_path)
    login = 'az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" --tenant "$AZURE_TENANT_ID"'
    try:
        done = desk.run(
            f'sfcert sim up --world one-node-type >&2\neval "$(sfcert sim env)"\n{login} >&2\n'
            'az sf cluster show -g "$SFCERT_RESOURCE_GROUP" -c "${SFCERT_CLUSTER_ID##*/}" -o json'
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["clusterState"] == "Ready"
    finally:
        assert desk.run("sfcert sim down").returncode == 0
