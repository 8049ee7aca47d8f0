"""Which plan leads this cluster to its goal, and is it safe? The questions put together. Floor 4, pure.

Blocked where anything speaks against it, ready where it is proved, nothing to do where nothing is left. What blocks
never hides the stages: they are shown as far as they can be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from sfcert.model.codec import sealed
from sfcert.model.finding import Finding
from sfcert.model.observation import Observation, VaultCertificate
from sfcert.model.plan import Goal, Plan, Stage
from sfcert.model.proof import CounterExample, Proof, ProofVerdict
from sfcert.planning.cleanup import check_cleanup
from sfcert.planning.cluster import check_at_rest
from sfcert.planning.deadlines import APPROVALS_S
from sfcert.planning.enrolment import before_enrolment, check_enrolment
from sfcert.planning.expired import notes_of, recovery_steps
from sfcert.planning.fetchable import check_secrets
from sfcert.planning.freeze import observed_certificates
from sfcert.planning.given import with_given_certificate
from sfcert.planning.goal import find_goal
from sfcert.planning.goal_presented import check_goal_is_presented
from sfcert.planning.identities import choose_identities
from sfcert.planning.inputs import Inputs, as_plain, checked
from sfcert.planning.instances import check_instances
from sfcert.planning.issuers import pins_in_the_end, source_of_pins
from sfcert.planning.ledger import Ledger
from sfcert.planning.manual_steps import manual_steps_of
from sfcert.planning.order import canary_order, scale_set_labels
from sfcert.planning.other_roles import SITUATIONS, world_for
from sfcert.planning.questions import ask, check_playbook
from sfcert.planning.reasons import Reasons
from sfcert.planning.recovery import (
    Recovery,
    check_ways_by_name,
    find_recovery_goal,
    is_for_this_playbook,
    recovery_of,
)
from sfcert.planning.refused import check_refusals
from sfcert.planning.renewal import renewal_lead_s
from sfcert.planning.roles import role_thumbprints, thumbprint_uses
from sfcert.planning.shapes import check_shapes
from sfcert.planning.situation import Situation, owner_of
from sfcert.planning.stages import build_stage, deadline_of, stage_id_of
from sfcert.planning.step import Step
from sfcert.playbook import Aim, Playbook, load_playbook
from sfcert.trust.mending import on_nodes_alone
from sfcert.trust.moves import FreezeRenewal, Move
from sfcert.trust.prove import Memo, prove, safe_to_stop_until
from sfcert.trust.starting_world import with_future, world_of
from sfcert.trust.world import World

#: How long before a state breaks somebody has to be back at it, in seconds. Assumed: a working day and a night.
NOTICE_S = 86400


def plan_rollover(
    observation: Observation,
    inputs: Inputs,
    *,
    playbooks_dir: Path,
    templates_dir: Path,
    now: datetime,
    tool_version: str,
    findings: tuple[Finding, ...],
) -> Plan:
    """The plan for one observation, sealed with its digest.

    Args:
        now: aware UTC; every instant in the plan counts from it, so that equal inputs give an equal digest.
        findings: the audit's; each that blocks a plan blocks this one.

    Returns:
        Status *blocked* with a sentence for each obstacle, *ready* with proved stages, or *nothing-to-do*.

    Raises:
        InputError: Misuse (inputs), PlaybookInvalid, TemplateRenderFailed.

    Effects: reads the playbook and the templates.
    """
    inputs = checked(inputs)
    playbook = load_playbook(playbooks_dir, inputs.playbook)
    check_playbook(playbook)
    if inputs.enrolment is not None:
        check_enrolment(playbook, inputs.enrolment)
    observation = with_given_certificate(replace(observation, observed_at_utc=now), inputs)
    reasons = Reasons(inputs.accepted)
    for finding in findings:
        if finding.blocks_plan and finding.verdict != "pass" and finding.rule not in playbook.exempts:
            # what could not be judged says "it" of its subject, which stands nowhere else here
            whose = f", asked of {finding.subject}" if finding.verdict == "unknown" else ""
            reasons.add(f"{finding.message} {finding.remedy} (rule {finding.rule}{whose})")
    recovery = _recovery(playbook, observation)
    check_at_rest(observation, reasons, may_be_out_of_reach=recovery is not None and recovery.may_begin_out_of_reach)
    if "certificate" in playbook.requires and not inputs.certificates:
        reasons.add(
            f"The playbook {playbook.name} needs to know which certificate comes: name it with --certificate URL, "
            "after it was put into a vault that the machines can reach."
        )
    can_be_planned = _check_declaration(observation, playbook, reasons)
    can_be_planned = check_shapes(observation, reasons) and can_be_planned
    for one in observation.scale_sets:
        check_instances(one, reasons)
    if can_be_planned and recovery is not None:
        can_be_planned = is_for_this_playbook(recovery, observation, reasons)
    situation = _situation(observation, inputs, playbook, recovery, reasons) if can_be_planned else None
    stages: tuple[Stage, ...] = ()
    steps: list[Step] = []
    proof = Proof(verdict="unknown", states=0, pairs=0, assumptions=(), counterexample=None)
    if situation is not None:
        steps = before_enrolment(situation, ask(playbook, situation, reasons))
        check_refusals(situation, steps, reasons)
        check_secrets(situation, steps, reasons)
        stages, proof = _proved(playbook, situation, steps, templates_dir, reasons)
    told = situation is not None and bool(stages or situation.always_tells) and not situation.goal_is_to_come
    by_people = manual_steps_of(situation, steps) if situation is not None and told else ()
    status = "blocked" if reasons else "ready" if stages else "nothing-to-do"
    return sealed(
        Plan(
            playbook=playbook.name,
            inputs=as_plain(inputs),
            accepted=inputs.accepted,
            cluster_id=observation.cluster.id,
            created_at_utc=now,
            planned_for_utc=now,
            status=status,  # type: ignore[arg-type]  # one of the three literals, which mypy widens to str
            appliable=observation.source != "template",
            stages=stages,
            findings=findings,
            proof=proof,
            tool_version=tool_version,
            goal=_goal(situation) if situation and situation.found_goal else None,
            blocked_by=reasons.sentences(),
            manual_steps=(
                *(recovery_steps(observation) if reasons else notes_of(recovery, situation)),
                *by_people,
            ),
            dependants=_dependants(observation, situation),
        )
    )


def _recovery(playbook: Playbook, observation: Observation) -> Recovery | None:
    """How far the certificates have come to their end, where that is what the playbook is for."""
    if playbook.aim != "recovery":
        return None
    return recovery_of(observation, owner_of(observation.cluster.id, playbook.name))


def _situation(
    observation: Observation, inputs: Inputs, playbook: Playbook, recovery: Recovery | None, reasons: Reasons
) -> Situation | None:
    if not observation.scale_sets:
        reasons.add("No scale set of the cluster was read. Capture with access to the groups that hold them.")
        return None
    if playbook.aim in SITUATIONS:
        return SITUATIONS[playbook.aim](observation, inputs, playbook, reasons)
    aim = _aim_of(playbook, observation)
    if recovery is None:
        goal = find_goal(observation, inputs, reasons, aim)
    else:
        goal, recovery = find_recovery_goal(observation, inputs, recovery, reasons, aim)
    if goal is None:
        return None
    if recovery is not None and recovery.by_name and recovery.phase == "ended":
        check_ways_by_name(observation, goal, recovery, reasons)
    # by thumbprint nothing is fetched by the machines, so that nobody needs an identity for it
    fetches_nothing = aim == "thumbprint" or playbook.aim in ("cleanup", "recovery")
    identities = {} if fetches_nothing else choose_identities(observation, inputs, reasons)
    if identities is None:
        return None
    final = pins_in_the_end(observation, inputs, goal.issuers, goal.common_name) if aim == "issuer" else None
    situation = Situation(
        observation=observation,
        inputs=inputs,
        found_goal=goal,
        scale_sets=canary_order(observation),
        labels=scale_set_labels(observation),
        identities=identities,
        aim=aim,
        final_pins=final,
        cleans_up=playbook.aim == "cleanup",
        recovery=recovery,
    )
    if situation.cleans_up:
        check_cleanup(situation, reasons)
    return situation


def _aim_of(playbook: Playbook, observation: Observation) -> Aim:
    """Cleaning up, or going on after an end, leaves the cluster declared as it is."""
    if playbook.aim not in ("cleanup", "recovery"):
        return playbook.aim
    return "thumbprint" if observation.cluster.certificate.kind == "thumbprint" else "name"


def _check_declaration(observation: Observation, playbook: Playbook, reasons: Reasons) -> bool:
    """Whether there is something to plan from; each obstacle is a reason."""
    declaration = observation.cluster.certificate
    told = {
        "none": "The cluster declares no certificate, and that cannot be changed afterwards. Build a secured one.",
        "both": "The cluster declares thumbprints and common names for one role at once, which the provider refuses.",
        "unresolved": "The cluster's declaration could not be resolved from the template. Give the parameter values.",
    }.get(declaration.kind)
    wanted = {"thumbprint": "thumbprint", "issuer": "common-name"}.get(playbook.aim)
    if not told and wanted is not None and declaration.kind != wanted:
        told = (
            f"The playbook {playbook.name} is for clusters that are declared by {wanted.replace('-', ' ')}; this one "
            f"is declared by {declaration.kind.replace('-', ' ')}. Choose another with --playbook."
        )
    if told:
        reasons.add(told)
    if declaration.malformed:
        listed = ", ".join(repr(one) for one in declaration.malformed)
        reasons.add(f"The cluster declares what is no thumbprint ({listed}). Correct it first.")
    return not told and not declaration.malformed


def _proved(
    playbook: Playbook, situation: Situation, steps: list[Step], templates_dir: Path, reasons: Reasons
) -> tuple[tuple[Stage, ...], Proof]:
    """Stages with their proof, in the first order that is proved; in the playbook's own where none is."""
    if not steps:
        # nothing is changed, so that nothing can break by it; what is wrong already is no proof's business
        verdict: ProofVerdict = "unknown" if reasons else "proved"
        return (), Proof(verdict=verdict, states=0, pairs=0, assumptions=(), counterexample=None)
    now = situation.observation.observed_at_utc
    world = world_for(world_of(situation.observation, now), situation)
    if situation.recovery is not None and situation.recovery.is_mended_already:
        world = on_nodes_alone(world)
    if (future := situation.future) is not None:
        world = with_future(world, future.url, future.leaf, future.issuers)
    check_goal_is_presented(situation, world, reasons)
    chosen, because = steps, dict[str, str]()
    memo = Memo(world.rules)
    moves, proof = _proof_of(world, situation, steps, memo)
    orders: dict[str, ProofVerdict] = {}
    for first, second in playbook.alternatives:
        other = _reordered(steps, first, second)
        if other == steps:
            continue
        other_moves, other_proof = _proof_of(world, situation, other, memo)
        orders |= {_order(first, second): proof.verdict, _order(second, first): other_proof.verdict}
        if proof.verdict != "proved" and other_proof.verdict == "proved":
            chosen, moves, proof = other, other_moves, other_proof
            because[second] = "It comes before the cluster's own change, because only this order is proved."
            break
    proof = replace(proof, orders=orders)
    _say_what_is_missing(proof, _as_it_is(world, situation) if proof.verdict == "refuted" else None, reasons)
    done_by = _done_by(situation, chosen, reasons)
    ledger = Ledger(situation)
    stages = [
        build_stage(
            step,
            situation,
            ledger,
            templates_dir=templates_dir,
            done_by_utc=done_by,
            safe_until_utc=move.safe_to_stop_until_utc,
            because=because.get(step.definition.id),
        )
        for step, move in zip(chosen, moves, strict=True)
    ]
    ids = [stage.id for stage in stages]
    assert len(set(ids)) == len(ids), f"stage ids stand twice: {ids}"
    return tuple(stages), proof


def _proof_of(world: World, situation: Situation, steps: Sequence[Step], memo: Memo) -> tuple[list[Move], Proof]:
    deadlines = [deadline_of(step, situation).seconds for step in steps]
    moves = [
        replace(step.move, stage_id=stage_id_of(step), deadline_s=deadline)
        for step, deadline in zip(steps, deadlines, strict=True)
    ]
    breaks = safe_to_stop_until(world, moves, memo=memo)
    for number, instant in enumerate(breaks):
        if instant is None:
            continue
        # what is left to do has to fit in before the state breaks, and somebody has to notice
        left = sum(deadlines[number + 1 :]) + NOTICE_S
        until = (instant - timedelta(seconds=left)).replace(microsecond=0)
        if until > world.now:
            moves[number] = replace(moves[number], safe_to_stop_until_utc=until)
    recovers, accepted = situation.recovery is not None, situation.inputs.accepted
    return moves, prove(world, moves, slack_s=APPROVALS_S, accepted=accepted, recovers=recovers, memo=memo)


def _order(first: str, second: str) -> str:
    """Two stage definitions, told without their placeholders."""
    return " before ".join(one.partition("-{")[0] for one in (first, second))


def _reordered(steps: list[Step], first: str, second: str) -> list[Step]:
    """The steps with those of the definition `second` (and what follows each) before those of `first`."""
    followers = {
        one.definition.followed_by.id for one in steps if one.definition.id == second and one.definition.followed_by
    }
    moved = [one for one in steps if one.definition.id == second or one.definition.id in followers]
    rest = [one for one in steps if one not in moved]
    at = next((index for index, one in enumerate(rest) if one.definition.id == first), None)
    return steps if at is None or not moved else [*rest[:at], *moved, *rest[at:]]


def _as_it_is(world: World, situation: Situation) -> CounterExample | None:
    """What is wrong before anything is changed, and while no vault brings anything new."""
    urls = tuple(one.url for one in world.vault_names)
    nothing = FreezeRenewal(stage_id="the cluster as it is now", deadline_s=0, certificate_urls=urls)
    return prove(world, [nothing], slack_s=0, accepted=situation.inputs.accepted).counterexample


def _say_what_is_missing(proof: Proof, already: CounterExample | None, reasons: Reasons) -> None:
    case = proof.counterexample
    if proof.verdict == "refuted" and already is not None:
        reasons.add(
            f"Something is wrong before anything is changed. {already.sentence} Mend that first, and plan again."
        )
    elif proof.verdict == "refuted" and case is not None:
        way = "Renew what ends, and plan again." if case.invariant == 5 else "Change what leads there, and plan again."
        reasons.add(f"The plan is refuted at stage {case.stage}: {case.sentence} {way}")
    elif proof.verdict == "unknown":
        for fact in proof.missing:
            if fact.startswith("--accept "):
                assumption, _, text = fact.removeprefix("--accept ").partition(": ")
                reasons.needs(assumption, f"The proof turns on an assumption: {text}")
            else:
                reasons.add(f"The plan cannot be proved without knowing {fact}. Read it and capture again.")
        if not proof.missing:
            reasons.add("The plan can be neither proved nor refuted from what was captured. Capture again.")


def _done_by(situation: Situation, steps: Sequence[Step], reasons: Reasons) -> datetime:
    """When all is done at the latest; a certificate that does not live until then and its renewal is a reason."""
    now = situation.observation.observed_at_utc
    total = sum(deadline_of(step, situation).seconds for step in steps) + APPROVALS_S
    if situation.found_goal is None:
        return (now + timedelta(seconds=total)).replace(microsecond=0)
    leads = [_lead(one) for one in situation.goal.certificates]
    done = now + timedelta(seconds=total)
    until = done + timedelta(seconds=max(leads, default=0))
    if steps and situation.goal.certificate.not_after_utc < until and not situation.goal_is_to_come:
        reasons.add(
            f"The goal certificate {situation.goal.thumbprint} ends on "
            f"{situation.goal.certificate.not_after_utc:%Y-%m-%d}; with all deadlines, a week for approvals and the "
            f"lead of its renewal it has to live until {until:%Y-%m-%d}. Renew it first, then plan again."
        )
    frozen = {step.subject for step in steps if step.definition.does == "freeze-renewal"}
    goals = {one.url.lower() for one in situation.goal.certificates}
    for one in observed_certificates(situation):
        end = one.latest.not_after_utc if one.latest else None
        needed = now + timedelta(seconds=total + _lead(one))
        if one.url in frozen and one.url.lower() not in goals and end is not None and end < needed:
            reasons.add(
                f"{one.url}, which the same extension observes, ends on {end:%Y-%m-%d} and would be frozen until "
                f"{needed:%Y-%m-%d}. Renew it first, then plan again."
            )
    return done.replace(microsecond=0)


def _lead(one: VaultCertificate) -> int:
    return renewal_lead_s(one, one.versions[0]) if one.versions else 0


def _goal(situation: Situation) -> Goal:
    goal = situation.goal
    pins = situation.final_pins or goal.pins
    return Goal(
        common_name=goal.common_name,
        issuer_thumbprints=pins,
        issuer_source=goal.issuers.source if goal.future else source_of_pins(pins, goal.issuers, situation.inputs),
        thumbprint=goal.thumbprint,
        certificate_urls={
            situation.labels[one.id]: goal.reference(one.id).certificate_url for one in situation.scale_sets
        },
        identity_id=identity.id if (identity := situation.identities.get(situation.scale_sets[-1].id)) else "",
        role=situation.role,
    )


def _dependants(observation: Observation, situation: Situation | None) -> tuple[str, ...]:
    """What else goes by a thumbprint that the role that moves uses now or will use."""
    role = situation.role if situation else "cluster"
    ours = set(role_thumbprints(observation, role))
    for one in situation.found_goal.certificates if situation and situation.found_goal else ():
        ours |= {version.thumbprint for version in one.versions}
    uses = thumbprint_uses(observation, role=role)
    return tuple(f"{where}: {thumbprint}" for thumbprint, where in uses if thumbprint in ours)
