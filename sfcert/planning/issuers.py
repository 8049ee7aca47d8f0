"""From which authorities may the goal come, and how do we know? Direct issuers by verified signature, and pins.

Floor 4.

Source: contracts, *Where the direct issuer comes from*; reference 1.1 (pins are the direct issuer's), 7 row 2 (twins).
"""

from __future__ import annotations

from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.observation import Observation, VaultCertificate
from sfcert.pki import direct_issuers
from sfcert.planning.inputs import Inputs
from sfcert.planning.reasons import Reasons

_SOURCES = {
    "given": "given",
    "tls": "the chain that the cluster's endpoint serves",
    "aia": "the certificate's own pointer to its issuer (AIA)",
    "pfx": "the PFX in the vault",
}


_UNVERIFIED = (
    "The direct issuer of the goal certificate {leaf.thumbprint} ({leaf.issuer}) is not known by any certificate that "
    "verifies. Give the leaf and its chain with --certificate-pem FILE, or capture with access to the cluster's "
    "endpoint."
)


class FoundIssuers(Value):
    """`verified` are all known certificates of the key that signed the goal. `pins` are what is to be declared: those
    given, in their order, then the verified ones that were not. `source` says where the issuer was seen."""

    verified: tuple[Certificate, ...]
    pins: tuple[str, ...]
    source: str


def find_issuers(
    observation: Observation,
    inputs: Inputs,
    leaf: Certificate,
    certificates: tuple[VaultCertificate, ...],
    reasons: Reasons,
) -> FoundIssuers | None:
    """The goal's issuers and the pins to declare, or None where no issuer could be verified.

    Pins that the cluster declares already stay; where they hold none of the verified issuers, the newest certificate
    would be presented and refused, and that is a reason.

    Effects: adds to `reasons`.
    """
    verified = direct_issuers(leaf, (*inputs.certificate_pems, *observation.known_certificates()))
    if not verified:
        reasons.add(_UNVERIFIED.format(leaf=leaf))
        return None
    seen = tuple(one.thumbprint for one in verified)
    declared = next((one for one in observation.cluster.certificate.names if one.common_name == leaf.common_name), None)
    kept = declared.issuers if declared is not None else ()
    chosen = tuple(dict.fromkeys((*kept, *inputs.issuer_thumbprints)))
    if kept and not set(seen) & set(chosen):
        reasons.add(
            f"The vault's newest certificate {leaf.thumbprint} comes from an issuer that is not pinned: "
            f"{', '.join(seen)} signed it, {', '.join(kept)} are declared. Nodes would present it and be refused. "
            "Disable that version before it reaches the nodes and issue one from a pinned authority; or pin the new "
            "issuer first, with --issuer-thumbprints."
        )
        return FoundIssuers(verified=verified, pins=chosen, source=_source(inputs, certificates, leaf, verified))
    pins = tuple(dict.fromkeys((*chosen, *seen)))
    return FoundIssuers(verified=verified, pins=pins, source=_source(inputs, certificates, leaf, verified))


def find_issuers_to_change(
    observation: Observation,
    inputs: Inputs,
    leaf: Certificate,
    certificates: tuple[VaultCertificate, ...],
    reasons: Reasons,
) -> FoundIssuers | None:
    """The goal's issuers, and the pins while both authorities are in use: declared, wanted and seen; or None where no
    issuer could be verified.

    Effects: adds to `reasons`.
    """
    verified = direct_issuers(leaf, (*inputs.certificate_pems, *observation.known_certificates()))
    if not verified:
        reasons.add(_UNVERIFIED.format(leaf=leaf))
        return None
    declared = next((one for one in observation.cluster.certificate.names if one.common_name == leaf.common_name), None)
    kept = declared.issuers if declared is not None else ()
    seen = tuple(one.thumbprint for one in verified)
    pins = tuple(dict.fromkeys((*kept, *inputs.issuer_thumbprints, *seen)))
    return FoundIssuers(verified=verified, pins=pins, source=_source(inputs, certificates, leaf, verified))


def pins_in_the_end(
    observation: Observation, inputs: Inputs, issuers: FoundIssuers, common_name: str
) -> tuple[str, ...]:
    """Which of the pins stay once the change of issuer is done.

    Those that were asked for; without that those declared, unless the goal comes from none of them. Where the goal does
    not come from any of these yet, the old ones have to stay beside them: all pins.
    """
    declared = next((one for one in observation.cluster.certificate.names if one.common_name == common_name), None)
    kept = declared.issuers if declared is not None else ()
    seen = tuple(one.thumbprint for one in issuers.verified)
    wanted = inputs.issuer_thumbprints or (kept if set(kept) & set(seen) else seen)
    return wanted if set(wanted) & set(seen) else issuers.pins


def source_of_pins(pins: tuple[str, ...], issuers: FoundIssuers, inputs: Inputs) -> str:
    """Where the issuers among `pins` were seen, and who else says that the other ones are to be declared."""
    others = [one for one in pins if one not in {seen.thumbprint for seen in issuers.verified}]
    named = [f"{one[:8]}…" for one in others if one in inputs.issuer_thumbprints]
    kept = [f"{one[:8]}…" for one in others if one not in inputs.issuer_thumbprints]
    said = [] if others and len(others) == len(pins) else [issuers.source]
    said += [f"{', '.join(named)} named with --issuer-thumbprints"] if named else []
    said += [f"{', '.join(kept)} declared before"] if kept else []
    return "; ".join(said)


def _source(
    inputs: Inputs, certificates: tuple[VaultCertificate, ...], leaf: Certificate, verified: tuple[Certificate, ...]
) -> str:
    wanted = {one.thumbprint for one in verified}
    if wanted & {one.thumbprint for one in inputs.certificate_pems}:
        return "given with --certificate-pem"
    for one in certificates:
        for version in one.versions:
            if version.thumbprint == leaf.thumbprint and wanted & {above.thumbprint for above in version.chain}:
                return _SOURCES.get(version.chain_source or "", "the chain in the capture")
    return "a certificate seen elsewhere in the capture, whose signature on the goal was verified"
