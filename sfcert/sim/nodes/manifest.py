"""With which declaration does a node run? Presentation rules, validation rules and settings as one frozen value.

Every phase of a cluster upgrade is one `Manifest`; a node runs with exactly one at a time (reference 1.4, 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Finds:
    """A presentation rule: one form only, `by` thumbprint or by subject name. No issuer takes part (reference 1.4)."""

    by: str
    primary: str
    secondary: str = ""
    store: str = "My"

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(value for value in (self.primary, self.secondary) if value)


@dataclass(frozen=True, slots=True)
class Trusts:
    """A validation rule: thumbprints, and names each with its pinned direct issuers (none: any trusted root)."""

    thumbprints: frozenset[str] = frozenset()
    names: tuple[tuple[str, frozenset[str]], ...] = ()

    def union(self, other: Trusts) -> Trusts:
        """Both rules together; issuer lists of one name are united. A name without pins stays without pins: nothing
        narrower may come out of a union."""
        names: dict[str, frozenset[str]] = dict(self.names)
        for name, pins in other.names:
            known = names.get(name)
            if known is None:
                names[name] = pins
            else:
                names[name] = known | pins if known and pins else frozenset()
        return Trusts(self.thumbprints | other.thumbprints, tuple(sorted(names.items())))


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole declaration. `settings` are (section, parameter, value), sections as in `fabricSettings`."""

    version: str
    finds: Finds | None
    trusts: Trusts
    admin_clients: Trusts = Trusts()
    user_clients: Trusts = Trusts()
    reverse_proxy: Finds | None = None
    file_store: tuple[tuple[str, str], ...] = ()
    settings: tuple[tuple[str, str, str], ...] = ()
    code_version: str = "11.4.268.1"

    def setting(self, section: str, parameter: str) -> str | None:
        """A parameter's value, names compared without regard to case; the last one written wins."""
        found = None
        for a_section, a_parameter, value in self.settings:
            if a_section.lower() == section.lower() and a_parameter.lower() == parameter.lower():
                found = value
        return found

    def flag(self, section: str, parameter: str, default: bool) -> bool:
        value = self.setting(section, parameter)
        return default if value is None else value.strip().lower() == "true"

    def named(self, version: str) -> Manifest:
        return replace(self, version=version)

    @property
    def runtime(self) -> tuple[int, ...]:
        """The code version in numbers; what is not a number counts as 0."""
        return tuple(int(part) if part.isdigit() else 0 for part in self.code_version.split("."))
