"""What could not be read, and why? The words in which every rule says that it does not know. Floor 3.

Facts that are None may be absent, unread or an expression of a template; only the raw bundle tells them apart. Leaves
out: what follows from a fact that is known.
"""

from __future__ import annotations

from sfcert.model.base import Value
from sfcert.model.ids import VaultReference, same_id
from sfcert.model.observation import Observation, ScaleSet, VaultCertificate
from sfcert.rules.engine import Judgement, unknown
from sfcert.sources.body import Body

_READ_WHAT = {
    "NotInTemplate": "Run the audit on the live cluster or on a capture of it.",
    "ValueUnresolved": "Give the parameter file that sets it, or audit the live cluster.",
    "VaultUnread": "Let the reader list and get certificates in that vault (Key Vault Reader and Certificate User).",
    "CertificateUnread": "Capture again with an identity that may read this certificate and its policy.",
    "ResourceUnread": "Capture again with an identity that may read it.",
    "InstancesUnread": "Capture again with an identity that may list the machines of the scale set.",
    "IssuerUnknown": "Give the chain with --certificate-pem, or let the capture read it from the endpoint.",
}


class Missing(Value):
    """A fact that is not at hand: a token of `SHARED_REASONS`, what it is, and why it is not known."""

    reason: str
    what: str
    why: str


def cannot_tell(subject: str, missing: Missing, question: str) -> Judgement:
    """The judgement *unknown*: `question` completes "…, so it is not known whether"."""
    return unknown(
        subject,
        missing.reason,
        f"{missing.what} {missing.why}, so it is not known whether {question}.",
        _READ_WHAT[missing.reason],
        unread=missing.what,
        why=missing.why,
    )


def is_authored(observation: Observation) -> bool:
    return observation.source == "template"


def resource_body(observation: Observation, resource_id: str) -> Body:
    """The raw body behind a resource id; an empty one where it was not read."""
    found = next((raw for key, raw in observation.bundle.resources.items() if same_id(key, resource_id)), None)
    return Body(found.body if found else None, symbolic=is_authored(observation))


def cluster_body(observation: Observation) -> Body:
    """`properties` of the raw cluster."""
    return resource_body(observation, observation.cluster.id).at("properties")


def profile_body(observation: Observation, scale_set: ScaleSet) -> Body:
    """`properties.virtualMachineProfile` of the raw scale set."""
    return resource_body(observation, scale_set.id).at("properties", "virtualMachineProfile")


def extension_body(observation: Observation, scale_set: ScaleSet, name: str) -> Body:
    """`properties` of one raw extension of the scale set, found by name."""
    listed = profile_body(observation, scale_set).items("extensionProfile", "extensions")
    found = next((one for one in listed if (one.text("name") or "").lower() == name.lower()), None)
    return found.at("properties") if found else Body(None, symbolic=is_authored(observation))


def is_open(body: Body, *path: str) -> bool:
    """Whether the value at `path`, or an object on the way to it, is an expression that nobody evaluated."""
    return any(body.is_symbolic(*path[:length]) for length in range(1, len(path) + 1))


def open_value(what: str) -> Missing:
    return Missing(reason="ValueUnresolved", what=what, why="is an expression that could not be evaluated")


def not_in_template(what: str) -> Missing:
    return Missing(reason="NotInTemplate", what=what, why="is not part of a template")


def vault_unread(observation: Observation, vault_url: str) -> Missing:
    """Why the data plane of a vault is not at hand."""
    if is_authored(observation):
        return not_in_template(f"The inside of the vault {vault_url}")
    why = observation.why_unread(f"vaults/{vault_url}")
    return Missing(
        reason="VaultUnread",
        what=f"The inside of the vault {vault_url}",
        why=f"was not read ({why})" if why else "was not captured",
    )


def vault_resource_unread(observation: Observation, vault_url: str) -> Missing:
    """Why the vault's resource (its access model, its firewall) is not at hand."""
    what = f"The resource of the vault {vault_url}"
    if is_authored(observation):
        return not_in_template(what)
    return Missing(reason="ResourceUnread", what=what, why="was not captured")


def certificate_at(observation: Observation, reference: VaultReference) -> VaultCertificate | Missing:
    """A certificate as its vault holds it, or why it is not known."""
    vault = observation.vault(reference.vault_url)
    if vault is None or vault.certificates is None:
        return vault_unread(observation, reference.vault_url)
    found = vault.certificate(reference.name)
    if found is not None:
        return found
    why = observation.why_unread(f"vaults/{reference.vault_url}/certificates/{reference.name}")
    return Missing(
        reason="CertificateUnread",
        what=f"The certificate {reference.certificate_url}",
        why=f"was not read ({why})" if why else "is not in the capture of its vault",
    )


def instances_unread(observation: Observation, scale_set: ScaleSet) -> Missing:
    what = f"The list of machines of {scale_set.name}"
    if is_authored(observation):
        return not_in_template(what)
    why = observation.why_unread(f"vm_instances/{scale_set.id}")
    return Missing(reason="InstancesUnread", what=what, why=f"was not read ({why})" if why else "was not captured")


def open_names(observation: Observation) -> Missing | None:
    """Whether a declared name of the cluster, a pin, or the whole declaration by name stays an expression."""
    if observation.cluster.certificate.kind != "unresolved":
        return None
    names = cluster_body(observation).at("certificateCommonNames")
    is_undecided = names.is_symbolic() or names.is_symbolic("commonNames")
    entries = list(names.items("commonNames"))
    words = ("certificateCommonName", "certificateIssuerThumbprint")
    if is_undecided or any(entry.is_symbolic() or any(map(entry.is_symbolic, words)) for entry in entries):
        return open_value("A declared name of the cluster, or its pin,")
    return None


def runtime_unread(observation: Observation) -> Missing:
    """Why the cluster's runtime version is not at hand."""
    what = "The runtime of the cluster"
    if is_authored(observation):
        return not_in_template(what)
    return Missing(reason="ResourceUnread", what=what, why="was not read")


def open_durability(observation: Observation, scale_set: ScaleSet) -> Missing | None:
    """Whether the durability of a scale set's node type, in either place, stays an expression."""
    body = extension_body(observation, scale_set, scale_set.node_extension.name)
    listed = cluster_body(observation).items("nodeTypes")
    name = (scale_set.node_type or "").lower()
    mine = [one for one in listed if (one.text("name") or "").lower() in ("", name)]
    if is_open(body, "settings", "durabilityLevel") or any(one.is_symbolic("durabilityLevel") for one in mine):
        return open_value(f"durabilityLevel of {scale_set.name}")
    return None
