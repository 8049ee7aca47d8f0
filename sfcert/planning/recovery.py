"""Has what the cluster declares ended, or is about to, and what may still be done? The playbook `recover-expired`.

Floor 4, pure.

      by thumbprint, self-signed, Windows   ends soon | ended, reached | ended, out of reach   the setting, then rotate
      by thumbprint, else                   ends soon: rotate in time                          ended: by people alone
      by name                               ends soon: renew in time                           ended: a newer version

Leaves out the stages (`recovery_stages`) and the setting's own place in the definition (`expired_setting`).
Source: reference 1.3, 2.2, 7 rows 11, 12 and 30.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.observation import Observation
from sfcert.planning.expired_setting import SETTING, is_set_by, owner_of_setting
from sfcert.planning.goal import FoundGoal, find_goal
from sfcert.planning.inputs import Inputs
from sfcert.planning.reasons import Reasons
from sfcert.playbook import Aim
from sfcert.rules.certificate_expiring import ends_soon
from sfcert.trust.past_the_end import setting_helps


class Recovery(Value):
    """What time has done to the cluster role's certificates.

    `phase`: they live; the last of them ends soon; all have ended; or a date is not known. `leaves` are those that are
    declared, or carry the declared name. `setting_helps`: all of them are self-signed, by thumbprint, on Windows.
    `setting_is_on`: the cluster's definition says so; `is_ours`: an earlier run of this playbook has written it.
    `is_out_of_reach`: the resource provider has lost the cluster. `has_newer`: the goal is valid and not what ends.
    """

    phase: Literal["lives", "ends-soon", "ended", "unknown"]
    by_name: bool
    leaves: tuple[Certificate, ...]
    setting_helps: bool
    setting_is_on: bool
    is_ours: bool
    is_out_of_reach: bool
    has_newer: bool = False

    @property
    def sets(self) -> bool:
        """Whether this plan writes the setting into the cluster's definition."""
        return self.setting_helps and not self.setting_is_on and self.phase in ("ends-soon", "ended")

    @property
    def is_mended_already(self) -> bool:
        """Whether people must have set it on the nodes: all has ended, and the cluster is reached all the same."""
        return self.phase == "ended" and self.setting_helps and not self.is_out_of_reach

    @property
    def may_begin_out_of_reach(self) -> bool:
        """Whether being out of reach is what this plan is for."""
        return self.phase == "ended" and (self.by_name or self.setting_helps)


def recovery_of(observation: Observation, owner: str) -> Recovery:
    """How the cluster stands.

    Args:
        owner: who writes this playbook's tags for this cluster (`situation.owner_of`).

    Effects: none.
    """
    cluster, now = observation.cluster, observation.observed_at_utc
    by_name = bool(cluster.certificate.names)
    is_out_of_reach = (cluster.state or "").lower() == "upgradeserviceunreachable"
    leaves = _leaves(observation)
    phase: Literal["lives", "ends-soon", "ended", "unknown"]
    if not leaves or (not by_name and {one.thumbprint for one in leaves} != set(cluster.certificate.thumbprints)):
        phase = "unknown"
    elif all(one.not_after_utc <= now for one in leaves) or (by_name and is_out_of_reach and _has_lapsed(leaves, now)):
        phase = "ended"
    else:
        last = max(leaves, key=lambda one: one.not_after_utc)
        phase = "ends-soon" if ends_soon(last, now) else "lives"
    return Recovery(
        phase=phase,
        by_name=by_name,
        leaves=leaves,
        setting_helps=all(setting_helps(cluster, one) for one in leaves),
        setting_is_on=is_set_by(cluster.settings),
        is_ours=owner_of_setting(observation) == owner,
        is_out_of_reach=is_out_of_reach,
    )


def is_for_this_playbook(recovery: Recovery, observation: Observation, reasons: Reasons) -> bool:
    """Whether there may be stages. What cannot be helped is a reason; what needs no help is none.

    Effects: adds to `reasons`.
    """
    if recovery.phase == "unknown":
        declared = observation.cluster.certificate
        what = ", ".join((*declared.thumbprints, *(one.common_name for one in declared.names))) or "what is declared"
        reasons.add(
            f"When {what} ends is not known. Put that certificate into a vault that can be read, or give it with "
            "--certificate-pem, and capture again."
        )
        return False
    if recovery.phase == "lives":
        return recovery.is_ours
    if recovery.by_name:
        return recovery.phase == "ended" or recovery.is_ours
    if not recovery.setting_helps:
        why = "on Linux it has no effect" if observation.cluster.os != "Windows" else "not every one is self-signed"
        ends = max(one.not_after_utc for one in recovery.leaves)
        if recovery.phase == "ended":
            reasons.add(
                f"What the cluster declares ended on {ends:%Y-%m-%d}, and {SETTING} is of no use here ({why}): no "
                "stage can mend that. The manual steps say what people can do."
            )
        else:
            reasons.add(
                f"What the cluster declares ends on {ends:%Y-%m-%d}, and {SETTING} will be of no use then ({why}). "
                "Rotate before that day: plan the playbook rotate-by-thumbprint, or thumbprint-to-common-name."
            )
        return False
    return True


def find_recovery_goal(
    observation: Observation, inputs: Inputs, recovery: Recovery, reasons: Reasons, aim: Aim
) -> tuple[FoundGoal | None, Recovery]:
    """The certificate that takes over, and whether there is one yet. Without one the goal is the newest there was.

    Effects: adds to `reasons`.
    """
    now = observation.observed_at_utc
    if recovery.by_name and all(one.not_after_utc <= now for one in recovery.leaves):
        # whether the last one was fit while it lived, so that the next one of the same kind will be
        then = replace(observation, observed_at_utc=max(one.not_before_utc for one in recovery.leaves))
        return find_goal(then, inputs, reasons, aim), recovery
    if not recovery.by_name and recovery.phase != "lives":
        found = find_goal(observation, inputs, Reasons(inputs.accepted), aim)
        if found is not None and (found.certificate in recovery.leaves or found.certificate.not_after_utc <= now):
            # it is what the nodes hold and present: whether it is fit to be brought to them is no question
            return found, recovery
    goal = find_goal(observation, inputs, reasons, aim)
    return goal, replace(recovery, has_newer=goal is not None)


def check_ways_by_name(observation: Observation, goal: FoundGoal, recovery: Recovery, reasons: Reasons) -> None:
    """By name a newer version has to reach the nodes without Service Fabric, and be accepted there.

    Effects: adds to `reasons`.
    """
    for one in observation.scale_sets:
        url = goal.reference(one.id).certificate_url
        observed = {
            each.reference.certificate_url.lower()
            for extension in one.key_vault_extensions
            for each in extension.observed
            if each.reference is not None and each.reference.version is None
        }
        if url.lower() not in observed:
            reasons.add(
                f"No Key Vault extension of {one.name} observes {url}, so that a newer version reaches none of its "
                "machines by itself. Bring it into the store of each by hand, seed nodes first; once the cluster is "
                "reached again, plan the playbook thumbprint-to-common-name, which delivers it."
            )
    pins = {pin for name in observation.cluster.certificate.names for pin in name.issuers}
    if pins and recovery.has_newer and not pins & {one.thumbprint for one in goal.issuers.verified}:
        reasons.add(
            f"The newest version {goal.thumbprint} comes from no issuer that is pinned ({', '.join(sorted(pins))}): "
            "nodes would refuse it. Issue another one from a pinned issuer."
        )


def _leaves(observation: Observation) -> tuple[Certificate, ...]:
    declared = observation.cluster.certificate
    names = {one.common_name for one in declared.names}
    return tuple(
        one
        for one in observation.known_certificates()
        if not one.is_ca and (one.common_name in names if names else one.thumbprint in declared.thumbprints)
    )


def _has_lapsed(leaves: tuple[Certificate, ...], now: datetime) -> bool:
    """Whether there was a time without a valid one: what is valid now began only after the last other one had ended."""
    over = [one.not_after_utc for one in leaves if one.not_after_utc <= now]
    valid = [one.not_before_utc for one in leaves if one.not_after_utc > now]
    return bool(over) and all(one >= max(over) for one in valid)
