"""Tree recurrence: the value of an expression, computed along its tree.

Papers: Goller & Küchler 1996 (recurrence along structures), Tai et al. 2015 (child-sum LSTM). Claim: an LSTM along the
tree learns to evaluate Boolean expressions; one that reads the same nodes in a line is told nothing of the tree, and
errs more the deeper it is. Command: ``lectern run tree_recurrence`` (20 s on two CPU
cores), and ``--form line``. Expected figures: ``depths``, ``trees``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("S8",),
    smoke=dict(batch_size=8, leaves=3, examples=64, units=4),
    presets=dict(line=dict(form="line")),
)
