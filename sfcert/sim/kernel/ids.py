"""What does a resource id name? ARM ids, compared without regard to case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceId:
    """An ARM resource id in parts. `text` keeps the caller's spelling; equality of ids is `key`, which does not."""

    text: str
    subscription: str
    group: str | None
    scope: str
    type: str
    names: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.text.lower()

    @property
    def name(self) -> str:
        return self.names[-1]

    @property
    def parent(self) -> str | None:
        """The id of the resource that this one is a child of, or None for a top-level resource."""
        if len(self.names) < 2:
            return None
        return self.text.rsplit("/", 2)[0]


def parse_id(text: str) -> ResourceId:
    """Read `/subscriptions/S[/resourceGroups/G][/…scope]/providers/NS/type/name[/type/name…]`.

    The last `/providers/` decides the type, so extension resources (role assignments on a vault) come out right.

    Raises:
        ValueError: the text is not such an id.
    """
    text = text.rstrip("/")
    at = text.lower().rfind("/providers/")
    if at < 0:
        raise ValueError(f"not a resource id: {text}")
    scope, tail = text[:at], text[at + len("/providers/") :].split("/")
    if len(tail) < 3 or len(tail) % 2 == 0:
        raise ValueError(f"not a resource id: {text}")
    parts = scope.split("/")
    lowered = [part.lower() for part in parts]
    subscription = parts[lowered.index("subscriptions") + 1] if "subscriptions" in lowered else ""
    group = parts[lowered.index("resourcegroups") + 1] if "resourcegroups" in lowered else None
    kinds = "/".join([tail[0], *tail[1::2]])
    return ResourceId(text, subscription, group, scope, kinds, tuple(tail[2::2]))
