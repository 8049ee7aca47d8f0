"""Can these machines live with version 4 of the Key Vault extension? Floor 3.

It imports every key by CNG, which Service Fabric reads from 11.0 on, and installs on Windows Server 2022 and later.
Source: service-fabric.md 2.5, 4.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.dated import runtime_at_least, table
from sfcert.model.observation import Observation
from sfcert.rules.delivery import address, extensions
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, runtime_unread

_TOO_OLD = ("2008", "2012", "2016", "2019")


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set, extension in extensions(observation):
        if extension.type.lower() != "keyvaultforwindows" or (extension.major or 0) < 4:
            continue
        subject = address(scale_set, extension)
        runtime = observation.cluster.runtime
        reaches = runtime_at_least(runtime, "cng_keys_since")
        if reaches is None:
            yield cannot_tell(subject, runtime_unread(observation), "it can use CNG keys")
        elif not reaches:
            yield fail(
                subject,
                "RuntimeTooOld",
                f"Version {extension.version} keeps keys by CNG, which runtime {runtime} cannot use: "
                "every node would lose its certificate's key (0x80090014).",
                f"Bring the runtime to {table('runtime')['cng_keys_since']} first, or go back to version 3.0 "
                "(delete the extension, then install it).",
                runtime=runtime,
                typeHandlerVersion=extension.version,
            )
        image = scale_set.image or {}
        sku = str(image.get("sku", "")).lower()
        if sku.startswith(_TOO_OLD):
            yield fail(
                subject,
                "SystemTooOld",
                f"Version {extension.version} does not install on {image.get('sku')}; it needs Windows Server 2022.",
                "Use version 3.0 on these machines.",
                image=sku,
                typeHandlerVersion=extension.version,
            )


RULE = Rule(
    id="extension-four-unsupported",
    severity="error",
    blocks_plan=True,
    reasons={
        "RuntimeTooOld": "The runtime cannot use CNG keys.",
        "SystemTooOld": "The operating system is older than the extension supports.",
    },
    check=check,
)
