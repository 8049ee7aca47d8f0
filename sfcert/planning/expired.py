"""What may still be done once the cluster's own certificate has expired? Told to people. Floor 4, pure.

A cluster whose nodes refuse each other takes no deployment, so that these are no stages. Nothing is said where a date
is not known, or where one declared certificate still lives. Leaves out the rotation afterwards.
Source: reference 1.3 (the setting: self-signed, by thumbprint only), 2.2, 7 rows 11 and 12. That nodes by name take up
a newer certificate by themselves is inferred there.
"""

from __future__ import annotations

from sfcert.model.observation import Observation
from sfcert.trust.rules import rules_of

SETTING = "Security/AcceptExpiredPinnedClusterCertificate"


def recovery_steps(observation: Observation) -> tuple[str, ...]:
    """Sentences for people, in order; none unless everything that is declared has expired.

    Effects: none.
    """
    declared, now = observation.cluster.certificate, observation.observed_at_utc
    known = tuple(observation.known_certificates())
    if declared.names:
        names = {one.common_name for one in declared.names}
        fitting = [one for one in known if one.common_name in names]
        if not fitting or any(one.not_after_utc > now for one in fitting):
            return ()
        return (
            (
                f"Every known certificate of {' and '.join(sorted(names))} has expired. Issue a newer one of the "
                "same name from an issuer that is pinned, and bring it to every node: through the Key "
                "Vault extension where "
                "that still runs, by hand where not. Nodes should then find it by themselves; look at one first."
            ),
            f"{SETTING} is of no use here: it does not apply to certificates that are declared by name.",
        )
    by_thumbprint = {one.thumbprint: one for one in known}
    leaves = [by_thumbprint.get(one) for one in declared.thumbprints]
    found = [one for one in leaves if one is not None and one.not_after_utc <= now]
    if not found or len(found) < len(leaves):
        return ()
    told = f"Every certificate that the cluster declares has expired ({', '.join(one.thumbprint for one in found)})."
    last = "Then bring a new version into the vault and plan rotate-by-thumbprint; remove the setting at its end."
    if observation.cluster.os != "Windows" or not all(one.is_self_signed for one in found):
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
    rules = rules_of(observation.cluster.runtime, observation.cluster.settings, observation.cluster.os)
    if rules.accepts_expired_pinned:
        return (f"{told} {SETTING} is on already, so that nodes go on accepting it. {last}",)
    set_it = f"Set {SETTING} to true in the cluster's fabricSettings, before and apart from any other change"
    if (observation.cluster.state or "").lower() == "upgradeserviceunreachable":
        return (
            (
                f"{told} The resource provider does not reach the cluster. Set {SETTING} to true on the nodes first, "
                "seed nodes before the others (FixExpiredCert-AEPCC.ps1 of the vendor's troubleshooting "
                "guides does it)."
            ),
            f"{set_it}, once the cluster is reached again: it would be lost with the next upgrade. Wait 10 minutes.",
            last,
        )
    return (f"{told} {set_it}, and wait 10 minutes until the nodes have taken it up.", last)
