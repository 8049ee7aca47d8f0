"""How does the plan bring a certificate that does not exist yet, and how does its renewal go on? Floor 4.

The vault's own renewal rests with the request, as every stage of a plan wants it; the last stage gives it back.
Leaves out what the certificate will be (`future`), and asking for it (`sfcert.workflows.enrol_stage`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from sfcert.enrol.policy import vault_policy
from sfcert.enrol.solvers import refuse_unfit_solvers, secret_faults
from sfcert.enrol.words import authority_words
from sfcert.errors import Fault, InputError
from sfcert.model.enrolment import EnrolmentPolicy
from sfcert.model.frozen import ACTIONS_TAG, LONGEST_TAG, OWNER_TAG
from sfcert.model.ids import parse_resource_id
from sfcert.model.plan import EnrolOperation, VaultOperation
from sfcert.pki.request import pem_of_certificates
from sfcert.planning.cluster import declared_facts
from sfcert.planning.future import Future
from sfcert.planning.key_vault_extension import change_extension
from sfcert.planning.order import slug
from sfcert.planning.provision import delivery_facts, is_delivered
from sfcert.planning.reasons import Reasons
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.playbook import Playbook, StageDefinition
from sfcert.trust.moves import AwaitDelivery, Enrol, Nothing, ResumeRenewal


def check_enrolment(playbook: Playbook, policy: EnrolmentPolicy) -> None:
    """Hold an enrolment's policy to what a plan may hold.

    Raises:
        InputError: Misuse: the playbook has no such stage; PolicyInvalid: a secret would come into the plan, or no
            solver could show a name to the authority.
    """
    if not any(one.does == "enrol" for one in playbook.definitions()):
        raise InputError(
            "Misuse",
            f"--enrol-policy: the playbook {playbook.name} has no stage that enrols: it goes by versions that stand in "
            "the vault. Enrol the certificate first (`sfcert enrol NAME --vault URL --policy FILE --for-cluster "
            f"RESOURCE_ID`), then plan {playbook.name} without --enrol-policy.",
        )
    if held := secret_faults(policy):
        raise InputError(
            "PolicyInvalid", "A plan holds no secret, and this policy has one in it.", [Fault(one) for one in held]
        )
    refuse_unfit_solvers(policy)


def enrol(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """The step that asks for the goal; none where it is there.

    Effects: adds to `reasons`, where an operation is pending under that name.
    """
    future = situation.future
    if future is None:
        return []
    pending = (future.previous.pending_status or "").lower() if future.previous is not None else ""
    if pending == "inprogress":
        reasons.add(
            f"A request is open on {future.url}. Where an earlier plan asked for it, go on with that plan; else wait "
            "until it is done, or cancel it, and plan again."
        )
    known = tuple(one.der for one in future.issuers if one.der)
    operation = EnrolOperation(
        vault_url=future.reference.vault_url,
        certificate=future.reference.name,
        policy=future.policy,
        stand_in=future.leaf.thumbprint,
        previous=future.previous_thumbprint,
        name=situation.goal.common_name,
        issuers=future.named,
        lives_until_utc=future.leaf.not_after_utc,
        mark=future.mark,
        known_issuers_pem=pem_of_certificates(known) if known else None,
    )
    facts: dict[str, Any] = {
        "certificate_url": future.url,
        "mark": future.mark,
        "previous": future.previous_thumbprint,
        "issuer": future.policy.issuer,
    }
    if situation.aim == "issuer":
        facts["declares"] = declared_facts(situation, situation.goal.pins)
    return [
        Step(
            definition=definition,
            subject=future.url,
            scope=future.reference.vault_url,
            names=_names(situation, future),
            facts=facts,
            enrol=operation,
            move=Enrol(stage_id="", deadline_s=0, certificate_url=future.url, thumbprint=future.leaf.thumbprint),
            undo={"vault_url": future.reference.vault_url, "certificate": future.reference.name},
        )
    ]


def await_delivery(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each scale set whose extension observes the goal's name already: nothing is to be changed there, and
    the new version comes when its machines look.

    Effects: adds to `reasons`, as `provision` does for the same extension.
    """
    if situation.future is None:
        return []
    return [
        Step(
            definition=definition,
            subject=one.id,
            scale_set_id=one.id,
            scope=parse_resource_id(one.id).group_scope,
            names={"scale_set": situation.labels[one.id], "name": situation.goal.common_name},
            facts=delivery_facts(situation, one, change_extension(situation, one, reasons)),
            move=AwaitDelivery(stage_id="", deadline_s=0, scale_set_ids=(one.id,)),
        )
        for one in situation.scale_sets
        if is_delivered(situation, one, reasons)
    ]


def before_enrolment(situation: Situation, steps: Sequence[Step]) -> list[Step]:
    """The steps with what those before the request may look for: the goal is not there yet, so that the newest version
    is the one that was seen, and nobody has to live until the end but what is presented (the proof looks at that).

    Effects: none.
    """
    future = situation.future
    at = next((index for index, one in enumerate(steps) if isinstance(one.move, Enrol)), None)
    if future is None or at is None:
        return list(steps)
    found = []
    for step in steps[:at]:
        own = step.facts.get("certificate_url")
        if own is not None and str(own).lower() != future.url.lower():
            found.append(step)
            continue
        dropped = {"remaining-life-at-least"}
        facts = step.facts | {"certificate_url": future.url, "thumbprint": future.previous_thumbprint}
        if future.previous_thumbprint is None:
            dropped.add("newest-version-is")
        definition = replace(
            step.definition,
            gates_in=tuple(one for one in step.definition.gates_in if one not in dropped),
            gates_out=tuple(one for one in step.definition.gates_out if one not in dropped),
        )
        found.append(replace(step, definition=definition, facts=facts))
    return [*found, *steps[at:]]


def resumed_after_enrolment(situation: Situation, definition: StageDefinition, *, is_frozen: bool) -> list[Step]:
    """The step after which the enrolled certificate renews as its policy says; none where it does so as it was asked
    for, and nothing was frozen.

    Args:
        is_frozen: whether the name was frozen, by this plan or by an earlier run of it.
    """
    future = situation.future
    assert future is not None
    wanted = vault_policy(future.policy)["lifetime_actions"]
    held = [without_renewal(one) for one in wanted]
    if wanted == held and not is_frozen:
        return []
    tags: dict[str, str | None] = {}
    if is_frozen and future.previous is not None:
        tags[OWNER_TAG] = situation.owner
        original = situation.lifetime_actions(future.previous)
        kept = future.previous.tags.get(ACTIONS_TAG)
        compact = kept or json.dumps(original, separators=(",", ":"), sort_keys=True)
        if len(compact) <= LONGEST_TAG:
            tags[ACTIONS_TAG] = compact
    by = "by itself" if wanted != held else "by sfcert alone"
    told = replace(
        definition,
        action=f"Let {{certificate}} in {{vault}} renew as its policy says: {by}",
        reason="Whatever comes next is asked for by the policy that was enrolled with, and its issuer is pinned.",
    )
    return [
        Step(
            definition=told,
            subject=future.url,
            scope=future.reference.vault_url,
            names=_names(situation, future),
            facts={
                "renewal_says": f"as its policy says, {by}",
                "certificate_url": future.url,
                "thumbprint": future.leaf.thumbprint,
                "lifetime_actions": wanted,
                "declares": declared_facts(situation),
            },
            vault=VaultOperation(
                vault_url=future.reference.vault_url,
                certificate=future.reference.name,
                expects={"lifetime_actions": held},
                sets={"lifetime_actions": wanted},
                expects_tags=tags,
                sets_tags=dict.fromkeys((OWNER_TAG, ACTIONS_TAG)) if tags else {},
            ),
            move=ResumeRenewal(stage_id="", deadline_s=0, certificate_urls=(future.url,))
            if wanted != held
            else Nothing(stage_id="", deadline_s=0),
            undo={"lifetime_actions": held, "certificate": future.url},
            is_point_of_no_return=wanted != held,
        )
    ]


def without_renewal(action: Any) -> Any:
    """The same trigger, which tells the contacts instead of renewing."""
    if not isinstance(action, dict) or not isinstance(action.get("action"), dict):
        return action
    kind = str(action["action"].get("action_type", ""))
    if kind.lower() != "autorenew":
        return action
    return {**action, "action": {**action["action"], "action_type": "EmailContacts"}}


def _names(situation: Situation, future: Future) -> dict[str, str]:
    return {
        "certificate": slug(future.reference.name),
        "vault": future.reference.vault_url.removeprefix("https://"),
        "name": situation.goal.common_name,
        "issuer": authority_words(future.policy.issuer),
        "issuers": " or ".join(f"{one[:8]}…" for one in future.named),
    }
