"""The values that flow through the house. Floor 0: frozen, compared by value, no behaviour beyond looking inside.

Import from the modules themselves: `sfcert.model.observation`, `sfcert.model.plan`, and so on.
"""
