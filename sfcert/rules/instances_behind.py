"""Does every machine run what its scale set declares? Floor 3. Source: service-fabric.md 5, 8."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Observation
from sfcert.rules.engine import Judgement, Rule, fail
from sfcert.rules.reading import cannot_tell, instances_unread


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    for scale_set in observation.scale_sets:
        if scale_set.instances is None:
            yield cannot_tell(
                scale_set.id, instances_unread(observation, scale_set), "every machine runs the latest model"
            )
            continue
        behind = [one.id for one in scale_set.instances if one.latest_model is False]
        if behind:
            yield fail(
                scale_set.id,
                "Behind",
                f"{len(behind)} of {len(scale_set.instances)} machines of {scale_set.name} do not run its latest "
                "model: the next upgrade gives them more than its own change.",
                "Bring them to the latest model (manualupgrade), one update domain after another.",
                instances=behind,
            )
        watched = {scale_set.node_extension.name.lower(), *(e.name.lower() for e in scale_set.key_vault_extensions)}
        for instance in scale_set.instances:
            for status in instance.extensions:
                if status.name.lower() in watched and status.state == "failed":
                    yield fail(
                        scale_set.id,
                        "ExtensionFailed",
                        f"{status.name} failed on machine {instance.id} of {scale_set.name}: "
                        f"{(status.message or 'it gives no reason').rstrip('.')}.",
                        "Mend the cause and deploy the extension again; nothing else may follow it before.",
                        instance=instance.id,
                        said=status.message,
                    )


RULE = Rule(
    id="instances-behind",
    severity="error",
    reasons={
        "Behind": "Machines do not run the scale set's latest model.",
        "ExtensionFailed": "The node extension or the Key Vault extension failed on a machine.",
    },
    severity_of={"Behind": "warning"},
    check=check,
)
