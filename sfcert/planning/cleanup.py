"""What may go once a rollover is done, and what can only people decide? The playbook `cleanup`. Floor 4, pure.

Cleaning up changes nothing that nodes present: where that would be needed, another playbook comes first. Leaves out
the stages themselves (`secrets`, `starting_state`). Versions in a vault are left to people, because nobody can see from
here who else fetches them. Source: reference 5 (vm secrets name one version), 7 row 31, 3.2.
"""

from __future__ import annotations

import shlex

from sfcert.model.frozen import OWNER_TAG
from sfcert.model.observation import CertificateVersion, VaultCertificate
from sfcert.planning.cluster import is_by_name
from sfcert.planning.goal import declared_thumbprints
from sfcert.planning.reasons import Reasons
from sfcert.planning.roles import thumbprint_uses
from sfcert.planning.secrets import is_retired
from sfcert.planning.situation import Situation
from sfcert.planning.vm_secrets import lists_goal
from sfcert.trust.rules import rules_of
from sfcert.trust.starting_state import starting_state


def check_cleanup(situation: Situation, reasons: Reasons) -> None:
    """A rollover that is not at its end is brought there first; each such obstacle is a reason.

    Effects: adds to `reasons`.
    """
    if situation.aim == "thumbprint":
        _check_by_thumbprint(situation, reasons)
    else:
        _check_by_name(situation, reasons)


def _check_by_name(situation: Situation, reasons: Reasons) -> None:
    behind = [one.name for one in situation.scale_sets if one.node_extension.certificate.thumbprints]
    if behind or not is_by_name(situation):
        where = f"the node extensions of {', '.join(behind)}" if behind else "the cluster's declaration"
        reasons.add(
            f"The change to the common name is not complete ({where}), so that what looks left over is still needed. "
            "Finish it with the playbook thumbprint-to-common-name."
        )
    for one in situation.scale_sets:
        goal = situation.goal.reference(one.id).certificate_url.lower()
        observed = {
            each.reference.certificate_url.lower()
            for extension in one.key_vault_extensions
            for each in extension.observed
            if each.reference is not None
        }
        if goal not in observed:
            reasons.add(
                f"No Key Vault extension of {one.name} observes {situation.goal.reference(one.id).certificate_url}, so "
                "that a new machine depends on the vm secrets. Plan the playbook thumbprint-to-common-name, which "
                "delivers it."
            )


def _check_by_thumbprint(situation: Situation, reasons: Reasons) -> None:
    observation, goal = situation.observation, situation.goal
    declared = observation.cluster.certificate
    if goal.thumbprint not in declared.thumbprints:
        reasons.add(
            f"The vault's newest version {goal.thumbprint} is not declared, so that this is a rotation and no cleanup. "
            "Plan the playbook rotate-by-thumbprint; it retires what is left over, too."
        )
        return
    rules = rules_of(observation.cluster.runtime, observation.cluster.settings, observation.cluster.os)
    known = {one.thumbprint: one for one in observation.known_certificates()}
    state = starting_state(declared, goal.certificate, known, rules)
    if state.valid is not True:
        reasons.add(
            f"Whether every node presents {goal.thumbprint} cannot be taken for granted: {state.why}. A thumbprint "
            "goes only once nobody presents it. Plan the playbook rotate-by-thumbprint, which leads there."
        )
    for one in situation.scale_sets:
        if not lists_goal(situation, one):
            reasons.add(
                f"The vm secrets of {one.name} do not bring {goal.thumbprint}, so that a new machine depends on what "
                "would be cleaned up. Plan the playbook rotate-by-thumbprint, which adds it first."
            )


def left_to_people(situation: Situation) -> tuple[str, ...]:
    """Superseded versions that nothing in the capture needs, and freezes that another run has left behind.

    Returns:
        Sentences; each version's with the line for `az` that disables it.

    Effects: none.
    """
    found = []
    for one in situation.goal.certificates:
        owner = one.tags.get(OWNER_TAG)
        if owner is not None and not situation.may_end(owner):
            found.append(
                f"The renewal of {one.url} is frozen by a run that was not ended ({owner}): end or cancel that run, so "
                "that the certificate renews itself again."
            )
        for version in one.versions:
            if version.enabled and not _is_needed(situation, one, version):
                found.append(_disable(situation, one, version))
    return tuple(found)


def _is_needed(situation: Situation, one: VaultCertificate, version: CertificateVersion) -> bool:
    """Whether it is the newest, declared anywhere, or named by a vm secret or an extension that stays."""
    observation = situation.observation
    used = {thumbprint for thumbprint, _ in thumbprint_uses(observation)} | {situation.goal.thumbprint}
    if situation.aim == "name":
        # the cluster role's own: what is declared beside the goal goes with this plan, where it goes by thumbprint
        used |= declared_thumbprints(observation)
    if version.thumbprint in used or version is one.latest:
        return True
    for scale_set in situation.scale_sets:
        staying = [each.reference for each in scale_set.secrets if not is_retired(situation, scale_set, each)]
        observed = [each.reference for extension in scale_set.key_vault_extensions for each in extension.observed]
        for reference in (*staying, *observed):
            if reference is not None and reference.version == version.version:
                return True
    return False


def _disable(situation: Situation, one: VaultCertificate, version: CertificateVersion) -> str:
    end, now = version.not_after_utc, situation.observation.observed_at_utc
    state = "has expired" if end is not None and end <= now else "is superseded"
    vault = one.vault_url.removeprefix("https://").split(".")[0]
    line = (
        f"az keyvault certificate set-attributes --vault-name {vault} --name {shlex.quote(one.name)} "
        f"--version {version.version} --enabled false"
    )
    return (
        f"The version {version.version} of {one.url} ({version.thumbprint}) {state}, and nothing of this cluster names "
        f"it once this plan is done. Where no other cluster and no application fetches it, disable it: {line}. "
        "Enabling it again undoes that."
    )
