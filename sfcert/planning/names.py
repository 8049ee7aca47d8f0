"""How is a deployment called? The same name for the same stage of the same plan, in every run. Floor 4."""

from __future__ import annotations

import hashlib

from sfcert.model.codec import canonical
from sfcert.planning.order import slug

PREFIX = "sfcert-"
LONGEST = 64


def deployment_name(cluster_id: str, playbook: str, stage_id: str, content: object, suffix: str = "") -> str:
    """`sfcert-<stage>-<digest>`, at most 64 characters; the digest is over cluster, playbook, stage and content."""
    stated = canonical([cluster_id.rstrip("/").lower(), playbook, stage_id, content])
    end = f"-{hashlib.sha256(stated).hexdigest()[:12]}{suffix}"
    return PREFIX + slug(stage_id)[: LONGEST - len(PREFIX) - len(end)].rstrip("-_") + end
