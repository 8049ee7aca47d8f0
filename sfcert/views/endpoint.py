"""How does one look at an endpoint look? Terminal text. Floor 5."""

from __future__ import annotations

from sfcert.model.endpoint import EndpointSight
from sfcert.views.text import PLAIN, Page, instant


def endpoint_lines(sight: EndpointSight, page: Page = PLAIN) -> list[str]:
    """The leaf's facts as a client would see them, then each expectation with a mark."""
    named = f" (as {sight.server_name})" if sight.server_name else ""
    lines = [page.paint(f"{sight.endpoint}{named}", "bold")]
    if sight.thumbprint is not None:
        issuers = ", ".join(sight.issuer_thumbprints) or "not served"
        lines += page.pairs(
            [
                ("thumbprint", sight.thumbprint),
                ("subject", sight.subject or "none"),
                ("names", ", ".join(sight.dns_names) or "none"),
                ("issuer", f"{sight.issuer} ({issuers})"),
                ("valid", f"{instant(sight.not_before_utc)} to {instant(sight.not_after_utc)}"),
                ("key", sight.key or "unknown"),
            ]
        )
    for one in sight.checks:
        mark = page.paint("✓", "green") if one.holds else page.paint("✗", "red")
        lines += [f"  {mark} {line.strip()}" for line in page.wrap(f"{one.check}: {one.message}", 0)[:1]]
        lines += [f"    {line.strip()}" for line in page.wrap(f"{one.check}: {one.message}", 0)[1:]]
    return lines
