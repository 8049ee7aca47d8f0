"""`sfcert import`: a Kubernetes secret into the vault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sfcert.cli.enrolling import checked_name, checked_vault, expectation_for, for_cluster, gate_options
from sfcert.cli.output import answer


@click.command("import")
@click.argument("name", required=False)
@click.option("--vault", "vault_url", required=True, metavar="URL", help="The vault, https://NAME.vault.azure.net.")
@click.option(
    "--kubernetes-secret",
    "file",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE|-",
    help="A manifest with one kubernetes.io/tls secret; '-' is standard input.",
)
@gate_options
def command(name: str | None, vault_url: str, file: Path, **options: Any) -> int:
    """Take a kubernetes.io/tls secret into the vault as certificate NAME (default: the secret's own name).

    With --for-cluster or --for-bundle the gate is asked first: what the cluster would refuse is not imported, and the
    command ends with 3 and says which pin comes first.

    The key passes through memory only. The same certificate twice makes no second version.
    """
    from sfcert.azure.enrolment import AzureEnrolmentVault
    from sfcert.azure.vault_requests import VaultRequests
    from sfcert.cli.connect import connect
    from sfcert.cli.reading import read_text_or_input
    from sfcert.enrol.gate import judge
    from sfcert.enrol.kubernetes import read_tls_secret
    from sfcert.enrol.manifest_certificate import vault_name
    from sfcert.enrol.reading import latest_version, leaf_of_version, policy_of_leaf
    from sfcert.model.enrolment import PFX
    from sfcert.workflows.enrolment.operation import refuse_frozen
    from sfcert.workflows.enrolment.request import refusal

    vault_url = checked_vault(vault_url)
    named = for_cluster(options)
    source, text = read_text_or_input(file)
    secret = read_tls_secret(text, source)
    wanted = checked_name(name or vault_name(secret.name))
    connection = connect(named.source, may_read_secret=named.may_read_secret)
    vault = AzureEnrolmentVault(VaultRequests(connection.credential, connection.retries))
    body = vault.fetch_certificate(vault_url, wanted)
    standing = leaf_of_version(latest_version(body))
    leaf = secret.chain[0]
    if standing is not None and standing.thumbprint == leaf.thumbprint:
        answer(f"{vault_url}/certificates/{wanted}: nothing to do, {leaf.thumbprint} is its newest version.")
        return 0
    refuse_frozen(f"{vault_url}/certificates/{wanted}", body)
    expectation = expectation_for(named)
    if expectation is not None:
        report = judge(
            secret.chain,
            policy_of_leaf(leaf),
            request_key_sha256=leaf.public_key_sha256,
            expectation=expectation,
            certificate_url=f"{vault_url}/certificates/{wanted}",
            known=named.issuers,
            now=connection.clock.now(),
        )
        if report.verdict != "pass":
            raise refusal(report, "Nothing was imported.")
    policy = {
        "key_props": {"exportable": True},
        "secret_props": {"contentType": PFX},
        "issuer": {"name": "Unknown"},
    }
    fitting = [(key, value) for key, value in sorted(secret.annotations.items()) if len(key) <= 256 >= len(value)]
    tags = dict(fitting[:15])
    vault.put_import(vault_url, wanted, secret.pfx_base64, policy, tags)
    if left := sorted(set(secret.annotations) - set(tags)):
        click.echo(f"note: a vault takes 15 tags of 256 characters; no tag became of {', '.join(left)}.", err=True)
    issuers = len(secret.chain) - 1
    chain = f", with {issuers} issuer{'s' if issuers > 1 else ''}" if issuers else ", without its issuer"
    answer(f"{vault_url}/certificates/{wanted}: imported {leaf.thumbprint}{chain}.")
    return 0
