"""How does a plain TCP connection to a node come about? Directly, or through an HTTP proxy's CONNECT. Floor 5.

Which proxy, and which hosts go past it, comes in by argument: the command line reads HTTPS_PROXY and NO_PROXY.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from sfcert.azure.failures import unreachable
from sfcert.errors import RemoteError

TIMEOUT_S = 8.0
_LONGEST_HEAD = 16_384


@dataclass(frozen=True, slots=True)
class Route:
    """The way out. `proxy_url` None: always directly; `past` are the hosts of NO_PROXY."""

    proxy_url: str | None = None
    past: tuple[str, ...] = ()

    def is_past_proxy(self, host: str) -> bool:
        """Whether NO_PROXY lets this host go directly: `*`, the name, a domain it ends in, or an address range."""
        lowered = host.lower().strip("[]")
        for entry in self.past:
            rule = entry.strip().lower().lstrip(".")
            if rule == "*" or (rule and (lowered == rule or lowered.endswith("." + rule))):
                return True
            try:
                if "/" in rule and ipaddress.ip_address(lowered) in ipaddress.ip_network(rule, strict=False):
                    return True
            except ValueError:
                continue
        return False


def route_from(environ: Mapping[str, str]) -> Route:
    """The route that an environment asks for; lower-case names win over upper-case ones, as curl has it."""

    def value(name: str) -> str:
        return environ.get(name.lower()) or environ.get(name) or ""

    past = tuple(one for one in value("NO_PROXY").split(",") if one.strip())
    return Route(proxy_url=value("HTTPS_PROXY") or None, past=past)


def connect(
    host: str, port: int, route: Route, *, timeout_s: float = TIMEOUT_S, service: str = "Service Fabric"
) -> socket.socket:
    """A connected socket with that timeout set.

    Raises:
        RemoteError: RemoteUnreachable, saying whether the host or the proxy did not answer.
    """
    operation = f"connect {host}:{port}"
    if route.proxy_url is None or route.is_past_proxy(host):
        try:
            return socket.create_connection((host, port), timeout=timeout_s)
        except OSError as error:
            raise unreachable(service, operation, str(error)) from error
    proxy = urlsplit(route.proxy_url)
    try:
        line = socket.create_connection((proxy.hostname or "", proxy.port or 80), timeout=timeout_s)
    except OSError as error:
        raise unreachable("the proxy", operation, str(error)) from error
    try:
        answer = _ask(line, host, port, proxy.username, proxy.password)
    except (OSError, RemoteError) as error:
        line.close()
        raise unreachable("the proxy", operation, str(error)) from error
    if answer.split(" ")[1:2] != ["200"]:
        line.close()
        raise unreachable("the proxy", operation, f"it answered {answer!r}")
    return line


def _ask(line: socket.socket, host: str, port: int, user: str | None, password: str | None) -> str:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    if user is not None:
        pair = f"{unquote(user)}:{unquote(password or '')}"
        head += f"Proxy-Authorization: Basic {base64.b64encode(pair.encode()).decode()}\r\n"
    line.sendall((head + "\r\n").encode())
    received = b""
    while b"\r\n\r\n" not in received:
        # one byte at a time: what follows the head belongs to TLS
        if not (piece := line.recv(1)) or len(received) > _LONGEST_HEAD:
            break
        received += piece
    return received.split(b"\r\n", 1)[0].decode("latin-1")
