"""Which stages, in which order, for one operator's task? Floor 1: `playbooks/*.yaml` as typed values.

Data only. What a stage does with a given cluster is planning's business.
"""

from sfcert.playbook.load import load_playbook, parse_playbook, playbook_names
from sfcert.playbook.model import Aim, Playbook, StageDefinition

__all__ = ["Aim", "Playbook", "StageDefinition", "load_playbook", "parse_playbook", "playbook_names"]
