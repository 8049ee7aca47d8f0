"""Does this authority still issue what a pinned cluster needs? By the dated data file. Floor 3.

Source: the `sunsets` of sfcert/dated.toml, each row with its own source.
"""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlsplit

from sfcert.dated import rows
from sfcert.model.certificate import CLIENT_AUTH

#: Domains of ACME directories -> the authority of the data file.
_DIRECTORIES = {
    "letsencrypt.org": "Let's Encrypt",
    "digicert.com": "DigiCert",
    "sectigo.com": "Sectigo",
    "zerossl.com": "Sectigo",
    "globalsign.com": "GlobalSign",
    "pki.goog": "Google Trust Services",
    "godaddy.com": "GoDaddy",
    "certum.pl": "Certum",
    "ssl.com": "SSL.com",
}
_WAY_OUT = "Move to a private authority whose issuing certificate you pin (`sfcert plan --playbook change-issuer`)."


def authority_of_issuer(issuer: str) -> str | None:
    """The authority of the data file that an issuer's name belongs to; None for one that it does not know."""
    lowered = issuer.lower()
    return next(
        (str(row["authority"]) for row in rows("sunsets") if any(str(w).lower() in lowered for w in row["issuers"])),
        None,
    )


def authority_of_directory(url: str) -> str | None:
    """The authority behind an ACME directory's address; None where the data file does not know it."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:  # no address, as whoever asks it will be told
        return None
    return next((name for part, name in _DIRECTORIES.items() if f".{host}".endswith(f".{part}")), None)


def sunset(authority: str | None, ekus: tuple[str, ...] | None, *, is_pinned: bool, now: datetime) -> str | None:
    """Why this authority is of no use for the certificate, with dates and the way out; None where nothing speaks
    against it.

    Args:
        authority: a name of the data file, None for any other.
        ekus: the usages asked for; client authentication among them is what ends.
        is_pinned: whether a cluster pins the issuer.
    """
    row = next((one for one in rows("sunsets") if one["authority"] == authority), None)
    if row is None:
        return None
    ends = row["client_authentication_ends"]
    assert isinstance(ends, date)
    if ekus is not None and CLIENT_AUTH in ekus and ends <= now.date():
        return (
            f"{authority} grants no client authentication since {ends.isoformat()} ({row['source']}), and a cluster "
            f"certificate needs it. {_WAY_OUT}"
        )
    if is_pinned and row.get("intermediates") == "rotating":
        return (
            f"{authority} rotates its intermediates by intent ({row['source']}), so a pinned cluster refuses one of "
            f"the next certificates. {_WAY_OUT}"
        )
    return None


def sunset_ahead(authority: str | None, now: datetime) -> str:
    """One sentence about the last day of client authentication that this authority has announced; for an authority of
    which no end is known, or whose end is past, that nothing is."""
    row = next((one for one in rows("sunsets") if one["authority"] == authority), None)
    if row is None or row["client_authentication_ends"] <= now.date():
        return "No sunset of its authority is known."
    return (
        f"{authority} grants client authentication until {row['client_authentication_ends'].isoformat()} "
        f"({row['source']}): a renewal after that comes without."
    )
