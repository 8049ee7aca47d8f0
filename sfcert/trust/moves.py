"""What can a stage do to trust? The closed list of moves that a plan is made of. Floor 2.

A move says what changes, not how it is sent. Leaves out what may happen meanwhile (`sfcert.trust.reach`).
"""

from __future__ import annotations

from datetime import datetime

from sfcert.model.base import Value
from sfcert.model.observation import ClientCertificate, Declaration


class Move(Value):
    """A stage. `deadline_s` is how long it may take; `safe_to_stop_until_utc` (aware UTC) is the date until which the
    plan says that one may stop after it: the proof holds the state after the stage to that date too."""

    stage_id: str
    deadline_s: int
    safe_to_stop_until_utc: datetime | None = None


class FreezeRenewal(Move, kw_only=True):
    """These vault certificates (`<vault>/certificates/<name>`) no longer renew themselves afterwards.

    The plan goes on only where the newest version is then still the one that was planned for: its gate has to ask.
    """

    certificate_urls: tuple[str, ...]


class ResumeRenewal(Move, kw_only=True):
    """These vault certificates renew themselves again, if they did before the plan froze them; where it did not freeze
    them, they do."""

    certificate_urls: tuple[str, ...]


class Provision(Move, kw_only=True):
    """The Key Vault VM extension of one scale set as it is afterwards; fields as in `world.Delivery`.

    `observes` is the whole list, those of an existing extension included. The stage ends only once every node holds the
    newest version of each, and where that is still the one that was planned for: its gates have to ask both. In a scale
    set whose instances are brought up to date by hand `reaches_nodes` is False, and `UpdateInstances` ends so instead.
    """

    scale_set_id: str
    observes: tuple[str, ...]
    sequenced: bool = True
    syncs_first: bool = True
    links: bool = False
    keeps_two: bool = False
    store: str = "My"
    reaches_nodes: bool = True


class UpdateInstances(Move, kw_only=True):
    """Every instance of one scale set gets its latest model; the stage ends as `Provision` does."""

    scale_set_id: str


class DeclareCluster(Move, kw_only=True):
    """The cluster resource's declaration as it is afterwards."""

    declaration: Declaration


class DeclareExtension(Move, kw_only=True):
    """The node extension's declaration of one scale set as it is afterwards."""

    scale_set_id: str
    declaration: Declaration


class DeclareClients(Move, kw_only=True):
    """The cluster's client certificates as they are afterwards: the whole list, because it is written as a whole."""

    clients: tuple[ClientCertificate, ...]


class DeclareReverseProxy(Move, kw_only=True):
    """The reverse proxy's declaration as it is afterwards: on the cluster, or on one scale set's node extension."""

    declaration: Declaration
    scale_set_id: str | None = None


class AddSecrets(Move, kw_only=True):
    """Certificate versions that the platform installs on one scale set from now on, as (URL as written, thumbprint).

    The stage ends only once every node holds them: its gates have to ask. In a scale set whose instances are brought up
    to date by hand `reaches_nodes` is False, and `UpdateInstances` ends so instead.
    """

    scale_set_id: str
    secrets: tuple[tuple[str, str], ...]
    store: str = "My"
    reaches_nodes: bool = True


class RetireSecrets(Move, kw_only=True):
    """The vm secrets of one scale set that stay, by the URL as written; nothing is deleted from nodes that exist."""

    scale_set_id: str
    keeps: tuple[str, ...] = ()


class Enrol(Move, kw_only=True):
    """A vault certificate gets a version whose bytes nobody has yet: `thumbprint` stands for it, and the world holds
    what its gate demands of it. The stage ends only once that gate was seen to hold."""

    certificate_url: str
    thumbprint: str


class AwaitDelivery(Move, kw_only=True):
    """Nothing is changed; the stage ends only once every node of these scale sets holds the newest version of what its
    extension observes: its gates have to ask."""

    scale_set_ids: tuple[str, ...]


class Together(Move, kw_only=True):
    """Several moves in one deployment: in any order, at the same time."""

    moves: tuple[Move, ...]


class Nothing(Move):
    """A stage that changes no one's trust, such as an identity, an access or a wait; time passes."""
