"""How are values made? One frozen base for all of them."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Frozen, compared by value, written by `sfcert.model.codec`. Unknown keys are ignored on reading."""
