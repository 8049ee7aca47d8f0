"""Which steps does a playbook come to for this cluster? Each of its `does` is one question. Floor 4."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from sfcert.converge.gates import GATE_KINDS
from sfcert.errors import Fault, InputError
from sfcert.planning.access import grant_access
from sfcert.planning.clients import add_client_names, forget_client_thumbprints
from sfcert.planning.cluster import declare_name_on_cluster
from sfcert.planning.deadlines import FORMULAS
from sfcert.planning.enrolment import await_delivery, enrol
from sfcert.planning.freeze import freeze_renewal, resume_renewal
from sfcert.planning.identity import create_identity
from sfcert.planning.instances import is_manual, upgrade_instances
from sfcert.planning.issuer_change import forget_issuers, stop_observing
from sfcert.planning.node_extension import declare_name_on_nodes
from sfcert.planning.provision import provision
from sfcert.planning.reasons import Reasons
from sfcert.planning.recovery_secrets import exchange_secrets, retire_later
from sfcert.planning.recovery_stages import accept_expired, await_return, bring_version, mend_nodes, restore_setting
from sfcert.planning.reverse_proxy import declare_reverse_proxy_on_cluster, declare_reverse_proxy_on_nodes
from sfcert.planning.secrets import retire_secrets
from sfcert.planning.single import single_deployment
from sfcert.planning.situation import Situation
from sfcert.planning.starting_state import reach_goal_alone, reach_starting_state
from sfcert.planning.step import Step
from sfcert.planning.undo import WAYS
from sfcert.planning.vm_secrets import add_secrets
from sfcert.planning.watch import watch
from sfcert.playbook import Playbook, StageDefinition

Question = Callable[[Situation, StageDefinition, Reasons], list[Step]]

_WORK: dict[str, Question] = {
    "create-identity": create_identity,
    "grant-access": grant_access,
    "enrol": enrol,
    "await-delivery": await_delivery,
    "provision": provision,
    "add-secrets": add_secrets,
    "stop-observing": stop_observing,
    "forget-issuers": forget_issuers,
    "declare-name-on-cluster": declare_name_on_cluster,
    "declare-name-on-nodes": declare_name_on_nodes,
    "declare-reverse-proxy-on-cluster": declare_reverse_proxy_on_cluster,
    "declare-reverse-proxy-on-nodes": declare_reverse_proxy_on_nodes,
    "add-client-names": add_client_names,
    "forget-client-thumbprints": forget_client_thumbprints,
    "retire-secrets": retire_secrets,
    "single-deployment": single_deployment,
    "exchange-secrets": exchange_secrets,
}
#: Work that brings no certificate and changes no declaration of one, so that renewal may go on meanwhile.
_QUIET: dict[str, Question] = {
    "bring-version": bring_version,
    "await-return": await_return,
    "mend-nodes": mend_nodes,
    "accept-expired": accept_expired,
    "restore-setting": restore_setting,
    "retire-later": retire_later,
}
#: What only comes with work, or after it.
_AROUND = frozenset({"freeze-renewal", "resume-renewal", "watch", "upgrade-instances"})
_BY_THUMBPRINT = ("declare-thumbprints-on-nodes", "declare-thumbprints-on-cluster")
_SEQUENCES = {
    "starting-state": (reach_starting_state, _BY_THUMBPRINT),
    "goal-alone": (reach_goal_alone, _BY_THUMBPRINT),
}
_WORK |= _QUIET

DOES = frozenset(_WORK) | _AROUND | {one for _, each in _SEQUENCES.values() for one in each}


def check_playbook(playbook: Playbook) -> None:
    """Hold a playbook to the closed lists.

    Raises:
        InputError: PlaybookInvalid, with every name that is on no list.
    """
    faults = []
    for one in playbook.definitions():
        checks = [("does", one.does, DOES), ("deadline", one.deadline, FORMULAS), ("undo", one.undo, WAYS)]
        checks += [("gate", kind, GATE_KINDS) for kind in (*one.gates_in, *one.gates_out)]
        if one.sequence is not None:
            checks.append(("sequence", one.sequence, _SEQUENCES))
        for what, name, known in checks:
            if name not in known:
                listed = ", ".join(sorted(known))
                faults.append(Fault(f"stage {one.id!r}: {what} {name!r} is not known. Known: {listed}", playbook.name))
    for name, (_, wanted) in _SEQUENCES.items():
        found = {one.does for one in playbook.stages if one.sequence == name}
        if found and found != set(wanted):
            faults.append(Fault(f"the sequence {name!r} has to hold {' and '.join(wanted)}", playbook.name))
    if faults:
        raise InputError("PlaybookInvalid", "The playbook does not say what its stages need.", faults)


def ask(playbook: Playbook, situation: Situation, reasons: Reasons) -> list[Step]:
    """The steps in the playbook's order; none where nothing is left to do.

    Renewal is frozen where any but quiet work follows: nobody can know the issuer of a version that would come
    meanwhile. The watch comes only after something.

    Effects: adds to `reasons`.
    """
    work: dict[str, list[Step]] = {}
    for sequence, group in groupby(playbook.stages, key=lambda one: one.sequence):
        definitions = list(group)
        if sequence is not None:
            by_does = {one.does: one for one in definitions}
            reach, names = _SEQUENCES[sequence]
            on_nodes, on_cluster = (by_does[name] for name in names)
            work[definitions[0].id] = reach(situation, on_nodes, on_cluster, reasons)
            continue
        for one in definitions:
            if one.does in _WORK:
                work[one.id] = _WORK[one.does](situation, one, reasons)
    freezes = any(step.definition.does not in _QUIET for steps in work.values() for step in steps)
    found: list[Step] = []
    for one in playbook.stages:
        if one.id in work:
            found += _with_followers(situation, work[one.id])
        elif one.does == "freeze-renewal" and freezes:
            found += freeze_renewal(situation, one, reasons)
        elif one.does == "resume-renewal":
            found += resume_renewal(situation, one, reasons, freezes)
        elif one.does == "watch" and found:
            found += watch(situation, one)
    return found


def _with_followers(situation: Situation, steps: list[Step]) -> list[Step]:
    found = []
    for step in steps:
        found.append(step)
        scale_set = situation.observation.scale_set(step.scale_set_id) if step.scale_set_id else None
        if step.definition.followed_by is not None and scale_set is not None and is_manual(scale_set):
            found.append(upgrade_instances(situation, step.definition.followed_by, step))
    return found
