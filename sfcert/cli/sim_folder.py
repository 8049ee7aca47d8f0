"""Where does the embedded Azure keep its state file? A folder of the user's own, by the platform's habit."""

from __future__ import annotations

import os
from pathlib import Path


def default_folder() -> Path:
    """`$XDG_STATE_HOME/sfcert/sim`, else `~/.local/state/sfcert/sim`."""
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "sfcert" / "sim"
