"""What does a stage send? Template files and values in, plain JSON out.

Floor 1; the only importer of jinja2 for ARM.
"""

from sfcert.render.template import render_template

__all__ = ["render_template"]
