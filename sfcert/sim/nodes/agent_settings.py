"""What does a Key Vault extension's definition ask for? Its settings by version, or the fault that it would report.

Pure. Source: reference 4.2. Assumed: what a version says to settings of another version's schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sfcert.sim.nodes.store import store_key

DEFAULT_POLL_S = 3600
LEAST_POLL_S, MOST_POLL_S_OF_4 = 300, 3600
LINUX_STORE = "/var/lib/sfcerts"
LINUX_DEFAULT = "/var/lib/waagent/microsoft.azure.keyvault.store"


@dataclass(frozen=True, slots=True)
class Observed:
    """One certificate to keep: where it comes from and into which store it goes. `version` None: the newest."""

    vault_url: str
    name: str
    version: str | None
    store: str

    @property
    def url(self) -> str:
        tail = f"/{self.version}" if self.version else ""
        return f"{self.vault_url}/secrets/{self.name}{tail}"


@dataclass(frozen=True, slots=True)
class AgentSettings:
    observed: tuple[Observed, ...]
    poll_s: float
    initial_sync: bool
    linking: bool
    client_id: str | None
    versions_kept: int
    provider: str | None
    checks_chain: bool


class SettingsFault(Exception):
    """The extension cannot use its settings; the text is what its status says."""


def settings_of(properties: Mapping[str, Any]) -> AgentSettings:
    """Read the settings as the declared version of the extension reads them.

    Raises:
        SettingsFault: the schema is another version's, or a value is unusable.
    """
    linux = str(properties.get("type", "")).lower().endswith("linux")
    major = _major(properties.get("typeHandlerVersion"))
    settings = properties.get("settings") or {}
    management = settings.get("secretsManagementSettings")
    if not isinstance(management, Mapping):
        raise SettingsFault("Failed to parse the configuration settings with:not an object.")
    entries = management.get("observedCertificates")
    if not isinstance(entries, list) or not entries:
        raise SettingsFault("Failed to parse the configuration settings: observedCertificates is missing or empty.")
    objects = major >= 3
    observed = tuple(_observed(entry, management, objects=objects, linux=linux, major=major) for entry in entries)
    if (
        objects
        and any(key in management for key in ("certificateStoreName", "certificateStoreLocation"))
        and major >= 4
    ):
        raise SettingsFault("Failed to parse the configuration settings: the certificate store belongs to each entry.")
    newest = major >= 4 and not linux
    return AgentSettings(
        observed=observed,
        poll_s=_poll_s(management.get("pollingIntervalInS"), newest=newest),
        initial_sync=newest or _truth(management.get("requireInitialSync")),
        linking=not linux and (newest or _truth(management.get("linkOnRenewal"))),
        client_id=_client_id(settings.get("authenticationSettings")),
        versions_kept=2 if newest else 1,
        provider="CNG" if newest else None,
        checks_chain=newest,
    )


def _major(version: Any) -> int:
    head = str(version or "1").split(".", 1)[0]
    return int(head) if head.isdigit() else 1


def _observed(entry: Any, management: Mapping[str, Any], *, objects: bool, linux: bool, major: int) -> Observed:
    if objects and not isinstance(entry, Mapping):
        raise SettingsFault("Failed to parse the configuration settings: observedCertificates must hold objects.")
    if not objects and not isinstance(entry, str):
        raise SettingsFault("Failed to parse the configuration settings: observedCertificates must hold strings.")
    url = str(entry.get("url", "")) if isinstance(entry, Mapping) else entry
    place = entry if isinstance(entry, Mapping) else management
    parts = urlsplit(url)
    path = [part for part in parts.path.split("/") if part]
    if parts.scheme != "https" or not parts.hostname or len(path) not in (2, 3):
        raise SettingsFault(f"Failed to parse the configuration settings: '{url}' is no secret's address.")
    if len(path) == 3 and major >= 4:
        raise SettingsFault(f"Failed to parse the configuration settings: '{url}' names a version.")
    # A /certificates/ address answers with the public part alone: nothing that a store could use with a key.
    if path[0].lower() != "secrets":
        raise SettingsFault(f"Failed to download '{url}': it has no private key.")
    version = path[2] if len(path) == 3 else None
    return Observed(f"https://{parts.hostname}", path[1], version, _store(place, linux=linux))


def _store(place: Mapping[str, Any], *, linux: bool) -> str:
    if linux:
        path = str(place.get("certificateStoreLocation") or LINUX_DEFAULT).rstrip("/")
        # Service Fabric on Linux calls one folder its "My" store.
        return store_key("My") if path.lower() == LINUX_STORE else store_key(path, "file")
    location = str(place.get("certificateStoreLocation") or "LocalMachine")
    if location not in ("LocalMachine", "CurrentUser"):
        raise SettingsFault(f"Failed to parse the configuration settings: unknown store location '{location}'.")
    return store_key(str(place.get("certificateStoreName") or "MY"), location)


def _poll_s(value: Any, *, newest: bool) -> float:
    text = str(value).strip() if value is not None else ""
    if text and not text.isdigit():
        raise SettingsFault(f"Failed to parse the configuration settings: pollingIntervalInS '{text}' is no number.")
    seconds = float(text) if text else DEFAULT_POLL_S
    if newest:
        return min(max(seconds, LEAST_POLL_S), MOST_POLL_S_OF_4)
    return max(seconds, 1.0)


def _truth(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _client_id(settings: Any) -> str | None:
    if not isinstance(settings, Mapping):
        return None
    client_id = str(settings.get("msiClientId") or "") or None
    if client_id and not settings.get("msiEndpoint"):
        raise SettingsFault("Failed to parse the configuration settings: msiClientId needs msiEndpoint.")
    return client_id
