"""What goes over the wire while `sfcert` captures, plans and applies fits the vendor's definitions, both ways.

The traffic is recorded, not made up: a rehearsal of a whole migration on the embedded Azure. Its answers are held to
the resource types with their required, read-only and write-only flags; its requests to the template's JSON schema and
to the same types. `make contract` asks the vendor's own validator and its OpenAPI descriptions on top.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sfcert.arm import Scope, SymbolicRuntime, expand, is_symbolic
from sfcert.cli.main import run
from sfcert.model.codec import pretty
from sfcert.sim.kernel.journal import Exchange, Journal
from sfcert.sim.worlds.specs import THREE, Spec
from sfcert.sources.bundle import bundle_text
from tests.lives import made, planned
from tests.planning import vendor

Json = dict[str, Any]
SPECS = {
    "access policies": Spec("Three node types.", THREE),
    "roles, an older extension": Spec("Roles.", THREE[:1], vault_model="rbac", existing_extension="1.0"),
    "two thumbprints, by hand": Spec("By hand.", THREE[:1], secondary=True, mode="Manual"),
}
#: `CertificatePolicy` and `CertificateUpdateParameters` of the vaults' own definition, 7.4.
POLICY = {
    *("attributes", "id", "issuer", "key_props", "lifetime_actions", "policy", "secret_props", "tags", "x509_props"),
}
#: Seen on the wire and described by nothing in the folder; `make contract` has the OpenAPI of the first two.
UNDESCRIBED = {"Microsoft.Resources/deployments", "Microsoft.Resources/resourceGroups"}


@cache
def exchanges(name: str) -> tuple[Exchange, ...]:
    """Everything that one capture, one plan and one rehearsal of it sent and were answered."""
    import tempfile

    seen: list[Exchange] = []
    before = Journal.witness

    def told(exchange: Exchange) -> None:
        seen.append(exchange)
        if before is not None:  # a recording run listens too
            before(exchange)

    Journal.witness = told
    try:
        found = planned(made(SPECS[name], 7).captured())
        with tempfile.TemporaryDirectory() as folder:
            plan, bundle = Path(folder) / "plan.json", Path(folder) / "world.json"
            plan.write_text(pretty(found.plan))
            bundle.write_text(bundle_text(found.bundle))
            out = io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                code = run(["rehearse", str(plan), "--bundle", str(bundle)])
            assert code == 0, out.getvalue()
    finally:
        Journal.witness = before
    return tuple(seen)


def body_of(text: bytes) -> Any:
    return json.loads(text) if text else None


def is_arm(exchange: Exchange) -> bool:
    return urlsplit(exchange.url).hostname == "management.azure.com"


def api_version(exchange: Exchange) -> str:
    query = urlsplit(exchange.url).query.split("&")
    return next((part.partition("=")[2] for part in query if part.lower().startswith("api-version=")), "")


def resources_in(body: Any) -> Iterator[Json]:
    """The resources that an answer shows, itself or in its list."""
    if not isinstance(body, dict):
        return
    if isinstance(body.get("value"), list):
        for part in body["value"]:
            yield from resources_in(part)
    elif "/" in str(body.get("type", "")) and "id" in body:
        yield body


worlds = pytest.mark.parametrize("name", SPECS)


@worlds
def test_every_answer_fits_its_resource_type(name: str, shared: Path) -> None:
    judged, undescribed, problems = set(), set(), set()
    for exchange in filter(is_arm, exchanges(name)):
        if exchange.status >= 300 or "/resources?" in exchange.url:
            continue  # the list of everything shows a head of each resource only
        for resource in resources_in(body_of(exchange.response_body)):
            kind, version = resource["type"], api_version(exchange)
            if not vendor.has_type(shared, kind):
                undescribed.add(kind)
                continue
            judged.add(kind)
            found = vendor.answer_problems(shared, kind, version, resource)
            problems.update(f"{exchange.method} {kind} {version}{one}" for one in found)
    assert sorted(problems) == []
    assert undescribed <= UNDESCRIBED
    assert {"Microsoft.ServiceFabric/clusters", "Microsoft.Compute/virtualMachineScaleSets"} <= judged
    assert "Microsoft.KeyVault/vaults" in judged


@worlds
def test_every_refusal_is_the_vendors_envelope(name: str) -> None:
    for exchange in exchanges(name):
        if exchange.status < 400 or not exchange.response_body:
            continue
        error = body_of(exchange.response_body).get("error")
        assert isinstance(error, dict), exchange.url
        assert isinstance(error["code"], str)
        assert isinstance(error["message"], str)


@worlds
def test_what_is_sent_fits_the_vendors_schemas_and_names_nothing_read_only(name: str, shared: Path) -> None:
    templates = 0
    for exchange in filter(is_arm, exchanges(name)):
        body = body_of(exchange.request_body)
        if not isinstance(body, dict):
            continue
        if exchange.url.partition("?")[0].endswith("/manualupgrade"):
            # the one action that a plan calls: VirtualMachineScaleSetVMInstanceRequiredIDs
            assert set(body) == {"instanceIds"}
            assert all(isinstance(one, str) for one in body["instanceIds"])
            continue
        assert "/deployments/" in exchange.url, f"{exchange.method} {exchange.url} writes past deployments"
        template = body["properties"]["template"]
        templates += 1
        errors = [error.message for error in vendor.template_validator(shared).iter_errors(template)]
        assert errors == [], exchange.url
        for resource_type, version, sent in sent_by(template, exchange.url):
            assert vendor.has_type(shared, resource_type), resource_type
            assert vendor.problems(shared, resource_type, version, known(sent)) == [], exchange.url
    assert templates >= 3


def sent_by(template: Json, url: str) -> Iterator[tuple[str, str, Json]]:
    """(type, api-version, body) of each resource of a template that is not itself a deployment, as far as known."""
    parts = urlsplit(url).path.split("/")
    scope = Scope(subscription_id=parts[2], resource_group=parts[4])
    for resource in expand(template, {}, scope).walk(SymbolicRuntime()):
        if not resource.is_deployment:
            yield resource.type, resource.api_version or "", resource.evaluate()


def known(value: Any) -> Any:
    """The parts of a body that no run-time function decides."""
    if isinstance(value, dict):
        return {key: known(part) for key, part in value.items() if not is_symbolic(part)}
    return [known(part) for part in value if not is_symbolic(part)] if isinstance(value, list) else value


@worlds
def test_vaults_are_asked_only_what_their_definition_has(name: str) -> None:
    """The folder has no description of the vaults' own data; what `sfcert` writes there is little, and it is pinned."""
    writes = set()
    for exchange in exchanges(name):
        if exchange.method in ("GET", "HEAD") or not str(urlsplit(exchange.url).hostname).endswith(".vault.azure.net"):
            continue
        sent = body_of(exchange.request_body) or {}
        writes.add((exchange.method, *sorted(sent)))
        policy = sent.get("policy", sent)
        assert set(policy) <= POLICY
        for action in policy.get("lifetime_actions", []):
            assert set(action) == {"action", "trigger"}
            assert set(action["action"]) == {"action_type"}
            assert len([one for one in action["trigger"].values() if one is not None]) == 1
    assert all(method in ("PATCH", "POST") for method, *_ in writes)


def test_the_judge_can_say_no(shared: Path) -> None:
    kind = "Microsoft.ServiceFabric/clusters"
    body = {"id": "/x", "name": "c", "type": kind, "location": 1, "properties": {"nodeTypes": [], "bogus": 1}}
    found = vendor.answer_problems(shared, kind, "2021-06-01", body)
    assert ".location: not a text" in found
    assert any(".properties.bogus" in one for one in found)
    assert any(".properties.managementEndpoint: missing" in one for one in found)
    vault = {"id": "/x", "name": "v", "type": "t", "location": "x", "properties": {"createMode": "recover"}}
    told = vendor.answer_problems(shared, "Microsoft.KeyVault/vaults", "2024-11-01", vault)
    assert ".properties.createMode: write-only" in told
