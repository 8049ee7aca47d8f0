"""The builders themselves: what a seed draws is the same tomorrow and elsewhere."""

from __future__ import annotations

from tests import make


def test_a_label_stands_for_the_same_key_in_every_process() -> None:
    """Thumbprints go into plan digests and those into dice: with other keys a seed would draw another case."""
    assert make.leaf().thumbprint == "8C3DD34A2BAE13D09AE0001850F6AFA0F23A1F3B"
