"""What did the operator ask for? The planner's inputs as one value, checked against what can be asked. Floor 4."""

from __future__ import annotations

from typing import Any

from msgspec import field
from msgspec.structs import replace

from sfcert import dated
from sfcert.errors import Fault, InputError
from sfcert.model.base import Value
from sfcert.model.certificate import Certificate
from sfcert.model.codec import to_plain
from sfcert.model.enrolment import EnrolmentPolicy
from sfcert.model.ids import VaultReference, normal_thumbprint, parse_resource_id, parse_vault_url

DEFAULT_PLAYBOOK = "thumbprint-to-common-name"


class Inputs(Value):
    """What may steer a plan.

    `certificates` maps a node type, or "*" for all others, to a vault certificate URL. `certificate_pems` are public
    certificates in the order given: leaves and the issuers that signed them. `enrolment` is the policy by which the
    goal is asked for where it is not there yet.
    """

    playbook: str = DEFAULT_PLAYBOOK
    common_name: str | None = None
    issuer_thumbprints: tuple[str, ...] = ()
    certificates: dict[str, str] = field(default_factory=dict)
    certificate_pems: tuple[Certificate, ...] = ()
    identity_id: str | None = None
    accepted: tuple[str, ...] = ()
    enrolment: EnrolmentPolicy | None = None

    def reference_for(self, node_type: str | None) -> VaultReference | None:
        """The vault certificate named for a node type, or for all; None where none was named."""
        wanted = (node_type or "").lower()
        named = next((url for key, url in self.certificates.items() if key.lower() == wanted), None)
        url = named or self.certificates.get("*")
        return parse_vault_url(url) if url else None


def checked(inputs: Inputs) -> Inputs:
    """The inputs with thumbprints normalized and each accepted id once.

    Raises:
        InputError: Misuse, with every fault: a thumbprint, vault URL or resource id that is none, an assumption that is
            not on the closed list.
    """
    faults: list[Fault] = []
    pins: list[str] = []
    for text in inputs.issuer_thumbprints:
        try:
            pins.append(normal_thumbprint(text))
        except ValueError:
            faults.append(Fault(f"--issuer-thumbprints: {text!r} is not a SHA-1 thumbprint (40 hex digits)"))
    for node_type, url in inputs.certificates.items():
        if parse_vault_url(url) is None:
            faults.append(Fault(f"--certificate {node_type}: {url!r} is not https://<vault>/certificates/<name>"))
    if inputs.identity_id is not None and not _is_identity(inputs.identity_id):
        faults.append(Fault(f"--identity: {inputs.identity_id!r} is not the id of a user-assigned identity"))
    known = [str(row["id"]) for row in dated.rows("assumptions")]
    faults += [
        Fault(f"--accept: {one!r} is not on the list ({', '.join(known)})")
        for one in inputs.accepted
        if one not in known
    ]
    if faults:
        raise InputError("Misuse", "What was asked for cannot be planned.", faults)
    return replace(inputs, issuer_thumbprints=tuple(dict.fromkeys(pins)), accepted=tuple(sorted(set(inputs.accepted))))


def as_plain(inputs: Inputs) -> dict[str, Any]:
    """The inputs as the plan records them: certificates by thumbprint, empty ones left out."""
    plain = {
        "playbook": inputs.playbook,
        "common_name": inputs.common_name,
        "issuer_thumbprints": list(inputs.issuer_thumbprints),
        "certificates": dict(sorted(inputs.certificates.items())),
        "certificate_pems": [one.thumbprint for one in inputs.certificate_pems],
        "identity_id": inputs.identity_id,
        "enrolment": to_plain(inputs.enrolment),
    }
    return {key: value for key, value in plain.items() if value}


def _is_identity(text: str) -> bool:
    try:
        return parse_resource_id(text).type.lower() == "microsoft.managedidentity/userassignedidentities"
    except ValueError:
        return False
