"""Image to sequence: a digit's name, spelt letter by letter from its image.

Paper: Vinyals et al. 2015 (captions from images), in small. Claim: one image decides a state, and from there a
recurrent network writes a word of any length, each letter known from the state and the letter before it. Words are
unequally long, and every letter counts the same. Command: ``lectern run image_to_sequence`` (digits, 16 s on two CPU
cores). Expected figure: ``spelt``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("S2", "S3", "S4"),
    smoke=dict(batch_size=32, units=8),
    presets=dict(lstm=dict(cell="lstm"), mnist=dict(data="mnist", units=128, steps=8000, schedule="cosine")),
)
