"""How does an enrolment go, in words for its reviewer? Who signs, how names are shown, what has to be open. Floor 3.

Computed from the policy alone, so that terminal, Markdown and HTML say the same. Leaves out verdicts (see `gate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from sfcert.enrol.solvers import solver_for_name
from sfcert.model.certificate import CLIENT_AUTH, SERVER_AUTH
from sfcert.model.enrolment import Acme, EnrolmentPolicy, Issuer, Solver

_USAGES = {SERVER_AUTH: "server authentication", CLIENT_AUTH: "client authentication"}


def authority_words(issuer: Issuer) -> str:
    """Who signs, as it reads after "issued by"."""
    if issuer.acme is not None:
        return f"{urlsplit(issuer.acme.directory).netloc or issuer.acme.directory} (ACME)"
    if issuer.is_self:
        return "itself"
    if issuer.is_merged:
        return "an authority that people ask"
    return issuer.name


def usage_words(ekus: Sequence[str]) -> str:
    """Extended key usages by name, others as dotted ids."""
    return ", ".join(_USAGES.get(one, one) for one in ekus)


def acme_lines(policy: EnrolmentPolicy, vault_url: str) -> tuple[str, ...]:
    """What a reviewer has to know of an order by ACME; empty where the policy has none.

    Returns:
        The authority and its account, then a line for each way in which names are shown, with what has to be open.
        No secret: settings that hold one only name its file or variable.
    """
    acme = policy.issuer.acme
    if acme is None:
        return ()
    return (_authority(acme, vault_url), *_challenges(acme, policy.dns_names))


def _authority(acme: Acme, vault_url: str) -> str:
    said = [f"by ACME: {acme.directory}, account key in {vault_url}/secrets/{acme.account_key}"]
    if acme.eab_key_id is not None:
        said.append(f"bound to the external account {acme.eab_key_id} (key in {acme.eab_key_file})")
    if acme.profile is not None:
        said.append(f"profile {acme.profile}")
    if acme.preferred_chain is not None:
        said.append(f"the chain that ends with {acme.preferred_chain}")
    if acme.ca_file is not None:
        said.append(f"its HTTPS trusted by {acme.ca_file}")
    return f"{'; '.join(said)}. Whoever applies has to reach it by HTTPS."


def _challenges(acme: Acme, names: Sequence[str]) -> list[str]:
    shown: dict[int, list[str]] = {}
    solvers: dict[int, Solver] = {}
    for name in names:
        solver = solver_for_name(acme.solvers, name)
        if solver is not None:
            shown.setdefault(id(solver), []).append(name)
            solvers[id(solver)] = solver
    return [f"shows {', '.join(shown[key])} {_way(solver)}" for key, solver in solvers.items()]


def _way(solver: Solver) -> str:
    said = solver.settings
    match solver.kind:
        case "http01":
            port = said.get("port", "80")
            return (
                f"by HTTP-01, answered by `sfcert apply` itself on port {port} of its machine: the authority comes to "
                "port 80 at the name, for a cluster's own name its load balancer, which has to lead there. Prefer DNS."
            )
        case "http01-webroot":
            return (
                f"by HTTP-01, as files below {said.get('root')}: the authority comes to port 80 at the name, and the "
                "web server there has to serve that folder"
            )
        case "azure-dns":
            zone = said.get("zone") or "the longest zone that holds it"
            where = f"resource group {said['resource_group']}" if said.get("resource_group") else "any resource group"
            subscription = said.get("subscription_id") or "of AZURE_SUBSCRIPTION_ID"
            return (
                f"by DNS-01, a TXT record at _acme-challenge in Azure DNS: {zone}, {where}, subscription "
                f"{subscription}. Whoever applies has to have the right to write it (sfcert permissions)"
            )
        case "rfc2136":
            key = f"signed by the key {said['key_name']}" if said.get("key_name") else "unsigned"
            held = f" ({_held(said)})" if _held(said) else ""
            return (
                f"by DNS-01, a TXT record at _acme-challenge by dynamic update at {said.get('server')}, {key}{held}. "
                "Whoever applies has to reach that server by TCP, and the zone's own servers by UDP and TCP"
            )
        case _:
            held = f" ({_held(said)})" if _held(said) else ""
            return (
                f"by DNS-01, a TXT record at _acme-challenge through the API of {said.get('provider')}{held}. Whoever "
                "applies has to reach that API, and the zone's own servers"
            )


def _held(settings: dict[str, str]) -> str:
    """Where a solver's secrets lie."""
    files = [f"{key.removesuffix('_file')} in {value}" for key, value in settings.items() if key.endswith("_file")]
    names = [f"{key.removesuffix('_env')} in ${value}" for key, value in settings.items() if key.endswith("_env")]
    return ", ".join((*files, *names))
