"""How is a plan carried out, and watched? Loops over steps; every outward effect goes through a port. Floor 5."""
