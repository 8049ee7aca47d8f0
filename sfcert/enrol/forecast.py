"""What is coming for each certificate of a cluster, and until when can a person still act? Floor 3, pure.

Puts the questions together: what the cluster depends on, who renews it, the way to the nodes, the rotations ahead, the
warnings, the dated facts on the way. Unknown things are named and given no date. Source: service-fabric.md 1.3, 2.4,
6.2, 9, 10. The bound is the pessimistic one: every part of the way takes its longest.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from sfcert.enrol.dependencies import Dependency, dependencies
from sfcert.enrol.expiry_warning import SETTING, Margin, margin_of, warns_all_its_life
from sfcert.enrol.instants import later
from sfcert.enrol.lifetime import lifetime_of, marks_for, public_authority
from sfcert.enrol.past_the_end import end_notes
from sfcert.enrol.renewal_window import left_after_trigger
from sfcert.enrol.rotations import MOST_ROTATIONS, Course, rotations, under_way
from sfcert.enrol.suppose import after_plan
from sfcert.enrol.way_to_nodes import seconds_until, unreadable_timeouts, way_to_nodes
from sfcert.model.forecast import CertificateForecast, Forecast, LastMoment, Rotation, Unknown
from sfcert.model.frozen import ACTIONS_TAG, OWNER_TAG
from sfcert.model.observation import LifetimeAction, Observation, VaultCertificate
from sfcert.model.plan import Plan

#: Eighteen months: long enough to show two steps of the public schedule.
HORIZON = timedelta(days=548)
_ASSUMPTIONS = (
    "Every part of the way takes its longest; an authority answers within three days.",
    "An old connection may use the old certificate for seven days (SessionExpiration), unless the machine restarts.",
    (
        "The next life is the shorter of what the policy asks, what was granted last, and, for the public "
        "authorities of the dated list, the public maximum on the day; other authorities are taken as private."
    ),
)


def forecast(observation: Observation, now: datetime, *, horizon: timedelta = HORIZON) -> Forecast:
    """The forecast of the world that was seen.

    Args:
        now: aware UTC; cut to whole seconds.
        horizon: how far ahead; rotations that may begin later are left out, but the next one never is.

    Returns:
        Certificates by deadline, nearest first, those without one last.

    Raises:
        Nothing: what cannot be foretold is in `unknown`.

    Effects: none.
    """
    now = now.replace(microsecond=0)
    until = later(now, horizon)
    found, unknown = dependencies(observation)
    missing = list(unknown)
    for name in unreadable_timeouts(observation.cluster):
        why = "it is no time span; the provider's usual one is counted"
        missing.append(Unknown(subject=observation.cluster.id, reason="DurationUnreadable", what=name, why=why))
    read = margin_of(observation.cluster)
    margin = read if isinstance(read, Margin) else None
    if isinstance(read, Unknown):
        missing.append(read)
    told = [_told(observation, one, margin, now, until, missing) for one in found]
    return Forecast(
        cluster_id=observation.cluster.id,
        as_of_utc=now,
        horizon_utc=until,
        supposes="what-was-seen",
        certificates=tuple(sorted(told, key=_nearest_first)),
        unknown=tuple(missing),
        assumptions=(*_ASSUMPTIONS, *_unit_assumption(margin)),
    )


def forecast_of_plan(observation: Observation, plan: Plan, now: datetime, *, horizon: timedelta = HORIZON) -> Forecast:
    """The forecast for a plan's review: of the world that it leads to; where it leads nowhere new, of the one seen."""
    supposed = after_plan(observation, plan)
    if supposed is None:
        return forecast(observation, now, horizon=horizon)
    return replace(forecast(supposed, now, horizon=horizon), supposes="plan-applied")


def _nearest_first(one: CertificateForecast) -> tuple[bool, float, str, str]:
    at = one.deadline.at_utc.timestamp() if one.deadline else 0.0
    return (one.deadline is None, at, one.subject, one.thumbprint)


def _unit_assumption(margin: Margin | None) -> tuple[str, ...]:
    if margin is None or margin.shortest_s == margin.longest_s:
        return ()
    said = f"Security/{SETTING} is {margin.text}: the vendor's pages disagree whether that is seconds or minutes"
    return (f"{said}, so that the warning has a span.",)


def _renewing_action(certificate: VaultCertificate) -> LifetimeAction | None:
    """The trigger by which the vault renews; the earliest where there are several."""
    found = [
        one
        for one in certificate.lifetime_actions
        if one.action.lower() == "autorenew" and left_after_trigger(one, timedelta(days=365)) is not None
    ]
    return max(found, key=lambda one: left_after_trigger(one, timedelta(days=365)) or timedelta(), default=None)


def _who(dependency: Dependency) -> tuple[str, str, LifetimeAction | None]:
    """Who asks for the next version, why that is so, and the trigger where it is the vault."""
    one = dependency.certificate
    if one is None:
        return "person", "it is in no vault that was read", None
    if not one.has_policy:
        return "unknown", "its policy was not read", None
    frozen = any(tag in one.tags for tag in (OWNER_TAG, ACTIONS_TAG))
    action = _renewing_action(one)
    if (one.issuer_name or "").lower() == "unknown":
        return "person", "the policy names no authority (issuer Unknown), so that the vault cannot renew", None
    if action is None:
        because = "a rollover froze its renewal" if frozen else "the policy has no AutoRenew"
        return "person", because, None
    if (one.pending_status or "").lower() == "failed":
        return "person", "the last request failed, and the vault does not ask again by itself", None
    return "vault", f"the policy renews with the authority {one.issuer_name or 'of its settings'}", action


def _told(
    observation: Observation,
    dependency: Dependency,
    margin: Margin | None,
    now: datetime,
    until: datetime,
    missing: list[Unknown],
) -> CertificateForecast:
    leaf = dependency.leaf
    renews, because, action = _who(dependency)
    if renews == "unknown":
        missing.append(
            Unknown(subject=dependency.subject, reason="PolicyUnread", what="who renews it, and when", why=because)
        )
    needs = way_to_nodes(observation, dependency)
    authority = public_authority(leaf)
    months = dependency.certificate.validity_months if dependency.certificate else None
    law = lifetime_of(leaf.not_after_utc - leaf.not_before_utc, months, authority)
    # a version that the vault makes reaches nobody by itself where a person has to name it
    takes_itself = dependency.selected != "thumbprint" and dependency.arrives == "extension"
    course = Course(
        thumbprint=leaf.thumbprint,
        begins_utc=leaf.not_before_utc,
        ends_utc=leaf.not_after_utc,
        action=action if takes_itself else None,
        needs=needs,
        law=law,
        margin=margin if dependency.is_loaded_by_service_fabric else None,
    )
    ahead: list[Rotation] = []
    if takes_itself:
        ahead += _still_under_way(dependency, course, now)
    if dependency.successor is None:
        ahead += rotations(course, now, until, first=len(ahead) + 1)
    moment = _last_moment(dependency, course, ahead, now)
    notes = [*dependency.notes, *end_notes(observation.cluster, dependency, moment, now)]
    notes += _notes(dependency, course, ahead)
    if renews == "vault" and not takes_itself:
        notes.append("The vault's new version changes nothing by itself: a person has to put it in place of this one.")
    if len(ahead) >= MOST_ROTATIONS:
        notes.append(f"Only the next {MOST_ROTATIONS} rotations are told of.")
    return CertificateForecast(
        subject=dependency.subject,
        common_name=leaf.common_name,
        thumbprint=leaf.thumbprint,
        roles=dependency.roles,
        selected=dependency.selected,
        arrives=dependency.arrives,
        scale_sets=tuple(one.name for one in dependency.scale_sets),
        renews=renews,  # type: ignore[arg-type]  # one of three literals, which mypy widens to str
        renews_because=because,
        not_before_utc=leaf.not_before_utc,
        not_after_utc=leaf.not_after_utc,
        rotations=tuple(ahead),
        deadline=moment,
        marks=marks_for(leaf, authority, law, now, until),
        notes=tuple(notes),
    )


def _still_under_way(dependency: Dependency, course: Course, now: datetime) -> list[Rotation]:
    """The rotation to the version that came last, while an older valid one may still be in use somewhere."""
    version, certificate = dependency.version, dependency.certificate
    if certificate is None or version is None or version.created_utc is None:
        return []
    created = version.created_utc.replace(microsecond=0)
    gone = later(created, timedelta(seconds=seconds_until(course.needs, without=("issue",))))
    earlier = certificate.versions[certificate.versions.index(version) + 1 :]
    older = next((one for one in earlier if one.not_before_utc and one.not_after_utc and one.not_after_utc > now), None)
    if older is None or not created <= now < gone:
        return []
    assert older.not_before_utc is not None
    assert older.not_after_utc is not None
    former = replace(course, thumbprint=older.thumbprint, begins_utc=older.not_before_utc, ends_utc=older.not_after_utc)
    return [under_way(former, created)]


def _last_moment(dependency: Dependency, course: Course, ahead: Iterable[Rotation], now: datetime) -> LastMoment | None:
    """The nearest deadline that is not met yet: of the first rotation for which somebody has to ask."""
    if dependency.successor is not None:
        return None
    first = next((one for one in ahead if one.state != "under-way"), None)
    if first is None:
        return None
    what = f"have a new version of {dependency.subject}" if dependency.certificate else "have a successor"
    match (dependency.selected, dependency.arrives):
        case ("thumbprint", _) if dependency.roles == ("client",):
            action = f"{what} issued, and its thumbprint declared among the clients"
        case ("thumbprint", _):
            action = f"{what} issued, bring it to the machines and declare its thumbprint"
        case (_, "secret"):
            action = f"{what} issued, and its address put into osProfile.secrets"
        case _:
            action = f"ask for a new version of {dependency.subject}"
    return LastMoment(at_utc=first.deadline_utc, action=action, sum=course.needs, is_passed=first.deadline_utc <= now)


def _notes(dependency: Dependency, course: Course, ahead: list[Rotation]) -> list[str]:
    found = []
    certificate = dependency.certificate
    if dependency.successor is not None:
        found.append(
            f"Nodes present {dependency.successor}, which is newer: nothing depends on this one. Take it from the "
            "declaration."
        )
    if certificate is not None and (certificate.pending_status or "").lower() == "inprogress":
        found.append("A request is pending in the vault: a new version may come at any moment.")
    newest = certificate.newest_enabled if certificate else None
    if newest is not None and dependency.version != newest and dependency.arrives != "extension":
        found.append(f"The vault holds a newer version, {newest.thumbprint}.")
    if dependency.selected == "application":
        found.append("No declaration of the cluster names it: when its application takes a new one is not seen here.")
    if course.margin is not None and warns_all_its_life(course.margin, course.begins_utc, course.ends_utc):
        found.append("Service Fabric warns of its expiry as long as it lives: its life is shorter than the margin.")
    elif noisy := [one.number for one in ahead if _is_noisy(one)]:
        found.append(
            f"Service Fabric warns before the new certificate can be everywhere ({_numbers(noisy)}): a health warning "
            f"that means nothing, unless Security/{SETTING} is lowered."
        )
    if late := [one.number for one in ahead if one.slack_s is not None and one.slack_s < 0]:
        found.append(
            f"The trigger comes too late for the slowest course ({_numbers(late)}): renew earlier, or restart the "
            "machines after the rotation, one update domain after the other."
        )
    return found


def _is_noisy(one: Rotation) -> bool:
    is_told = one.warns is not None and one.on_nodes is not None
    return is_told and one.warns.earliest_utc < one.on_nodes.latest_utc  # type: ignore[union-attr]  # both are told


def _numbers(numbers: list[int]) -> str:
    word = "rotation" if len(numbers) == 1 else "rotations"
    shown = ", ".join(map(str, numbers[:3]))
    return f"{word} {shown}" if len(numbers) <= 3 else f"{word} {numbers[0]} to {numbers[-1]}"
