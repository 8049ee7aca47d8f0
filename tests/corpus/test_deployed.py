"""Every published template deploys into the embedded Azure and is then at rest, or is refused as Azure refuses it.

One outcome for each file, with its reason where it is a refusal. Resource types that nobody models are kept as they
are.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sfcert.arm import parse_text
from sfcert.errors import InputError
from sfcert.sim.front.loose_json import parse_body
from sfcert.sim.kernel.failure import AzureFailure
from tests.corpus.deployed import CORPUS, Outcome, World, file_values, templates

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not beside this checkout"),
]
FILES = templates()

#: Part of the file's name -> the vendor's code, words of the message. Everything that is not named here deploys.
REFUSED = {
    # an excerpt: what its resources depend on was cut off
    "templateCNCert@EXCERPT": ("InvalidTemplate", "is not defined in the template"),
    # uses a parameter that it does not declare, in the body of a resource
    "5-VM-Windows-OMS-UnSecure": ("InvalidTemplate", "'storageAccountType' is not found"),
    # exported from a portal with its vault's id and its thumbprint blacked out
    "powershellScripts__template@hist-": ("InvalidClusterCertificateThumbprint", "contains invalid characters"),
    # three machines with durability Silver
    "sf-1nt-3n-1lb-silver": ("BadRequest", "requires at least 5 virtual machines"),
}


@cache
def _deployed(path: Path) -> tuple[World, dict[str, Any], dict[str, Any], Outcome] | None:
    """The world after the template was sent to it; None for a file that is no JSON."""
    try:
        template = parse_text(path.read_bytes(), path.name).value
    except InputError:
        return None
    world = World()
    given = world.values_for(template, file_values(path))
    return world, template, given, world.deploy(template, given)


def _refusal(path: Path) -> tuple[str, str] | None:
    return next((told for part, told in REFUSED.items() if part in path.name), None)


def _name(path: Path) -> str:
    return f"{path.parent.name}-{path.stem[-60:]}"


def _is_json(path: Path) -> bool:
    try:
        return bool(parse_text(path.read_bytes(), path.name))
    except InputError:
        return False


DEPLOYS = [path for path in FILES if _is_json(path) and _refusal(path) is None]


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_deploys_or_is_refused_with_the_vendors_code(path: Path) -> None:
    made, refusal = _deployed(path), _refusal(path)
    if made is None:
        with pytest.raises(AzureFailure) as caught:
            parse_body(b'{"properties": {"mode": "Incremental", "template": ' + path.read_bytes() + b"}}")
        assert (caught.value.status, caught.value.code) == (400, "InvalidRequestContent")
        return
    outcome = made[3]
    if refusal is None:
        assert (outcome.state, outcome.codes()) == ("Succeeded", [])
        return
    code, words = refusal
    assert outcome.state in ("Refused", "Failed")
    assert code in outcome.codes()
    assert words in outcome.messages()
    assert outcome.codes()[0] == ("DeploymentFailed" if outcome.state == "Failed" else code)


@pytest.mark.parametrize("path", DEPLOYS, ids=_name)
def test_what_if_of_the_same_template_shows_no_change(path: Path) -> None:
    made = _deployed(path)
    assert made is not None
    world, template, given, _ = made
    changes = world.what_if(template, given)
    # the vault of the world stands in another group, so that nothing is there to be ignored
    assert [(one["resourceId"], one["delta"]) for one in changes if one["changeType"] != "NoChange"] == []
    assert len(changes) >= 1


@pytest.mark.parametrize("path", DEPLOYS, ids=_name)
def test_validate_agrees_with_the_deployment(path: Path) -> None:
    made = _deployed(path)
    assert made is not None
    world, template, given, _ = made
    body = {"properties": {"mode": "Incremental", "template": template, "parameters": given}}
    url = f"{world.group}/providers/Microsoft.Resources/deployments/again/validate"
    answer = world.call("POST", url, body)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("path", DEPLOYS, ids=_name)
def test_no_secure_value_comes_back(path: Path) -> None:
    """Neither from the deployment, its operations and its template, nor from a what-if or a resource's own GET."""
    made = _deployed(path)
    assert made is not None
    world, template, given, _ = made
    declared = {name.lower(): one for name, one in template.get("parameters", {}).items()}
    secrets = [
        entry["value"]
        for name, entry in given.items()
        if str(declared[name.lower()].get("type", "")).lower() == "securestring" and len(entry["value"]) > 6
    ]
    url = f"{world.group}/providers/Microsoft.Resources/deployments/corpus"
    shown = [world.call("GET", url).body, world.call("GET", f"{url}/operations").body]
    shown.append(world.call("POST", f"{url}/exportTemplate").body)
    shown.append(world.what_if(template, given))
    shown += [world.call("GET", one.id.text).body for one in world.azure.resources.under(world.group)]
    text = json.dumps(shown)
    assert [secret for secret in secrets if secret in text] == []


def test_there_is_something_to_deploy() -> None:
    assert len(DEPLOYS) >= 25
