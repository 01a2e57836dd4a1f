"""Diffusion of the plane: two moons, rings or a checkerboard come out of noise, step by step.

Papers: Ho et al. 2020, Song et al. 2021. Claim: drawn points are where the data are, and everywhere there; few steps
suffice. Command: ``lectern run diffusion_2d`` (moons, 1 minute on two CPU cores), ``--preset rings``, ``--preset
checkerboard``, ``--sampling-steps 5``. Expected figure: ``denoising``, a cloud at some of the steps.
"""

from experiments.run.card import Card

CARD = Card(
    systems=("G3",),
    samples=True,
    smoke=dict(
        batch_size=8,
        widths=(8,),
        noise_schedule="cosine",
        noise_steps=10,
        predicted="velocity",
        sampling_steps=3,
        count=100,
        samples=20,
    ),
    presets=dict(rings=dict(density="rings"), checkerboard=dict(density="checkerboard")),
)
