"""Which certificates must not renew themselves meanwhile, and when may they again? Stages 10 and 90. Floor 4.

The original actions are kept in the plan and, compact, as a tag on the certificate, so that a run on another machine
can give them back. Source: design, stages 10 and 90; reference 6.2, 7 rows 1 and 9.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sfcert import dated
from sfcert.model.frozen import ACTIONS_TAG, LONGEST_TAG, OWNER_TAG
from sfcert.model.observation import VaultCertificate
from sfcert.model.plan import VaultOperation
from sfcert.planning.cluster import declared_facts
from sfcert.planning.enrolment import resumed_after_enrolment, without_renewal
from sfcert.planning.order import slug
from sfcert.planning.reasons import Reasons
from sfcert.planning.renewal import original_actions, renewal_lead_s
from sfcert.planning.roles import thumbprint_uses
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step
from sfcert.playbook import StageDefinition
from sfcert.trust.moves import FreezeRenewal, ResumeRenewal


def observed_certificates(situation: Situation) -> tuple[VaultCertificate, ...]:
    """Every vault certificate that some scale set will observe and that was read, by URL."""
    found: dict[str, VaultCertificate] = {}
    for scale_set in situation.scale_sets:
        for reference in situation.observed_after(scale_set):
            one = situation.observation.vault_certificate(reference)
            if one is not None:
                found[one.url] = one
    return tuple(found[url] for url in sorted(found))


def freeze_renewal(situation: Situation, definition: StageDefinition, reasons: Reasons) -> list[Step]:
    """A step for each observed certificate that renews itself; none for those that do not.

    Effects: adds to `reasons`: an operation is pending, somebody else's freeze, a policy that was not read.
    """
    steps = []
    for one in observed_certificates(situation):
        if (one.pending_status or "").lower() == "inprogress":
            reasons.add(
                f"An operation is pending on {one.url}: a new version may come at any moment. Wait until it is done, "
                "or cancel it, and plan again."
            )
        if not one.has_policy:
            reasons.add(
                f"The policy of {one.url} was not read, so that nobody can say whether it renews itself. Grant reading "
                "certificates and capture again."
            )
        owner = one.tags.get(OWNER_TAG)
        if owner is not None and not situation.may_end(owner):
            reasons.add(
                f"The renewal of {one.url} was frozen by another run ({owner}). Finish or cancel that one first."
            )
        if one.renews_itself:
            steps.append(_frozen(situation, definition, one))
    return steps


def resume_renewal(situation: Situation, definition: StageDefinition, reasons: Reasons, frozen: bool) -> list[Step]:
    """A step for each certificate that this plan freezes, or that an earlier run of it left frozen.

    Args:
        frozen: whether this plan freezes at all.

    Effects: adds to `reasons`, where the plan would end frozen, or the next issuer is not one of the pins.
    """
    steps = []
    future = situation.future
    asked_for = future.certificate if future is not None else None
    every = observed_certificates(situation)
    if asked_for is not None:
        every = (*(one for one in every if one.url.lower() != asked_for.url.lower()), asked_for)
    for one in every:
        if asked_for is not None and one is asked_for:
            steps += _resumed_enrolled(situation, definition, reasons, frozen)
            continue
        freezes = frozen and one.renews_itself
        if not freezes and not _is_to_end(situation, one):
            continue
        original = original_actions(situation, one)
        if original is None:
            reasons.add(
                f"The renewal of {one.url} was frozen by an earlier run of this playbook, and the tag that kept its "
                f"lifetime actions ({ACTIONS_TAG}) is gone or unreadable. Give the actions back by hand, remove "
                f"the tag {OWNER_TAG}, and plan again."
            )
            continue
        users = served_by(situation, one)
        if users:
            because = (
                f"{one.url} still serves a thumbprint declaration ({'; '.join(users)}) when this plan is done, so its "
                f"renewal stays frozen; that is safe until {_last_day(situation, one)}. The next playbook is the one "
                "that rotates that declaration."
            )
            reasons.needs("ends-frozen", because)
            continue
        strange = _strange_issuers(situation, one)
        accepted = situation.inputs.accepted
        if strange and "ends-frozen" in accepted and "issuer-next-time" not in accepted:
            continue
        if strange:
            because = f"{one.url}: {strange} Or let the plan end with renewal frozen, with --accept ends-frozen."
            reasons.needs("issuer-next-time", because)
        steps.append(_resumed(situation, definition, one, original))
    return steps


def _is_to_end(situation: Situation, one: VaultCertificate) -> bool:
    """Whether a freeze that stands is for this plan to end: its own, or one that was left for a later plan.

    Not where the cluster stays by thumbprint: there a renewal would bring what nobody declares.
    """
    mark = one.tags.get(OWNER_TAG)
    return mark == situation.owner or (situation.aim != "thumbprint" and situation.may_end(mark))


def _ends_frozen(situation: Situation, one: VaultCertificate) -> bool:
    """Whether it is accepted that the plan leaves this certificate frozen."""
    accepted = situation.inputs.accepted
    if "ends-frozen" not in accepted:
        return False
    return bool(served_by(situation, one)) or (
        "issuer-next-time" not in accepted and _strange_issuers(situation, one) is not None
    )


def _resumed_enrolled(situation: Situation, definition: StageDefinition, reasons: Reasons, frozen: bool) -> list[Step]:
    """As `resume_renewal`, for the name under which a stage of this plan enrols."""
    future = situation.future
    assert future is not None
    before = future.previous
    is_frozen = before is not None and (
        (frozen and before.renews_itself) or before.tags.get(OWNER_TAG) == situation.owner
    )
    if future.certificate.renews_itself:
        users = served_by(situation, future.certificate)
        if users:
            because = (
                f"{future.url} still serves a thumbprint declaration ({'; '.join(users)}) when this plan is done, so "
                f"that it must not renew itself. Rotate that declaration first, or enrol with renewal by sfcert."
            )
            reasons.needs("ends-frozen", because)
            return []
        strange = _strange_issuers(situation, future.certificate)
        accepted = situation.inputs.accepted
        if strange and "ends-frozen" in accepted and "issuer-next-time" not in accepted:
            return []
        if strange:
            because = (
                f"{future.url}: {strange} Or let sfcert renew it (renewal: {{by: sfcert}} in the policy), or let the "
                "plan end with renewal frozen, with --accept ends-frozen."
            )
            reasons.needs("issuer-next-time", because)
    return resumed_after_enrolment(situation, definition, is_frozen=is_frozen)


def left_frozen(situation: Situation, steps: Sequence[Step]) -> tuple[str, ...]:
    """What stays frozen when these steps are done, until when that is safe, and what to do then."""
    resumed = {step.subject for step in steps if step.definition.does == "resume-renewal"}
    frozen = {step.subject for step in steps if step.definition.does == "freeze-renewal"}
    return tuple(
        f"The renewal of {one.url} stays frozen; that is safe until {_last_day(situation, one)}. Give it back with a "
        "later plan, or renew by hand from a pinned issuer before that day."
        for one in observed_certificates(situation)
        if one.url not in resumed and (one.url in frozen or situation.may_end(one.tags.get(OWNER_TAG)))
    )


def served_by(situation: Situation, one: VaultCertificate) -> tuple[str, ...]:
    """The thumbprint declarations that a certificate serves and that this plan leaves standing."""
    versions = {version.thumbprint for version in one.versions}
    uses = thumbprint_uses(situation.observation, role=situation.role)
    return tuple(where for thumbprint, where in uses if thumbprint in versions)


def _lead_of(one: VaultCertificate) -> int:
    return renewal_lead_s(one, one.versions[0]) if one.versions else 0


def _names(one: VaultCertificate) -> dict[str, str]:
    return {"certificate": slug(one.name), "vault": one.vault_url.removeprefix("https://")}


def _frozen(situation: Situation, definition: StageDefinition, one: VaultCertificate) -> Step:
    original = situation.lifetime_actions(one)
    compact = json.dumps(original, separators=(",", ":"), sort_keys=True)
    mark = situation.left_mark if _ends_frozen(situation, one) else situation.owner
    tags: dict[str, str | None] = {OWNER_TAG: mark}
    if len(compact) <= LONGEST_TAG:
        tags[ACTIONS_TAG] = compact
    operation = VaultOperation(
        vault_url=one.vault_url,
        certificate=one.name,
        expects={"lifetime_actions": original},
        sets={"lifetime_actions": [without_renewal(action) for action in original]},
        expects_tags={OWNER_TAG: one.tags.get(OWNER_TAG)},
        sets_tags=tags,
    )
    return Step(
        definition=definition,
        subject=one.url,
        scope=one.vault_url,
        names=_names(one),
        facts={"certificate_url": one.url, "thumbprint": _newest(one), "lead_s": _lead_of(one)},
        vault=operation,
        move=FreezeRenewal(stage_id="", deadline_s=0, certificate_urls=(one.url,)),
        undo={"lifetime_actions": original},
    )


def _resumed(situation: Situation, definition: StageDefinition, one: VaultCertificate, original: list[Any]) -> Step:
    compact = json.dumps(original, separators=(",", ":"), sort_keys=True)
    kept: dict[str, str | None] = {OWNER_TAG: situation.owner if one.renews_itself else one.tags.get(OWNER_TAG)}
    if len(compact) <= LONGEST_TAG:
        kept[ACTIONS_TAG] = compact
    frozen = [without_renewal(action) for action in original]
    operation = VaultOperation(
        vault_url=one.vault_url,
        certificate=one.name,
        expects={"lifetime_actions": frozen},
        sets={"lifetime_actions": original},
        expects_tags=kept,
        sets_tags=dict.fromkeys((OWNER_TAG, ACTIONS_TAG)),
    )
    return Step(
        definition=definition,
        subject=one.url,
        scope=one.vault_url,
        names=_names(one),
        facts={
            "certificate_url": one.url,
            "thumbprint": _newest(one),
            "lifetime_actions": original,
            "declares": declared_facts(situation),
        },
        vault=operation,
        move=ResumeRenewal(stage_id="", deadline_s=0, certificate_urls=(one.url,)),
        undo={"lifetime_actions": frozen},
    )


def _newest(one: VaultCertificate) -> str | None:
    return one.latest.thumbprint if one.latest else None


def _last_day(situation: Situation, one: VaultCertificate) -> str:
    ends = [version.not_after_utc for version in one.versions if version.enabled and version.not_after_utc]
    return f"{max(ends):%Y-%m-%d}" if ends else "a day that is not known"


def _strange_issuers(situation: Situation, one: VaultCertificate) -> str | None:
    """Why the next version might come from an issuer that is not pinned; None where nothing speaks for that.

    What speaks for it: one of the two newest versions came from another issuer, or the authority is known to rotate its
    intermediates.
    """
    if one.url.lower() not in {each.url.lower() for each in situation.goal.certificates}:
        return None
    pins = situation.judging_pins
    if not pins:
        return None
    for version in one.versions[:2]:
        if version.issuer is not None and version.issuer.thumbprint not in pins:
            return f"its version {version.thumbprint} came from {version.issuer.subject}, which is not pinned."
    for row in dated.rows("sunsets"):
        for issuer in situation.goal.issuers.verified:
            if row.get("intermediates") == "rotating" and any(str(name) in issuer.subject for name in row["issuers"]):
                return f"{row['authority']} changes its intermediates without notice."
    return None
