"""When does a node look at its store again? Key ACLs, the certificate monitors, and a changed declaration.

    store changes ──60 s──▶ keys of matching certificates become readable ──next monitor tick──▶ load again
    declaration changes / boot ──60 s──▶ readable ──▶ load again at once
    what is presented expires ──next monitor tick──▶ load again

Nothing ticks while nothing has changed: a tick's instant is computed from the node's phase, so that months of quiet
virtual time cost nothing. A node goes by its own clock (fault `clock-skew`). Source: reference 2.4, 2.5, 9 (60 s ACL
cycle; monitor hourly, first tick uniform in 0-60 min; a reverse proxy by name needed a restart in 6.0, a switch makes
it so in later ones). Guessed: a running node keeps what it has loaded until the next look.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.clock import Event
from sfcert.sim.nodes.node import Node
from sfcert.sim.nodes.presentation import choose, matching
from sfcert.sim.nodes.store import Held
from sfcert.sim.nodes.switches import is_on, skew_of

ACL_CYCLE_S = 60
MONITOR_PERIOD_S = 3600
# From here on a running reverse proxy by name is taken to follow its monitor.
PROXY_FOLLOWS_FROM = (6, 1)


class Keeper:
    """Keeps one node's credentials in step with its store and declaration; calls `changed` when they moved."""

    def __init__(self, azure: Azure, node: Node, changed: Callable[[Node], None]) -> None:
        self._azure = azure
        self._node = node
        self._changed = changed
        self._events: dict[str, Event] = {}
        self._transport_phase_s = azure.random.uniform(0, MONITOR_PERIOD_S)
        self._gateway_phase_s = azure.random.uniform(0, MONITOR_PERIOD_S)
        self._epoch = azure.clock.now

    def boot(self) -> None:
        """The host starts: what was loaded is gone; keys are made readable and loaded one ACL cycle later."""
        node = self._node
        node.started, node.presented, node.served, node.proxied = False, None, None, None

        def begin() -> None:
            node.started = True
            node.up_at = self._azure.clock.now
            self._give_keys()
            self._load(transport=True, gateway=True)

        self._once("apply", ACL_CYCLE_S, begin)

    def declaration_changed(self) -> None:
        """The node runs with another declaration: it validates by it at once and presents by it after the ACL cycle."""

        if not self._node.started:
            return  # the boot that is under way reads the declaration as it then stands

        def apply() -> None:
            self._give_keys()
            self._load(transport=True, gateway=True)

        self._once("apply", ACL_CYCLE_S, apply)

    def store_changed(self) -> None:
        """Something was installed, linked or removed: keys follow after the ACL cycle, credentials at the monitor."""
        self._once("acl", ACL_CYCLE_S, self._give_keys)
        self._look_at_next_ticks(after_s=ACL_CYCLE_S)

    def clock_moved(self) -> None:
        """The node's own clock shows another time: what it presents may have expired by it, seen at the monitor."""
        if self._node.started:
            self._look_at_next_ticks(after_s=0)

    def settle_at_once(self) -> None:
        """A world that starts at rest: give keys and load with no time passing."""
        self._node.started = True
        self._give_keys()
        self._load(transport=True, gateway=True)

    def stop(self) -> None:
        for event in self._events.values():
            event.cancel()
        self._events.clear()

    # -- the two halves of a look -------------------------------------------------------------------------------------

    def _give_keys(self) -> None:
        manifest = self._node.manifest
        for rule in (manifest.finds, manifest.reverse_proxy):
            if rule is not None:
                for held in matching(rule, self._node.store):
                    held.readable = True

    def _load(self, *, transport: bool = False, gateway: bool = False, fresh: bool = True) -> None:
        node, now = self._node, self._azure.clock.now + skew_of(self._azure, self._node.name)
        choice = choose(node.manifest.finds, node.store, node.manifest, now)
        node.why_nothing = choice.passed_over if choice.held is None else ()
        if transport:
            node.presented = choice.held
        if gateway:
            node.served = choice.held
            if fresh or not self._proxy_stays():
                node.proxied = choose(node.manifest.reverse_proxy, node.store, node.manifest, now).held
        self._watch_expiry(choice.held)
        self._changed(node)

    def _proxy_stays(self) -> bool:
        rule = self._node.manifest.reverse_proxy
        if rule is None or rule.by != "name" or self._node.proxied is None:
            return False
        old = self._node.manifest.runtime[:2] < PROXY_FOLLOWS_FROM
        return old or is_on(self._azure, "reverse-proxy-needs-restart")

    def _watch_expiry(self, held: Held | None) -> None:
        if held is None:
            return
        expires = held.certificate.not_after - skew_of(self._azure, self._node.name)
        if expires > self._azure.clock.now:
            self._at("expiry", expires, lambda: self._look_at_next_ticks(after_s=0))

    def _look_at_next_ticks(self, *, after_s: float) -> None:
        earliest = self._azure.clock.now + timedelta(seconds=after_s)
        self._at("transport", self._tick_after(earliest, self._transport_phase_s), lambda: self._load(transport=True))
        self._at(
            "gateway", self._tick_after(earliest, self._gateway_phase_s), lambda: self._load(gateway=True, fresh=False)
        )

    def _tick_after(self, earliest: datetime, phase_s: float) -> datetime:
        since = (earliest - self._epoch).total_seconds() - phase_s
        periods = max(0, -(-since // MONITOR_PERIOD_S))
        return self._epoch + timedelta(seconds=phase_s + periods * MONITOR_PERIOD_S)

    def _once(self, kind: str, seconds: float, action: Callable[[], None]) -> None:
        self._at(kind, self._azure.clock.now + timedelta(seconds=seconds), action)

    def _at(self, kind: str, when: datetime, action: Callable[[], None]) -> None:
        known = self._events.pop(kind, None)
        if known is not None:
            known.cancel()
        self._events[kind] = self._azure.clock.at(when, action, f"{kind} on {self._node.name}")
