"""`sfcert export`: the vault's certificate for an ingress."""

from __future__ import annotations

import re

import click

from sfcert.cli.enrolling import checked_name, checked_vault
from sfcert.cli.output import answer

_KUBERNETES_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


@click.command("export")
@click.argument("name")
@click.option("--vault", "vault_url", required=True, metavar="URL", help="The vault, https://NAME.vault.azure.net.")
@click.option("--secret-provider-class", "is_class", is_flag=True, help="For the Secrets Store CSI driver.")
@click.option(
    "--tenant",
    required=True,
    metavar="ID",
    envvar="AZURE_TENANT_ID",
    show_envvar=True,
    help="The tenant of the vault.",
)
@click.option(
    "--client-id", metavar="ID", help="Of the workload identity that reads the vault (default: the node's own)."
)
@click.option("--secret-name", metavar="NAME", help="The secret that the ingress reads (default: NAME in lower case).")
@click.option("--namespace", metavar="NAME", help="Of the manifest; default: none, so that kubectl chooses.")
def command(
    name: str,
    vault_url: str,
    is_class: bool,
    tenant: str,
    client_id: str | None,
    secret_name: str | None,
    namespace: str | None,
) -> int:
    """Print the manifest with which an ingress uses certificate NAME of a vault. Reads nothing, holds no secret."""
    from sfcert.enrol.kubernetes import secret_provider_class

    if not is_class:
        raise click.UsageError("Say what to export: --secret-provider-class.")
    for option, given in (("--tenant", tenant), ("--client-id", client_id)):
        if given is not None and not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.-]*", given):
            raise click.UsageError(f"{option}: {given!r} is no id such as 00000000-0000-0000-0000-000000000000.")
    for option, given, longest in (("--secret-name", secret_name, 253), ("--namespace", namespace, 63)):
        if given is not None and not (len(given) <= longest and _KUBERNETES_NAME.fullmatch(given)):
            raise click.UsageError(f"{option}: {given!r} is no name in Kubernetes: small letters, digits, dashes.")
    answer(
        secret_provider_class(
            checked_vault(vault_url),
            checked_name(name),
            tenant_id=tenant,
            client_id=client_id,
            secret_name=secret_name or name.lower(),
            namespace=namespace,
        )
    )
    return 0
