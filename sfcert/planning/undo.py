"""How does one go back from each stage, if at all? Under the names that playbooks use. Floor 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sfcert.planning import az
from sfcert.planning.step import Step

Json = dict[str, Any]


def _undo(possible: bool, how: str, **more: Any) -> Json:
    return {"possible": possible, "how": how, **more}


def _previous(step: Step) -> Json:
    thumbprints = ", ".join(step.undo.get("declaration") or ()) or "what was declared before"
    return _undo(True, f"Plan again from the state that is left; a stage that declares {thumbprints} leads back.")


def _secrets(step: Step) -> Json:
    lost = step.undo.get("lost") or []
    if lost:
        return _undo(False, "These versions cannot be provisioned again: " + ", ".join(lost), urls=step.undo["urls"])
    return _undo(True, "List the versions in the vm secrets again.", urls=step.undo["urls"])


def _setting_back(step: Step) -> Json:
    was = step.undo.get("was")
    before = "take it out of fabricSettings" if was is None else f"give it the value {was!r} again"
    return _undo(
        True,
        f"To go back, {before}; sfcert plan --playbook recover-expired does it once nodes present what is valid. "
        "Before that, nodes lose each other when what they present has ended.",
        setting=step.undo["setting"],
        was=was,
    )


_WAYS: dict[str, Callable[[Step], Json]] = {
    "restore-renewal": lambda step: _undo(
        True,
        "Write the original lifetime actions back and remove the two tags; sfcert plan does it where nothing else is "
        "left to do.",
        lifetime_actions=step.undo.get("lifetime_actions"),
    ),
    "leave-identity": lambda step: _undo(True, "Leave it: an identity without grants gives nobody anything."),
    "revoke-access": lambda step: _undo(True, "Remove the grant, once no machine fetches with it any more."),
    "stop-delivery": lambda step: _undo(
        True,
        "Take the certificate out of the extension again, and its name out of provisionAfterExtensions first. What is "
        "in the stores stays there.",
        extension=step.undo.get("extension"),
    ),
    "previous-declaration": _previous,
    "common-name-is-a-rollover-back": lambda step: _undo(
        False,
        "Only the first phase can be interrupted by another update. Afterwards the way back to thumbprints is a "
        "rollover of its own.",
    ),
    "secrets-back": _secrets,
    "fewer-pins": lambda step: _undo(
        True,
        "Leave it: a further pin accepts more and refuses nothing. Or plan change-issuer again with the issuers that "
        "shall stay, as long as every node presents a certificate of one of them.",
    ),
    "more-pins": lambda step: _undo(
        True,
        "Plan change-issuer again with --issuer-thumbprints that hold these too: it pins them beside the others.",
        pins=step.undo.get("pins"),
    ),
    "observe-again": lambda step: _undo(
        True,
        "Append the certificates to the extension's observedCertificates again, while their issuer is pinned.",
        extension=step.undo.get("extension"),
        urls=step.undo.get("urls"),
    ),
    "secrets-away": lambda step: _undo(
        True,
        "Take the versions out of the vm secrets again, once nothing declares them. What is in the stores stays there.",
        urls=step.undo.get("urls"),
    ),
    "client-names-away": lambda step: _undo(
        True,
        "Write clientCertificateCommonNames as it was before: the thumbprints stand beside the names. A client that "
        "has moved to a newer certificate of its name is refused from then on.",
        resource=step.undo.get("resource"),
        sets=step.undo.get("sets"),
    ),
    "client-thumbprints-back": lambda step: _undo(
        True,
        "Write clientCertificateThumbprints as it was before; the names stay beside them.",
        resource=step.undo.get("resource"),
        sets=step.undo.get("sets"),
    ),
    "proxy-thumbprint-back": lambda step: _undo(
        True,
        f"Send the cluster with reverseProxyCertificate as it was ({', '.join(step.undo.get('declaration') or ())}) "
        "and without reverseProxyCertificateCommonNames. That certificate has to be on every node: once its vm secrets "
        "are gone, they come back first.",
        resource=step.undo.get("resource"),
        sets=step.undo.get("sets"),
        removes=step.undo.get("removes"),
    ),
    "proxy-extension-back": lambda step: _undo(
        True,
        f"Write {', '.join(step.undo.get('declaration') or ())} into reverseProxyCertificate of the node extension "
        "again, as long as a vm secret brings it.",
        resource=step.undo.get("resource"),
        sets=step.undo.get("sets"),
        removes=step.undo.get("removes"),
    ),
    "cancel-enrolment": lambda step: _undo(
        True,
        "While the request is open, the lines that sfcert show prints with this stage cancel it, and nothing is "
        "issued. Once there is a version it stays: disable it only after thinking of new machines, which then get "
        "none. The policy goes on naming the new issuer.",
        cancel=az.cancel_lines(str(step.undo["vault_url"]), str(step.undo["certificate"])),
    ),
    "freeze-again": lambda step: _undo(
        False, "Freezing again is a stage of its own; a version that was issued meanwhile stays."
    ),
    "leave-version": lambda step: _undo(
        True, "Leave it: a further version of the same name from a pinned issuer is refused by nobody."
    ),
    "setting-on-nodes": lambda step: _undo(
        True,
        "Nothing has to be taken back: what is set on nodes alone goes with the next upgrade of the cluster. Until "
        "what has ended is replaced, nodes need it.",
    ),
    "setting-as-it-was": _setting_back,
    "setting-again": lambda step: _undo(
        True,
        f"Set {step.undo['setting']} to true in fabricSettings again. It changes nothing while what nodes present is "
        "valid.",
        setting=step.undo["setting"],
    ),
    "none-needed": lambda step: _undo(True, "Nothing was changed that would have to go back."),
}

WAYS = frozenset(_WAYS)


def undo_for(way: str, step: Step) -> Json:
    """How to go back, or that there is no way back. KeyError for an unknown way: playbooks are held to `WAYS`."""
    return _WAYS[way](step)
