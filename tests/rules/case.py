"""How does a sample file become an observation? A world of `tests.make`, knobs turned, places edited.

    says: The vault renewed from an issuer that nobody pinned.
    world: common-name            # or thumbprint
    knobs: {runtime: 8.2.1486.0}  # keywords of make.world; {leaf: …} makes a certificate
    edits:
      cluster.clusterState: AutoScale          # begins with one of PLACES; [n] goes into a list
      management.linkOnRenewal: {remove: true}
    source: template              # optional: the world is an authored template
    drop: [vault contents]        # optional: what was not captured; the words are in `read_case`
    nodes: [{presents: {label: 2}, serves: {label: 2}}]      # optional: what nodes show; alone: true sends no chain
    rename: {old: new}            # optional: in the whole document
    expect: {reason: On, subject: extension}   # subject: one of SUBJECTS, or written out; not for pass

A certificate is `{leaf: {label, ca, cn, sans, from, to, ekus}}` (days from now), `{own: …}` self-signed. In edits
`{version: …}` is it as the vault holds it; `{thumbprint: …}`, `{own_thumbprint: …}`, `{issuer: …}`, `{root: …}`,
`{secret: …}` and `{joined: […]}` are texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import yaml

from sfcert.model.bundle import Bundle
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.observation import Observation
from sfcert.sources.observe import observe
from tests import make

FOLDER = Path(__file__).parent
_EKUS = {"server": SERVER_AUTH, "client": CLIENT_AUTH}
SCALE_SET = make.scale_set_id("nt0")
SUBJECTS = {
    "cluster": make.CLUSTER_ID,
    "scale-set": SCALE_SET,
    "extension": f"{SCALE_SET}/extensions/KVVMExtension",
    "certificate": f"{make.VAULT_URL}/certificates/{make.CERTIFICATE_NAME}",
    "vault": make.VAULT_URL,
    "vault-id": make.VAULT_ID,
}


@dataclass(frozen=True)
class Case:
    """One sample: what it shows, the world, and what the rule must say of it."""

    rule: str
    verdict: str
    name: str
    says: str
    observation: Observation
    reason: str | None
    subject: str | None

    def __str__(self) -> str:
        return f"{self.rule}: {self.says}"


def _issued(recipe: dict[str, Any] | None, *, is_own: bool = False) -> make.Issued:
    recipe = dict(recipe or {})
    changes: dict[str, Any] = {}
    if "cn" in recipe:
        changes["common_name"] = recipe.pop("cn")
    if "sans" in recipe:
        changes["dns_names"] = tuple(recipe.pop("sans"))
    if "from" in recipe:
        changes["not_before"] = make.NOW + timedelta(days=recipe.pop("from"))
    if "to" in recipe:
        changes["not_after"] = make.NOW + timedelta(days=recipe.pop("to"))
    if "ekus" in recipe:
        changes["ekus"] = tuple(_EKUS[word] for word in recipe.pop("ekus"))
    label, ca = str(recipe.pop("label", "1")), recipe.pop("ca", None)
    twin = recipe.pop("twin", None)
    assert not recipe, f"unknown in a certificate's recipe: {recipe}"
    if is_own:
        return make.certificate(key_label=f"leaf-{label}", **changes)
    if twin is not None:
        # the same key, certified once more under another root
        issuer = make.authority(ca or "Example Issuing CA A", root=twin)
        return make.certificate(issuer=issuer, key_label=f"leaf-{label}", **changes)
    return make.leaf(label, **({"ca": ca} if ca else {}), **changes)


def _knob(value: Any) -> Any:
    if isinstance(value, dict) and set(value) in ({"leaf"}, {"own"}):
        return _issued(value.get("leaf") or value.get("own"), is_own="own" in value)
    if isinstance(value, dict) and set(value) == {"policy"}:
        return make.policy(**value["policy"])
    if isinstance(value, dict) and set(value) == {"node_types"}:
        return tuple(make.NodeTypeShape(**one) for one in value["node_types"])
    if isinstance(value, list):
        return tuple(_knob(one) for one in value)
    return value


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (word, recipe), *_ = value.items()
        match word:
            case "version":
                recipe = dict(recipe or {})
                extra = {key: recipe.pop(key) for key in ("enabled", "name") if key in recipe}
                created = recipe.pop("created", None)
                made = make.version(_issued(recipe, is_own=recipe.pop("own", False)), **extra)
                if created is not None:
                    made["attributes"]["created"] = int((make.NOW + timedelta(days=created)).timestamp())
                return made
            case "x5t":
                return _issued(recipe).x5t
            case "joined":
                return ",".join(str(_value(one)) for one in recipe)
            case "own_thumbprint":
                return _issued(recipe, is_own=True).thumbprint
            case "thumbprint":
                return _issued(recipe).thumbprint
            case "issuer":
                return _issued(recipe).chain[0].thumbprint
            case "root":
                return _issued(recipe).chain[1].thumbprint
            case "secret":
                return make.secret_url(_issued(recipe))
            case "policy":
                return make.policy(**recipe)
    return {key: _value(one) for key, one in value.items()}


def _steps(path: str) -> list[str | int]:
    found: list[str | int] = []
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        found.append(int(index) if index else name)
    return found


def _places(document: dict[str, Any]) -> dict[str, Any]:
    """What an edit may begin with, and where that is."""
    resources = document["resources"]
    scale_set = resources[SCALE_SET]["body"]
    profile = scale_set["properties"]["virtualMachineProfile"]
    places: dict[str, Any] = {
        "bundle": document,
        "cluster": resources[make.CLUSTER_ID]["body"]["properties"],
        "scale_set": scale_set,
        "profile": profile,
        "vault": resources[make.VAULT_ID]["body"]["properties"],
        "vault_body": resources[make.VAULT_ID]["body"],
        "resources": resources,
        "instances": document["vm_instances"][SCALE_SET],
        "stores": (document["node_stores"] or {}).get(SCALE_SET),
    }
    if make.VAULT_URL in document["vaults"]:
        places["certificates"] = document["vaults"][make.VAULT_URL]["certificates"]
        places["certificate"] = places["certificates"][make.CERTIFICATE_NAME]
    for extension in profile["extensionProfile"]["extensions"]:
        if extension["name"] == "KVVMExtension":
            places["extension"] = extension["properties"]
            places["settings"] = extension["properties"]["settings"]
            places["management"] = extension["properties"]["settings"]["secretsManagementSettings"]
        else:
            places["node"] = extension["properties"]
    return places


def _edit(document: dict[str, Any], path: str, value: Any) -> None:
    first, *steps = _steps(path)
    here: Any = _places(document)[str(first)]
    assert steps, f"{path} names no place inside {first}"
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if following is None:
            break
        if isinstance(here, dict) and step not in here:
            here[step] = [] if isinstance(following, int) else {}
        here = here[step]
    last = steps[-1]
    if value == {"remove": True}:
        del here[last]
    elif isinstance(here, list) and last == len(here):
        here.append(_value(value))
    else:
        here[last] = _value(value)


#: Keys of `resources` in edits, where ids are too long to write.
_RESOURCES = {"$identity": make.IDENTITY_ID, "$vault": make.VAULT_ID}


def _runtime(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """Service Fabric's answers for nodes that present (by health) and serve (by TLS) these certificates."""
    listed, health, presented = [], {}, {}
    for number, node in enumerate(nodes):
        name, address = f"_nt0_{number}", f"10.0.0.{number + 4}"
        listed.append({"Name": name, "IpAddressOrFQDN": address, "Type": "nt0", "NodeStatus": "Up"})
        if "presents" in node:
            said = f"Certificate expiration: thumbprint = {_issued(node['presents']).thumbprint}, "
            event = {"SourceId": "System.FabricNode", "Property": "Certificate_cluster", "IsExpired": False}
            health[name] = {"HealthEvents": [event | {"Description": said + "expiration = 2027-04-21 10:00:00.000"}]}
        if "serves" in node:
            leaf = _issued(node["serves"])
            above = () if node.get("alone") else leaf.chain
            presented[f"{address}:19080"] = [leaf.base64_der, *(one.base64_der for one in above)]
    return {"nodes": listed, "node_health": health, "presented": presented}


def bundle_of(raw: dict[str, Any], name: str) -> Bundle:
    """The world that a sample describes, as a capture; `name` is said where the sample is wrong."""
    knobs = {key: _knob(value) for key, value in (raw.get("knobs") or {}).items()}
    world = make.common_name_world(**knobs) if raw["world"] == "common-name" else make.world(**knobs)
    document = make.document(world)
    for dropped in raw.get("drop") or ():
        match dropped:
            case "vault contents":
                document["vaults"] = {}
            case "vault resource":
                del document["resources"][make.VAULT_ID]
            case "identity":
                del document["resources"][make.IDENTITY_ID]
                body = document["resources"][SCALE_SET]["body"]
                body["identity"]["userAssignedIdentities"] = {make.IDENTITY_ID: {}}
            case "role assignments":
                document["queries"] = []
                gone = [key for key in document["resources"] if "/roleAssignments/" in key]
                for key in gone:
                    del document["resources"][key]
            case "role":
                gone = [key for key in document["resources"] if "/roleAssignments/" in key]
                for key in gone:
                    del document["resources"][key]
            case "instances":
                document["vm_instances"] = {}
            case "chains":
                for certificate in document["vaults"][make.VAULT_URL]["certificates"].values():
                    for version in certificate["versions"]:
                        version["chain"] = []
            case _:
                raise AssertionError(f"{name} drops {dropped!r}, which is not known")
    for place, value in (raw.get("edits") or {}).items():
        _edit(document, place, value)
    if raw.get("nodes"):
        document["runtime"] = _runtime(raw["nodes"])
    if raw.get("source"):
        document["source"] = raw["source"]
    if renames := raw.get("rename"):
        text = msgspec.json.encode(document).decode()
        for old, new in renames.items():
            text = text.replace(old, new)
        document = msgspec.json.decode(text)
    return make.from_document(document)


def read_case(path: Path) -> Case:
    raw = yaml.safe_load(path.read_text("utf-8"))
    unknown = set(raw) - {"says", "world", "knobs", "edits", "source", "drop", "nodes", "rename", "expect"}
    assert not unknown, f"{path.name} has keys that mean nothing: {unknown}"
    expect = raw.get("expect") or {}
    subject = expect.get("subject")
    return Case(
        rule=path.parent.name,
        verdict=path.name.split("-")[0],
        name=path.stem,
        says=raw["says"],
        observation=observe(bundle_of(raw, path.name)),
        reason=expect.get("reason"),
        subject=SUBJECTS.get(str(subject), subject),
    )


def case_files() -> list[Path]:
    return sorted(FOLDER.glob("*/*.yaml"))
