"""How a command ends; a run that a signal stopped ends with 128 + its number."""

DONE, FAILED, WRONG, DIVERGED = 0, 1, 2, 3
