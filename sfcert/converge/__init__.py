"""Is what is declared also so? Pure judges over one observation. Floor 3; reads nothing and waits for nothing."""
