"""Translation by a transformer: encoder and decoder write a date as ISO 8601 has it.

Paper: Vaswani et al. 2017. Claim: attention alone, to the source and to what is written so far, translates dates that
were never trained on, all but a few in a thousand without an error; each symbol looks at what it is made from.
Command: ``lectern run translation_transformer`` (generated dates, 3 minutes on two CPU cores). Expected figure:
``attention``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("S12",),
    smoke=dict(batch_size=8, depth=1, heads=2, width=8, dropout=0.1),
    presets=dict(post_norm=dict(norm="after")),
)
