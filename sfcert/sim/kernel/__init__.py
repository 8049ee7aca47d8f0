"""What every simulated service stands on: virtual time, resources, long operations, faults, the journal.

Single-threaded by design: every method here is synchronous and runs on the event loop's thread, so a state is never
seen half-changed. Time moves only when somebody moves it.
"""
