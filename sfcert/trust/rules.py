"""By which rules does this runtime choose and judge certificates? From its version and its fabricSettings. Floor 2.

Leaves out what no setting of section 1.3 changes, and the revocation flags: a revoked certificate is not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sfcert import dated
from sfcert.model.base import Value


class RuntimeRules(Value):
    """How nodes of one runtime select and validate.

    `selects_newest`: by newest NotBefore; False: by farthest NotAfter; None: the version is not known.
    `cng_keys`: whether keys of a CNG provider can be used; None: the version is not known.
    `use_secondary_if_newer`: both declared thumbprints are candidates for presentation, not the primary alone.
    `accepts_expired_pinned`: an expired self-signed certificate that is declared by thumbprint still counts.
    """

    selects_newest: bool | None = True
    cng_keys: bool | None = True
    use_secondary_if_newer: bool = True
    accepts_expired_pinned: bool = False


def rules_of(runtime: str | None, settings: Mapping[str, Mapping[str, str]], os: str = "Windows") -> RuntimeRules:
    """The rules of a runtime version under a cluster's own settings.

    Args:
        runtime: clusterCodeVersion, None where it is not known.
        settings: section -> parameter -> value; names are compared without regard to case.
        os: `Linux` knows no key providers, so that every key counts as usable there.

    Effects: none.
    Source: reference 1.3 and 2.1; `UseSecondaryIfNewer` counts as true where it is not set, as Azure has it since 5.7.
    """
    security = {
        name.lower(): value
        for section, parameters in settings.items()
        if section.lower() == "security"
        for name, value in parameters.items()
    }
    # One vendor page puts this switch under another section; where anyone wrote it there it has no effect.
    return RuntimeRules(
        selects_newest=dated.runtime_at_least(runtime, "newest_not_before_since"),
        cng_keys=True if os == "Linux" else dated.runtime_at_least(runtime, "cng_keys_since"),
        use_secondary_if_newer=security.get("usesecondaryifnewer", "true").strip().lower() != "false",
        accepts_expired_pinned=os != "Linux"
        and security.get("acceptexpiredpinnedclustercertificate", "false").strip().lower() == "true",
    )


def rules_of_extension(rules: RuntimeRules) -> RuntimeRules:
    """The rules of the node extension beside a runtime: it is updated by itself, so that on a runtime which selects by
    farthest NotAfter it may go by either order.

    Unverified: which order the extension goes by is nowhere told. Source: reference 1.5 (it takes no issuer and may
    pick another certificate of the same name), 2.1.
    """
    return msgspec.structs.replace(rules, selects_newest=None) if rules.selects_newest is False else rules
