"""Which reasons may the gate and the conditions give? The closed lists. Floor 3."""

from __future__ import annotations

from collections.abc import Mapping

#: What the gate says. The sentence explains the token, the check's own message says what was seen.
GATE_REASONS: Mapping[str, str] = {
    "Holds": "The check passes.",
    "OtherKey": "The certificate is for another key than the request.",
    "RequestUnread": "The request could not be read, so the key cannot be compared.",
    "OtherName": "The subject's name is none that the cluster declares.",
    "NameCase": "The subject's name differs from the declared one in its case.",
    "NameNotAsked": "The subject's name is not the one that was asked for.",
    "NotInSan": "The subject's name is not among the alternative names.",
    "SanMissing": "A name that was asked for is not in the certificate.",
    "UsageMissing": "A usage is missing in the certificate.",
    "IssuerUnknown": "The direct issuer could not be told, or is known by no verified certificate.",
    "IssuerNotPinned": "The direct issuer is not among the cluster's pins.",
    "TwinNotPinned": "Another certificate of the issuer's key is known and not pinned.",
    "SelfSigned": "A self-signed certificate is its own issuer and can be pinned only after it was made.",
    "ChainOrder": "The chain does not begin with the leaf.",
    "IntermediateMissing": "The chain holds no issuer of the leaf.",
    "KeyUnusable": "The key cannot be used by the runtime, or cannot reach the machines.",
    "NotNewer": "The certificate would not be selected before the one in use.",
    "NotYetValid": "The certificate is valid only later.",
    "Expired": "The certificate has expired.",
    "TooShort": "What is left after renewal is shorter than what delivery takes.",
    "EndsBeforePlan": "The certificate or its issuer ends before the day until which the plan counts on it.",
    "Links": "Windows would bind another certificate of the nodes to this one.",
    "Sunset": "The authority does not grant client authentication any more, or rotates its intermediates by intent.",
    "ClusterUnread": "What the cluster declares could not be read.",
}

#: What the conditions Ready and Issuing say.
CONDITION_REASONS: Mapping[str, str] = {
    "Ready": "The newest version is enabled, in date and as the policy asks.",
    "DoesNotExist": "There is no version yet.",
    "Expired": "The newest version has expired.",
    "NotYetValid": "The newest version is valid only later.",
    "Disabled": "The newest version is disabled.",
    "PolicyDiffers": "The newest version is not what the policy asks for.",
    "Renewing": "A renewal is due.",
    "Pending": "An operation is in progress in the vault.",
    "Failed": "The last attempt failed.",
    "Idle": "Nothing is to be done.",
    "Frozen": "A plan has frozen its renewal while it is at work.",
    "BackingOff": "The last attempt failed; the next one waits.",
}

#: What the conditions say here -> what cert-manager's say of the same; a reason that it has none for is left out.
#: Source: cert-manager 1.21, internal/controller/certificates/policies/constants.go and the issuing controller.
CERT_MANAGER_REASONS: Mapping[str, str] = {
    "Ready": "Ready",
    "DoesNotExist": "DoesNotExist",
    "Expired": "Expired",
    "PolicyDiffers": "SecretMismatch, RequestChanged or IncorrectIssuer",
    "Renewing": "Renewing",
    "Failed": "Failed",
    "Idle": "no condition Issuing at all",
    "BackingOff": "Failed, as long as it waits too",
}
