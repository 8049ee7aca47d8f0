"""How wide is the page, and does it understand colours? Asked of the terminal, once for each answer."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfcert.views.text import Page


def page_of_terminal() -> Page:
    """The terminal's width (at most 120) with colours, or a plain page of 100 where there is no terminal.

    Source: NO_COLOR as at no-color.org (set, and not empty); TERM=dumb is a terminal without any control sequence.
    """
    from sfcert.views.text import Page

    if sys.stdout is None or not sys.stdout.isatty():  # None: it was closed before we began
        return Page()
    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Page(width=width, colour=colour, is_terminal=True)
