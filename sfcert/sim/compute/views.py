"""How does ARM show machines and their extensions? Virtual machines of a scale set, instance views, summaries.

Pure but for reading the clock's instants out of the states. Source: the vendor's compute models (2026-04-01) for the
shapes; reference 8 for the status codes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sfcert.sim.compute.machine import ExtensionState, Machine
from sfcert.sim.compute.model import split
from sfcert.sim.compute.scale_sets import ScaleSet
from sfcert.sim.kernel.plain import copied

_DISPLAY = {
    "succeeded": "Provisioning succeeded",
    "failed": "Provisioning failed",
    "transitioning": "Transitioning",
    "updating": "Updating",
    "creating": "Creating",
}
_LEVELS = {"failed": "Error", "transitioning": "Info", "updating": "Info"}
AGENT_VERSION = "2.7.41491.1172"


def stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0+00:00"


def handler_version(declared: str) -> str:
    """The full version that runs for a declared `major.minor`; builds are not modelled."""
    parts = (declared or "1.0").split(".")
    return ".".join([*parts, *["0"] * (4 - len(parts))])


def extension_view(state: ExtensionState) -> dict[str, Any]:
    """One extension of an instance view."""
    return {
        "name": state.name,
        "type": f"{state.publisher}.{state.type}",
        "typeHandlerVersion": handler_version(state.version),
        "statuses": [
            {
                "code": state.status_code,
                "level": _LEVELS.get(state.level, "Info"),
                "displayStatus": _DISPLAY[state.level],
                "message": state.message,
                "time": stamp(state.at),
            }
        ],
    }


def instance_view(machine: Machine, now: datetime) -> dict[str, Any]:
    """The run-time part of one machine."""
    provisioning = machine.provisioning.lower()
    statuses: list[dict[str, Any]] = [
        {
            "code": f"ProvisioningState/{provisioning}",
            "level": "Error" if provisioning == "failed" else "Info",
            "displayStatus": _DISPLAY.get(provisioning, machine.provisioning),
            "time": stamp(now),
        }
    ]
    if machine.error is not None:
        statuses[0]["code"] = f"ProvisioningState/failed/{machine.error.get('code')}"
        statuses[0]["message"] = machine.error.get("message")
    if machine.running:
        statuses.append({"code": "PowerState/running", "level": "Info", "displayStatus": "VM running"})
    view: dict[str, Any] = {
        "platformUpdateDomain": machine.upgrade_domain,
        "platformFaultDomain": machine.fault_domain,
        "computerName": machine.computer_name,
        "statuses": statuses,
    }
    if machine.running:
        view["vmAgent"] = {
            "vmAgentVersion": AGENT_VERSION,
            "statuses": [
                {
                    "code": "ProvisioningState/succeeded",
                    "level": "Info",
                    "displayStatus": "Ready",
                    "message": "GuestAgent is running and processing the extensions.",
                    "time": stamp(now),
                }
            ],
            "extensionHandlers": [
                {
                    "type": f"{state.publisher}.{state.type}",
                    "typeHandlerVersion": handler_version(state.version),
                    "status": {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready"},
                }
                for state in machine.extensions.values()
            ],
        }
        view["extensions"] = [extension_view(state) for state in machine.extensions.values()]
    return view


def machine_body(
    scale_set: ScaleSet, machine: Machine, body: Mapping[str, Any], now: datetime, *, expanded: bool
) -> dict[str, Any]:
    """One virtual machine of a scale set as ARM shows it."""
    shown, _ = split({"properties": {"virtualMachineProfile": machine.applied.get("virtualMachineProfile") or {}}})
    profile = shown["properties"]["virtualMachineProfile"]
    os_profile = copied(profile.get("osProfile") or {})
    os_profile.pop("computerNamePrefix", None)
    os_profile["computerName"] = machine.computer_name
    properties: dict[str, Any] = {
        "latestModelApplied": scale_set.is_current(machine),
        "modelDefinitionApplied": "VirtualMachineScaleSet",
        "vmId": machine.vm_id,
        "hardwareProfile": {},
        "storageProfile": copied(profile.get("storageProfile") or {}),
        "osProfile": os_profile,
        "networkProfileConfiguration": copied(profile.get("networkProfile") or {}),
        "provisioningState": machine.provisioning,
        "timeCreated": stamp(machine.created_at),
    }
    if expanded:
        properties["instanceView"] = instance_view(machine, now)
    machine_id = f"{scale_set.id}/virtualMachines/{machine.instance_id}"
    shown_body: dict[str, Any] = {
        "name": machine.name,
        "instanceId": machine.instance_id,
        "id": machine_id,
        "type": "Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
        "location": body.get("location"),
        "sku": {key: value for key, value in (body.get("sku") or {}).items() if key != "capacity"},
        "properties": properties,
        "resources": [
            {
                "name": state.name,
                "id": f"{machine_id}/extensions/{state.name}",
                "type": "Microsoft.Compute/virtualMachines/extensions",
                "location": body.get("location"),
                "properties": _public(state),
            }
            for state in machine.extensions.values()
        ],
    }
    if body.get("tags"):
        shown_body["tags"] = copied(body["tags"])
    return shown_body


def _public(state: ExtensionState) -> dict[str, Any]:
    kept = {key: copied(value) for key, value in state.properties.items() if key != "protectedSettings"}
    kept["provisioningState"] = {"succeeded": "Succeeded", "failed": "Failed"}.get(state.level, "Updating")
    return kept


def summary(scale_set: ScaleSet, provisioning_state: str, now: datetime) -> dict[str, Any]:
    """`/instanceView` of a scale set: how many machines are in which state, and the same by extension."""
    machines = Counter(f"ProvisioningState/{m.provisioning.lower()}" for m in scale_set.machines.values())
    extensions: dict[str, Counter[str]] = {}
    for machine in scale_set.machines.values():
        for state in machine.extensions.values():
            extensions.setdefault(state.name, Counter())[state.status_code] += 1
    return {
        "virtualMachine": {"statusesSummary": _counted(machines)},
        "extensions": [{"name": name, "statusesSummary": _counted(codes)} for name, codes in extensions.items()],
        "statuses": [
            {
                "code": f"ProvisioningState/{provisioning_state.lower()}",
                "level": "Info",
                "displayStatus": _DISPLAY.get(provisioning_state.lower(), provisioning_state),
                "time": stamp(now),
            }
        ],
    }


def _counted(codes: Counter[str]) -> list[dict[str, Any]]:
    return [{"code": code, "count": count} for code, count in sorted(codes.items())]


def rolling_status(scale_set: ScaleSet, location: Any) -> dict[str, Any] | None:
    """`/rollingUpgrades/latest`, or None when there never was one."""
    rollout = scale_set.rollout or scale_set.last_rollout
    if rollout is None or rollout.policy is None:
        return None
    done, failed = len(rollout.succeeded), len(rollout.failed)
    properties: dict[str, Any] = {
        "policy": dict(rollout.policy),
        "runningStatus": {"code": rollout.code, "startTime": stamp(rollout.started_at), "lastAction": "Start"},
        "progress": {
            "successfulInstanceCount": done,
            "failedInstanceCount": failed,
            "inProgressInstanceCount": rollout.in_progress,
            "pendingInstanceCount": rollout.total - done - failed - rollout.in_progress,
        },
    }
    if rollout.fault is not None:
        properties["error"] = {"code": rollout.fault.get("code"), "message": rollout.fault.get("message")}
    return {
        "id": f"{scale_set.id}/rollingUpgrades/latest",
        "name": "latest",
        "type": "Microsoft.Compute/virtualMachineScaleSets/rollingUpgrades",
        "location": location,
        "properties": properties,
    }
