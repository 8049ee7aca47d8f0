"""How does a machine become a node? The Service Fabric node extension: find the certificate, ask, join.

Source: reference 1.5, rows 5, 6 and 8 of 7. The extension runs as the system, so a key that Service Fabric may not read
yet is no hindrance to it. Guessed: two minutes from the extension's start to the node's; that what it is told of the
reverse proxy has to be there as well, by thumbprint or by the names that its own certificate is told by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sfcert.sim.compute.machine import Machine, Report
from sfcert.sim.kernel.azure import Azure
from sfcert.sim.nodes.manifest import Finds
from sfcert.sim.nodes.presentation import matching
from sfcert.sim.nodes.store import Held
from sfcert.sim.nodes.switches import is_on
from sfcert.sim.servicefabric.cluster import Cluster
from sfcert.sim.servicefabric.clusters import Clusters

PUBLISHER = "Microsoft.Azure.ServiceFabric"
TYPES = ("ServiceFabricNode", "ServiceFabricLinuxNode")
LOOK_S = 5
INSTALL_S = 115
SUCCEEDED = "Plugin enabled (handler name: Microsoft.Azure.ServiceFabric.ServiceFabricNode)."
NOT_FOUND_EXIT, REFUSED_EXIT = 1, 1009


class NodeExtension:
    """The handler of both node extensions."""

    def __init__(self, azure: Azure, clusters: Clusters) -> None:
        self._azure, self._clusters = azure, clusters

    def enable(self, machine: Machine, name: str, properties: Mapping[str, Any], report: Report) -> None:
        settings = properties.get("settings") or {}
        report("transitioning", "Enabling Service Fabric node.")
        self._later(LOOK_S, machine, lambda: self._look(machine, settings, report))

    def disable(self, machine: Machine) -> None:
        return None

    def halted(self, machine: Machine) -> None:
        return None

    def rebooted(self, machine: Machine) -> None:
        return None

    def _look(self, machine: Machine, settings: Mapping[str, Any], report: Report) -> None:
        """The certificate must be there now: the extension does not wait for one."""
        endpoint = str(settings.get("clusterEndpoint", ""))
        cluster = self._clusters.by_endpoint(endpoint)
        if cluster is None:
            report("failed", f"Enable Failed. The cluster behind '{endpoint}' was not found (404).", REFUSED_EXIT)
            return
        fault = self._fault(cluster, machine, settings)
        if fault is not None:
            report("failed", fault[0], fault[1])
            return
        known = self._clusters.of_node_at(machine.scale_set_id, machine.instance_id)
        if known is not None and known[0].nodes[known[1]].started:
            report("succeeded", SUCCEEDED)
        else:
            self._later(INSTALL_S, machine, lambda: self._join(cluster, machine, settings, report))

    def _join(self, cluster: Cluster, machine: Machine, settings: Mapping[str, Any], report: Report) -> None:
        node = cluster.join(
            name=f"_{machine.name}",
            node_type=str(settings.get("nodeTypeRef", "")),
            scale_set_id=machine.scale_set_id,
            instance_id=machine.instance_id,
            ip_address=machine.ip_address,
            upgrade_domain=machine.upgrade_domain,
            fault_domain=machine.fault_domain,
            store=machine.store,
        )
        cluster.keepers[node.name].boot()
        report("succeeded", SUCCEEDED)

    def _later(self, seconds: float, machine: Machine, action: Callable[[], None]) -> None:
        def unless_gone() -> None:
            if not machine.deleted:
                action()

        self._azure.clock.after(seconds, unless_gone, f"node extension on {machine.name}")

    def _fault(self, cluster: Cluster, machine: Machine, settings: Mapping[str, Any]) -> tuple[str, int] | None:
        rules = rules_of(settings)
        if not rules:
            return None if cluster.manifest.finds is None else ("Enable Failed. No certificate is declared.", 1)
        found = [held for rule in rules for held in matching(rule, machine.store)]
        usable = _newest_first(found)
        if not usable:
            rule = rules[0]
            kind = "FindByThumbprint" if rule.by == "thumbprint" else "FindBySubjectName"
            text = f"Cannot find certificate with '{kind}' '{rule.primary}' in store '{rule.store}'"
            return text, NOT_FOUND_EXIT
        proxy = self._proxy_fault(machine, settings)
        if proxy is not None:
            return proxy
        # By thumbprint each declared one is offered: the vendor's guide has every scale set name a second, newer one
        # minutes before the cluster does, and its update succeeds (TSG: Use Azure Resource Explorer to add the
        # Secondary Certificate, steps 5 to 11). By name there is only the one that selection gives.
        offered = usable if all(rule.by == "thumbprint" for rule in rules) else usable[:1]
        refused = [cluster.refused_by_provider(held.certificate) for held in offered]
        why = refused[0]
        if why is None or None in refused:
            return None
        cluster.tell_stranger(machine.name, usable[0].thumbprint, why)
        text = (
            "Enable Failed. Exception System.Exception: System.Net.WebException: The remote server returned an error: "
            f"(401) Unauthorized. Certificate {usable[0].thumbprint}."
        )
        return text, REFUSED_EXIT

    def _proxy_fault(self, machine: Machine, settings: Mapping[str, Any]) -> tuple[str, int] | None:
        """The reverse proxy's own certificate, where the settings name one."""
        rules = rules_of(settings, "reverseProxyCertificate")
        if any(rule.by == "name" for rule in rules) and is_on(self._azure, "proxy-names-unread"):
            return "Enable Failed. reverseProxyCertificate: a thumbprint is expected.", NOT_FOUND_EXIT
        if not rules or any(held.has_key for rule in rules for held in matching(rule, machine.store)):
            return None
        text = f"Cannot find the reverse proxy certificate '{rules[0].primary}' in store '{rules[0].store}'"
        return text, NOT_FOUND_EXIT


def rules_of(settings: Mapping[str, Any], role: str = "certificate") -> list[Finds]:
    """What the extension's settings tell it to look for: by name, or by one or two thumbprints."""
    single = settings.get(role) or {}
    store = str(single.get("x509StoreName") or "My")
    names = [str(name) for name in single.get("commonNames") or []]
    if names:
        return [Finds("name", names[0], names[1] if len(names) > 1 else "", store)]
    rules = []
    for declared in (single, settings.get(f"{role}Secondary") or {}):
        for key in ("thumbprint", "thumbprintSecondary"):
            if declared.get(key):
                place = str(declared.get("x509StoreName") or "My")
                rules.append(Finds("thumbprint", "".join(str(declared[key]).split()).upper(), "", place))
    return rules


def _newest_first(found: list[Held]) -> list[Held]:
    usable = [held for held in found if held.has_key]
    return sorted(usable, key=lambda held: (held.certificate.not_before, held.thumbprint), reverse=True)
