"""How are values made? One frozen base for all of them."""

from __future__ import annotations

from typing import dataclass_transform

import msgspec


# A type checker has to be told that subclasses are frozen and built by keyword; msgspec hands down frozen alone.
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Frozen, compared by value, written by `sfcert.model.codec`. Unknown keys are ignored on reading."""
