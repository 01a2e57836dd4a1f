"""Sequence tagging: which bracket has a partner, with and without a view of what follows.

Paper: Schuster & Paliwal 1997 (bidirectional recurrence). Claim: whether a closing bracket has a partner is known when
it is read, of an opening one only later: a network that reads one way errs at opening brackets alone, and one that
reads both ways at neither. Sequences are of unequal length, and every bracket counts the same. Command: ``lectern run
sequence_tagging`` (25 s on two CPU cores), and ``--preset one_way``. Expected figure: ``tags``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("S6",),
    smoke=dict(batch_size=8, shortest=3, longest=6, examples=64, units=4),
    presets=dict(one_way=dict(both_ways=False), deep=dict(layers=2), gru=dict(cell="gru")),
)
