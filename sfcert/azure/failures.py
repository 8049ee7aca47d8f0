"""What did the remote side say when it refused? HTTP answers and SDK exceptions in, `RemoteError` out. Floor 5.

Source: Azure REST guidelines (error envelope, x-ms-correlation-request-id, x-ms-request-id, Retry-After in seconds or
as a date, retry-after-ms).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from sfcert.errors import RemoteError

#: Statuses that may pass by themselves. 409 and 412 only by code: see `retries`.
PASSING = frozenset({408, 429, 500, 502, 503, 504})


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """What the answer asks to wait, in seconds, never negative; None where it says nothing readable.

    Args:
        now: aware UTC, for the form that is a date.
    """
    lowered = {key.lower(): value for key, value in headers.items()}
    for name, unit in (("retry-after-ms", 1000.0), ("x-ms-retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = lowered.get(name)
        if text is None:
            continue
        try:
            return max(0.0, float(text) / unit)
        except ValueError:
            pass
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            continue
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        return max(0.0, (at - now).total_seconds())
    return None


def of_answer(
    service: str, operation: str, status: int, headers: Mapping[str, str], text: str, *, now: datetime
) -> RemoteError:
    """The error that a refusing answer means.

    Args:
        service: for people: "Azure Resource Manager", "Key Vault <host>", "Service Fabric".
        operation: the call, without query: "GET /subscriptions/…".
    """
    code, message = _envelope(text)
    lowered = {key.lower(): value for key, value in headers.items()}
    correlation = lowered.get("x-ms-correlation-request-id") or lowered.get("x-ms-request-id")
    wait = retry_after_s(headers, now)
    said = f"{status}{f' {code}' if code else ''}{f': {message}' if message else ''}"
    denied = status in (401, 403)
    sentence = f"{service} refused {operation}: {said}." if denied else f"{service} failed at {operation}: {said}."
    if denied:
        sentence += " Check which identity is signed in and what `sfcert permissions` lists."
    return RemoteError(
        "PermissionDenied" if denied else "RemoteFailed",
        sentence + (f" (correlation id {correlation})" if correlation else ""),
        service=service,
        operation=operation,
        status=status,
        remote_code=code,
        correlation_id=correlation,
        retry_after_s=wait,
        transient=status in PASSING,
    )


def of_exception(service: str, operation: str, error: Exception, *, now: datetime) -> RemoteError:
    """The error that an SDK's exception means; one that is not the SDK's own is raised again as it is."""
    from azure.core import exceptions as core

    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if isinstance(error, core.HttpResponseError) and isinstance(status, int) and response is not None:
        return of_answer(service, operation, status, dict(response.headers), _text(response), now=now)
    first = str(error).splitlines()[0].strip() if str(error).strip() else type(error).__name__
    if isinstance(error, core.ClientAuthenticationError):
        return RemoteError(
            "CredentialUnavailable",
            f"No token for {service} could be had: {first} Sign in (az login) or set AZURE_TENANT_ID, AZURE_CLIENT_ID"
            " and AZURE_CLIENT_SECRET.",
            service=service,
            operation=operation,
            transient=False,
        )
    if isinstance(error, core.ServiceRequestError | core.ServiceResponseError):
        return unreachable(service, operation, first)
    if isinstance(error, core.AzureError):
        return RemoteError(
            "RemoteFailed", f"{service} failed at {operation}: {first}", service=service, operation=operation
        )
    raise error


#: How resolvers and proxies say that there is no such host, or no way to it; measured with urllib3 on Linux, the other
#: systems' words from their own `getaddrinfo`.
_NO_SUCH_WAY = (
    "name or service not known",
    "nodename nor servname provided",
    "getaddrinfo failed",
    "tunnel connection failed: 403",
    "tunnel connection failed: 407",
)


def unreachable(service: str, operation: str, why: str) -> RemoteError:
    """The error of a connection that did not come about, or broke.

    A host that nobody knows, or to which the proxy leads nobody, is most often a name that was mistyped: that does not
    pass, but for the network that is only coming up.
    """
    return RemoteError(
        "RemoteUnreachable",
        f"{service} could not be reached for {operation}: {why}. Check the network and HTTPS_PROXY, NO_PROXY.",
        service=service,
        operation=operation,
        transient=not any(one in why.lower() for one in _NO_SUCH_WAY),
    )


def _text(response: Any) -> str:
    try:
        return str(response.text())
    except Exception:  # a body that cannot be read must not hide the refusal itself
        return ""


def _envelope(text: str) -> tuple[str | None, str | None]:
    """Code and message of `{"error": {...}}`, Service Fabric's `{"Error": {...}}`, or neither; the innermost code wins
    where a service wraps its own (`Forbidden` around `ForbiddenByPolicy`)."""
    try:
        body = json.loads(text)
    except ValueError:
        return None, " ".join(text.split())[:200] or None
    found = body.get("error") or body.get("Error") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        return None, None
    code, message = found.get("code") or found.get("Code"), found.get("message") or found.get("Message")
    inner = found.get("innererror")
    if isinstance(inner, dict) and isinstance(inner.get("code"), str):
        code = inner["code"]
    first = " ".join(str(message).split())[:600].rstrip(".") if message else None
    return (str(code) if code else None), first
