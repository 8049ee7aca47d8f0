"""What do children that are declared apart add to the body of their parent? As ARM would show it in a GET. Floor 2.

Access policies join their vault, extensions join their scale set. Left out: children that change no parent's body.
"""

from __future__ import annotations

from typing import Any

from sfcert.arm.edit import find_named, get_at, set_at
from sfcert.arm.functions.numbers import same
from sfcert.arm.symbolic import has_symbolic, is_symbolic

_EXTENSIONS = "properties.virtualMachineProfile.extensionProfile.extensions"
_POLICIES = "properties.accessPolicies"
_WHOSE = ("tenantId", "objectId", "applicationId")


def with_extension(scale_set: dict[str, Any], name: str, extension: dict[str, Any]) -> dict[str, Any]:
    """A scale set's body with an extension that is declared as its child; one of the same name is replaced.

    Returns:
        The body as it was where the list of extensions is itself an expression.
    """
    extensions = get_at(scale_set, _EXTENSIONS, [])
    if not isinstance(extensions, list):
        return scale_set
    entry = {"name": name, "properties": get_at(extension, "properties", {})}
    at = find_named(extensions, name)
    changed = [*extensions, entry] if at is None else [*extensions[:at], entry, *extensions[at + 1 :]]
    result: dict[str, Any] = set_at(scale_set, _EXTENSIONS, changed)
    return result


def with_access_policies(vault: dict[str, Any], operation: str, child: dict[str, Any]) -> dict[str, Any] | None:
    """A vault's body after an `accessPolicies` child: `add`, `replace` or `remove`.

    Returns:
        None where it cannot be told: another operation, or lists that are expressions.
    """
    given, held = get_at(child, _POLICIES, []), get_at(vault, _POLICIES, []) or []
    if not isinstance(given, list) or not isinstance(held, list):
        return None
    if operation.lower() == "replace":
        policies = given
    elif operation.lower() == "add":
        policies = list(held)
        for entry in given:
            at = next((index for index, own in enumerate(policies) if _same_principal(own, entry)), None)
            if at is None:
                policies.append(entry)
            else:
                policies[at] = {**policies[at], "permissions": _joined(policies[at], entry)}
    elif operation.lower() == "remove":
        policies = [own for own in held if not any(_same_principal(own, entry) for entry in given)]
    else:
        return None
    result: dict[str, Any] = set_at(vault, _POLICIES, policies)
    return result


def _same_principal(left: Any, right: Any) -> bool:
    """Whether two entries name the same principal; expressions are the same where they are written the same."""

    def text(value: Any) -> Any:
        return str.__str__(value).lower() if isinstance(value, str) else value

    return all(text(get_at(left, key)) == text(get_at(right, key)) for key in _WHOSE)


def _joined(left: Any, right: Any) -> Any:
    """The permissions of both entries, each once; the later one's where either is an expression."""
    mine, theirs = get_at(left, "permissions", {}), get_at(right, "permissions", {})
    if is_symbolic(mine) or is_symbolic(theirs) or not isinstance(mine, dict) or not isinstance(theirs, dict):
        return theirs
    joined = dict(mine)
    for kind, verbs in theirs.items():
        own = joined.get(kind)
        if isinstance(own, list) and isinstance(verbs, list) and not has_symbolic(own) and not has_symbolic(verbs):
            joined[kind] = [*own, *(verb for verb in verbs if not any(same(verb, known) for known in own))]
        else:
            joined[kind] = verbs
    return joined
