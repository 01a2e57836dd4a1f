"""Diffusion on a line: where the best denoiser is known, what a network and what a sampler lacks are told apart.

Papers: Ho et al. 2020, Song et al. 2021, Lu et al. 2022. Claim: a network comes within a hundredth of the best denoiser
of a mixture of Gaussians; and with this one all samplers come to the mixture but the lecture's with fresh noise, which
stays a fifth away however many steps it takes. Command: ``lectern run diffusion_1d`` (generated points, 20 s on two CPU
cores), ``--density gaussian``. Expected figures: ``paths``, from noise to the mixture; ``steps``, the error of each
sampler over its steps; ``densities``.
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
        samples=20,
        examples=100,
    ),
    presets=dict(gaussian=dict(density="gaussian"), ddpm=dict(sampler="ddpm"), velocity=dict(predicted="velocity")),
)
