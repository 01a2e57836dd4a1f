"""Deep dream: a picture is given more of what a neuron, or a whole layer, sees in it, from coarse to fine.

Papers: Mordvintsev, Olah & Tyka 2015 (Inceptionism; octaves, jitter, normalised steps). Claim: ascent in the picture
makes a filter, or whatever a layer sees in it, many times as active, over the whole picture and at all scales; details
of small octaves are carried over to larger ones. The LeNet-5 that comes with the package, applied at every place, finds
digits where there were none. Command: ``lectern run deep_dream`` (a photograph, 20 s on two CPU cores); a picture of
your own with ``--file PICTURE``; another net with ``--classifier WORKDIR``, as a run of ``architectures --from
vgg16.safetensors``. Expected figures: ``octaves``, the picture after each of them; ``dreams``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V3", "V4"),
    smoke=dict(side=24, octaves=2),
)
