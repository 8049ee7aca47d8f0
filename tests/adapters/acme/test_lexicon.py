"""lexicon's own Cloudflare provider against a small loopback answerer of that API: nothing but its address is changed.

(lexicon 3.25's provider for dynamic updates does not work with dnspython 2.9, so Knot cannot judge it.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sfcert.acme.solvers.dns01_lexicon import LexiconDns
from sfcert.errors import RemoteError
from tests.servers.cloudflare import TOKEN, Cloudflare, running_cloudflare

AT = "_acme-challenge.www.example.test"


@pytest.fixture
def host() -> Iterator[Cloudflare]:
    with running_cloudflare() as running:
        yield running


def writer(host: Cloudflare, token: str = TOKEN) -> LexiconDns:
    made = LexiconDns("cloudflare", {"auth_token": token}, zone="example.test")
    provider = made._class

    class Local(provider):  # type: ignore[misc,valid-type]  # a class that is chosen at run time
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.api_endpoint = host.url

    made._class = Local
    return made


def test_a_text_comes_and_goes_and_others_stay(host: Cloudflare) -> None:
    host.add({"type": "TXT", "name": AT, "content": "another's"})
    host.add({"type": "TXT", "name": "spf.example.test", "content": "v=spf1 -all"})
    ours = writer(host)

    def there() -> list[str]:
        return sorted(one["content"].strip('"') for one in host.records.values() if one["name"] == AT)

    for _ in range(2):
        ours.add_text("example.test", AT, "one")
        assert there() == ["another's", "one"]
    for _ in range(2):
        ours.remove_text("example.test", AT, "one")
        assert there() == ["another's"]
    assert [one["name"] for one in host.records.values()] == [AT, "spf.example.test"]


def test_a_refused_token_is_told_without_it(host: Cloudflare) -> None:
    with pytest.raises(RemoteError, match="HTTPError") as caught:
        writer(host, "another-made-up-token").add_text("example.test", AT, "x")
    assert caught.value.token == "DnsUpdateRefused"
    assert "another-made-up-token" not in str(caught.value)
