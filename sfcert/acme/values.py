"""What goes into an order by ACME and what comes out of it? Values only. Floor 5.

No secret is in here: the account's key and the MAC key of an external account travel beside these values.
"""

from __future__ import annotations

from datetime import datetime

from sfcert.model.base import Value


class AcmeOptions(Value):
    """How a CA is spoken to.

    Attributes:
        directory_url: the CA's directory.
        contacts: e-mail addresses, without `mailto:`.
        external_account_kid: the key id that the CA gave for external account binding; its MAC key is passed apart.
        external_account_algorithm: HS256, HS384 or HS512.
        profile: what the CA calls a profile; None leaves the choice to it.
        preferred_chain: common name of the issuer with which the chain that is wanted ends; a chain in which it only
            stands comes next, the CA's default last.
        ari: ask for renewal information and say what an order replaces, where the CA knows both.
        ca_file: PEM file of the roots that the CA's own HTTPS is checked against; None is the usual public ones.
        patience_s: the longest wait for one thing (a validation, the signature), in seconds.
    """

    directory_url: str
    contacts: tuple[str, ...] = ()
    external_account_kid: str | None = None
    external_account_algorithm: str = "HS256"
    profile: str | None = None
    preferred_chain: str | None = None
    ari: bool = True
    ca_file: str | None = None
    patience_s: float = 600.0


class Placed(Value):
    """An answer to a challenge that was put where the CA looks, or is about to be. Public by its nature; it outlives
    its order where a run is killed.

    Attributes:
        kind: `http-01` or `dns-01`.
        name: as the solver was given it; `*.` stands before a wildcard's.
    """

    kind: str
    name: str
    token: str
    key_authorization: str


class OrderState(Value):
    """One order as it has to be kept to be taken up again after a crash. Holds no secret.

    `order_url` is empty from when the order is asked for until its address has come.
    """

    directory_url: str
    account_url: str
    order_url: str
    names: tuple[str, ...]
    profile: str | None = None
    replaces: str | None = None
    expires_utc: datetime | None = None


class RenewalWindow(Value):
    """When the CA would like this certificate to be replaced, aware UTC, `opens_utc < closes_utc`.

    Attributes:
        explanation_url: a page of the CA that says why, or None.
        ask_again_utc: before this instant the CA does not want to be asked again; None where it did not say.
    """

    opens_utc: datetime
    closes_utc: datetime
    explanation_url: str | None = None
    ask_again_utc: datetime | None = None


class AcmeChain(Value):
    """What the CA answered.

    Attributes:
        der: the chain that was chosen, leaf first, each signed by the next; at least two certificates.
        alternates: the CA's other chains for the same leaf, in its order; fetched only where the CA's own does not
            end with `preferred_chain`.
        ari_id: the certificate's id for renewal information and for `replaces`; None without a key id of the issuer.
        window: the CA's advice on renewal, or None where it gives none.
        calls: requests sent to the CA for this certificate.
    """

    der: tuple[bytes, ...]
    alternates: tuple[tuple[bytes, ...], ...]
    order_url: str
    ari_id: str | None
    window: RenewalWindow | None
    calls: int


class AcmeEvent(Value):
    """Something that happened while an order went on.

    Attributes:
        kind: one of `account`, `ordering`, `order`, `placing`, `challenge`, `waiting`, `finalize`, `issued`, `note`.
        message: one sentence for people; empty where there is only a state to keep.
        name: the name that it is about, or None.
        order: the state to keep for `resume`; set with `ordering`, without its address, and with `order`.
        placed: with `placing`, the answers to keep for `placed`: told before they are put in place, and once they are
            gone; else None.
    """

    kind: str
    message: str
    name: str | None = None
    order: OrderState | None = None
    placed: tuple[Placed, ...] | None = None
