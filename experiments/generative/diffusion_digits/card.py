"""Diffusion of digits: a U-Net that finds the noise in an image, and draws digits of a class that is asked for.

Papers: Ho et al. 2020 (DDPM), Song et al. 2021 (DDIM), Ho & Salimans 2022 (guidance). Claim: of digits that are drawn
for a label a classifier takes more than 95 % for what was asked, and none is a copy. Command: ``lectern run
diffusion_digits`` (scikit-learn's digits, 2 minutes on two CPU cores), then ``lectern sample WORKDIR --label 7
--guidance 2``, ``--steps 20 --sampler second_order``. Expected figures: ``samples``, a row a class; ``denoising``, from
noise to a digit.
"""

from experiments.run.card import Card, Reference

CIFAR = dict(
    data="tfds:cifar10",
    noise_schedule="linear",
    channels=(128, 256, 256, 256),
    blocks=2,
    dropout=0.1,
    conditional=False,
    batch_size=128,
    steps=800_000,
    learning_rate=2e-4,
    warmup_steps=5000,
    schedule="constant",
    clip_norm=1.0,
    average_decay=0.9999,
    samples=50_000,
    evaluate_every=5000,
    save_every=5000,
)
PROTOCOL = (
    "CIFAR-10, 50,000 samples of averaged weights against the training images; printed is the distance in features of "
    "Inception, where ours is in those of --classifier, so that they do not compare; attention at the lowest level here"
)


def _published(value: float, cite: str, where: str, preset: str) -> Reference:
    return Reference(
        "frechet_distance", value, "squared feature distance", cite=cite, where=where, read="source", protocol=PROTOCOL,
        preset=preset, obstacle="the printed distance is in features of Inception, ours in those of --classifier",
    )  # fmt: skip


CARD = Card(
    systems=("G3",),
    samples=True,
    smoke=dict(batch_size=8, channels=(4,), predicted="velocity", noise_steps=10, sampling_steps=2, samples=20),
    presets=dict(
        velocity=dict(predicted="velocity"),
        unconditional=dict(conditional=False),
        cifar10=CIFAR | dict(sampler="ddpm_upper", sampling_steps=1000),
        cifar10_ddim_10=CIFAR | dict(sampling_steps=10),
        cifar10_ddim_50=CIFAR | dict(sampling_steps=50),
        cifar10_ddim_100=CIFAR | dict(sampling_steps=100),
    ),
    references=(
        _published(3.17, "ho2020", "table 1", "cifar10"),
        _published(13.36, "song2021", "table 1, η 0, 10 steps", "cifar10_ddim_10"),
        _published(4.67, "song2021", "table 1, η 0, 50 steps", "cifar10_ddim_50"),
        _published(4.16, "song2021", "table 1, η 0, 100 steps", "cifar10_ddim_100"),
    ),
)
