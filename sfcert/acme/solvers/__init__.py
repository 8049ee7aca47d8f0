"""How is control of a name shown? One module for each way; `solver` says what all of them offer. Floor 5."""
