"""How does a certificate come into a vault, and what does a run need for it? The door of this package. Floor 5.

`enrol` is the course of it; `operation` is what stands open in the vault, `notebook` what is written down for the next
run, `gate` what is asked before a merge, `leftovers` what goes where no order is made, `request` the values and ports.
"""

from sfcert.workflows.enrolment.enrol import enrol, judge_standing, merge
from sfcert.workflows.enrolment.leftovers import clean_up

__all__ = ["clean_up", "enrol", "judge_standing", "merge"]
