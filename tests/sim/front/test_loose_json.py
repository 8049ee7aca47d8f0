"""Bodies as az and people send them."""

from __future__ import annotations

import pytest

from sfcert.sim.front.loose_json import parse_body
from sfcert.sim.kernel.failure import AzureFailure


def test_takes_the_unquoted_template_key_and_the_comments_of_az() -> None:
    body = b"""{"properties": {"parameters": {}, "mode": "Incremental", template:{
        // a comment with "quotes" and template: inside
        "a": "http://x//y", /* another */ "template": [1, 2,], }}}"""
    assert parse_body(body) == {
        "properties": {"parameters": {}, "mode": "Incremental", "template": {"a": "http://x//y", "template": [1, 2]}}
    }


def test_an_empty_body_is_none() -> None:
    assert parse_body(b" \r\n") is None


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe\xfa", b'{"a" 1}'], ids=["cut", "not text", "no colon"])
def test_says_where_a_body_cannot_be_read(data: bytes) -> None:
    with pytest.raises(AzureFailure) as refused:
        parse_body(data)
    assert (refused.value.status, refused.value.code) == (400, "InvalidRequestContent")
