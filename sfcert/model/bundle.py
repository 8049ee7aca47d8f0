"""What was captured, raw? The document `sfcert.bundle/1`, through which every source passes.

Live reads make one, a bundle file is one, an authored template becomes one; so the same facts give the same answers.
Bodies are kept as they were read. Leaves out: what they mean (`sfcert.sources.observe`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import field

from sfcert.model.base import Value

FORMAT = "sfcert.bundle/1"
Json = dict[str, Any]


class RawResource(Value):
    """One ARM GET: the api-version asked for and the body as it came."""

    api_version: str
    body: Json


class RawVersion(Value):
    """One version of a vault certificate: the data plane's bundle, with the chain found for it.

    `cer` is base64 DER; `x5t` base64url SHA-1; `attributes` holds epoch seconds. `chain` is base64 DER from the direct
    issuer upwards, empty when unknown.
    """

    id: str
    x5t: str
    cer: str | None = None
    attributes: Json = field(default_factory=dict)
    chain: tuple[str, ...] = ()
    chain_source: Literal["given", "tls", "aia", "pfx"] | None = None
    kid: str | None = None
    sid: str | None = None
    tags: Json | None = None


class RawCertificate(Value):
    """One name in a vault: policy and pending operation raw (`pending` None when there is none), versions in any order.

    `policy` is None where it could not be read. `tags` are those of the newest version as the vault lists it.
    """

    policy: Json | None = None
    pending: Json | None = None
    versions: tuple[RawVersion, ...] = ()
    tags: Json | None = None


class RawVault(Value):
    certificates: dict[str, RawCertificate] = field(default_factory=dict)


class RawRuntime(Value):
    """Service Fabric's REST answers and what TLS handshakes showed. None: not asked, or not to be had.

    `node_health` is node name -> `/Nodes/{n}/$/GetHealth`; `presented` is "host:port" -> base64 DER chain, leaf first.
    """

    nodes: list[Json] | None = None
    cluster_health: Json | None = None
    upgrade_progress: Json | None = None
    cluster_manifest: str | None = None
    node_health: dict[str, Json] | None = None
    presented: dict[str, list[str]] | None = None


class Query(Value):
    """A list call that was made: so that none and not asked differ."""

    what: str
    found: int


#: Why the nodes' own answers are missing where nobody wanted them asked.
NODES_NOT_ASKED = "no credential for the nodes' own endpoint was given"


class Unread(Value):
    """Something that could not be read, and why. Nothing is declared safe on top of it."""

    what: str
    why: str


class Unresolved(Value):
    """A value of an authored template that no file can tell: resource id, path inside its body, the reason."""

    resource: str
    path: str
    why: str


class Bundle(Value):
    """One captured world. Keys of `resources` are resource ids, of `vaults` vault URLs without a trailing slash, of
    `vm_instances` and `node_stores` scale set ids (instance id -> base64url x5t list)."""

    cluster_id: str
    captured_at_utc: datetime
    format: str = FORMAT
    source: Literal["live", "bundle", "template"] = "bundle"
    resources: dict[str, RawResource] = field(default_factory=dict)
    queries: tuple[Query, ...] = ()
    vm_instances: dict[str, list[Json]] | None = None
    vaults: dict[str, RawVault] = field(default_factory=dict)
    node_stores: dict[str, dict[str, list[str]]] | None = None
    runtime: RawRuntime = field(default_factory=RawRuntime)
    unread: tuple[Unread, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
