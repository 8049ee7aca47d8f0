"""What is left for people once the cluster's own certificate has ended, or is about to? Floor 4, pure.

`recovery_steps` stand in every blocked plan of a cluster whose certificates have ended; `notes_of` beside the stages of
`recover-expired`. Nothing is said where a date is not known, or where one declared certificate still lives.
Source: reference 1.3 (the setting: self-signed, by thumbprint only), 2.2, 7 rows 11 and 12. That nodes by name take up
a newer certificate by themselves is inferred there.
"""

from __future__ import annotations

from sfcert.model.observation import Observation
from sfcert.planning.expired_setting import SETTING
from sfcert.planning.recovery import Recovery, recovery_of
from sfcert.planning.situation import Situation

_PLAYBOOK = "the playbook recover-expired"


def recovery_steps(observation: Observation) -> tuple[str, ...]:
    """Sentences for people, in order; none unless everything that is declared has ended.

    Effects: none.
    """
    recovery = recovery_of(observation, "")
    now = observation.observed_at_utc
    if recovery.phase != "ended" or any(one.not_after_utc > now for one in recovery.leaves):
        return ()
    if recovery.by_name:
        names = " and ".join(sorted({one.common_name or "" for one in recovery.leaves}))
        return (
            (
                f"Every known certificate of {names} has expired. Issue a newer one of the same name from an issuer "
                f"that is pinned (sfcert renew, or sfcert enrol), and bring it to every node: {_PLAYBOOK} watches it "
                "arrive where the Key Vault extension still runs; by hand where not. Nodes should then find it by "
                "themselves; look at one first."
            ),
            f"{SETTING} is of no use here: it does not apply to certificates that are declared by name.",
        )
    told = (
        "Every certificate that the cluster declares has expired "
        f"({', '.join(one.thumbprint for one in recovery.leaves)})."
    )
    if not recovery.setting_helps:
        return (
            (
                f"{told} {SETTING} helps with self-signed certificates on Windows alone, and nothing "
                "shows this to be one. "
                "Every node has to be mended by hand (stop the bootstrap agent and the host service, "
                "replace the thumbprint "
                "in the node's own manifests and settings, create the configuration anew, start both), "
                "seed nodes first."
            ),
            "The resource provider's own record of the certificate is put right by the vendor: open a support ticket.",
        )
    bring = "Bring a new version into the vault (sfcert renew, sfcert enrol, or sfcert import)"
    if recovery.setting_is_on and not recovery.is_out_of_reach:
        return (f"{told} {SETTING} is on already, so that nodes go on accepting it. {bring} and plan {_PLAYBOOK}.",)
    if recovery.is_out_of_reach:
        return (
            (
                f"{told} The resource provider does not reach the cluster. Set {SETTING} to true on the nodes first, "
                "seed nodes before the others (FixExpiredCert-AEPCC.ps1 of the vendor's troubleshooting "
                "guides does it)."
            ),
            (
                f"Set {SETTING} to true in the cluster's fabricSettings, before and apart from any other change, once "
                "the cluster is reached again: it would be lost with the next upgrade. Wait 10 minutes."
            ),
            f"{bring}. {_PLAYBOOK.capitalize()} does all but the first as stages, and takes the setting out again.",
        )
    return (
        (
            f"{told} Plan {_PLAYBOOK}: it sets {SETTING} to true in the cluster's fabricSettings, before and apart "
            "from any other change, and waits 10 minutes until the nodes have taken it up."
        ),
        f"{bring}: the same playbook then rotates to it and takes the setting out again.",
    )


def notes_of(recovery: Recovery | None, situation: Situation | None) -> tuple[str, ...]:
    """What people have to know or do beside the stages of a recovery, or in their stead.

    Args:
        recovery: None in every other plan.
        situation: None where there is nothing to plan.

    Effects: none.
    """
    if recovery is None or not recovery.leaves:
        return ()
    last = max(recovery.leaves, key=lambda one: one.not_after_utc)
    ends = f"{last.not_after_utc:%Y-%m-%d}"
    if situation is None or situation.recovery is None:
        return (_in_time(recovery, last.common_name or "", ends),)
    found: list[str] = []
    recovery = situation.recovery
    urls = " and ".join(one.url for one in situation.goal.certificates)
    if recovery.phase == "ended":
        found.append(
            "Scale, re-image and deploy nothing until all stages are done: a new machine may not get what has ended, "
            "and joins only when the new certificate is declared."
        )
    if situation.goal_is_to_come and not recovery.by_name:
        found.append(
            f"No valid version besides the declared one is in {urls}: bring one (sfcert renew, sfcert enrol, or sfcert "
            f"import), then plan {_PLAYBOOK} again. It rotates to it and takes the setting out."
        )
    elif situation.goal_is_to_come:
        found.append(
            "Once the cluster is reached again, sfcert watch --cluster shows what every node presents. Let the vault "
            "renew the certificate by itself, or put sfcert renew --due on a timer, so that this does not come again."
        )
    if recovery.setting_is_on and not recovery.is_ours and recovery.phase != "lives":
        found.append(
            f"{SETTING} was on before this plan, and stays as it is. Take it out of fabricSettings once every node "
            "presents what is valid."
        )
    return tuple(found)


def _in_time(recovery: Recovery, name: str, ends: str) -> str:
    if recovery.by_name:
        return (
            f"What is declared ({name}) ends on {ends}: nothing has to be recovered. Have a newer version of that name "
            "issued by a pinned issuer in time (sfcert renew); the Key Vault extension brings it to the nodes."
        )
    return (
        f"What is declared ends on {ends}: nothing has to be recovered. In time the playbook is rotate-by-thumbprint, "
        "or thumbprint-to-common-name, after which rotation runs by itself."
    )
