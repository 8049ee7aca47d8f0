"""How long may each stage take? From the cluster's own upgrade description, domains and phases: hours, not minutes.

Floor 4. Source: reference 9; design, Applying. Each formula has the name that playbooks use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sfcert import dated
from sfcert.model.enrolment import Issuer
from sfcert.model.observation import Observation, ScaleSet
from sfcert.model.plan import Deadline
from sfcert.planning.instances import is_manual

FORMULAS = (
    "vault-write",
    "small-deployment",
    "grant",
    "scale-set-update",
    "instance-upgrade",
    "cluster-upgrade",
    "everything-at-once",
    "watch",
    "settings-upgrade",
    "by-people",
    "enrolment",
    "delivery",
)
#: What a plan leaves for people to approve its stages, in seconds. Assumed: a week covers an ordinary change process.
APPROVALS_S = 7 * 86400
#: Walks of all update domains that one change of certificates takes at most. Source: reference 3.4.
MOST_PHASES = 3
_CLOCK = re.compile(r"(?:(?P<d>\d+)\.)?(?P<h>\d+):(?P<m>\d+):(?P<s>\d+)(?:\.\d+)?\Z")
_ISO = re.compile(r"PT(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+)S)?\Z")
_HOUR = 3600
#: How long `apply` waits for people's hands before it says what is still open, in seconds. Assumed: a day.
PEOPLE_S = 86400


def deadline_for(
    formula: str, observation: Observation, scale_set: ScaleSet | None, facts: Mapping[str, Any]
) -> Deadline:
    """One stage's deadline with the sum that it comes from.

    Args:
        formula: one of `FORMULAS`.
        scale_set: the one that the stage is about, None where it is about none.
        facts: the step's; a grant waits for its `seconds`.

    Raises:
        KeyError: an unknown formula: a bug, playbooks are held to the list.

    Effects: none.
    """
    match formula:
        case "vault-write":
            return Deadline(seconds=900, computed_from="one write and one look at a vault: 15 min")
        case "small-deployment":
            return Deadline(seconds=1800, computed_from="one small deployment: 30 min")
        case "grant":
            wait = int(facts.get("seconds") or 0)
            return Deadline(seconds=1800 + wait, computed_from=f"one small deployment: 30 min, and {wait} s to arrive")
        case "scale-set-update":
            assert scale_set is not None
            return _scale_set_update(observation, scale_set)
        case "instance-upgrade":
            assert scale_set is not None
            return _instance_upgrade(observation, scale_set)
        case "cluster-upgrade":
            return _cluster_upgrade(observation)
        case "everything-at-once":
            return _everything(observation)
        case "watch":
            monitor = dated.timing_s("certificate_monitor_s")
            seconds = 4 * monitor
            return Deadline(seconds=seconds, computed_from=f"4 looks of the nodes at their store, {monitor} s apart")
        case "settings-upgrade":
            return _cluster_upgrade(observation, phases=1)
        case "by-people":
            return Deadline(seconds=PEOPLE_S, computed_from="a day for people; afterwards the same command goes on")
        case "enrolment":
            return _enrolment(facts["issuer"])
        case "delivery":
            polling, monitor = dated.timing_s("extension_polling_s"), dated.timing_s("certificate_monitor_s")
            told = f"2 looks of the extension at the vault, {polling} s apart, and one of the node, {monitor} s"
            return Deadline(seconds=2 * polling + monitor, computed_from=told)
    raise KeyError(formula)


def seconds_of(text: str | None) -> int | None:
    """A duration as Service Fabric (`d.hh:mm:ss.fff`) or ARM (`PT1H30M`) writes it, in whole seconds; None
    otherwise."""
    match = _CLOCK.match(text or "") or _ISO.match(text or "")
    if match is None:
        return None
    part = {key: int(value or 0) for key, value in match.groupdict().items()}
    return part.get("d", 0) * 86400 + part["h"] * _HOUR + part["m"] * 60 + part["s"]


def update_domains(observation: Observation, scale_set: ScaleSet | None = None) -> int:
    """Update domains that were seen, of one scale set or the most of any; the usual five where none was."""
    seen = []
    for one in (scale_set,) if scale_set is not None else observation.scale_sets:
        seen.append(len({each.update_domain for each in one.instances or () if each.update_domain is not None}))
    default = int(dated.table("timings")["upgrade_defaults"]["domains"])
    return max(seen, default=0) or default


def _cluster_upgrade(observation: Observation, phases: int = MOST_PHASES) -> Deadline:
    defaults = dated.table("timings")["upgrade_defaults"]
    description = observation.cluster.upgrade_description or {}
    upgrade = seconds_of(description.get("upgradeTimeout")) or int(defaults["upgrade_s"])
    domain = seconds_of(description.get("upgradeDomainTimeout")) or int(defaults["upgrade_domain_s"])
    domains = update_domains(observation)
    one = min(upgrade, domains * domain)
    whose = "the cluster's own" if description else "the provider's usual"
    walks = f"{phases} phases, each" if phases > 1 else "1 walk,"
    told = f"{walks} at most the smaller of {upgrade} s and {domains} domains × {domain} s ({whose})"
    return Deadline(seconds=phases * one, computed_from=told)


def _enrolment(issuer: Issuer) -> Deadline:
    """Assumed: an authority behind the vault answers within a day, one by ACME within two hours, people within three
    days."""
    if issuer.is_self:
        return Deadline(seconds=1800, computed_from="the vault signs by itself: 30 min")
    if issuer.is_acme:
        return Deadline(seconds=2 * _HOUR, computed_from="an order by ACME and its challenges: 2 h")
    if issuer.is_integrated:
        return Deadline(seconds=86400, computed_from="the authority behind the vault answers: a day")
    return Deadline(seconds=3 * 86400, computed_from="somebody has it signed and brings it back: 3 days")


def _budget_s(scale_set: ScaleSet) -> int:
    return seconds_of(scale_set.extensions_time_budget) or dated.timing_s("extensions_time_budget_s")


def _pause_s(observation: Observation, scale_set: ScaleSet) -> tuple[str, int]:
    declared = scale_set.node_extension.durability or next(
        (one.durability for one in observation.cluster.node_types if one.name == scale_set.node_type), None
    )
    durability = (declared or "Bronze").capitalize()
    named = {"Silver": "silver_pause_per_domain_s", "Gold": "gold_pause_per_domain_s"}.get(durability)
    return durability, dated.timing_s(named) if named else 0


def _scale_set_update(observation: Observation, scale_set: ScaleSet) -> Deadline:
    if is_manual(scale_set):
        return Deadline(
            seconds=_HOUR, computed_from="the model alone, an hour: its instances take nothing by themselves"
        )
    budget = _budget_s(scale_set)
    durability, pause = _pause_s(observation, scale_set)
    if durability == "Bronze":
        told = f"the extensions' time budget of {budget} s, all instances at once (Bronze), and an hour"
        return Deadline(seconds=budget + _HOUR, computed_from=told)
    domains = update_domains(observation, scale_set)
    told = f"{domains} domains × (extensions' time budget {budget} s + pause {pause} s, {durability})"
    return Deadline(seconds=domains * (budget + pause), computed_from=told)


def _instance_upgrade(observation: Observation, scale_set: ScaleSet) -> Deadline:
    budget = _budget_s(scale_set)
    _, pause = _pause_s(observation, scale_set)
    domains = update_domains(observation, scale_set)
    told = f"{domains} batches × (extensions' time budget {budget} s + pause {pause} s)"
    return Deadline(seconds=domains * (budget + pause), computed_from=told)


def _everything(observation: Observation) -> Deadline:
    parts = [_cluster_upgrade(observation), *(_scale_set_update(observation, one) for one in observation.scale_sets)]
    told = "the cluster's upgrade and every scale set's update, one after another: "
    return Deadline(
        seconds=sum(one.seconds for one in parts), computed_from=told + " + ".join(f"{one.seconds} s" for one in parts)
    )
