"""Every way of refusing becomes one error with its data."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from sfcert.azure.failures import of_answer, of_exception, retry_after_s

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_the_envelope_gives_code_message_and_correlation_id() -> None:
    body = json.dumps({"error": {"code": "InvalidTemplate", "message": "line one.\nline two."}})
    error = of_answer("ARM", "PUT /x", 400, {"X-Ms-Correlation-Request-Id": "c1"}, body, now=NOW)
    assert (error.token, error.status, error.remote_code) == ("RemoteFailed", 400, "InvalidTemplate")
    assert error.correlation_id == "c1"
    assert "line one. line two" in error.message
    assert error.transient is False


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_identity_is_permission_denied_with_the_innermost_code(status: int) -> None:
    body = json.dumps({"error": {"code": "Forbidden", "message": "no", "innererror": {"code": "ForbiddenByRbac"}}})
    error = of_answer("Key Vault kv", "GET /certificates/a", status, {}, body, now=NOW)
    assert (error.token, error.remote_code) == ("PermissionDenied", "ForbiddenByRbac")


@pytest.mark.parametrize("body", ["", "<html>gateway</html>", "[]", '{"error": "text"}', '{"error": null}'])
def test_a_body_of_any_shape_still_gives_one_message(body: str) -> None:
    error = of_answer("ARM", "GET /x", 502, {}, body, now=NOW)
    assert error.transient is True
    assert "502" in error.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "Sun, 22 Nov 2026 10:01:00 GMT"}, 60.0),
        ({"Retry-After": "Sun, 22 Nov 2026 09:00:00 GMT"}, 0.0),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
    ids=["seconds", "milliseconds", "a date", "a date gone by", "nonsense", "absent"],
)
def test_retry_after_is_read_in_each_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, NOW) == seconds


def test_no_credential_and_no_network_are_told_apart() -> None:
    missing = of_exception("ARM", "GET /x", ClientAuthenticationError("no account"), now=NOW)
    broken = of_exception("ARM", "GET /x", ServiceRequestError("name not known"), now=NOW)
    assert (missing.token, missing.transient) == ("CredentialUnavailable", False)
    assert (broken.token, broken.transient) == ("RemoteUnreachable", True)


def test_a_bug_flies_on() -> None:
    with pytest.raises(ZeroDivisionError):
        of_exception("ARM", "GET /x", ZeroDivisionError(), now=NOW)
