"""The functions on address ranges: `parseCidr`, `cidrSubnet`, `cidrHost`. Floor 1.

Source: learn.microsoft.com, ARM template functions: CIDR (read 2026-11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sfcert.arm.functions.builtin import Builtin, EvaluationError, need_int, need_text

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network


def _network(name: str, value: Any) -> IPv4Network | IPv6Network:
    # imported on use: most templates never ask
    from ipaddress import ip_network

    try:
        return ip_network(need_text(name, value), strict=False)
    except ValueError as error:
        raise EvaluationError(f"The template language function '{name}' cannot read {value!r} as a range.") from error


def parse_cidr(value: Any) -> dict[str, Any]:
    network = _network("parseCidr", value)
    result: dict[str, Any] = {
        "network": str(network.network_address),
        "netmask": str(network.netmask),
        "broadcast": str(network.broadcast_address),
        "firstUsable": str(network.network_address + (1 if network.num_addresses > 2 else 0)),
        "lastUsable": str(network.broadcast_address - (1 if network.num_addresses > 2 else 0)),
        "cidr": network.prefixlen,
    }
    if network.version == 6:
        del result["broadcast"]
    return result


def cidr_subnet(value: Any, prefix: Any, index: Any) -> str:
    network, wanted, number = (
        _network("cidrSubnet", value),
        need_int("cidrSubnet", prefix),
        need_int("cidrSubnet", index),
    )
    if not network.prefixlen <= wanted <= network.max_prefixlen or not 0 <= number < 2 ** (wanted - network.prefixlen):
        raise EvaluationError(f"The template language function 'cidrSubnet' has no subnet {number} of /{wanted}.")
    start = network.network_address + number * 2 ** (network.max_prefixlen - wanted)
    return f"{start}/{wanted}"


def cidr_host(value: Any, index: Any) -> str:
    network, number = _network("cidrHost", value), need_int("cidrHost", index)
    # the network's own address is not a host
    if not 0 <= number < max(1, network.num_addresses - 2):
        raise EvaluationError(f"The template language function 'cidrHost' has no host {number} in {network}.")
    return str(network.network_address + number + 1)


FUNCTIONS = {
    "cidrhost": Builtin(cidr_host, 2, 2),
    "cidrsubnet": Builtin(cidr_subnet, 3, 3),
    "parsecidr": Builtin(parse_cidr, 1, 1),
}
