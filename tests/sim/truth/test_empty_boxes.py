"""What the reference says is not there is refused in so many words: nobody is told of a success that never was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sfcert.sim import worlds
from sfcert.sim.host import start_in_thread
from tests.sim.truth.conftest import START
from tests.sim.truth.wire import Wire

ROLE = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One world for all rows: each is refused, so none leaves anything behind."""
    folder: Path = tmp_path_factory.mktemp("wire")
    with start_in_thread(start=START, seed=7) as running:
        facts = running.call(lambda azure: worlds.load(azure, "one-node-type"))
        wire = Wire(running, facts, folder)
        wire.identity("id-1")
        yield wire


def flexible(world: Wire) -> Any:
    body = world.edited(world.scale_set, lambda one: one["properties"].update(orchestrationMode="Flexible"))
    return world.ask("PUT", world.scale_set, body)


def credential(world: Wire) -> Any:
    path = "Microsoft.ManagedIdentity/userAssignedIdentities/id-1/federatedIdentityCredentials/f1"
    return world.ask("PUT", path, {"properties": {"issuer": "https://i", "subject": "s", "audiences": ["a"]}})


def user_of_identity(world: Wire) -> Any:
    path = "Microsoft.ManagedIdentity/userAssignedIdentities/id-1/listAssociatedResources"
    return world.ask("POST", path, {})


def custom_role(world: Wire) -> Any:
    path = f"/subscriptions/{world.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"
    return world.ask("PUT", path, {"properties": {"roleName": "mine"}})


def application(world: Wire) -> Any:
    return world.ask("PUT", f"{world.cluster_id}/applications/a", {"properties": {"typeName": "T"}})


ROWS: dict[str, Callable[[Wire], Any]] = {
    "flexible orchestration": flexible,
    "federated credentials": credential,
    "the list of resources that use an identity": user_of_identity,
    "custom roles": custom_role,
    "applications": application,
    "key operations": lambda world: world.vault("POST", "keys/sf-cluster/sign", {"alg": "RS256", "value": "AA"}),
    "backup": lambda world: world.vault("POST", "certificates/sf-cluster/backup"),
    "restore": lambda world: world.vault("POST", "secrets/restore", {"value": "AA"}),
}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_is_not_there_is_refused(world: Wire, row: str) -> None:
    answer = ROWS[row](world)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"]["message"]


def test_applications_are_nowhere_in_the_cluster_s_own_interface(world: Wire) -> None:
    answer = world.node(world.balanced, "/Applications?api-version=6.0")
    assert (answer.status, answer.body["Error"]["Code"]) == (404, "FABRIC_E_INVALID_ADDRESS")
