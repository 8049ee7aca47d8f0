"""A cluster whose certificate cannot be gone by (self-signed, named otherwise) gets one that can, and goes by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from sfcert.sim.kernel.azure import Azure
from tests.e2e.site import Site


def bring_a_certificate(site: Site, name: str) -> str:
    """Somebody imports a certificate of the wanted name from a proper authority. Returns its thumbprint."""

    def do(azure: Azure) -> Any:
        now = azure.clock.now.replace(microsecond=0)
        authorities, vaults = azure.find_service("authority"), azure.find_service("vaults")
        common_name = site.facts["common_name"]
        ends = now + timedelta(days=180)
        issued = authorities.get("Contoso Issuing CA 01").issue(
            common_name, [common_name], not_before=now, not_after=ends
        )
        return vaults.import_version(site.facts["vault_url"], name, issued, policy=None, created=now)

    return str(site.running.call(do).thumbprint)


def chain_of_the_authority(site: Site) -> tuple[str, str]:
    """`--certificate-pem FILE` with the authority's own certificate, as its operator publishes it."""

    def read(azure: Azure) -> bytes:
        authority = azure.find_service("authority").get("Contoso Issuing CA 01")
        return b"".join(one.public_bytes(Encoding.PEM) for one in authority.chain)

    file = site.folder / "authority.pem"
    file.write_bytes(site.running.call(read))
    return "--certificate-pem", str(file)


def test_a_self_signed_start_introduces_the_new_certificate_by_thumbprint_and_converts(
    site_of: Callable[..., Site],
) -> None:
    site = site_of("self-signed")
    new = bring_a_certificate(site, "sf-named")
    url = f"{site.facts['vault_url']}/certificates/sf-named"
    words = ("--playbook", "add-certificate", "--certificate", url, *chain_of_the_authority(site))
    planned = site.plan(*words)
    assert planned.code == 2, planned.out
    assert any(one.startswith("50-1-add-") for one in site.stages)

    applied = site.apply()

    assert applied.code == 0, applied.err
    assert site.refusals() == []
    assert site.presented() == {new}
    assert site.declares() == {site.facts["common_name"]: site.facts["issuer_thumbprint"]}
    assert site.plan(*words).code == 0
