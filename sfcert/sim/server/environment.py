"""What must a client's environment say? The variables that lead unmodified clients into this world."""

from __future__ import annotations

from pathlib import Path

from sfcert.sim.entra import Entra
from sfcert.sim.kernel.azure import Azure

#: Every variable that may be set, in the order in which it is printed; `--unset` undoes these.
VARIABLES = (
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "AZURE_CONFIG_DIR",
    "AZURE_CORE_COLLECT_TELEMETRY",
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_SUBSCRIPTION_ID",
    "SFCERT_RESOURCE_GROUP",
    "SFCERT_CLUSTER_ID",
    "SFCERT_SF_CLIENT_CERTIFICATE",
    "SFCERT_DNS_SERVER",
    "SFCERT_SIM",
)
_CLUSTER_TYPE = "Microsoft.ServiceFabric/clusters"


def describe_environment(
    azure: Azure,
    *,
    proxy_url: str,
    ca_file: Path,
    config_dir: Path,
    control_url: str,
    dns_server: str,
    client_certificate: Path | None = None,
) -> dict[str, str]:
    """The variables with their values. The two about the cluster are left out while there is none.

    The secret is worth nothing outside this simulator, which made it up.
    """
    operator = azure.service("entra", Entra).default
    found = {
        "HTTPS_PROXY": proxy_url,
        "HTTP_PROXY": proxy_url,
        "NO_PROXY": "127.0.0.1,localhost",
        "REQUESTS_CA_BUNDLE": str(ca_file),
        "SSL_CERT_FILE": str(ca_file),
        "AZURE_CONFIG_DIR": str(config_dir),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "AZURE_TENANT_ID": azure.tenant_id,
        "AZURE_CLIENT_ID": operator.app_id,
        "AZURE_CLIENT_SECRET": operator.secret,
        "AZURE_SUBSCRIPTION_ID": azure.subscription_id,
    }
    cluster = next(azure.resources.of_type(_CLUSTER_TYPE), None)
    if cluster is not None:
        found["SFCERT_RESOURCE_GROUP"] = cluster.id.group or ""
        found["SFCERT_CLUSTER_ID"] = cluster.id.text
    if client_certificate is not None:
        found["SFCERT_SF_CLIENT_CERTIFICATE"] = str(client_certificate)
    found["SFCERT_DNS_SERVER"] = dns_server
    found["SFCERT_SIM"] = control_url
    return found
