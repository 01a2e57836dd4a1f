"""Generative adversarial networks on a ring and a grid of Gaussians: how many of them are reached."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from flax import linen as nn
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.generated_points import MODES, gaussian_modes
from experiments.evaluations.sample_quality import weights_in_words
from experiments.generative.gan_ring.card import CARD
from experiments.generative.gan_ring.figures import ring_figures
from experiments.networks.adversarial import Game
from experiments.numerals import counted
from experiments.objectives.adversarial import AdversarialSettings, Network, adversarial_task, drawn
from experiments.plots.points import extent
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, SampleOptions, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation
from losses.metrics.energy_score import energy_score
from losses.metrics.mode_coverage import high_quality_share, mode_counts, modes_covered, reverse_kl
from models.gan import DenseDiscriminator, DenseGenerator
from train.evaluation import WholeSet, whole_set_key
from train.optimizers import UpdateRule
from train.task import LossFn, Params, Task

TICKS = 50
"""Places along each side of the map of the discriminator's opinion."""


@dataclass(frozen=True, kw_only=True)
class GANRingSettings(AdversarialSettings):
    """Adversarial networks on Gaussians in the plane."""

    loop: Flat[LoopSettings] = LoopSettings(steps=6000, batch_size=128, chunk=100)
    game: Flat[Game] = Game(average_decay=0.995)
    generator: UpdateRule = UpdateRule(learning_rate=1e-3, beta1=0.5)
    discriminator: UpdateRule = UpdateRule(learning_rate=1e-3, beta1=0.5)
    data: Literal["ring", "grid"] = "ring"
    """8 Gaussians on a circle, or 5 × 5"""
    examples: Count = 100_000
    """training points"""
    generator_widths: tuple[Count, ...] = (128, 128)
    """units of the generator's hidden layers"""
    discriminator_widths: tuple[Count, ...] = (128, 128)
    """units of the discriminator's hidden layers"""
    pieces: Count = 1
    """linear pieces of the discriminator's maxout units; 1: leaky rectifiers"""
    samples: Annotated[Count, OfEvaluation] = 2500
    """generated points in which modes are counted"""
    draws: Annotated[int, Ge(2)] = 128
    """generated points that are compared with each held-out one"""


def generator(settings: GANRingSettings) -> DenseGenerator:
    """Latents → points."""
    return DenseGenerator(settings.generator_widths, 2, settings.together, settings.game.kernel_init)


def discriminator(settings: GANRingSettings) -> Network:
    """Points → logits."""
    game = settings.game
    judge = game.judgement(settings.loop.batch_size)
    return game.bounded(DenseDiscriminator(settings.discriminator_widths, settings.pieces, judge, game.kernel_init))


def task(settings: GANRingSettings, dataset: Dataset) -> Task:
    """The two in turn."""
    example = dataset.example()["point"]
    return adversarial_task(settings, generator(settings), discriminator(settings), name="point", example=example)


def generated(
    settings: GANRingSettings, params: Params, key: Key[Array, "*batch"], count: int
) -> Float[Array, "*batch count 2"]:
    """Points drawn with each key."""
    return drawn(generator(settings), params["generator"], key, count, settings.game.latent)


def monitor(settings: GANRingSettings, dataset: Dataset) -> LossFn:
    """Of each held-out point its energy score among draws, and whether none of them is of its mode and of high quality.

    The share of points of which this is so is that of the modes that the generator misses.
    """
    centres, deviation = jnp.asarray(MODES[settings.data].centres), MODES[settings.data].deviation

    def of_point(point, around):
        counts = mode_counts(around, centres, deviation=deviation)
        own = counts[jnp.argmin(jnp.sum((centres - point) ** 2, axis=-1))]
        bad = 100 - high_quality_share(counts, samples=settings.draws)
        return energy_score(around, point), {"missed": 100 * (own == 0).astype(around.dtype), "low_quality": bad}

    def loss_fn(params, batch, keys):
        return jax.vmap(of_point)(batch["point"], generated(settings, params, keys, settings.draws))

    return loss_fn


def evaluate_whole(settings: GANRingSettings, dataset: Dataset) -> WholeSet:
    """Modes that are covered, samples of high quality, and how unequally they fall."""
    modes = MODES[settings.data]

    def measure(params, centres, key):
        points = generated(settings, params, key, settings.samples)
        counts = mode_counts(points, centres, deviation=modes.deviation)
        return {
            "modes": modes_covered(counts),
            "high_quality": high_quality_share(counts, samples=settings.samples),
            "reverse_kl": reverse_kl(counts),
        }

    return WholeSet(modes.centres, measure)


def how_measured(settings: GANRingSettings, dataset: Dataset) -> Mapping[str, str]:
    """How modes were counted."""
    drawn_by = weights_in_words(settings.average_decay)
    taken = f"{counted(settings.samples, 'sample')} of {drawn_by}; within 3 deviations of a mode"
    return dict.fromkeys(("modes", "high_quality", "reverse_kl"), taken)


def opinions(
    settings: GANRingSettings, dataset: Dataset, params: Params, places: Float[Array, "places 2"]
) -> Float[Array, " places"]:
    """The discriminator's logit of each place, beside real points where it judges several at once."""
    network: nn.Module = discriminator(settings)
    company = settings.together - 1 if settings.game.sees_several else 0
    real = jax.device_put(dataset.head("train", company)["point"]) if company else jnp.zeros((0, 2))

    def opinion(place):
        return network.apply(params["discriminator"], jnp.concatenate([place[None], real]))[0]

    return jax.lax.map(opinion, places, batch_size=TICKS)


def figures(settings: GANRingSettings, dataset: Dataset, params: Params) -> dict:
    """Samples beside data, what the discriminator thinks of every place, and how many samples each mode has."""
    real, modes = dataset.head("test", 250)["point"], MODES[settings.data]
    key = whole_set_key(jax.random.key(settings.seeds.seed))  # the points in which modes were counted
    ticks = np.linspace(-extent(modes.centres), extent(modes.centres), TICKS, dtype=np.float32)
    places = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)

    @jax.jit
    def seen(params, centres, places):
        points = generated(settings, params, key, settings.samples)
        counts = mode_counts(points, centres, deviation=modes.deviation)
        return points, counts, opinions(settings, dataset, params, places)

    points, counts, thought = (np.asarray(each) for each in seen(params, modes.centres, places))
    return ring_figures(real, points, counts, ticks, thought.reshape(TICKS, TICKS))


def draw(settings: GANRingSettings, dataset: Dataset, options: SampleOptions, params: Params) -> Callable:
    """A point from a latent."""

    def from_latent(key: Key[Array, ""]) -> Example:
        return {"point": generated(settings, params, key, 1)[0]}

    return from_latent


EXPERIMENT = Experiment(
    card=CARD,
    settings=GANRingSettings,
    data=lambda settings: gaussian_modes(settings.data, examples=settings.examples),
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="missed",
    units={
        "loss": "",
        "missed": "%",
        "low_quality": "%",
        "modes": "modes",
        "high_quality": "%",
        "reverse_kl": "nats",
    },
    protocols=how_measured,
    sampler=Sampler(draw=draw),
)
