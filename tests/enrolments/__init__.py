"""Random enrolments: an issuer, a policy, faults of the vault, misbehaviours of the CA, an end in the middle, a second
process, all from one seed, through the command line in one process and in virtual time. Not a test: the sample in
`tests/properties/test_random_enrolments.py` and `python -m tests.soak_enrolments` ask the questions.

`cases` draws, `world` is where it happens, `wire` carries what a process sends and ends it there, `authority` is the
CA, `course` is what is typed, `laws` judges.
"""
