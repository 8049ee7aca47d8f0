"""How does a case file become a world? Labels into certificates, edits into a bundle document."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from sfcert.model.bundle import Bundle
from sfcert.model.plan import Plan
from sfcert.planning.assemble import plan_rollover
from sfcert.planning.inputs import Inputs
from sfcert.sources.observe import observe
from tests import make, make_roles

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOKS = ROOT / "playbooks"
TEMPLATES = ROOT / "templates"
_CERTIFICATES = ("current", "goal", "secondary", "reverse_proxy")

Json = dict[str, Any]


def leaf(described: Json) -> make.Issued:
    """`{label, ca, age_days, days_left, common_name, self_signed, ekus}`, each with the builders' default."""
    changes: Json = {
        "not_before": make.NOW - timedelta(days=described.get("age_days", 30)),
        "not_after": make.NOW + timedelta(days=described.get("days_left", 150)),
    }
    if "common_name" in described:
        changes["common_name"] = described["common_name"]
    if "ekus" in described:
        changes["ekus"] = tuple(described["ekus"])
    label = str(described.get("label", "1"))
    if described.get("self_signed"):
        return make.certificate(key_label=f"leaf-{label}", **changes)
    return make.leaf(label, ca=described.get("ca", "Example Issuing CA A"), **changes)


def world_of(described: Json) -> make.World:
    """The knobs of `make.World` from plain data; `migrated: true` starts from the cluster after its migration."""
    knobs = {key: value for key, value in described.items() if key != "migrated"}
    for name in _CERTIFICATES:
        if name in knobs:
            knobs[name] = leaf(knobs[name])
    if "versions" in knobs:
        knobs["versions"] = tuple(leaf(one) for one in knobs["versions"])
    if "node_types" in knobs:
        knobs["node_types"] = tuple(make.NodeTypeShape(**one) for one in knobs["node_types"])
    if "unread" in knobs:
        knobs["unread"] = tuple((what, why) for what, why in knobs["unread"])
    if isinstance(knobs.get("policy"), str):
        knobs["policy"] = make.policy(action=knobs["policy"], issuer="ExampleCA")
    return make.common_name_world(**knobs) if described.get("migrated") else make.world(**knobs)


def edited(document: Json, edits: list[Json]) -> Json:
    """`{at: [root, step, …], set|append|remove: value}`; the root is `cluster`, `vault`, `certificate`, `document`,
    `scale-set NAME` or `instances NAME`. `{twin_of: NAME, called: OTHER}` adds a second scale set of one node type,
    `{move: vault, to: ID}` puts the vault elsewhere, `{copy_certificate: NAME}` imports it under another name,
    `{client: LEAF, admin: BOOL, in_vault: NAME}` declares a client by thumbprint, `{proxy: LEAF, …}` a reverse proxy
    with a certificate of its own (`make_roles`)."""
    for edit in edits:
        if "twin_of" in edit:
            _add_twin(document, make.scale_set_id(edit["twin_of"]), make.scale_set_id(edit["called"]))
            continue
        if "client" in edit:
            make_roles.with_client(
                document,
                leaf(edit["client"]),
                admin=edit.get("admin", True),
                vault_name=edit.get("in_vault"),
                declared=edit.get("declared", True),
            )
            continue
        if "proxy" in edit:
            more = {key: value for key, value in edit.items() if key != "proxy"}
            make_roles.with_proxy(document, leaf(edit["proxy"]), **more)
            continue
        if "move" in edit:
            _move_vault(document, edit["to"])
            continue
        if "copy_certificate" in edit:
            _copy_certificate(document, edit["copy_certificate"])
            continue
        root, *steps = edit["at"]
        here: Any = _root(document, root)
        for step in steps[:-1]:
            here = here[step]
        last = steps[-1]
        if "set" in edit:
            here[last] = edit["set"]
        elif "append" in edit:
            here[last].append(edit["append"])
        else:
            del here[last]
    return document


def _add_twin(document: Json, one: str, other: str) -> None:
    for table in (document["resources"], document["vm_instances"], document["node_stores"]):
        table[other] = copy.deepcopy(table[one])
    document["resources"][other]["body"] |= {"id": other, "name": other.rsplit("/", 1)[-1]}


def _move_vault(document: Json, to: str) -> None:
    moved = json.loads(json.dumps(document).replace(make.VAULT_ID, to))
    document.clear()
    document.update(moved)


def _copy_certificate(document: Json, name: str) -> None:
    certificates = document["vaults"][make.VAULT_URL]["certificates"]
    text = json.dumps(certificates[make.CERTIFICATE_NAME]).replace(f"/{make.CERTIFICATE_NAME}/", f"/{name}/")
    certificates[name] = json.loads(text)


def _root(document: Json, name: str) -> Any:
    if name == "cluster":
        return document["resources"][make.CLUSTER_ID]["body"]
    if name == "vault":
        return document["resources"][make.VAULT_ID]["body"]
    if name == "certificate":
        return document["vaults"][make.VAULT_URL]["certificates"][make.CERTIFICATE_NAME]
    if name.startswith("scale-set "):
        return document["resources"][make.scale_set_id(name.removeprefix("scale-set "))]["body"]
    if name.startswith("instances "):
        return document["vm_instances"][make.scale_set_id(name.removeprefix("instances "))]
    return document


def plan_of(bundle: Bundle, inputs: Inputs | None = None, **changes: Any) -> Plan:
    """The plan for a bundle at the builders' present, with the shipped playbooks and templates."""
    arguments: Json = {
        "playbooks_dir": PLAYBOOKS,
        "templates_dir": TEMPLATES,
        "now": make.NOW,
        "tool_version": "0.1.0",
        "findings": (),
    }
    return plan_rollover(observe(bundle), inputs or Inputs(), **(arguments | changes))
