"""The vendor's compute and Service Fabric clients take the simulated providers for the real ones."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.servicefabric import ServiceFabricManagementClient

from sfcert.sim import worlds

GROUP, CLUSTER, SCALE_SET = "rg-sf-demo", "sf-demo", "nt0"


@pytest.fixture
def facts(way: Any) -> Any:
    """A standing cluster behind this way in."""
    return way.running.call(lambda azure: worlds.load(azure, "one-node-type"))


@pytest.fixture
def fabric(way: Any, facts: Any) -> Iterator[Any]:
    with ServiceFabricManagementClient(way.credential, way.subscription, polling_interval=0.05, **way.keywords) as made:
        yield made


@pytest.fixture
def compute(way: Any, facts: Any) -> Iterator[Any]:
    with ComputeManagementClient(way.credential, way.subscription, polling_interval=0.05, **way.keywords) as made:
        yield made


def test_clusters_are_read_and_listed(fabric: Any, facts: Any) -> None:
    cluster = fabric.clusters.get(GROUP, CLUSTER)
    assert (cluster.cluster_state, cluster.provisioning_state) == ("Ready", "Succeeded")
    assert cluster.certificate.thumbprint == facts["thumbprint"]
    assert cluster.cluster_endpoint.endswith(cluster.cluster_id)
    assert [one.name for one in fabric.clusters.list_by_resource_group(GROUP)] == [CLUSTER]
    assert [one.name for one in fabric.clusters.list()] == [CLUSTER]


def test_a_cluster_is_patched_and_its_upgrade_waited_for(fabric: Any) -> None:
    models = fabric.clusters.models
    section = models.SettingsSectionDescription(
        name="Hosting", parameters=[models.SettingsParameterDescription(name="A", value="1")]
    )
    update = models.ClusterUpdateParameters(fabric_settings=[section])
    updated = fabric.clusters.begin_update(GROUP, CLUSTER, update).result()
    assert [one.name for one in updated.fabric_settings] == ["Hosting"]
    assert fabric.clusters.get(GROUP, CLUSTER).cluster_state == "Ready"


def test_a_refused_change_carries_the_vendors_code(fabric: Any) -> None:
    cluster = fabric.clusters.get(GROUP, CLUSTER)
    models = fabric.clusters.models
    cluster.certificate_common_names = models.ServerCertificateCommonNames(
        common_names=[
            models.ServerCertificateCommonName(certificate_common_name="a.example", certificate_issuer_thumbprint="")
        ],
        x509_store_name="My",
    )
    with pytest.raises(HttpResponseError) as caught:
        fabric.clusters.begin_create_or_update(GROUP, CLUSTER, cluster).result()
    assert caught.value.error is not None
    assert caught.value.error.code == "InvalidCommonNameThumbprintPair"


def test_instances_and_their_views_are_read(compute: Any) -> None:
    machines = list(compute.virtual_machine_scale_set_vms.list(GROUP, SCALE_SET, expand="instanceView"))
    assert sorted(one.instance_id for one in machines) == ["0", "1", "2", "3", "4"]
    first = machines[0].instance_view
    assert first.extensions[0].statuses[0].code == "ProvisioningState/succeeded"
    assert machines[0].latest_model_applied is True
    one = compute.virtual_machine_scale_set_vms.get_instance_view(GROUP, SCALE_SET, "2")
    assert one.platform_update_domain == 2
    summary = compute.virtual_machine_scale_sets.get_instance_view(GROUP, SCALE_SET)
    assert summary.virtual_machine.statuses_summary[0].count == 5
    assert summary.extensions[0].statuses_summary[0].count == 5


def test_a_scale_set_is_read_changed_and_brought_up(compute: Any) -> None:
    scale_sets = compute.virtual_machine_scale_sets
    body = scale_sets.get(GROUP, SCALE_SET)
    assert body.virtual_machine_profile.os_profile.admin_password is None
    body.tags = {"touched": "yes"}
    assert scale_sets.begin_create_or_update(GROUP, SCALE_SET, body).result().tags == {"touched": "yes"}
    scale_sets.begin_update_instances(GROUP, SCALE_SET, {"instanceIds": ["0", "1"]}).result()
    assert [one.name for one in scale_sets.list(GROUP)] == [SCALE_SET]
    extensions = list(compute.virtual_machine_scale_set_extensions.list(GROUP, SCALE_SET))
    assert [one.properties.type for one in extensions] == ["ServiceFabricNode"]


def test_a_node_is_reimaged_through_the_client(compute: Any, way: Any) -> None:
    compute.virtual_machine_scale_set_vms.begin_reimage(GROUP, SCALE_SET, "1").result()
    way.running.advance(3600)
    views = compute.virtual_machine_scale_set_vms.list(GROUP, SCALE_SET, expand="instanceView")
    assert {one.provisioning_state for one in views} == {"Succeeded"}


@pytest.mark.parametrize("way", ["proxy"], indirect=True)
def test_nodes_are_reached_through_the_proxy_by_their_own_addresses(way: Any, facts: Any) -> None:
    proxy = urlsplit(way.running.proxy_url)
    host = urlsplit(facts["management_endpoint"])
    for address, port in ((host.hostname, host.port), ("10.0.0.4", 19080), ("10.0.0.8", 19000)):
        with socket.create_connection((proxy.hostname, proxy.port), timeout=10) as raw:
            raw.sendall(f"CONNECT {address}:{port} HTTP/1.1\r\nHost: {address}:{port}\r\n\r\n".encode())
            assert b" 200 " in raw.recv(4096)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(raw) as tls:
                shown = hashlib.sha1(tls.getpeercert(binary_form=True) or b"").hexdigest().upper()
        assert shown == facts["thumbprint"]
