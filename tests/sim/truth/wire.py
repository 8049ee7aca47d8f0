"""The world from outside: HTTP to Azure's own host names, TLS to the nodes' own addresses, and nothing of `sfcert`.

Not a test. What is asked here goes through the proxy as any client's words do; only time is moved from inside.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from OpenSSL import SSL

from sfcert.sim.host import Running

VERSIONS = {
    "microsoft.authorization": "2022-04-01",
    "microsoft.compute": "2024-11-01",
    "microsoft.keyvault": "2023-07-01",
    "microsoft.managedidentity": "2024-11-30",
    "microsoft.servicefabric": "2021-06-01",
}
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
IMDS = "http://169.254.169.254/metadata/identity/oauth2/token"


@dataclass(frozen=True)
class Shown:
    """What one connection to a node saw: the certificate (SHA-1), and what its REST interface answered."""

    thumbprint: str
    status: int
    body: Any


class Wire:
    """A client of one running world. Paths of Resource Manager begin below the world's resource group."""

    def __init__(self, running: Running, facts: dict[str, Any], folder: Path) -> None:
        self.running, self.facts = running, facts
        values = running.env()
        self._folder = folder
        self._session = requests.Session()
        self._session.proxies = {"https": running.proxy_url}
        self._session.verify = values["REQUESTS_CA_BUNDLE"]
        self._session.trust_env = False
        self.subscription, self.tenant = values["AZURE_SUBSCRIPTION_ID"], values["AZURE_TENANT_ID"]
        self.group = f"/subscriptions/{self.subscription}/resourceGroups/{facts['resource_group']}/providers"
        self.cluster_id, self.vault_id = facts["cluster_id"], facts["vault_id"]
        self.scale_set = facts["scale_set_ids"][0]
        form = {
            "grant_type": "client_credentials",
            "client_id": values["AZURE_CLIENT_ID"],
            "client_secret": values["AZURE_CLIENT_SECRET"],
        }
        self._tokens = {
            scope: self._session.post(
                f"https://login.microsoftonline.com/{self.tenant}/oauth2/v2.0/token",
                data={**form, "scope": f"https://{scope}/.default"},
            ).json()["access_token"]
            for scope in ("management.azure.com", "vault.azure.net")
        }
        self.admin = self.client_pem("sf-operator") if "client_thumbprint" in facts else None

    # -- Resource Manager and vaults ---------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None, version: str | None = None) -> requests.Response:
        """One call of Resource Manager; the api-version is that of the namespace."""
        place = path if path.startswith("/subscriptions") else f"{self.group}/{path}"
        namespace = place.lower().rsplit("/providers/", 1)[1].split("/")[0]
        split = urlsplit(place)
        query = "&".join(part for part in (split.query, f"api-version={version or VERSIONS[namespace]}") if part)
        return self._session.request(
            method,
            f"https://management.azure.com{split.path}?{query}",
            json=body,
            headers={"Authorization": f"Bearer {self._tokens['management.azure.com']}"},
        )

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def done(self, method: str, path: str, body: Any = None) -> str:
        """A write that is taken, polled to its end as its headers say. Returns how it ended."""
        return self.end_of(self.ask(method, path, body))

    def end_of(self, answer: requests.Response) -> str:
        assert answer.ok, answer.text
        link = answer.headers.get("Azure-AsyncOperation")
        if link is None:
            return "Succeeded"
        while True:
            looked = self._session.get(
                link, headers={"Authorization": f"Bearer {self._tokens['management.azure.com']}"}
            ).json()
            if looked["status"] in ("Succeeded", "Failed", "Canceled"):
                self.error = looked.get("error") or {}
                return str(looked["status"])

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
        """A write that is refused at once: status, code and message of the vendor's envelope."""
        answer = self.ask(method, path, body)
        assert not answer.ok, answer.text
        error = answer.json()["error"]
        return answer.status_code, error["code"], error["message"]

    def edited(self, path: str, edit: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """The body of a GET, changed, as a careful writer sends it back."""
        body: dict[str, Any] = self.get(path)
        edit(body)
        return body

    def vault(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One call of the world's vault."""
        return self._session.request(
            method,
            f"{self.facts['vault_url']}/{path}",
            params={"api-version": "7.4"},
            json=body,
            headers={"Authorization": f"Bearer {self._tokens['vault.azure.net']}"},
        )

    # -- nodes -------------------------------------------------------------------------------------------------------

    def client_pem(self, name: str) -> Path:
        """A certificate of the vault with its key, in a file: what `az keyvault secret download` would leave there."""

        def read(azure: Any) -> bytes:
            found = azure.find_service("vaults").content(self.facts["vault_url"]).certificate(name).latest
            key: bytes = found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            certificate: bytes = found.leaf.public_bytes(Encoding.PEM)
            return key + certificate

        path = self._folder / f"{name}.pem"
        path.write_bytes(self.running.call(read))
        return path

    def stranger_pem(self) -> Path:
        """A certificate of another authority, which no cluster has ever heard of."""

        def make(azure: Any) -> None:
            other = azure.find_service("authority").get(self.facts["other_issuer"])
            at = azure.clock.now.replace(microsecond=0)
            issued = other.issue("stranger.example", [], not_before=at, not_after=at.replace(year=at.year + 1))
            azure.find_service("vaults").import_version(self.facts["vault_url"], "stranger", issued)

        self.running.call(make)
        return self.client_pem("stranger")

    def connect(self, address: str, port: int) -> socket.socket:
        """A plain connection to this address through the proxy.

        Raises:
            OSError: nobody listens there.
        """
        proxy = urlsplit(self.running.proxy_url)
        raw = socket.create_connection((proxy.hostname or "", proxy.port or 0), timeout=20)
        raw.sendall(f"CONNECT {address}:{port} HTTP/1.1\r\nHost: {address}:{port}\r\n\r\n".encode())
        head = raw.recv(4096)
        if b" 200 " not in head.split(b"\r\n")[0]:
            raw.close()
            raise ConnectionRefusedError(head.decode("latin-1"))
        return raw

    def served(self, address: str, port: int = 19080) -> list[x509.Certificate]:
        """Every certificate that the handshake brings, leaf first, with nothing that would complete a chain."""
        with self.connect(address, port) as raw:
            raw.setblocking(True)
            tls = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), raw)
            tls.set_connect_state()
            tls.do_handshake()
            return list(tls.get_peer_cert_chain(as_cryptography=True) or [])

    def tls(self, address: str, port: int = 19080, pem: Path | None = None) -> ssl.SSLSocket:
        """A TLS connection to this address, as a client inside of the network has it.

        Raises:
            OSError: nobody listens there, or whoever does has nothing to show.
        """
        raw = self.connect(address, port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if pem is not None:
            context.load_cert_chain(pem)
        try:
            return context.wrap_socket(raw)
        except OSError:
            raw.close()
            raise

    def node(self, address: str, path: str, *, pem: Path | None = None, method: str = "GET") -> Shown:
        """One request of Service Fabric's REST interface; the operator's client certificate unless another is given."""
        with self.tls(address, pem=pem or self.admin) as tls:
            shown = hashlib.sha1(tls.getpeercert(binary_form=True) or b"").hexdigest().upper()
            tls.sendall(f"{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while chunk := tls.recv(65536):
                data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        return Shown(shown, int(head.split(b" ")[1]), json.loads(body) if body else None)

    @property
    def balanced(self) -> str:
        return urlsplit(self.facts["management_endpoint"]).hostname or ""

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Every node as the cluster itself lists it, by name."""
        seen = self.node(self.balanced, "/Nodes?api-version=6.0")
        assert seen.status == 200, seen
        return {one["Name"]: one for one in seen.body["Items"]}

    def presents(self, name: str) -> str:
        """The thumbprint in a node's own certificate event."""
        events = self.node(self.balanced, f"/Nodes/{name}/$/GetHealth?api-version=6.0").body["HealthEvents"]
        text = next(one["Description"] for one in events if one["Property"] == "Certificate_cluster")
        return str(text.split("thumbprint = ")[1][:40].upper())

    # -- machines ----------------------------------------------------------------------------------------------------

    def machines(self, scale_set: str | None = None) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.get(f"{scale_set or self.scale_set}/virtualMachines?$expand=instanceView")[
            "value"
        ]
        return listed

    def said(self, extension: str, instance: int = 0) -> tuple[str, str]:
        """What an extension last said on one machine: status code and message; empty where it never spoke."""
        view = self.machines()[instance]["properties"]["instanceView"]
        for one in view["extensions"]:
            if one["name"] == extension:
                return one["statuses"][0]["code"], one["statuses"][0]["message"]
        return "", ""

    def store(self, node: str) -> dict[str, dict[str, Any]]:
        """What lies in a node's certificate stores, by thumbprint, as the simulator's own status page has it."""
        clusters = requests.get(f"{self.running.control_url}/status", timeout=20).json()["clusters"]
        found = next(one for cluster in clusters for one in cluster["nodes"] if one["name"] == node)
        return {one["thumbprint"]: one for one in found["holds"]}

    def fault(self, name: str, **options: Any) -> None:
        self.running.call(lambda azure: azure.faults.arm(name, options))

    def pass_time(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        self.running.advance(minutes * 60 + hours * 3600 + days * 86400)

    # -- what several tests do ---------------------------------------------------------------------------------------

    def identity(self, name: str, *, let_in: bool = True) -> dict[str, Any]:
        """A user-assigned identity, and leave to read the vault's secrets."""
        path = f"Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        assert self.done("PUT", path, {"location": "westeurope"}) == "Succeeded"
        made: dict[str, Any] = self.get(path)
        if let_in:
            entry = {
                "tenantId": self.tenant,
                "objectId": made["properties"]["principalId"],
                "permissions": {"secrets": ["get", "list"]},
            }
            order = {"properties": {"accessPolicies": [entry]}}
            assert self.done("PUT", f"{self.vault_id}/accessPolicies/add", order) == "Succeeded"
        return made

    def assign_role(self, principal: str, role: str, scope: str) -> str:
        """A role assignment, named after the principal."""
        definition = f"/subscriptions/{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
        given = {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{principal}"
        assert self.ask("PUT", path, {"properties": given}).status_code == 201
        return path

    def extension(self, version: str = "3.0", client_id: str | None = None, **management: Any) -> dict[str, Any]:
        """The Key Vault extension in that version's own schema, named KVVM; `management` replaces single settings."""
        url, place = (
            self.facts["observed_url"],
            {"certificateStoreName": "MY", "certificateStoreLocation": "LocalMachine"},
        )
        if version.startswith("1."):
            usual: dict[str, Any] = {"observedCertificates": [url], "pollingIntervalInS": "3600", **place}
            usual["requireInitialSync"] = True
        else:
            usual = {"observedCertificates": [{"url": url, **place}]}
            if version.startswith("3."):
                usual.update({"pollingIntervalInS": "3600", "requireInitialSync": True, "linkOnRenewal": False})
        settings: dict[str, Any] = {"secretsManagementSettings": {**usual, **management}}
        if client_id is not None:
            settings["authenticationSettings"] = {"msiEndpoint": IMDS, "msiClientId": client_id}
        return {
            "name": "KVVM",
            "properties": {
                "publisher": "Microsoft.Azure.KeyVault",
                "type": "KeyVaultForWindows",
                "typeHandlerVersion": version,
                "autoUpgradeMinorVersion": True,
                "settings": settings,
            },
        }

    def provisioned(self, extension: dict[str, Any], *identities: dict[str, Any]) -> dict[str, Any]:
        """The scale set's body with identities and that extension."""
        body = self.get(self.scale_set)
        assigned = {one["id"]: {} for one in identities}
        if assigned:
            body["identity"] = {"type": "UserAssigned", "userAssignedIdentities": assigned}
        extensions_of(body).append(extension)
        return body

    def to_common_name(self) -> None:
        """The whole way over the wire: identity, extension, and the cluster by its name with its issuer pinned."""
        identity = self.identity("id-nodes")
        extension = self.extension(client_id=identity["properties"]["clientId"])
        assert self.done("PUT", self.scale_set, self.provisioned(extension, identity)) == "Succeeded"
        assert self.done("PUT", self.cluster_id, self.edited(self.cluster_id, self.name_it)) == "Succeeded"

    def name_it(self, body: dict[str, Any]) -> None:
        """The cluster's body declares by name instead of by thumbprint."""
        body["properties"].pop("certificate", None)
        entry = {
            "certificateCommonName": self.facts["common_name"],
            "certificateIssuerThumbprint": self.facts["issuer_thumbprint"],
        }
        body["properties"]["certificateCommonNames"] = {"commonNames": [entry], "x509StoreName": "My"}


def extensions_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["properties"]["virtualMachineProfile"]["extensionProfile"]["extensions"]
    return found
