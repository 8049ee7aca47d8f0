"""What does the Key Vault extension do on a machine? Fetch, install, link, retry; by its version and settings.

    enable ─┬─ needs an initial sync ─▶ try, up to 25 times with growing pauses ─┬─ all there ─▶ succeeded ─▶ poll
            │                                                                    └─ never ─────▶ failed ────▶ poll
            └─ does not ─▶ succeeded at once ─▶ poll

It never takes a certificate out of a store. Source: reference 4.2, 4.3, row 3 of 7. Guessed: the pauses between the
tries (5, 10, 15… seconds), that the status carries the instant of the last look, and the words and the number with
which version 4.0 fails on an image that it does not support.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfcert.sim.compute.machine import Machine, Report
from sfcert.sim.compute.scale_sets import ScaleSets
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.clock import Event
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.nodes.agent_settings import AgentSettings, Observed, SettingsFault, settings_of
from sfcert.sim.nodes.certificate import SERVER_AUTH, Certificate, read
from sfcert.sim.nodes.neighbours import IdentitySource, StoredVersion, VaultSource
from sfcert.sim.nodes.store import Held
from sfcert.sim.nodes.switches import trusted_roots

PUBLISHER = "Microsoft.Azure.KeyVault"
WINDOWS, LINUX = "KeyVaultForWindows", "KeyVaultForLinux"
MOST_TRIES = 25
PAUSE_STEP_S = 5
START_S = 10
FIRST_POLL_S = 30
SETTINGS_EXIT, SYNC_EXIT, INSTALL_EXIT = 31, 14, 51
OLDEST_OF_4 = 2022


class KeyVaultExtension:
    """The handler of both Key Vault extensions: one agent per machine."""

    def __init__(self, azure: Azure, scale_sets: ScaleSets) -> None:
        self._azure, self._scale_sets = azure, scale_sets
        self._agents: dict[Machine, Agent] = {}

    def enable(self, machine: Machine, name: str, properties: Mapping[str, Any], report: Report) -> None:
        self.disable(machine)
        if (too_old := _too_old(machine, properties)) is not None:
            report("failed", too_old, INSTALL_EXIT)
            return
        try:
            settings = settings_of(properties)
        except SettingsFault as fault:
            report("failed", str(fault), SETTINGS_EXIT)
            return
        agent = self._agents[machine] = Agent(self._azure, self._scale_sets, machine, settings, report)
        agent.begin()

    def resume(self, machine: Machine, properties: Mapping[str, Any], report: Report) -> None:
        """Go on polling on a machine that stood before this world began; its status stays as it was captured."""
        try:
            settings = settings_of(properties)
        except SettingsFault:
            return  # what was captured runs with settings that it cannot read: it does nothing, as it did before
        agent = self._agents[machine] = Agent(self._azure, self._scale_sets, machine, settings, report)
        agent.resume()

    def disable(self, machine: Machine) -> None:
        agent = self._agents.pop(machine, None)
        if agent is not None:
            agent.stop()

    def halted(self, machine: Machine) -> None:
        agent = self._agents.get(machine)
        if agent is not None:
            agent.stop()

    def rebooted(self, machine: Machine) -> None:
        agent = self._agents.get(machine)
        if agent is not None:
            agent.begin()


def _too_old(machine: Machine, properties: Mapping[str, Any]) -> str | None:
    """Version 4.0 does not install before Windows Server 2022. What the image does not say cannot be too old."""
    if properties.get("type") != WINDOWS or not str(properties.get("typeHandlerVersion", "")).startswith("4."):
        return None
    profile = machine.applied.get("virtualMachineProfile") or {}
    sku = str(((profile.get("storageProfile") or {}).get("imageReference") or {}).get("sku") or "")
    if not sku[:4].isdigit() or int(sku[:4]) >= OLDEST_OF_4:
        return None
    return f"The extension needs Windows Server {OLDEST_OF_4} or later; the image of this machine is '{sku}'."


class Agent:
    """One running extension."""

    def __init__(
        self, azure: Azure, scale_sets: ScaleSets, machine: Machine, settings: AgentSettings, report: Report
    ) -> None:
        self._azure, self._scale_sets, self._machine = azure, scale_sets, machine
        self._settings, self._report = settings, report
        self._event: Event | None = None
        self._tries = 0

    def begin(self) -> None:
        """The first run after a deployment or a reboot."""
        self.stop()
        self._tries = 0
        self._report("transitioning", "Starting the Key Vault extension service.")
        if self._settings.initial_sync:
            self._later(START_S, self._try)
        else:
            self._later(START_S, self._started)

    def resume(self) -> None:
        """Be somewhere between two looks."""
        self._later(self._azure.random.uniform(0, self._settings.poll_s), self._poll)

    def stop(self) -> None:
        if self._event is not None:
            self._event.cancel()

    def _started(self) -> None:
        # Success comes before anything was fetched: whoever waits for this extension gets no certificate by it.
        self._succeed()
        self._later(FIRST_POLL_S, self._poll)

    def _try(self) -> None:
        self._tries += 1
        faults = self._sync()
        if not faults:
            self._succeed()
            self._later(self._settings.poll_s, self._poll)
        elif self._tries >= MOST_TRIES:
            self._report("failed", f"Failed to download one or more certificates. {faults[0]}", SYNC_EXIT)
            self._later(self._settings.poll_s, self._poll)
        else:
            self._report("transitioning", f"Failed to download one or more certificates, retrying... {faults[0]}")
            self._later(PAUSE_STEP_S * self._tries, self._try)

    def _poll(self) -> None:
        faults = self._sync()
        if not faults or not self._settings.initial_sync:
            # Without an initial sync the service counts as started whatever it could fetch.
            self._succeed()
        self._later(self._settings.poll_s, self._poll)

    def _succeed(self) -> None:
        now = self._azure.clock.now.strftime("%Y-%m-%d %H:%M:%S")
        self._report("succeeded", f"Successfully started Key Vault extension service. {now}")

    # -- one look at every observed certificate ------------------------------------------------------------------------

    def _sync(self) -> list[str]:
        """Fetch and install what is new. Returns a sentence for each certificate that could not be fetched."""
        faults: list[str] = []
        changed = False
        for observed in self._settings.observed:
            try:
                versions = self._fetch(observed)
            except AzureFailure as failure:
                faults.append(f"{observed.url}: {failure.status} {failure.code}: {failure.message}")
                continue
            for version in versions:
                certificate = read(version.leaf, tuple(version.chain))
                if (why := self._untrusted(certificate)) is not None:
                    faults.append(f"{observed.url}: {why}")
                    continue
                changed |= self._install(observed, version, certificate)
        if changed:
            self._scale_sets.store_changed(self._machine)
        return faults

    def _fetch(self, observed: Observed) -> list[StoredVersion]:
        """The versions to be installed, oldest first, so that links point forwards."""
        identities = self._azure.service("identities", IdentitySource)  # type: ignore[type-abstract]  # a protocol
        vaults = self._azure.service("vaults", VaultSource)  # type: ignore[type-abstract]  # a protocol
        identity = self._machine.identity
        assigned = list(identity.get("userAssignedIdentities") or {})
        principal_id = identities.token_for(assigned, identity.get("principalId"), self._settings.client_id)
        subnet_id = self._machine.subnet_id
        if self._settings.versions_kept > 1:
            newest = vaults.newest_two(
                observed.vault_url, observed.name, principal_id=principal_id, subnet_id=subnet_id
            )
            return list(reversed(newest))
        found = vaults.secret(
            observed.vault_url, observed.name, observed.version, principal_id=principal_id, subnet_id=subnet_id
        )
        return [found]

    def _untrusted(self, certificate: Certificate) -> str | None:
        """Version 4.0 installs a certificate for servers only when its chain ends in a root of this machine."""
        serves = certificate.ekus is not None and SERVER_AUTH in certificate.ekus
        if not self._settings.checks_chain or not serves:
            return None
        if certificate.root_thumbprint in trusted_roots(self._azure):
            return None
        return f"the chain of {certificate.thumbprint} does not end in a trusted root; it was not installed"

    def _install(self, observed: Observed, version: StoredVersion, certificate: Certificate) -> bool:
        provider = self._settings.provider or version.provider_hint
        held = Held(certificate, version.key, True, provider, "extension", self._azure.clock.now)
        changed = self._machine.store.install(observed.store, held)
        if changed and self._settings.linking:
            self._machine.store.link(observed.store, certificate)
        return changed

    def _later(self, seconds: float, action: Any) -> None:
        self._event = self._azure.clock.after(seconds, action, f"Key Vault extension on {self._machine.name}")
