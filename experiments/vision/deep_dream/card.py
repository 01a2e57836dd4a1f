"""Deep dream: a picture is given more of what a neuron, or a whole layer, sees in it, from coarse to fine.

Papers: Mordvintsev, Olah & Tyka 2015 (Inceptionism; octaves, jitter, normalised steps). Claim: ascent in the picture
makes a filter, or whatever a layer sees in it, many times as active, over the whole picture and at all scales; details
of small octaves are carried over to larger ones. A small net of patches of two photographs paints the temple in the
colours of the flower, and takes it for that. Command: ``lectern run deep_dream`` (20 s on two CPU
cores); a picture of your own with ``--file PICTURE``; digits with ``--net digits --channel 3``; another net with
``--classifier WORKDIR``, as a run of ``architectures --from vgg16.safetensors``. Expected figures: ``octaves``, the
picture after each of them; ``dreams``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("V3", "V4"),
    smoke=dict(side=24, octaves=2),
)
