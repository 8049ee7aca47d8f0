"""What does a process that is timed find around it? Not a test."""

from __future__ import annotations

import os


def environment(**more: str) -> dict[str, str]:
    """This process's own, with compiled modules kept between runs, as on any machine where a program is installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **more}
