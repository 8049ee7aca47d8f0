"""Which differences from the vendor's definitions are known, and why do they stay? Each with its reason.

Everything else that the validator finds fails `make contract`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """One difference: which side, which operations, the validator's code, where in the body."""

    side: str
    operations: str
    code: str
    at: str
    why: str

    def fits(self, side: str, operation: str, code: str, at: str) -> bool:
        return (
            (side, code) == (self.side, self.code)
            and re.fullmatch(self.operations, operation) is not None
            and re.fullmatch(self.at, at) is not None
        )


_MORE = "OBJECT_ADDITIONAL_PROPERTIES"

KNOWN: tuple[Known, ...] = (
    Known(
        "response",
        r"\w*Certificate\w*",
        _MORE,
        r".*/x509_props/basic_constraints",
        "Vaults show `basic_constraints` in every policy, as recordings of the vendor's own SDK tests have it; their"
        " definition never named it.",
    ),
    Known(
        "response",
        r"GetCertificate|MergeCertificate|UpdateCertificate|ImportCertificate",
        _MORE,
        r"/pending",
        "Vaults show the address of an operation in a certificate, as the same recordings have it; the definition"
        " names it for the operation alone.",
    ),
    Known(
        "response",
        r"\w*Certificate\w*",
        _MORE,
        r"/preserveCertOrder",
        "Asked for at 7.6 or newer, where the models of azure-keyvault-certificates have it; the definitions at hand"
        " end before.",
    ),
    Known(
        "response",
        r"DeploymentOperations_\w+",
        _MORE,
        r"(/value/\d+)?/properties/trackingId",
        "Resource Manager sends it, as its page on the history of deployments shows; the definition does not name it.",
    ),
    Known(
        "response",
        r"Subscriptions_List",
        _MORE,
        r"/count",
        "Resource Manager counts the subscriptions, as its page on listing them shows; the definition has no count.",
    ),
    Known(
        "response",
        r"(Subscriptions|Tenants)_List",
        "OBJECT_MISSING_REQUIRED_PROPERTY",
        r"/nextLink",
        "The definition requires a link to a next page; the last page has none, as its own example shows.",
    ),
    Known(
        "request",
        r"VirtualMachineScaleSet\w*_(Reimage|RollingUpgrade)\w*",
        "INVALID_TYPE",
        r"",
        "The vendor's own SDK sends no body where the definition has an optional one.",
    ),
)
#: Operations of types that are kept as they were written: their bodies are the tests' own.
OPAQUE = re.compile(r"Disks_\w+|Resources_(Get|CreateOrUpdate|Update|Delete)ById")
