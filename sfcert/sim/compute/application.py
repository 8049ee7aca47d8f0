"""How does a model reach one machine? Vm secrets first, then the extensions in their order, within the time budget.

    model ──20 s──▶ secrets into the stores ──▶ each extension once all that it waits for have succeeded ──▶ done
                                                    └─ one fails, or the budget runs out ─▶ the machine has failed

Source: reference 4.4, 5. Guessed: the durations. An extension that succeeded and did not change is left alone; one that
had not succeeded is started again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sfcert.sim.compute.checks import fetch_secret
from sfcert.sim.compute.machine import ExtensionState, Machine
from sfcert.sim.compute.model import seconds_of
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.kernel.clock import Event
from sfcert.sim.kernel.failure import AzureFailure
from sfcert.sim.nodes.certificate import read
from sfcert.sim.nodes.store import Held, store_key
from sfcert.sim.nodes.switches import is_on, option

if TYPE_CHECKING:
    from sfcert.sim.compute.scale_sets import ScaleSets

BASE_S = 20
DEFAULT_BUDGET_S = 90 * 60
Ended = Callable[[Machine, "dict[str, Any] | None"], None]


class Application:
    """One model being applied to one machine. `ended(machine, error)` is called once; None means success."""

    def __init__(
        self, azure: Azure, scale_sets: ScaleSets, machine: Machine, model: dict[str, Any], version: int, ended: Ended
    ) -> None:
        self._azure, self._scale_sets, self._machine = azure, scale_sets, machine
        self._model, self._version, self._ended = model, version, ended
        self._waiting: dict[str, Mapping[str, Any]] = {}
        self._over = False
        self._delivered = False
        self._events: list[Event] = []

    def start(self, after_s: float = 0) -> None:
        machine = self._machine
        if machine.application is not None:
            machine.application.supersede()
        machine.application = self
        machine.provisioning = "Updating" if machine.applied else "Creating"
        machine.error = None
        self._later(BASE_S + after_s, self._deliver)

    def supersede(self) -> None:
        """A newer model, a re-image or the machine's end stops this one; what runs in the guest goes on.

        Whoever waits for it waits no longer: what comes in its place is not theirs.
        """
        if self._over:
            return
        self._over = True
        for event in self._events:
            event.cancel()
        self._ended(self._machine, None)

    def heard(self) -> None:
        """An extension of this machine has reported something."""
        if self._over or not self._delivered:
            # What runs since before speaks of the model that it has, not of this one.
            return
        failed = [state for state in self._machine.extensions.values() if state.level == "failed"]
        self._start_free()
        unfinished = [s for s in self._machine.extensions.values() if s.level in ("transitioning", "updating")]
        if failed:
            self._end(_extension_error(failed[0]))
        elif not unfinished and not self._waiting:
            self._end(None)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _deliver(self) -> None:
        machine = self._machine
        self._delivered = True
        machine.running = True
        before = _extensions(machine.applied)
        machine.applied = self._model
        machine.applied_version = self._version
        try:
            self._install_secrets()
        except AzureFailure as failure:
            self._end(failure.error())
            return
        after = _extensions(self._model)
        for name in [name for name in machine.extensions if name not in after]:
            self._scale_sets.handler_of(machine.extensions[name].properties).disable(machine)
            del machine.extensions[name]
        for name, properties in after.items():
            state = machine.extensions.get(name)
            if state is not None and state.level == "succeeded" and before.get(name) == properties:
                continue
            if state is not None and state.level == "transitioning" and before.get(name) == properties:
                continue
            self._waiting[name] = properties
            # Until it has really started again, what it said before must not count as its answer.
            machine.extensions.pop(name, None)
        budget = (self._model.get("virtualMachineProfile") or {}).get("extensionProfile") or {}
        budget_s = seconds_of(budget.get("extensionsTimeBudget"), DEFAULT_BUDGET_S)
        self._later(budget_s, self._out_of_time)
        self.heard()

    def _install_secrets(self) -> None:
        changed = False
        secrets = ((self._model.get("virtualMachineProfile") or {}).get("osProfile") or {}).get("secrets") or []
        for group in secrets:
            for entry in group.get("vaultCertificates") or []:
                found = fetch_secret(self._azure, str(entry.get("certificateUrl", "")))
                held = Held(
                    read(found.leaf, tuple(found.chain)),
                    found.key,
                    True,
                    "CAPI",
                    "vm-secrets",
                    self._azure.clock.now,
                )
                changed |= self._machine.store.install(store_key(str(entry.get("certificateStore") or "My")), held)
        if changed:
            self._scale_sets.store_changed(self._machine)

    def _start_free(self) -> None:
        for name, properties in list(self._waiting.items()):
            earlier = [str(item) for item in properties.get("provisionAfterExtensions") or []]
            states = [self._machine.extensions.get(item) for item in earlier]
            if name in self._waiting and all(state is not None and state.level == "succeeded" for state in states):
                del self._waiting[name]
                self._start_one(name, properties)

    def _start_one(self, name: str, properties: Mapping[str, Any]) -> None:
        machine, now = self._machine, self._azure.clock.now
        state = ExtensionState(name, properties, "updating", "Enabling.", now)
        machine.extensions[name] = state

        def report(level: str, message: str, code: int = 0) -> None:
            if machine.deleted or machine.extensions.get(name) is not state:
                return
            state.level, state.message, state.code, state.at = level, message, code, self._azure.clock.now
            if machine.application is not None:
                machine.application.heard()

        if extension_fails(self._azure, machine, state.type):
            report("failed", "Enable failed: the extension handler ended with exit code 1.", 1)
            return
        self._scale_sets.handler_of(properties).enable(machine, name, properties, report)

    def _out_of_time(self) -> None:
        late = [s.name for s in self._machine.extensions.values() if s.level != "succeeded"] + list(self._waiting)
        self._end(
            {
                "code": "VMExtensionProvisioningTimeout",
                "message": "Provisioning of VM extension(s) "
                f"{', '.join(late)} has timed out on '{self._machine.name}'. Extension provisioning has taken too long "
                "to complete.",
            }
        )

    def _end(self, error: dict[str, Any] | None) -> None:
        if self._over:
            return
        self._over = True
        for event in self._events:
            event.cancel()
        self._machine.error = error
        self._machine.provisioning = "Failed" if error else "Succeeded"
        self._ended(self._machine, error)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._events.append(self._azure.clock.after(seconds, action, f"model on {self._machine.name}"))


def extension_fails(azure: Azure, machine: Machine, extension_type: str) -> bool:
    """Is this extension switched to fail here? By options, or as `extension-fails:<scale set>/<instance>`."""
    scale_set = machine.scale_set_id.rsplit("/", 1)[-1]
    if is_on(azure, f"extension-fails:{scale_set}/{machine.instance_id}"):
        return "keyvault" in extension_type.lower()
    if not is_on(azure, "extension-fails"):
        return False
    wanted = option(azure, "extension-fails", "type", "KeyVault").lower()
    return (
        wanted in extension_type.lower()
        and option(azure, "extension-fails", "scale_set", scale_set).lower() == scale_set.lower()
        and option(azure, "extension-fails", "instance", machine.instance_id) == machine.instance_id
    )


def _extensions(model: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    profile = (model.get("virtualMachineProfile") or {}).get("extensionProfile") or {}
    return {str(item.get("name")): item.get("properties") or {} for item in profile.get("extensions") or []}


def _extension_error(state: ExtensionState) -> dict[str, Any]:
    return {
        "code": "VMExtensionProvisioningError",
        "message": f"VM has reported a failure when processing extension '{state.name}' (publisher '{state.publisher}' "
        f"and type '{state.type}'). Error message: '{state.message}'.",
    }
