"""Reversal: an encoder says at each place which symbol stands as far from the other end.

Paper: Vaswani et al. 2017, in the setting of Lippe 2022. Claim: one block of one head learns by gradient descent alone
which place each place is to look at, and makes no error; a recurrent network has to remember the whole sequence.
Command: ``lectern run reversal`` (generated symbols, 1 minute on two CPU cores). Expected figure: ``attention``, one
line from corner to corner.
"""

from experiments.run.card import Card, Reference

CARD = Card(
    systems=("S13",),
    smoke=dict(batch_size=8, width=8, length=6, examples=64),
    presets=dict(
        uva=dict(
            steps=3900,
            batch_size=128,
            learning_rate=5e-4,
            warmup_steps=50,
            schedule="cosine",
            clip_norm=5.0,
            evaluate_every=390,
        ),
    ),
    references=(
        Reference(
            "error",
            0.0,
            "%",
            cite="lippe2022",
            where="tutorial 6, sequence to sequence",
            read="secondary",
            protocol="sixteen of ten symbols, 50,000 for training, 10 epochs, 10,000 for the test; one block of one "
            "head, width 32, normalised after; printed is the accuracy of symbols, 100 %, whose complement this is. "
            "The readout is one matrix here, two with a normalisation between them there",
            preset="uva",
        ),
    ),
)
