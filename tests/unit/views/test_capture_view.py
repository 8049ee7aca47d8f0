"""What a capture tells: how much was read in the reader's words, what was not, and how to go on."""

from __future__ import annotations

import msgspec

from sfcert.model.bundle import Unread
from sfcert.views.capture import capture_human
from tests import make


def test_a_capture_counts_in_words_names_what_is_missing_and_says_what_comes_next() -> None:
    bundle = msgspec.structs.replace(make.bundle(), unread=[Unread(what="vaults/x", why="403 Forbidden")])
    lines = capture_human(bundle, "world.json").splitlines()
    assert "     1 cluster" in lines
    assert "     1 scale set" in lines
    assert "  not read: vaults/x: 403 Forbidden" in lines
    assert lines[-1] == "Next: sfcert audit --bundle world.json"
