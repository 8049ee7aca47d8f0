"""How are values made? One frozen base for all of them."""

from __future__ import annotations

from typing import dataclass_transform

import msgspec


# msgspec carries frozen and kw_only down to subclasses; a type checker has to be told.
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Frozen, compared by value, written by `sfcert.model.codec`. Unknown keys are ignored on reading."""
