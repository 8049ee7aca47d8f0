"""How does an upgrade reach the nodes? One walk of the upgrade domains per phase, with health gates and rollback.

    leg (one manifest) = domain, domain, …;  domain = apply ─ wait ─ healthy? ─┬─ yes ─▶ next domain / next leg
                                                     ▲                          └─ no ─▶ retry, then roll back
    roll back = the touched domains to the leg's start, then each earlier leg backwards to the original manifest

Source: reference 3.4, 8, 9. A lost cluster stands still until the overall timeout. Guessed: one minute between two
looks at unhealthy nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.clock import Event
from sfcert.sim.nodes.manifest import Manifest
from sfcert.sim.nodes.presentation import choose, matching
from sfcert.sim.nodes.store import Store
from sfcert.sim.nodes.switches import is_on, option
from sfcert.sim.nodes.validation import refusal
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.phases import CERTIFICATE, Staging
from sfcert.sim.servicefabric.policy import UpgradePolicy

LOOK_AGAIN_S = 60
# Where the faults of an upgrade domain strike when none is named.
FIRST_DOMAIN = "0"
# Between two phases the resource provider has yet to hear of the first one's end: for that long the cluster itself
# says that its upgrade is complete.
BETWEEN_LEGS_S = 60
# 8.2 CU2: a change of the cluster certificate stays in its first domain (reference 7, row 21).
STICKS_IN = (8, 2, 1486)


@dataclass(slots=True)
class Leg:
    """One walk: the manifest that it brings, what stood before it, and the domains that it has finished."""

    manifest: Manifest
    before: Manifest
    domains: list[int] | None
    backwards: bool
    done: list[int] = field(default_factory=list)


class Upgrade:
    """One change of a cluster's declaration under way. `on_end(error)` is called once; None means success."""

    def __init__(
        self,
        azure: Azure,
        cluster: Cluster,
        staging: Staging,
        policy: UpgradePolicy,
        on_end: Callable[[str | None], None],
    ) -> None:
        self.azure, self.cluster, self.policy = azure, cluster, policy
        self.kind = staging.kind
        self.original = cluster.manifest
        self.phases = [phase.named(cluster.next_version()) for phase in staging.phases]
        self.target = self.phases[-1]
        self.started_at: datetime = azure.clock.now
        self.failed_at: datetime | None = None
        self.failure_reason = "None"
        self.state = "RollingForwardInProgress"
        self.domain: int | None = None
        self._on_end = on_end
        self._event: Event | None = None
        self.domain_since = azure.clock.now
        self._leg_since = azure.clock.now
        self._expected: set[str] = set()
        starts = [self.original, *self.phases[:-1]]
        self._legs = [Leg(phase, start, None, False) for phase, start in zip(self.phases, starts, strict=True)]
        self._walked: list[Leg] = []

    @property
    def phase_index(self) -> int:
        """Which phase is being walked, from 0."""
        return len([leg for leg in self._walked if not leg.backwards])

    @property
    def leg(self) -> Leg | None:
        return self._legs[0] if self._legs else None

    @property
    def interruptible(self) -> bool:
        """Only the first phase can be interrupted by another request (reference 3.4)."""
        return self.phase_index == 0 and self.state == "RollingForwardInProgress"

    def manifest_for(self, domain: int) -> Manifest:
        """With what a node of this domain runs that starts now."""
        leg = self.leg
        if leg is None:
            return self.cluster.manifest
        touched = domain in leg.done or domain == self.domain
        return leg.manifest if touched else leg.before

    def start(self) -> None:
        self.cluster.record = self.original.trusts.union(self.target.trusts)
        self._begin_leg()

    def interrupt(self) -> None:
        """Stop here because something else was asked for. The nodes keep the mixed state that they are in."""
        if self._event is not None:
            self._event.cancel()
        self.failure_reason, self.state, self.failed_at = "Interrupted", "Failed", self.azure.clock.now
        self._close("Interrupted")

    # -- legs ---------------------------------------------------------------------------------------------------------

    def _begin_leg(self) -> None:
        leg = self.leg
        if leg is None:
            self._finish()
            return
        if self.cluster.down or self.cluster.poll_refusal is not None:
            self._wait(self._begin_leg)
            return
        self._leg_since = self.azure.clock.now
        if not leg.backwards and (why := self._prevalidation(leg)) is not None:
            self._fail("Unknown", why)
            return
        if leg.domains is None:
            leg.domains = sorted({node.upgrade_domain for node in self.cluster.nodes.values()})
        self._expected = {node.name for node in self.cluster.nodes.values() if node.in_ring}
        self._begin_domain()

    def _prevalidation(self, leg: Leg) -> str | None:
        """One node's own check before a security change: something that it would present must be accepted."""
        manifest = leg.manifest
        if not manifest.flag("Security", "EnforcePrevalidationOnSecurityChanges", False) or manifest.finds is None:
            return None
        node = next((item for item in self.cluster.nodes.values() if item.seed and item.in_ring), None)
        if node is None:
            return None
        judge = self.cluster.judge_for(node)
        found = matching(manifest.finds, node.store)
        if any(held.has_key and refusal(held.certificate, manifest.trusts, judge) is None for held in found):
            return None
        why = choose(manifest.finds, Store(dict(node.store.held)), manifest, self.azure.clock.now).passed_over
        return f"no certificate on {node.name} that would be presented is accepted: {'; '.join(why) or 'none matches'}"

    def _begin_domain(self) -> None:
        leg = self.leg
        assert leg is not None
        assert leg.domains is not None
        left = [domain for domain in leg.domains if domain not in leg.done]
        if not left:
            self._end_leg(leg)
            return
        self.domain = left[0]
        self.domain_since = self.azure.clock.now
        for node in self.cluster.nodes.values():
            if node.upgrade_domain == self.domain:
                node.manifest = leg.manifest
                self.cluster.keepers[node.name].declaration_changed()
        self.cluster.settle()
        self._later(self.policy.domain_s, self._look)

    def _look(self) -> None:
        leg = self.leg
        assert leg is not None
        in_domain_s = (self.azure.clock.now - self.domain_since).total_seconds()
        in_leg_s = (self.azure.clock.now - self._leg_since).total_seconds()
        stuck = not leg.backwards and self._stuck()
        if self.cluster.down:
            self._wait(self._look)
        elif self._healthy() and not stuck:
            assert self.domain is not None
            leg.done.append(self.domain)
            self.domain = None
            self._begin_domain()
        elif leg.backwards:
            self._later(LOOK_AGAIN_S, self._look)
        elif in_leg_s >= self.policy.upgrade_timeout_s:
            self._fail("OverallUpgradeTimeout", "the upgrade timeout has passed")
        elif in_domain_s >= self.policy.domain_timeout_s:
            self._fail("UpgradeDomainTimeout", f"upgrade domain {self.domain} took longer than its timeout")
        elif not stuck and in_domain_s >= self.policy.domain_s + self.policy.retry_s:
            self._fail("HealthCheck", f"the cluster is not healthy after upgrade domain {self.domain}")
        else:
            self._later(LOOK_AGAIN_S, self._look)

    def _stuck(self) -> bool:
        if self.kind == CERTIFICATE and self.original.runtime[:3] == STICKS_IN:
            return True
        forced = option(self.azure, "stuck-upgrade-domain", "domain", FIRST_DOMAIN)
        return is_on(self.azure, "stuck-upgrade-domain") and forced == str(self.domain)

    def _healthy(self) -> bool:
        leg = self.leg
        assert leg is not None
        forced = option(self.azure, "unhealthy-upgrade-domain", "domain", FIRST_DOMAIN)
        if not leg.backwards and is_on(self.azure, "unhealthy-upgrade-domain") and forced == str(self.domain):
            return False
        return all(self.cluster.nodes[name].in_ring for name in self._expected if name in self.cluster.nodes)

    def _end_leg(self, leg: Leg) -> None:
        self._legs.pop(0)
        self._walked.append(leg)
        self.cluster.manifest = leg.manifest
        for node in self.cluster.nodes.values():
            # A node that joined into a domain unknown at the start has it from `manifest_for`; this is the rest.
            if node.manifest.version != leg.manifest.version:
                node.manifest = leg.manifest
                self.cluster.keepers[node.name].declaration_changed()
        if not self._legs or leg.backwards:
            self._begin_leg()
            return
        self.state = "RollingForwardCompleted"
        self._later(BETWEEN_LEGS_S, self._go_on)

    def _go_on(self) -> None:
        self.state = "RollingForwardInProgress"
        self._begin_leg()

    def _wait(self, again: Callable[[], None]) -> None:
        """The cluster cannot go on: it stands still until the overall timeout, then the request has failed."""
        if (self.azure.clock.now - self._leg_since).total_seconds() >= self.policy.upgrade_timeout_s:
            self.failure_reason, self.state, self.failed_at = "UpgradeServiceDown", "Failed", self.azure.clock.now
            self._close("UpgradeServiceDown: the upgrade service cannot be reached")
            return
        self._later(LOOK_AGAIN_S * 5, again)

    # -- ends ---------------------------------------------------------------------------------------------------------

    def _fail(self, reason: str, sentence: str) -> None:
        leg = self.leg
        assert leg is not None
        self.failure_reason, self.failed_at = reason, self.azure.clock.now
        self.state = "RollingBackInProgress"
        self._sentence = f"{reason}: {sentence}"
        touched = [*leg.done, *([self.domain] if self.domain is not None else [])]
        back = [Leg(leg.before, leg.manifest, list(reversed(touched)), True)] if touched else []
        back += [Leg(walked.before, walked.manifest, None, True) for walked in reversed(self._walked)]
        self._legs = back
        self.domain = None
        self._begin_leg()

    def _finish(self) -> None:
        if self.state == "RollingBackInProgress":
            self.state = "RollingBackCompleted"
            self.cluster.manifest = self.original
            self.cluster.record = self.original.trusts
            self._close(self._sentence)
            return
        self.state = "RollingForwardCompleted"
        self.cluster.record = self.target.trusts
        self._close(None)

    def _close(self, error: str | None) -> None:
        if self.cluster.upgrade is self:
            self.cluster.upgrade, self.cluster.last_upgrade = None, self
        self.cluster.settle()
        self._on_end(error)
        if self.cluster.calm:
            self.cluster.tell_rest()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._event = self.azure.clock.after(seconds, action, f"upgrade of {self.cluster.name}")

    _sentence: str = ""
