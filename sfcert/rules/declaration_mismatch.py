"""Do the cluster and every scale set declare the same certificate? Floor 3. Source: service-fabric.md 1.5, UPD."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sfcert.model.observation import Declaration, Observation
from sfcert.rules.engine import Judgement, Rule, fail_at
from sfcert.rules.reading import cannot_tell, cluster_body, extension_body, open_value


def _said(declaration: Declaration) -> list[str]:
    return [*declaration.thumbprints, *declaration.malformed, *(name.common_name for name in declaration.names)]


def _compare(subject: str, cluster: Declaration, node: Declaration, who: str) -> Judgement | None:
    evidence = {cluster.path: _said(cluster), node.path: _said(node)}
    remedy = "Bring the node extension and the cluster to the same declaration; a rollover plan does it in order."
    if cluster.kind == "none" or (cluster.kind != node.kind and "both" not in (cluster.kind, node.kind)):
        return fail_at(
            subject,
            "KindDiffers",
            f"The cluster declares its certificate by {cluster.kind}, {who} by {node.kind}: "
            "a machine made from it looks for another certificate than the cluster expects.",
            remedy,
            evidence,
        )
    ours, theirs = set(_said(cluster)), set(_said(node))
    if ours == theirs:
        return None
    if not ours & theirs:
        return fail_at(
            subject,
            "ValueDiffers",
            f"The cluster and {who} declare different certificates.",
            remedy,
            evidence,
        )
    return fail_at(
        subject,
        "PartlyDiffers",
        f"The cluster and {who} share one certificate but not all of them.",
        remedy,
        evidence,
    )


def check(observation: Observation, now: datetime) -> Iterator[Judgement]:
    cluster = observation.cluster.certificate
    for scale_set in observation.scale_sets:
        node = scale_set.node_extension.certificate
        if cluster.kind == "none" and node.kind == "none":
            continue
        if "unresolved" in (cluster.kind, node.kind):
            if _same_expression(observation, scale_set.id):
                continue
            what = f"The declaration of {'the cluster' if cluster.kind == 'unresolved' else scale_set.name}"
            yield cannot_tell(scale_set.id, open_value(what), "the scale set declares what the cluster declares")
            continue
        found = _compare(scale_set.id, cluster, node, f"the scale set {scale_set.name}")
        if found is not None:
            yield found


def _same_expression(observation: Observation, scale_set_id: str) -> bool:
    """Whether both places hold one and the same unevaluated expression: then they agree, whatever it gives."""
    scale_set = observation.scale_set(scale_set_id)
    assert scale_set is not None
    ours = cluster_body(observation)
    theirs = extension_body(observation, scale_set, scale_set.node_extension.name).at("settings")
    if ours.object("certificateCommonNames") or ours.is_symbolic("certificateCommonNames"):
        names = [entry.raw("certificateCommonName") for entry in ours.items("certificateCommonNames", "commonNames")]
        listed = theirs.raw("certificate", "commonNames")
        return bool(names) and ours.object("certificate") is None and names == listed
    first = ours.raw("certificate", "thumbprint")
    second = ours.raw("certificate", "thumbprintSecondary")
    beside = theirs.raw("certificateSecondary", "thumbprint") or theirs.raw("certificate", "thumbprintSecondary")
    return first is not None and first == theirs.raw("certificate", "thumbprint") and second == beside


RULE = Rule(
    id="declaration-mismatch",
    severity="error",
    reasons={
        "KindDiffers": "One is declared by thumbprint, the other by common name, or one not at all.",
        "ValueDiffers": "Both are declared in the same way, with no certificate in common.",
        "PartlyDiffers": "They share a certificate, but one of them names another as well.",
    },
    severity_of={"PartlyDiffers": "warning"},
    check=check,
)
