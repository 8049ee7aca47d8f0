"""How is a certificate marked whose renewal a plan has put to rest? The names of the vault's tags.

They are what a run of any machine, and a person, can see of it. Leaves out who writes and reads them.
"""

from __future__ import annotations

#: Whose plan it is; renewal comes back when that plan ends or undoes its freeze.
OWNER_TAG = "sfcert-frozen-by"
#: The lifetime actions as they were before, as JSON.
ACTIONS_TAG = "sfcert-frozen-lifetime-actions"
#: A vault tag holds at most this many characters. Source: Key Vault limits (tags, 256 characters a value).
LONGEST_TAG = 256
