"""What is one running cluster? Its nodes, the ring that they form, its state, and what the resource provider accepts.

    A  WaitingForNodes            fewer seed nodes have joined than the reliability level asks for
    B  Deploying                  enough have joined; services come up
    C  Ready                      formed, at rest
    D  Updating…                  an upgrade walks (see `servicefabric.walk`)
    E  UpgradeServiceUnreachable  the quorum of seed nodes is lost (until people mend them), or the provider does not
                                  accept what the upgrade service presents (while that lasts)

Source: reference 8 for the states, 12 for the ring; that a lost quorum never heals by itself is the house's reading,
with a switch for the other one (see `servicefabric.mending`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.clock import Event
from sfcert.sim.kernel.journal import Refusal
from sfcert.sim.nodes.certificate import Certificate
from sfcert.sim.nodes.keeper import Keeper
from sfcert.sim.nodes.manifest import Manifest, Trusts
from sfcert.sim.nodes.node import Node
from sfcert.sim.nodes.ring import hold_together
from sfcert.sim.nodes.store import Store
from sfcert.sim.nodes.switches import is_on, skew_of, trusted_roots
from sfcert.sim.nodes.validation import Judge, refusal
from sfcert.sim.servicefabric.bystanders import Bystanders
from sfcert.sim.servicefabric.mending import ACCEPTS_EXPIRED, Mending

if TYPE_CHECKING:
    from sfcert.sim.servicefabric.walk import Upgrade

SEEDS = {"none": 1, "bronze": 3, "silver": 5, "gold": 7, "platinum": 9}
DEPLOY_S = 300
SESSION_LIFE_S = 7 * 86400
RESOURCE_PROVIDER = "SFRP"


class Cluster:
    """One cluster at run time. The ARM resource beside it holds what was declared; this holds what is so."""

    def __init__(
        self, azure: Azure, resource_id: str, cluster_id: str, manifest: Manifest, *, seed_target: int
    ) -> None:
        self.azure = azure
        self.resource_id = resource_id
        self.cluster_id = cluster_id
        self.manifest = manifest
        self.record: Trusts = manifest.trusts
        self.seed_target = seed_target
        self.primary_types: frozenset[str] = frozenset()
        self.nodes: dict[str, Node] = {}
        self.keepers: dict[str, Keeper] = {}
        self.by_machine: dict[tuple[str, str], str] = {}
        self.upgrade: Upgrade | None = None
        self.last_upgrade: Upgrade | None = None
        self.formed = False
        self.down = False
        self.made_by_azure = True
        self.deploying = False
        self.poll_refusal: str | None = None
        self.at_rest_watchers: list[Callable[[], None]] = []
        self.presentation_watchers: list[Callable[[Node], None]] = []
        self.bystanders = Bystanders(azure, self)
        self._versions = int(manifest.version) if manifest.version.isdigit() else 1
        self._expiry: Event | None = None
        self._told: set[tuple[str, str, str, str]] = set()
        self._sessions: dict[frozenset[str], float] = {}
        self._boots = 0
        self.mending = Mending(self)

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.resource_id.rsplit("/", 1)[-1]

    @property
    def state(self) -> str:
        """`clusterState` as ARM shows it."""
        if not self.formed:
            return "Deploying" if self.deploying else "WaitingForNodes"
        if self.down or self.poll_refusal is not None:
            return "UpgradeServiceUnreachable"
        return self.upgrade.kind if self.upgrade is not None else "Ready"

    @property
    def healthy(self) -> bool:
        """Up with every node in the ring, and in touch with the resource provider."""
        return (
            self.formed
            and not self.down
            and self.poll_refusal is None
            and all(node.in_ring for node in self.nodes.values())
        )

    @property
    def calm(self) -> bool:
        """Healthy and not upgrading: when infrastructure work of Silver and Gold node types is let through."""
        return self.healthy and self.upgrade is None

    def next_version(self) -> str:
        self._versions += 1
        return str(self._versions)

    def next_boot_id(self) -> int:
        self._boots += 1
        # Instance ids are file times on a real node; here they only have to grow and look like it.
        return int(self.azure.clock.now.timestamp() * 10_000_000) + self._boots

    # -- nodes come and go --------------------------------------------------------------------------------------------

    def join(
        self,
        *,
        name: str,
        node_type: str,
        scale_set_id: str,
        instance_id: str,
        ip_address: str,
        upgrade_domain: int,
        fault_domain: int,
        store: Store,
    ) -> Node:
        """A bootstrapped machine becomes (or becomes again) the node of that name. It is in the ring only once the
        others accept it."""
        self._drop_keeper(name)
        manifest = self.upgrade.manifest_for(upgrade_domain) if self.upgrade is not None else self.manifest
        node = Node(
            name=name,
            node_type=node_type,
            scale_set_id=scale_set_id,
            instance_id=instance_id,
            ip_address=ip_address,
            upgrade_domain=upgrade_domain,
            fault_domain=fault_domain,
            store=store,
            manifest=manifest,
            boot_id=self.next_boot_id(),
            up_at=self.azure.clock.now,
            seed=name in self.nodes and self.nodes[name].seed,
            down_at=self.nodes[name].down_at if name in self.nodes else None,
        )
        self.nodes[name] = node
        self.by_machine[scale_set_id.lower(), instance_id] = name
        self.keepers[name] = Keeper(self.azure, node, self._credentials_changed)
        self._elect_seeds()
        self._forget_sessions(name)
        self._maybe_deploy()
        return node

    def leave(self, name: str) -> None:
        """The node's machine was deleted."""
        node = self.nodes.pop(name, None)
        if node is None:
            return
        node.removed, node.in_ring = True, False
        self.by_machine.pop((node.scale_set_id.lower(), node.instance_id), None)
        self._drop_keeper(name)
        self._elect_seeds()
        self.settle()

    def halt(self, name: str) -> None:
        """The node's machine went away for a while (re-image, restart): Down, but still a node of the cluster."""
        node = self.nodes.get(name)
        if node is None:
            return
        self.keepers[name].stop()
        node.started, node.presented, node.served = False, None, None
        self._forget_sessions(name)
        self.settle()

    def restart(self, name: str) -> None:
        """The machine is back with its disk: a new boot, sessions gone."""
        node = self.nodes.get(name)
        if node is not None:
            node.boot_id = self.next_boot_id()
            self.keepers[name].boot()

    def store_changed(self, name: str) -> None:
        if name in self.keepers:
            self.keepers[name].store_changed()

    def _drop_keeper(self, name: str) -> None:
        keeper = self.keepers.pop(name, None)
        if keeper is not None:
            keeper.stop()

    def _elect_seeds(self) -> None:
        seeds = [node for node in self.nodes.values() if node.seed]
        spare = [node for node in self.nodes.values() if not node.seed and node.node_type in self.primary_types]
        for node in sorted(spare, key=lambda item: (not item.in_ring, item.name)):
            if len(seeds) >= self.seed_target:
                break
            node.seed = True
            seeds.append(node)

    def _maybe_deploy(self) -> None:
        joined = sum(node.seed for node in self.nodes.values())
        if not self.formed and not self.deploying and joined >= self.seed_target:
            self.deploying = True
            self.azure.clock.after(DEPLOY_S, self._form, f"deploy {self.name}")

    def _form(self) -> None:
        self.settle()
        if self.formed:
            return
        if self._has_quorum():
            self.form_at_once()
        else:
            self.azure.clock.after(DEPLOY_S, self._form, f"deploy {self.name}")

    def form_at_once(self) -> None:
        """The cluster stands. Called when it has deployed, and by worlds that begin with a standing cluster."""
        self.formed, self.deploying = True, False
        self.azure.journal.notes.append((self.azure.clock.now, f"{self.name} is up with {len(self.nodes)} nodes"))
        self.tell_rest()

    def tell_rest(self) -> None:
        """Wake whoever waits for the cluster to be at rest."""
        watchers, self.at_rest_watchers = self.at_rest_watchers, []
        for watcher in watchers:
            watcher()

    # -- the ring -----------------------------------------------------------------------------------------------------

    def _credentials_changed(self, node: Node) -> None:
        self.settle()
        for watcher in self.presentation_watchers:
            watcher(node)

    def settle(self) -> None:
        """Who holds together now? Records every refusal once, and finds out whether the quorum still stands."""
        before = {node.name for node in self.nodes.values() if node.in_ring}
        running = [node for node in self.nodes.values() if node.running]
        ring = hold_together(
            running,
            class_of=self._class_of,
            refusal=self.refusal_between,
            weight=lambda n: (int(n.seed), 1000 + n.in_ring),
        )
        for broken in ring.breaks:
            self._tell(broken.caller, broken.refuser.name, broken.reason)
        members = {id(node) for node in ring.members}
        for node in self.nodes.values():
            node.in_ring = id(node) in members and not self.down
        if self.formed and not self.down and not self._has_quorum():
            self.collapse()
        if self.down:
            self.mending.look(ring.members)
        self._remember_sessions()
        self._ask_resource_provider()
        self.bystanders.ask()
        self._watch_expiry(running)
        after = {node.name for node in self.nodes.values() if node.in_ring}
        if before != after:
            for name in before ^ after:
                if name in self.nodes:
                    if name in before:
                        self.nodes[name].down_at = self.azure.clock.now
                    for watcher in self.presentation_watchers:
                        watcher(self.nodes[name])
            if self.calm:
                self.tell_rest()

    def _has_quorum(self) -> bool:
        seeds = [node for node in self.nodes.values() if node.seed]
        standing = sum(node.in_ring for node in seeds)
        return standing * 2 > max(len(seeds), 1) and len(seeds) > 0

    def collapse(self) -> None:
        """The quorum is lost: every node is down, and nothing but people's hands brings it back."""
        self.down = True
        for node in self.nodes.values():
            node.in_ring = False
        self.azure.journal.notes.append(
            (self.azure.clock.now, f"{self.name} is down: the quorum of seed nodes is lost")
        )

    def judge_for(self, node: Node) -> Judge:
        return Judge(
            now=self.time_at(node),
            trusted_roots=trusted_roots(self.azure),
            can_fetch_issuers=not is_on(self.azure, "aia-blocked"),
            accept_expired_pinned=node.manifest.flag(*ACCEPTS_EXPIRED, False),
        )

    def time_at(self, node: Node) -> datetime:
        """What this node's own clock says."""
        return self.azure.clock.now + skew_of(self.azure, node.name)

    def refusal_between(self, caller: Node, refuser: Node) -> str | None:
        """Why one node refuses another's certificate, or None."""
        shown, own = caller.presented, refuser.presented
        assert shown is not None, "only nodes that present something are asked about"
        if frozenset((caller.name, refuser.name)) in self._sessions and is_on(self.azure, "sessions-outlive"):
            return None
        why = refusal(shown.certificate, refuser.manifest.trusts, self.judge_for(refuser))
        if why is None or own is None or not is_on(self.azure, "implicit-peer-trust"):
            return why
        in_date = shown.certificate.not_before <= self.azure.clock.now < shown.certificate.not_after
        same_key = shown.certificate.leaf.public_key() == own.certificate.leaf.public_key()
        return None if in_date and same_key else why

    def _class_of(self, node: Node) -> Hashable:
        assert node.presented is not None
        if is_on(self.azure, "sessions-outlive"):
            return node.name
        return (
            node.presented.thumbprint,
            node.manifest.trusts,
            skew_of(self.azure, node.name),
            node.manifest.flag(*ACCEPTS_EXPIRED, False),
        )

    def _tell(self, caller: Node, refuser: str, reason: str) -> None:
        shown = caller.presented.thumbprint if caller.presented is not None else ""
        key = (caller.name, refuser, shown, reason)
        if key not in self._told:
            self._told.add(key)
            self.azure.journal.refusals.append(
                Refusal(self.azure.clock.now, self.name, caller.name, refuser, shown, reason)
            )

    def tell_stranger(self, name: str, thumbprint: str, reason: str) -> None:
        """The resource provider refused a machine that is not a node yet."""
        self.tell_bystander(name, RESOURCE_PROVIDER, thumbprint, reason)

    def tell_bystander(self, name: str, refuser: str, thumbprint: str, reason: str) -> None:
        """Somebody who is no node was refused; told once."""
        key = (name, refuser, thumbprint, reason)
        if key not in self._told:
            self._told.add(key)
            self.azure.journal.refusals.append(
                Refusal(self.azure.clock.now, self.name, name, refuser, thumbprint, reason)
            )

    def _remember_sessions(self) -> None:
        if not is_on(self.azure, "sessions-outlive"):
            return
        now = self.azure.clock.now.timestamp()
        self._sessions = {pair: at for pair, at in self._sessions.items() if now - at < SESSION_LIFE_S}
        members = [node.name for node in self.nodes.values() if node.in_ring]
        for first in members:
            for second in members:
                if first < second:
                    self._sessions.setdefault(frozenset((first, second)), now)

    def _forget_sessions(self, name: str) -> None:
        self._sessions = {pair: at for pair, at in self._sessions.items() if name not in pair}

    # -- the resource provider ----------------------------------------------------------------------------------------

    def provider_refusal(self, node: Node) -> str | None:
        """Why the resource provider would refuse what this node presents, or None."""
        if node.presented is None:
            return "nothing is presented"
        # The vendor's way back sets it on the nodes first and reaches the cluster by that, before ARM knows of it.
        mended = node.manifest.flag(*ACCEPTS_EXPIRED, False)
        return self.refused_by_provider(node.presented.certificate, accept_expired=mended)

    def refused_by_provider(self, certificate: Certificate, *, accept_expired: bool = False) -> str | None:
        """Why this certificate does not satisfy the resource provider's record of the cluster, or None."""
        judge = Judge(
            now=self.azure.clock.now,
            trusted_roots=trusted_roots(self.azure),
            accept_expired_pinned=accept_expired or self.manifest.flag(*ACCEPTS_EXPIRED, False),
        )
        return refusal(certificate, self.record, judge)

    def _ask_resource_provider(self) -> None:
        """The upgrade service's primary may stand on any seed node, so each of them must be accepted."""
        self.poll_refusal = None
        for node in sorted(self.nodes.values(), key=lambda item: item.name):
            if node.seed and node.in_ring and (why := self.provider_refusal(node)) is not None:
                self.poll_refusal = why
                self._tell(node, RESOURCE_PROVIDER, why)

    def clocks_moved(self) -> None:
        """Some node's clock was put forward or back: it judges by it at once, and looks at its own store again."""
        for keeper in self.keepers.values():
            keeper.clock_moved()
        self.settle()

    def _watch_expiry(self, running: list[Node]) -> None:
        now = self.azure.clock.now
        skews = {skew_of(self.azure, node.name) for node in running}
        dates = [
            date - skew
            for node in running
            if node.presented is not None
            for date in (node.presented.certificate.not_before, node.presented.certificate.not_after)
            for skew in skews
            if date - skew > now
        ]
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        if dates:
            # Dates have whole seconds and the end is exclusive: look when it has just passed.
            self._expiry = self.azure.clock.at(min(dates) + timedelta(seconds=1), self.settle, f"expiry in {self.name}")
