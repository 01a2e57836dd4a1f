"""Super-resolution by the least squared error and by an adversarial game, side by side on the same images."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import GreyImageData
from experiments.generative.super_resolution.card import CARD
from experiments.generative.super_resolution.figures import answer_figures
from experiments.networks.adversarial import Game
from experiments.objectives.adversarial import (
    KEPT,
    AdversarialSettings,
    Adversaries,
    Network,
    adversarial_players,
    latents,
)
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings
from losses.metrics.image_quality import gradient_energy, peak_signal_to_noise
from losses.regression import squared_error
from models.gan import ConvDiscriminator, Upscaler
from models.layers.pool import average_pool
from models.layers.resize import upsample_nearest
from train.measures import Ratio
from train.optimizers import NotNegative, UpdateRule, make_optimizer
from train.players import Player, alternating
from train.task import LossFn, Params, Stream, Task, stream_key

Images = Float[Array, "batch height width channels"]
SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class SuperResolutionSettings(AdversarialSettings):
    """Small images enlarged."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=64, chunk=100)
    images: Flat[GreyImageData] = GreyImageData()
    game: Flat[Game] = Game(latent=8, spectral=True, loss="hinge", average_decay=0.995)
    generator: UpdateRule = UpdateRule(learning_rate=1e-3, beta1=0.5)
    discriminator: UpdateRule = UpdateRule(learning_rate=1e-3, beta1=0.5)
    factor: Annotated[int, Ge(2)] = 4
    """how many times smaller each side of the images is made"""
    upscaler_widths: tuple[Count, ...] = (32, 32, 32)
    """maps of both upscalers' convolutions, that of the mean and that of the game"""
    discriminator_widths: tuple[Count, ...] = (16, 32)
    """maps of the discriminator's convolutions"""
    consistency: NotNegative = 10.0
    """weight of the squared error that the generated image has once it is made small again"""
    answers: Annotated[int, Ge(2)] = 16
    """generated images whose mean is measured, of each small one"""


def data(settings: SuperResolutionSettings) -> Dataset:
    """The images; ``DataError`` where their sides cannot be divided."""
    dataset = settings.images.load()
    height, width, _ = dataset.image_shape
    if height % settings.factor or width % settings.factor:
        raise DataError(f"images of {height}×{width} cannot be made {settings.factor} times smaller: give --factor")
    return dataset


def smaller(settings: SuperResolutionSettings, images: Images) -> Images:
    """Each block of pixels as their mean."""
    return average_pool(images, window=settings.factor, count_padding=False)


def discriminator(settings: SuperResolutionSettings) -> Network:
    """Images and the small ones they belong to, as further channels → logits."""
    game, judge = settings.game, settings.game.judgement(settings.loop.batch_size)
    network = ConvDiscriminator(settings.discriminator_widths, False, judge.group, judge, game.kernel_init)
    return game.bounded(network)


def conditional(settings: SuperResolutionSettings) -> Adversaries:
    """A generator that is given the small image of each image of a batch, and a discriminator that sees it too."""
    network, critic = upscaler(settings), discriminator(settings)

    def generate(own, batch, keys):
        small = smaller(settings, batch["image"])
        return network.apply(own, small, latents(keys, settings.game.latent)), {}

    def judge(own, images, batch):
        beside = upsample_nearest(smaller(settings, batch["image"]), factor=settings.factor)
        return critic.apply(own, jnp.concatenate([images, beside], axis=-1), training=True, mutable=KEPT)

    return Adversaries(generate, judge, lambda batch: batch["image"])


def upscaler(settings: SuperResolutionSettings) -> Upscaler:
    """What enlarges images, in the game with a latent and for the mean without."""
    return Upscaler(settings.upscaler_widths, settings.factor)


def of_the_mean(settings: SuperResolutionSettings, own: Params, small: Images) -> Images:
    """The answer that has learnt the least squared error."""
    return upscaler(settings).apply(own, small, jnp.zeros((len(small), 0), small.dtype))


def squared_errors(answers: Images, truth: Images) -> Float[Array, " batch"]:
    """Of each image, summed over its pixels."""
    return jax.vmap(squared_error)(answers, truth)


def mean_loss(settings: SuperResolutionSettings) -> LossFn:
    """The squared error of the image, which the mean of all possible ones minimises."""

    def loss_fn(params, batch, keys):
        answers = of_the_mean(settings, params["mean"], smaller(settings, batch["image"]))
        return squared_errors(answers, batch["image"]), {}

    return loss_fn


def also_consistent(settings: SuperResolutionSettings, adversaries: Adversaries, loss_fn: LossFn) -> LossFn:
    """A generator's loss, and the squared error of what is generated, once it is small again."""

    def with_term(params, batch, keys):
        losses, metrics, seen = loss_fn(params, batch, keys)
        generated, _ = adversaries.generate(params["generator"], batch, keys)
        small, given = (smaller(settings, images) for images in (generated, batch["image"]))
        return losses + settings.consistency * squared_errors(small, given), metrics, seen

    return with_term


def task(settings: SuperResolutionSettings, dataset: Dataset) -> Task:
    """The mean by the generator's update rule, and beside it the game; neither knows of the other."""
    adversaries, size, latent = conditional(settings), settings.together, settings.game.latent
    players = adversarial_players(settings, adversaries)
    game = players["generator"]
    players["generator"] = game._replace(loss_fn=also_consistent(settings, adversaries, game.loss_fn))
    mean = Player(mean_loss(settings), make_optimizer(settings.generator, settings.loop.steps))
    height, width, channels = dataset.image_shape

    def init_params(key: Key[Array, ""]) -> dict[str, Params]:
        keys, images = jax.random.split(key, 3), jnp.zeros((size, height, width, channels), jnp.float32)
        small, network = smaller(settings, images), upscaler(settings)
        return {
            "mean": network.init(keys[0], small, jnp.zeros((size, 0), images.dtype)),
            "generator": network.init(keys[1], small, jnp.zeros((size, latent), images.dtype)),
            "discriminator": discriminator(settings).init(keys[2], jnp.concatenate([images, images], axis=-1)),
        }

    return alternating({"mean": mean, **players}, init_params)


def answers_to(
    settings: SuperResolutionSettings, params: Params, images: Images, keys: Key[Array, " batch"]
) -> dict[str, Images]:
    """What the mean answers, what the game does, and the mean of several answers of the game."""
    small = smaller(settings, images)

    def answer(number):
        of_number = jax.vmap(partial(jax.random.fold_in, data=number))(keys)
        return upscaler(settings).apply(params["generator"], small, latents(of_number, settings.game.latent))

    drawn = jax.lax.map(answer, jnp.arange(settings.answers))
    return {"mean": of_the_mean(settings, params["mean"], small), "game": drawn[0], "mean_of_game": drawn.mean(axis=0)}


def monitor(settings: SuperResolutionSettings, dataset: Dataset) -> LossFn:
    """How close each answer is to the truth, how sharp beside it, and how far from the small image once small again."""

    def loss_fn(params, batch, keys):
        truth, metrics = batch["image"], {}
        of_truth = jax.vmap(gradient_energy)(truth)
        for name, answers in answers_to(settings, params, truth, keys).items():
            metrics[f"{name}/psnr"] = jax.vmap(peak_signal_to_noise)(answers, truth)
            metrics[f"{name}/sharpness"] = Ratio(100 * jax.vmap(gradient_energy)(answers), of_truth)
            apart = smaller(settings, answers) - smaller(settings, truth)
            metrics[f"{name}/inconsistency"] = jnp.sqrt(jnp.mean(apart**2, axis=(1, 2, 3)))
        return mean_loss(settings)(params, batch, keys)[0], metrics

    return loss_fn


def figures(settings: SuperResolutionSettings, dataset: Dataset, params: Params) -> dict:
    """Answers to the same small images, and how sharp those to all test images are."""
    images = jax.device_put(dataset.head("test", 250)["image"])
    keys = jax.random.split(stream_key(settings.seeds.seed, Stream.FIGURES), 2 * len(images))

    @jax.jit
    def seen(params, images):
        first, again = (answers_to(settings, params, images, each) for each in jnp.split(keys, 2))
        small = upsample_nearest(smaller(settings, images), factor=settings.factor)
        rows = {
            "small": small,
            "mean": first["mean"],
            "game": first["game"],
            "game, once more": again["game"],
            f"mean of {settings.answers}": first["mean_of_game"],
            "truth": images,
        }
        return rows, {name: jax.vmap(gradient_energy)(each) for name, each in rows.items()}

    return answer_figures(*seen(params, images), shown=SHOWN)


ANSWERS = ("mean", "game", "mean_of_game")

EXPERIMENT = Experiment(
    card=CARD,
    settings=SuperResolutionSettings,
    data=data,
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="loss",
    units={"loss": "squared error per image"}
    | {f"{name}/psnr": "dB" for name in ANSWERS}
    | {f"{name}/sharpness": "%" for name in ANSWERS}
    | {f"{name}/inconsistency": "RMSE per pixel" for name in ANSWERS},
)
