"""A CA's refusals become errors with a way out, whatever the CA sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfcert.acme.problems import failed_challenge, failed_order, read_problem, refusal, retry_after
from sfcert.errors import TOKENS

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PREFIX = "urn:ietf:params:acme:error:"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([f"{PREFIX}{one}" for one in ("caa", "dns", "compound", "rateLimited", "new")])
        | json_values,
        "detail": json_values,
        "identifier": json_values,
        "subproblems": json_values,
        "instance": json_values,
    },
)


@given(documents)
def test_no_problem_document_is_too_odd(document: dict[str, Any]) -> None:
    problem = read_problem(document)
    errors = [
        refusal(problem, ca="ca.test", operation="newOrder", status=403, retry_after_s=None, now=NOW),
        failed_challenge(problem, ca="ca.test", name="sf.test", kind="dns-01"),
        failed_order(problem, ca="ca.test", names="sf.test"),
    ]
    for error in errors:
        assert error.token in TOKENS
        assert "\n" not in str(error)


@given(st.binary(max_size=200))
def test_no_body_is_too_odd(body: bytes) -> None:
    assert isinstance(str(read_problem(body)), str)


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        ("externalAccountRequired", "AcmeAccountRefused"),
        ("unauthorized", "AcmeAccountRefused"),
        ("userActionRequired", "AcmeAccountRefused"),
        ("rateLimited", "AcmeRateLimited"),
        ("caa", "AcmeCaaForbids"),
        ("rejectedIdentifier", "AcmeOrderRefused"),
        ("badCSR", "AcmeOrderRefused"),
        ("somethingNew", "AcmeOrderRefused"),
    ],
)
def test_each_refusal_has_its_token(kind: str, token: str) -> None:
    problem = read_problem({"type": PREFIX + kind, "detail": "because"})
    error = refusal(problem, ca="ca.test", operation="newOrder", status=403, retry_after_s=None, now=NOW)
    assert error.token == token
    assert "because" in str(error)


def test_the_page_that_the_ca_names_is_shown() -> None:
    problem = read_problem(
        {"type": f"{PREFIX}userActionRequired", "detail": "new terms", "instance": "https://ca.test/t"}
    )
    error = refusal(problem, ca="ca.test", operation="newOrder", status=403, retry_after_s=None, now=NOW)
    assert "See https://ca.test/t." in str(error)


def test_every_name_of_a_compound_problem_is_told() -> None:
    inner = [
        {"type": f"{PREFIX}rejectedIdentifier", "detail": "no", "identifier": {"type": "dns", "value": name}}
        for name in ("a.test", "b.test")
    ]
    problem = read_problem({"type": f"{PREFIX}compound", "detail": "several", "subproblems": inner})
    error = refusal(problem, ca="ca.test", operation="newOrder", status=400, retry_after_s=None, now=NOW)
    assert "a.test: no; b.test: no" in str(error)
    assert "choose another name" in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("-5", 0.0),
        (" 120 ", 120.0),
        ("9" * 5000, 366 * 86400.0),
        ("Sun Nov 22 10:01:00 2026", 60.0),
        ("Sun, 22 Nov 99999 10:01:00 GMT", None),
        ("Sun, 22 Nov 2026 10:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds
