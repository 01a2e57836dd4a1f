"""Super-resolution by the mean and by a game: what the least squared error blurs, and what an adversary sharpens.

Paper: Ledig et al. 2017; Lecture 003, figure 4.3. Claim: of the images that a small one may have been the least squared
error answers with the mean, which is blurred and like none of them; a generator that has to deceive a discriminator
answers with one of them, as sharp as the truth and farther from it; the mean of many such answers is blurred again.
Command: ``lectern run super_resolution`` (digits, 90 s on two CPU cores). Expected figures: ``answers``, ``sharpness``.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("G1",),
    smoke=dict(batch_size=8, upscaler_widths=(4,), discriminator_widths=(4,), latent=2, answers=3),
    presets=dict(
        half=dict(factor=2),
        non_saturating=dict(loss="non_saturating", spectral=False),
        mnist=dict(data="mnist", steps=5000),
    ),
)
