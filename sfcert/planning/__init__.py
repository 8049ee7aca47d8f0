"""What should be done, in which order, and is it safe? Observation, playbook and now in, `Plan` out. Floor 4, pure.

One module per question; `assemble.plan_rollover` puts the answers together. Every step is one value (`step.Step`),
every definition that is carried one `bodies.Body`, every reason against the plan one sentence (`reasons.Reasons`).
"""
