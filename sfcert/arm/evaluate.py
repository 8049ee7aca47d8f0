"""What is the value of this part of a template, here? The evaluator with all its functions. Floor 1.

The work is done in `interpreter`; importing this module adds the functions that need to know where they stand.
"""

from __future__ import annotations

from sfcert.arm import lambdas, specials  # noqa: F401  # importing them adds their functions to SPECIALS
from sfcert.arm.functions import BUILTINS
from sfcert.arm.interpreter import SPECIALS, evaluate, evaluate_node, evaluate_text

__all__ = ["evaluate", "evaluate_node", "evaluate_text", "known_function"]


def known_function(name: str) -> bool:
    """Whether a function of this name exists (in any case); `list…` functions always may."""
    key = name.lower()
    return key in SPECIALS or key in BUILTINS or key.startswith("list")
