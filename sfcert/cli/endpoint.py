"""How is an endpoint named on the command line, and with what is it looked at?"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from pathlib import Path

    from sfcert.workflows.events import Emit


def host_and_port(text: str) -> tuple[str, int]:
    """`HOST`, `HOST:PORT`, `[ADDRESS]:PORT` or an https URL; 443 where no port is given. Raises click.UsageError."""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname, 443 if parts.port is None else parts.port
    except ValueError:
        host, port = None, 0
    if not host or parts.scheme != "https" or not 0 < port < 65536 or "@" in parts.netloc or re.search(r"\s", host):
        shown = "" if "@" in text else f" {text}"
        raise click.UsageError(f"--endpoint{shown}: HOST:PORT is needed, such as shop.example.com:443.")
    return host, port


def watch_one(
    endpoint: str,
    *,
    server_name: str | None,
    thumbprint: str | None,
    issuers: tuple[str, ...],
    issuer_pems: tuple[Path, ...],
    vault_certificate: str | None,
    emit: Emit,
    timeout_s: float | None,
    follow: bool,
) -> None:
    """Watch one endpoint; Azure is asked only where a vault certificate is named.

    Raises:
        click.UsageError: what was given cannot be looked for. Otherwise as `watch_endpoint`.
    """
    from sfcert.azure.endpoints import TlsEndpoints
    from sfcert.azure.tunnel import route_from
    from sfcert.cli.connect import clock_of_environment, connect
    from sfcert.cli.enrolling import read_chain_file
    from sfcert.enrol.endpoint import Expected, is_address
    from sfcert.model.ids import parse_vault_url
    from sfcert.workflows.watch_endpoint import watch_endpoint

    host, port = host_and_port(endpoint)
    if vault_certificate is not None and parse_vault_url(vault_certificate) is None:
        raise click.UsageError(f"--vault-certificate {vault_certificate}: https://VAULT/certificates/NAME is needed.")
    expected = Expected(
        endpoint=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        server_name=server_name or (None if is_address(host) else host),
        thumbprint=_thumbprint(thumbprint, "--expect-thumbprint") if thumbprint is not None else None,
        issuers=tuple(_thumbprint(one, "--expect-issuer") for each in issuers for one in each.split(",")),
        vault_certificate=vault_certificate,
        known=tuple(one for path in issuer_pems for one in read_chain_file(path)),
    )
    watch_endpoint(
        host,
        port,
        expected,
        TlsEndpoints(route_from(os.environ)),
        clock=clock_of_environment(),
        emit=emit,
        vaults=connect().vaults if vault_certificate is not None else None,
        timeout_s=timeout_s,
        follow=follow,
    )


def _thumbprint(text: str, option: str) -> str:
    from sfcert.model.ids import normal_thumbprint

    try:
        return normal_thumbprint(text)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from error
