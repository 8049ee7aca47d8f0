"""What has to be seen before and after each stage? Gates from a playbook's kinds and a step's facts. Floor 4.

Leaves out how a gate is judged (`sfcert.converge.gates`). A Manual scale set takes nothing by itself: what its
instances must show is asked after the stage that upgrades them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sfcert.converge.gates import GATE_KINDS
from sfcert.model.plan import EvidenceLevel, Gate
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step

Json = dict[str, Any]
#: (subject, expects, sentence) of each gate of a kind.
Wanted = list[tuple[str, Json, str]]

#: Kinds that ask the instances of a scale set.
OF_INSTANCES = frozenset(
    {"instances-current", "extension-succeeded", "other-extensions-succeeded", "certificate-on-nodes"}
)
_LEVELS: dict[str, EvidenceLevel] = {
    "nodes-present": "runtime",
    "manifest-declares": "runtime",
    "clients-let-in": "runtime",
    "nodes-serve": "tls",
}


def gates_for(
    kinds: tuple[str, ...], step: Step, situation: Situation, *, side: str, done_by_utc: datetime
) -> tuple[Gate, ...]:
    """The gates of one side of a stage, in the playbook's order.

    Args:
        side: `in` or `out`, part of each gate's id.
        done_by_utc: when the plan is done at the latest: all deadlines and a week for approvals from now.

    Effects: none.
    """
    gates: list[Gate] = []
    for kind in kinds:
        wanted = _WANTED[kind](step, situation, done_by_utc)
        for number, (subject, expects, says) in enumerate(wanted):
            suffix = f"-{number + 1}" if len(wanted) > 1 else ""
            gates.append(
                Gate(
                    id=f"{side}-{kind}{suffix}",
                    kind=kind,
                    level=_LEVELS.get(kind, "arm"),
                    subject=subject,
                    expects=expects,
                    says=says,
                )
            )
    return tuple(gates)


def _at_rest(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    cluster = situation.observation.cluster
    return [(cluster.id, {}, f"The cluster {cluster.name} is Ready and Succeeded.")]


def _certificates(step: Step, situation: Situation) -> list[str]:
    one = step.facts.get("certificate_url")
    return [str(one)] if one else [each.url for each in situation.goal.certificates]


def _frozen(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    return [(url, {}, f"{url} does not renew itself.") for url in _certificates(step, situation)]


def _renewal_as(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    expects = {"lifetime_actions": step.facts["lifetime_actions"]}
    how = step.facts.get("renewal_says") or "as it did before"
    return [(url, expects, f"{url} renews {how}.") for url in _certificates(step, situation)]


def _newest(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    thumbprint = step.facts.get("thumbprint") or situation.goal.thumbprint
    says = f"is still {thumbprint}, enabled."
    expects = {"thumbprint": thumbprint}
    return [(url, expects, f"The newest version of {url} {says}") for url in _certificates(step, situation)]


def _life(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    thumbprint = step.facts.get("thumbprint") or situation.goal.thumbprint
    until = done_by + timedelta(seconds=int(step.facts.get("lead_s") or 0))
    expects = {"thumbprint": thumbprint, "until_utc": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
    says = f"{thumbprint} lives at least until {until:%Y-%m-%d}: all deadlines, approvals and its renewal's lead."
    return [(_certificates(step, situation)[0], expects, says)]


def _identity(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    identity = str(step.facts["identity_id"])
    return [(identity, {}, f"The identity {identity.rsplit('/', 1)[-1]} exists.")]


def _access(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    expects = {key: step.facts[key] for key in ("identity_id", "principal_id", "how") if step.facts.get(key)}
    return [(str(step.facts["vault_url"]), expects, f"{step.names['identity']} may read {step.facts['vault_url']}.")]


def _time(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    seconds = step.facts["seconds"]
    return [(step.subject, {"seconds": seconds}, f"{seconds} s have passed, so that it has arrived everywhere.")]


def _sets(step: Step, situation: Situation) -> list[tuple[str, str]]:
    wanted = [step.scale_set_id] if step.scale_set_id else [one.id for one in situation.scale_sets]
    return [(one, situation.labels[one]) for one in wanted]


def _current(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    return [(one, {}, f"Every instance of {label} runs its newest model.") for one, label in _sets(step, situation)]


def _extension(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    name = step.facts.get("extension")
    if name is None:
        return []
    expects: Json = {"name": name, "type": step.facts["extension_type"]}
    created = step.facts.get("version_created_utc")
    if isinstance(created, datetime):
        expects["after_utc"] = f"{created:%Y-%m-%dT%H:%M:%SZ}"
    if step.facts.get("after_version"):
        expects["after_version"] = step.facts["after_version"]
    says = f"The extension {name} has succeeded on every instance of"
    return [(one, expects, f"{says} {label}.") for one, label in _sets(step, situation)]


def _others(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    name = step.facts.get("extension")
    expects: Json = {"except": name} if name else {}
    says = "Every other extension is still succeeded on every instance of"
    return [(one, expects, f"{says} {label}.") for one, label in _sets(step, situation)]


def _on_nodes(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    thumbprint = situation.goal.thumbprint
    expects: Json = {"thumbprint": thumbprint}
    if step.facts.get("secret_url"):
        expects["secret_url"] = step.facts["secret_url"]
    return [(one, expects, f"Every node of {label} holds {thumbprint}.") for one, label in _sets(step, situation)]


def _cluster_declares(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    cluster = situation.observation.cluster
    return [(cluster.id, dict(step.facts["declares"]), f"The cluster, read back, declares {_said(step)}.")]


def _manifest(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    cluster = situation.observation.cluster
    return [(cluster.id, dict(step.facts["declares"]), f"The manifest that the nodes run with declares {_said(step)}.")]


def _let_in(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    cluster, expects = situation.observation.cluster, dict(step.facts["let_in"])
    return [(cluster.id, expects, f"The manifest that the nodes run with lets in {_told(expects)}.")]


def _extension_declares(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    expects = dict(step.facts["declares"])
    says = f"read back, declares {_said(step)}."
    return [(one, expects, f"The node extension of {label}, {says}") for one, label in _sets(step, situation)]


def _said(step: Step) -> str:
    return _told(step.facts["declares"])


def _told(declares: Json) -> str:
    listed = ", ".join(declares.get("common_names") or declares.get("thumbprints") or ())
    match declares.get("role"):
        case "reverse-proxy":
            return f"{listed} for the reverse proxy"
        case "clients":
            return ", ".join(dict.fromkeys(one["value"] for one in declares["clients"])) or "no client certificate"
    return listed


def _secrets(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    urls = list(step.facts["urls"])
    listed = f"{len(urls)} vm secret{'' if len(urls) == 1 else 's'}, what is still needed" if urls else "no vm secret"
    says = f"lists {listed}."
    return [(one, {"urls": urls}, f"{label} {says}") for one, label in _sets(step, situation)]


def _present(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    cluster, thumbprint = situation.observation.cluster, situation.goal.thumbprint
    return [(cluster.id, {"thumbprint": thumbprint}, f"Every node is up and presents {thumbprint}.")]


def _serve(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    cluster, thumbprint = situation.observation.cluster, situation.goal.thumbprint
    expects = {"thumbprint": thumbprint, "issuers": list(situation.goal.pins)}
    return [(cluster.id, expects, f"Every node serves {thumbprint} from a pinned issuer in a TLS handshake.")]


def _reached(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    cluster = situation.observation.cluster
    return [(cluster.id, {}, f"The resource provider reaches the cluster {cluster.name}.")]


def _settings(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    expects = dict(step.facts["settings"])
    value = "absent" if expects["value"] is None else expects["value"]
    says = f"{expects['section']}/{expects['parameter']}, read back, is {value}."
    return [(situation.observation.cluster.id, expects, says)]


def _fits(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    expects = {key: step.facts[key] for key in ("common_name", "issuers", "known")}
    url = str(step.facts["certificate_url"])
    return [(url, expects, f"The newest version of {url} is valid, of this name, and from a pinned issuer.")]


def _enrolled(step: Step, situation: Situation, done_by: datetime) -> Wanted:
    assert step.enrol is not None
    expects = {"mark": step.enrol.mark, "previous": step.enrol.previous, "common_name": step.enrol.name}
    return [(step.enrol.url, expects, f"{step.enrol.url} has a new version that has passed the gate.")]


_WANTED: dict[str, Callable[[Step, Situation, datetime], Wanted]] = {
    "cluster-at-rest": _at_rest,
    "renewal-frozen": _frozen,
    "renewal-as": _renewal_as,
    "newest-version-is": _newest,
    "certificate-enrolled": _enrolled,
    "remaining-life-at-least": _life,
    "identity-exists": _identity,
    "access-granted": _access,
    "time-passed": _time,
    "instances-current": _current,
    "extension-succeeded": _extension,
    "other-extensions-succeeded": _others,
    "certificate-on-nodes": _on_nodes,
    "cluster-declares": _cluster_declares,
    "extension-declares": _extension_declares,
    "secrets-are": _secrets,
    "nodes-present": _present,
    "manifest-declares": _manifest,
    "clients-let-in": _let_in,
    "nodes-serve": _serve,
    "cluster-reached": _reached,
    "settings-are": _settings,
    "newest-version-fits": _fits,
}
assert _WANTED.keys() == GATE_KINDS.keys()
