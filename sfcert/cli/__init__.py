"""The composition root: parse, wire ports to adapters, build credentials, call, hand the value to a view. Floor 6."""
