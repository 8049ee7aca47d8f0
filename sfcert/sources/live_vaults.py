"""Which vaults feed this cluster, who may read them, and what do they hold, live? Floor 2.

A vault is known by its URL; its resource is found by listing the subscription's vaults, or by the id that vm secrets
name. One in another subscription may stay unread: then it is said so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from sfcert import dated
from sfcert.errors import RemoteError
from sfcert.model.bundle import Query, RawCertificate, RawResource, RawVault
from sfcert.model.ids import VaultReference, parse_vault_url
from sfcert.model.observation import ScaleSet
from sfcert.ports import Vaults
from sfcert.sources.read_vault import vault_url_of
from sfcert.sources.reading import Reading, reason_of, subscription_of

_VAULTS = "Microsoft.KeyVault/vaults"
_ROLES = "Microsoft.Authorization/roleAssignments"


def references(scale_sets: Iterable[ScaleSet], more: Iterable[str]) -> tuple[VaultReference, ...]:
    """Every vault certificate that a scale set observes or is provisioned with, and those asked for, once each.

    Sorted by vault and name; versions are dropped (all of a name are read).
    """
    found: dict[tuple[str, str], VaultReference] = {}

    def take(reference: VaultReference | None) -> None:
        if reference is not None:
            found.setdefault((reference.vault_url, reference.name.lower()), reference)

    for scale_set in scale_sets:
        for secret in scale_set.secrets:
            take(secret.reference)
        for extension in scale_set.key_vault_extensions:
            for observed in extension.observed:
                take(observed.reference)
    for url in more:
        take(parse_vault_url(url))
    return tuple(found[key] for key in sorted(found))


def fetch_vault_resources(
    cluster_id: str, urls: Iterable[str], scale_sets: Iterable[ScaleSet], reading: Reading
) -> tuple[dict[str, RawResource], tuple[Query, ...]]:
    """The resources of these vaults, each read by itself; one not to be found is unread as `vault resources/<url>`."""
    wanted = sorted(set(urls))
    if not wanted:
        return {}, ()
    subscription, version = subscription_of(cluster_id), dated.api_version(_VAULTS)
    path = f"{subscription}/providers/{_VAULTS}"
    reading.say(path)
    listed = reading.attempt(f"vaults of {subscription}", lambda: reading.arm.fetch_all(path, version))
    by_url = {vault_url_of(str(one.get("id")), one, is_authored=False): str(one.get("id")) for one in listed or ()}
    for scale_set in scale_sets:
        for secret in scale_set.secrets:
            if secret.vault_id and secret.reference is not None:
                by_url.setdefault(secret.reference.vault_url, secret.vault_id)

    def read(url: str) -> tuple[str, RawResource] | None:
        resource_id = by_url.get(url)
        if resource_id is None:
            reading.refuse(f"vault resources/{url}", f"no vault with this address can be seen in {subscription}")
            return None
        raw = reading.resource(resource_id, version)
        if raw is None:
            reading.refuse(f"vault resources/{url}", f"{resource_id} could not be read")
            return None
        return resource_id, raw

    found = dict(one for one in reading.each(wanted, read) if one is not None)
    query = Query(what=f"vaults of {subscription}", found=len(listed)) if listed is not None else None
    return found, (query,) if query else ()


def fetch_role_assignments(
    vault_ids: Iterable[str], reading: Reading
) -> tuple[dict[str, RawResource], tuple[Query, ...]]:
    """Role assignments that hold at each vault's scope, the inherited ones too.

    `atScope()` lists the scope and everything above it. Assignments to a group that an identity belongs to name the
    group; whether it is a member is not asked (that needs the directory), so such a grant is not seen.
    """
    version = dated.api_version(_ROLES)
    ordered = sorted(vault_ids, key=str.lower)

    def read(vault_id: str) -> tuple[list[dict[str, Any]], Query | None]:
        path = f"{vault_id}/providers/{_ROLES}"
        reading.say(path)
        what = f"roleAssignments at {vault_id}"
        found = reading.attempt(what, lambda: reading.arm.fetch_all(path, version, query={"$filter": "atScope()"}))
        return found or [], None if found is None else Query(what=what, found=len(found))

    resources: dict[str, RawResource] = {}
    queries: list[Query] = []
    for found, query in reading.each(ordered, read):
        for one in found:
            resources[str(one.get("id"))] = RawResource(api_version=version, body=reading.redacted(one))
        if query is not None:
            queries.append(query)
    return dict(sorted(resources.items())), tuple(queries)


def fetch_certificates(wanted: Iterable[VaultReference], vaults: Vaults, reading: Reading) -> dict[str, RawVault]:
    """Policy, versions and pending operation of these certificates, by vault URL.

    A vault of which nothing could be read is left out and recorded as `vaults/<url>`; a single certificate that could
    not be is recorded as `vaults/<url>/certificates/<name>`.
    """
    ordered = list(wanted)

    def read(reference: VaultReference) -> RawCertificate | str:
        reading.say(reference.certificate_url)
        try:
            found = vaults.fetch_certificate(reference.vault_url, reference.name)
        except RemoteError as error:
            return reason_of(error)
        return msgspec.convert(found, RawCertificate)

    found: dict[str, dict[str, RawCertificate]] = {}
    refused: dict[str, dict[str, str]] = {}
    for reference, answer in zip(ordered, reading.each(ordered, read), strict=True):
        if isinstance(answer, str):
            refused.setdefault(reference.vault_url, {})[reference.name] = answer
        else:
            found.setdefault(reference.vault_url, {})[reference.name] = answer
    for url, whys in refused.items():
        is_absence = all(why.startswith("404") for why in whys.values())
        if url not in found and not is_absence:
            reading.refuse(f"vaults/{url}", next(iter(sorted(whys.values()))))
        else:
            for name, why in whys.items():
                reading.refuse(f"vaults/{url}/certificates/{name}", why)
    return {url: RawVault(certificates=dict(sorted(found[url].items()))) for url in sorted(found)}
