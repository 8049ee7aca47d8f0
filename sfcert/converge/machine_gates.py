"""Do the scale sets and the cluster's definition stand as the stage leaves them? Floor 3."""

from __future__ import annotations

from collections.abc import Callable

from sfcert.converge.declared import differs_from_secrets
from sfcert.converge.look import Look, instant
from sfcert.converge.resources import CLUSTER_LOOK_S, INSTANCES_LOOK_S, judge_cluster, judge_extension, judge_scale_set
from sfcert.converge.role_declared import differs_on_cluster, differs_on_extension
from sfcert.model.ids import normal_thumbprint
from sfcert.model.observation import ExtensionStatus, Instance, ScaleSet
from sfcert.model.progress import GateVerdict

_KEY_VAULT = "keyvaultfor"


def cluster_at_rest(look: Look) -> GateVerdict:
    return look.of(judge_cluster(look.observation))


def cluster_declares(look: Look) -> GateVerdict:
    said = differs_on_cluster(look.observation.cluster, look.gate.expects)
    if said is None:
        return look.passed("The cluster's definition, read back, says what it should.")
    return look.open("DeclaredDifferently", f"The cluster's definition differs: {said}.", CLUSTER_LOOK_S)


def instances_current(look: Look) -> GateVerdict:
    scale_set = look.scale_set()
    return scale_set if isinstance(scale_set, GateVerdict) else look.of(judge_scale_set(scale_set))


def extension_declares(look: Look) -> GateVerdict:
    scale_set = look.scale_set()
    if isinstance(scale_set, GateVerdict):
        return scale_set
    said = differs_on_extension(scale_set.node_extension, look.gate.expects)
    if said is None:
        return look.passed(f"The node extension of {scale_set.name}, read back, says what it should.")
    return look.open("DeclaredDifferently", f"The node extension of {scale_set.name} differs: {said}.")


def secrets_are(look: Look) -> GateVerdict:
    scale_set = look.scale_set()
    if isinstance(scale_set, GateVerdict):
        return scale_set
    said = differs_from_secrets(scale_set, look.gate.expects.get("urls") or ())
    if said is None:
        return look.passed(f"The vm secrets of {scale_set.name} are what they should be.")
    return look.open("DeclaredDifferently", f"The vm secrets of {scale_set.name} differ: it {said}.")


def extension_succeeded(look: Look) -> GateVerdict:
    scale_set = look.scale_set()
    if isinstance(scale_set, GateVerdict):
        return scale_set
    name, kind = look.gate.expects.get("name"), look.gate.expects.get("type")

    def wanted(status: ExtensionStatus) -> bool:
        if name:
            return status.name.lower() == str(name).lower()
        return (status.type or "").lower().endswith(str(kind or "?").lower())

    if look.gate.expects.get("after_version"):
        return look.open("TooEarly", "The certificate that it has to have brought is not enrolled yet.")
    after = instant(look.gate.expects.get("after_utc"))
    return look.of(judge_extension(scale_set, wanted, f"the extension {name or kind}", after_utc=after))


def other_extensions_succeeded(look: Look) -> GateVerdict:
    """Whether every *other* extension of the model is still succeeded everywhere: write-only settings that a PUT left
    out were kept then."""
    scale_set = look.scale_set()
    if isinstance(scale_set, GateVerdict):
        return scale_set
    spared = look.gate.expects.get("except") or ()
    left_out = {one.lower() for one in ([spared] if isinstance(spared, str) else spared)}
    passed = look.passed(f"Every other extension of {scale_set.name} has succeeded on every instance.")
    for name in scale_set.extension_names:
        if name.lower() in left_out:
            continue
        found = look.of(judge_extension(scale_set, _named(name), f"the extension {name}"))
        if found.state != "passed":
            return found
    return passed


def _named(name: str) -> Callable[[ExtensionStatus], bool]:
    return lambda status: status.name.lower() == name.lower()


def certificate_on_nodes(look: Look) -> GateVerdict:
    """Whether each store that can be seen holds the certificate.

    Where a store cannot be seen, the Key Vault extension's success on that instance stands for it: with initial sync it
    reports success only once the certificate is installed. Where a vm secret brings this very version (`secret_url`),
    an instance that runs the model with it, and succeeded in that, has it; one that does not yet is waited for. Without
    either nobody can tell.
    """
    scale_set = look.scale_set()
    if isinstance(scale_set, GateVerdict):
        return scale_set
    wanted = normal_thumbprint(str(look.gate.expects["thumbprint"]))
    if scale_set.instances is None:
        return look.unknown("NotRead", f"The instances of {scale_set.name} could not be listed.")
    lacking = [one for one in scale_set.instances if one.store is not None and wanted not in one.store]
    if lacking:
        where = ", ".join(one.name or one.id for one in lacking)
        return look.open("CertificateAbsent", f"{wanted} is not in the store of {where}.", INSTANCES_LOOK_S)
    unseen = [one for one in scale_set.instances if one.store is None]
    secret = str(look.gate.expects.get("secret_url") or "")
    unproved = [one for one in unseen if not (_delivered(scale_set, one) or _installed(scale_set, one, secret))]
    where = ", ".join(one.name or one.id for one in unproved)
    if unproved and _lists(scale_set, secret) and all(one.latest_model is not None for one in unproved):
        message = f"A vm secret brings {wanted}, but {where} does not run the newest model with it."
        return look.open("InstancesBehind", message, INSTANCES_LOOK_S)
    if unproved:
        message = (
            f"The store of {where} cannot be seen, and neither a Key Vault extension nor a vm secret vouches for "
            f"{wanted} there."
        )
        return look.unknown("NotSeen", message, INSTANCES_LOOK_S)
    seen = len(scale_set.instances) - len(unseen)
    if not unseen:
        return look.passed(f"{wanted} is in the stores of all {seen} instances.")
    vouched = f"what delivers it, a vm secret or an extension that succeeded, vouches for {len(unseen)} instances"
    return look.passed(f"{wanted}: {vouched}" + (f"; it is in the stores of {seen}." if seen else "."))


def _installed(scale_set: ScaleSet, instance: Instance, secret_url: str) -> bool:
    """Source: service-fabric.md 5: vm secrets reach machines with the model; a version that cannot be had fails it."""
    if not _lists(scale_set, secret_url):
        return False
    return instance.latest_model is True and (instance.provisioning_state or "").lower() == "succeeded"


def _lists(scale_set: ScaleSet, secret_url: str) -> bool:
    return any(one.url.lower() == secret_url.lower() for one in scale_set.secrets)


def _delivered(scale_set: ScaleSet, instance: Instance) -> bool:
    syncs = any(one.require_initial_sync or (one.major or 0) >= 4 for one in scale_set.key_vault_extensions)
    return syncs and any(
        _KEY_VAULT in (status.type or "").lower() and status.state == "succeeded" for status in instance.extensions
    )
