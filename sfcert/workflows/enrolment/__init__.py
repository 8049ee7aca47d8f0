"""How does a certificate come into a vault, and what does a run need for it? The door of this package. Floor 5.

`enrol` is the course of it; `operation` is what stands open in the vault, `notebook` what is written down for the next
run, `gate` what is asked before a merge, `request` the values and ports.
"""

from sfcert.workflows.enrolment.enrol import enrol, judge_standing, merge

__all__ = ["enrol", "judge_standing", "merge"]
