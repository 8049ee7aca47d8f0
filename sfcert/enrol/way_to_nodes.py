"""How long is it from asking for a certificate to the last connection that uses the old one? Floor 3.

Each part is the most that it may take, so that the sum is a pessimistic bound. Source: service-fabric.md 2.4, 3.4, 4.2,
5 and 9, by way of `sfcert/dated.toml`. Leaves out: what a person needs to decide.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfcert import dated
from sfcert.enrol.dependencies import Dependency
from sfcert.enrol.timespan import LONGEST_S, timespan_s
from sfcert.model.forecast import Summand
from sfcert.model.observation import Cluster, KeyVaultExtension, Observation, ScaleSet

#: From the request to the version in the vault. Assumed: authorities answer within hours, people within days.
ISSUE_S = 3 * 86400
#: Walks of all update domains that one change of certificates takes at most. Source: service-fabric.md 3.4.
MOST_PHASES = 3
#: The longest pause between two looks of extension 4.0, which has no setting for it.
#: Source: learn.microsoft.com key-vault-windows, 2026-05-07.
LONGEST_POLL_OF_4_S = 3600


def polling_s(extension: KeyVaultExtension) -> int:
    """The longest pause between two looks into the vault: the setting's; an hour for 4.0 or where it is not set."""
    if (extension.major or 0) >= 4:
        return LONGEST_POLL_OF_4_S
    return min(max(extension.polling_interval_s or dated.timing_s("extension_polling_s"), 0), LONGEST_S)


def _polling(dependency: Dependency) -> Summand:
    slowest = max((polling_s(one) for one in dependency.extensions), default=dated.timing_s("extension_polling_s"))
    if any((one.major or 0) >= 4 for one in dependency.extensions):
        source = "Key Vault extension 4.0: every 5 to 60 minutes"
    elif any(one.polling_interval_s for one in dependency.extensions):
        source = "pollingIntervalInS of the extension"
    else:
        source = "usual where pollingIntervalInS is not set"
    return Summand(step="bring", what="one look of the extension into the vault", seconds=slowest, source=source)


def _domains(scale_sets: Iterable[ScaleSet]) -> int:
    seen = [
        len({one.update_domain for one in each.instances or () if one.update_domain is not None}) for each in scale_sets
    ]
    return max(seen, default=0) or int(dated.table("timings")["upgrade_defaults"]["domains"])


def _model_update_s(observation: Observation, scale_set: ScaleSet) -> int:
    """One change of a scale set's model on all its machines. Manual mode as by domain: a person does the walking."""
    budget = timespan_s(scale_set.extensions_time_budget or "") or dated.timing_s("extensions_time_budget_s")
    named = next((one.durability for one in observation.cluster.node_types if one.name == scale_set.node_type), None)
    durability = (scale_set.node_extension.durability or named or "").lower()
    pause = dated.timing_s(f"{durability}_pause_per_domain_s") if durability in ("silver", "gold") else 0
    return _domains([scale_set]) * (budget + pause)


def _model_updates(observation: Observation, scale_sets: Iterable[ScaleSet], what: str) -> Summand:
    touched = tuple(scale_sets)
    return Summand(
        step="declare",
        what=f"{what} ({len(touched)} scale set{'s' if len(touched) != 1 else ''}, one after another)",
        seconds=sum(_model_update_s(observation, one) for one in touched),
        source="update domains × (the extensions' time budget + the pause of the durability level)",
    )


def unreadable_timeouts(cluster: Cluster) -> tuple[str, ...]:
    """Names of the upgrade timeouts that are set in a form that nobody can read; the usual ones are counted then."""
    given = cluster.upgrade_description or {}
    names = ("upgradeTimeout", "upgradeDomainTimeout")
    return tuple(name for name in names if given.get(name) is not None and timespan_s(str(given[name])) is None)


def cluster_upgrade_s(observation: Observation) -> int:
    """The most that one change of the cluster's certificates may take, in all its phases."""
    usual = dated.table("timings")["upgrade_defaults"]
    given = observation.cluster.upgrade_description or {}
    whole = timespan_s(str(given.get("upgradeTimeout"))) or int(usual["upgrade_s"])
    domain = timespan_s(str(given.get("upgradeDomainTimeout"))) or int(usual["upgrade_domain_s"])
    return MOST_PHASES * min(whole, _domains(observation.scale_sets) * domain)


def way_to_nodes(observation: Observation, dependency: Dependency) -> tuple[Summand, ...]:
    """The parts of the way for one certificate, in order.

    Returns:
        Never empty; begins with *issue*. Selected by name and brought by the extension, nothing of it needs a person.

    Effects: none.
    """
    found = [Summand(step="issue", what="the authority answers", seconds=ISSUE_S, source="assumed: three days")]
    if dependency.arrives == "extension":
        found.append(_polling(dependency))
    elif dependency.arrives == "secret":
        what = "the new version's address into osProfile.secrets"
        found.append(_model_updates(observation, dependency.scale_sets, what))
    if dependency.selected == "thumbprint":
        found.append(
            Summand(
                step="declare",
                what="the new thumbprint declared by the cluster",
                seconds=cluster_upgrade_s(observation),
                source="phases × the cluster's upgrade timeouts",
            )
        )
        if dependency.is_declared_by_nodes:
            found.append(
                _model_updates(observation, observation.scale_sets, "the new thumbprint into the node extensions")
            )
    if dependency.is_loaded_by_service_fabric:
        found += [
            Summand(
                step="notice",
                what="Service Fabric may use the private key",
                seconds=dated.timing_s("acl_cycle_s"),
                source="Hosting/ClusterCertificateAclingInterval",
            ),
            Summand(
                step="notice",
                what="the node looks at its store",
                seconds=dated.timing_s("certificate_monitor_s"),
                source="CertificateMonitorInterval",
            ),
            Summand(
                step="let-go",
                what="sessions that were made with the old one end",
                seconds=dated.timing_s("session_lifetime_s"),
                source="SessionExpiration; a restart of the machine ends them sooner",
            ),
        ]
    return tuple(found)


def seconds_until(needs: Iterable[Summand], *, without: tuple[str, ...] = ()) -> int:
    """The sum, but for the steps that are named."""
    return sum(one.seconds for one in needs if one.step not in without)
