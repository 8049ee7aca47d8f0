"""What is left for people to do, and until when? Floor 4. Leaves out what a stage of the plan does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sfcert.model.frozen import OWNER_TAG
from sfcert.planning.cleanup import left_to_people
from sfcert.planning.clients import left_to_clients
from sfcert.planning.freeze import left_frozen, served_by
from sfcert.planning.reverse_proxy import left_to_the_reverse_proxy
from sfcert.planning.roles import Role
from sfcert.planning.situation import Situation
from sfcert.planning.step import Step

#: What is left to people by the role that moves; the cluster's own is told below.
_OF_ROLE: Mapping[Role, Callable[[Situation, Sequence[Step]], tuple[str, ...]]] = {
    "clients": left_to_clients,
    "reverse-proxy": left_to_the_reverse_proxy,
}


def manual_steps_of(situation: Situation, steps: Sequence[Step]) -> tuple[str, ...]:
    """Sentences for people, in the order in which they matter.

    Effects: none.
    """
    if situation.role in _OF_ROLE:
        return _OF_ROLE[situation.role](situation, steps)
    if situation.cleans_up and not steps:
        return left_to_people(situation)
    if situation.awaits_issuer and not steps:
        return (_issuer_to_come(situation),)
    goal = situation.goal
    found = list(left_frozen(situation, steps))
    ends = f"{goal.certificate.not_after_utc:%Y-%m-%d}"
    if situation.aim == "thumbprint":
        found.append(
            f"A cluster by thumbprint takes no new version by itself: bring the next one into the vault and "
            f"rotate again before {ends}."
        )
    if situation.awaits_issuer:
        found.append(_issuer_to_come(situation))
    for one in goal.certificates:
        if goal.future is not None and not one.renews_itself:
            found.append(
                f"The vault does not renew {one.url} by itself: let a timer run `sfcert renew --due --vault "
                f"{one.vault_url} --for-cluster {situation.observation.cluster.id}`, with the folder (--state) in "
                "which `sfcert apply` has remembered the policy, or bring the next version by hand."
            )
        elif situation.aim != "thumbprint" and not one.renews_itself and not one.tags.get(OWNER_TAG):
            found.append(
                f"Nothing renews {one.url} by itself: bring a new version from a pinned issuer in time before {ends}."
            )
        for where in served_by(situation, one):
            found.append(f"{one.url} still serves {where}: rotate that declaration before the certificate may renew.")
    if situation.cleans_up:
        found += left_to_people(situation)
    found.append(
        "Connections that exist keep the certificate that they were made with; only a reboot of a node, one update "
        "domain after the other, forces the new one."
    )
    return tuple(found)


def _issuer_to_come(situation: Situation) -> str:
    urls = " and ".join(one.url for one in situation.goal.certificates)
    return (
        f"No version from {', '.join(situation.inputs.issuer_thumbprints)} is in the vault yet: name that authority in "
        f"the policy of {urls}, or bring its certificate, and issue a new version. Once every node presents it, plan "
        "change-issuer again: that forgets the old issuer."
    )
