"""Is the cluster reached again, does the setting stand as it should, has a version come that nodes can go by? Floor 3.

Source: service-fabric.md 2.3 (name, pinned direct issuer), 7 rows 11 and 12, 8 (states).
"""

from __future__ import annotations

import base64

from sfcert.converge.look import Look
from sfcert.converge.resources import CLUSTER_LOOK_S
from sfcert.model.ids import normal_thumbprint
from sfcert.model.progress import GateVerdict
from sfcert.pki import direct_issuers, read_certificate

#: People and nodes take minutes to hours here.
PEOPLE_LOOK_S = 600.0


def cluster_reached(look: Look) -> GateVerdict:
    """Whether the resource provider has the cluster back. Until then it is open, for as long as people need."""
    cluster = look.observation.cluster
    state = (cluster.state or "").lower()
    if not state:
        return look.unknown("StateUnknown", "The cluster does not report its state.", CLUSTER_LOOK_S)
    if state == "upgradeserviceunreachable":
        message = f"The resource provider does not reach the cluster yet (clusterState {cluster.state})."
        return look.open("ClusterUnreachable", message, PEOPLE_LOOK_S)
    if state != "ready":
        return look.open("UpgradeRunning", f"The cluster is reached, and not at rest yet ({cluster.state}).")
    return look.passed("The resource provider reaches the cluster.")


def settings_are(look: Look) -> GateVerdict:
    """Whether the cluster's definition, read back, has this value for one setting, or none."""
    section, parameter = str(look.gate.expects["section"]), str(look.gate.expects["parameter"])
    wanted = look.gate.expects.get("value")
    if look.observation.cluster.state is None:
        # a definition that was not read whole has no settings either
        return look.unknown("NotRead", "The cluster's definition could not be read.", CLUSTER_LOOK_S)
    found = next(
        (
            value
            for name, values in look.observation.cluster.settings.items()
            if name.lower() == section.lower()
            for key, value in values.items()
            if key.lower() == parameter.lower()
        ),
        None,
    )
    if found == wanted:
        return look.passed(f"{section}/{parameter} is {_told(found)}.")
    message = f"{section}/{parameter} is {_told(found)}, not {_told(wanted)}."
    return look.open("DeclaredDifferently", message, CLUSTER_LOOK_S)


def newest_version_fits(look: Look) -> GateVerdict:
    """Whether the vault's newest version is enabled, valid now, of this name, and from one of these direct issuers.

    `known` of the gate are certificates of such issuers (DER, base64): a cluster that is down serves no chain to ask.
    """
    found = look.certificate()
    if isinstance(found, GateVerdict):
        return found
    if (found.pending_status or "").lower() == "inprogress":
        return look.open("OperationPending", f"An operation is pending on {found.url}.", PEOPLE_LOOK_S)
    latest, name = found.latest, str(look.gate.expects["common_name"])
    if latest is None or latest.certificate is None:
        return look.unknown("NotRead", f"The newest version of {found.url} could not be read.", PEOPLE_LOOK_S)
    leaf, pins = latest.certificate, {normal_thumbprint(one) for one in look.gate.expects.get("issuers") or ()}
    if not latest.enabled or not leaf.not_before_utc <= look.now < leaf.not_after_utc:
        message = f"The newest version of {found.url}, {leaf.thumbprint}, is disabled or not valid now."
        return look.open("CertificateAbsent", message, PEOPLE_LOOK_S)
    if leaf.common_name != name:
        return look.failed("NewerVersion", f"{leaf.thumbprint} carries the name {leaf.common_name}, not {name}.")
    brought = [read_certificate(base64.b64decode(one)) for one in look.gate.expects.get("known") or ()]
    known = (*brought, *latest.chain, *look.observation.known_certificates())
    issuers = {one.thumbprint for one in direct_issuers(leaf, [one for one in known if one.is_ca])}
    if not issuers:
        if pins and pins <= {one.thumbprint for one in brought}:
            return look.failed(
                "UntrustedIssuer", f"{leaf.thumbprint} was signed by none of the issuers that are pinned."
            )
        message = (
            f"Which certificate issued {leaf.thumbprint} is not known, so that nobody can say whether it is pinned."
        )
        return look.unknown("NotRead", message, PEOPLE_LOOK_S)
    if not issuers <= pins:
        strange = ", ".join(sorted(issuers - pins))
        return look.failed("UntrustedIssuer", f"{leaf.thumbprint} comes from {strange}, which is not pinned.")
    return look.passed(f"The newest version of {found.url} is {leaf.thumbprint}, valid, from a pinned issuer.")


def _told(value: object) -> str:
    return "absent" if value is None else repr(value)
