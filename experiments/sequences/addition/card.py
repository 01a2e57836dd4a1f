"""Addition: two numbers as text, and their sum written digit by digit by a recurrent network.

Papers: Zaremba & Sutskever 2014 (learning to execute), in the settings of Keras' and Flax' examples. Claim: a recurrent
network that has seen a tenth of all questions adds numbers of three digits that it never saw together, from one vector
for the whole question. Command: ``lectern run addition`` (generated sums, 2 minutes on two CPU cores), ``--preset
two_digits``. Expected figure: ``carries``, errors by how often one is carried.
"""

from experiments.run.card import Card, Reference

KERAS = dict(
    handed="input",
    units=128,
    counted="everywhere",
    batch_size=32,
    learning_rate=1e-3,
    schedule="constant",
    epsilon=1e-7,
    clip_norm=0.0,
    evaluate_every=2000,
    save_every=10_000,
)
CARD = Card(
    systems=("S9",),
    smoke=dict(batch_size=8, units=8, questions=1000),
    presets=dict(
        two_digits=KERAS | dict(digits=2, questions=5000, steps=7_700),
        three_digits=KERAS | dict(digits=3, questions=50_000, steps=140_600),
        flax=dict(
            drawn=True,
            units=512,
            batch_size=128,
            steps=1800,
            learning_rate=3e-3,
            schedule="constant",
            clip_norm=0.0,
            evaluate_every=200,
        ),
    ),
    references=(
        Reference(
            "error",
            1.0,
            "%",
            cite="smerity2015",
            where="Results, two digits",
            read="source",
            protocol="4,500 trained questions of two digits, reversed, 55 epochs of batches of 32; wrong symbols, the "
            "blanks behind a sum among them, 'train/test accuracy 99%'; the held-out tenth is halved here",
            preset="two_digits",
        ),
        Reference(
            "error",
            1.0,
            "%",
            cite="smerity2015",
            where="Results, three digits",
            read="source",
            protocol="45,000 trained questions of three digits, reversed, 100 epochs of batches of 32; wrong symbols, "
            "the blanks behind a sum among them, 'train/test accuracy 99%'; the held-out tenth is halved here",
            preset="three_digits",
        ),
        Reference(
            "exact_match",
            100.0,
            "%",
            cite="flax2020seq2seq",
            where="README, example output",
            read="source",
            protocol="whole sums that are right in the batch of step 1,800, 'accuracy=1.0', where one of the next five "
            "is wrong; here 2,000 drawn sums. There the decoder is told its own samples in training, here the right "
            "symbols",
            preset="flax",
        ),
    ),
)
