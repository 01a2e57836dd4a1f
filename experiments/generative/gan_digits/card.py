"""Deep convolutional adversarial networks: images from latents, by transposed convolutions.

Paper: Radford et al. 2016 (DCGAN). Claim: with normalised convolutions in both networks a generator learns images from
noise without ever seeing one; a classifier is sure of them, takes them for all ten digits about as often, and between
two latents one digit becomes another. Command: ``lectern run gan_digits`` (digits, 90 s on two CPU cores), ``lectern
sample WORKDIR --count 100``. Expected figures: ``samples``, ``interpolations``.
"""

from experiments.run.card import Card

RULE = {f"{player}.learning_rate": 2e-4 for player in ("generator", "discriminator")}
"""Radford et al. 2016, section 4; two convolutions suffice for MNIST where the paper's photographs have four."""

CARD = Card(
    systems=("G1",),
    samples=True,
    smoke=dict(batch_size=16, generator_widths=(4,), discriminator_widths=(4,), latent=3, samples=50, draws=2),
    presets=dict(
        minimax=dict(loss="minimax"),
        spectral=dict(loss="hinge", spectral=True, batch_normalized=False),
        wasserstein=dict(
            loss="wasserstein", gradient_penalty=10.0, batch_normalized=False, updates=5, batch_size=640, steps=2000
        ),
        packing=dict(packing=2),
        paper=dict(
            data="mnist",
            latent=100,
            generator_widths=(128, 64),
            discriminator_widths=(64, 128),
            average_decay=0.0,
            steps=10_000,
            **RULE,
        ),
    ),
)
