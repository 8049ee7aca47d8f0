"""Every standard function of the template language that depends on nothing but its arguments, by lower-case name.

Floor 1.
"""

from __future__ import annotations

from sfcert.arm.functions import containers, dates, hashes, networks, numbers, strings
from sfcert.arm.functions.builtin import Builtin, EvaluationError, StaySymbolicError

__all__ = ["BUILTINS", "Builtin", "EvaluationError", "StaySymbolicError"]

BUILTINS: dict[str, Builtin] = {
    **strings.FUNCTIONS,
    **containers.FUNCTIONS,
    **numbers.FUNCTIONS,
    **hashes.FUNCTIONS,
    **dates.FUNCTIONS,
    **networks.FUNCTIONS,
}
