"""Convolutional classifier: a few convolutions with batch normalisation, and what the running statistics are for.

Papers: LeCun et al. 1998 (convolutional classifiers); Ioffe & Szegedy 2015 (batch normalisation). Claim: a few
thousand parameters that see neighbourhoods classify the digits as well as a perceptron of five times as many, and after
training each image is classified by itself, by running statistics of what the batches had. Command: ``lectern run
convnet`` (digits, 20 s on two CPU cores). Expected figure: ``confusion``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("C8",),
    smoke=dict(batch_size=32, channels=(4,)),
    presets=dict(
        groups=dict(group=32),
        mnist=dict(data="mnist", channels=(16, 32, 64), steps=8000, schedule="cosine"),
    ),
)
