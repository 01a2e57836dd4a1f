"""Grid recurrence: where one comes in a maze, known from above and from the left alone.

Papers: Graves et al. 2007 (recurrence in several dimensions); Lecture 000, "Topologies". Claim: whether a way leads
to a cell depends on cells far away, yet only through its two neighbours; a recurrent cell that is given their states
learns the rule, and then keeps to it on grids of three times the size that it never saw. Command: ``lectern run
grid_recurrence`` (20 s on two CPU cores). Expected figure: ``mazes``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("S7",),
    smoke=dict(batch_size=8, size=3, examples=64, units=4),
    presets=dict(lstm=dict(cell="lstm"), rnn=dict(cell="rnn")),
)
