"""How do the ports reach the real outside? Adapters over the official SDKs, and Service Fabric's own endpoint. Floor 5.

The SDKs are imported inside the modules on first use, so that commands on files do not pay for them. Every failure
leaves here as `RemoteError`. No SDK retries, none sleeps: `retries` holds the one table and waits by the Clock port.
"""
