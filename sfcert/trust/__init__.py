"""What does a node present, what does it accept, and can two nodes ever refuse each other? Floor 2, pure.

Knows no plan, only states. The faces: `starting_world.world_of(observation, now) -> World`,
`prove.prove(world, moves, *, slack_s, readings, accepted) -> Proof`, `prove.safe_to_stop_until(world, moves)`,
`refusals.refusals(before, after, *, role)`, `starting_state.starting_state(declaration, goal, known, rules)`.
"""
