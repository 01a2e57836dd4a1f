"""Deep convolutional adversarial networks on images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import GreyImageData
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.evaluations.codec import Codec
from experiments.evaluations.generator_map import MAPPED, generated_otherwise, generator_map_psnr
from experiments.evaluations.sample_quality import (
    UNITS,
    Seen,
    protocols,
    real_images,
    sample_quality,
    seen,
    weights_in_words,
)
from experiments.generative.gan_digits.card import CARD
from experiments.generative.gan_digits.figures import image_figures, mapped_rows
from experiments.networks.adversarial import Game
from experiments.objectives.adversarial import AdversarialSettings, Network, adversarial_task, drawn
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, Sampler, WayOptions
from experiments.run.saved import ParametricAutoencoder, saved_autoencoder, saved_params
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation
from losses.metrics.classifier_score import classifier_score
from losses.metrics.energy_score import energy_score
from losses.metrics.mode_coverage import reverse_kl
from models.gan import ConvDiscriminator, ConvGenerator
from train.evaluation import WholeSet
from train.optimizers import UpdateRule
from train.task import LossFn, Params, Stream, Task, stream_key

MAPPED_SHOWN = 10
"""Images of which the figure shows how an autoencoder has them."""


@dataclass(frozen=True, kw_only=True)
class GANDigitsSettings(AdversarialSettings):
    """Deep convolutional adversarial networks."""

    loop: Flat[LoopSettings] = LoopSettings(steps=3000, batch_size=128, chunk=100)
    images: Flat[GreyImageData] = GreyImageData()
    game: Flat[Game] = Game(latent=16, initial_deviation=0.02, average_decay=0.995)
    generator: UpdateRule = UpdateRule(learning_rate=1e-3, beta1=0.5)
    discriminator: UpdateRule = UpdateRule(learning_rate=1e-3, beta1=0.5)
    judge: Flat[ClassifierChoice] = ClassifierChoice()
    generator_widths: tuple[Count, ...] = (32, 16)
    """maps before each of the generator's transposed convolutions, from the smallest maps on"""
    discriminator_widths: tuple[Count, ...] = (16, 32)
    """maps of each of the discriminator's convolutions"""
    batch_normalized: bool = True
    """whether the discriminator has batch normalisation, behind all convolutions but the first"""
    samples: Annotated[int, Ge(4), OfEvaluation] = 1000
    """generated images that the classifier judges"""
    draws: Annotated[int, Ge(2)] = 16
    """generated images that are compared with each held-out one"""
    autoencoder: Path | None = None
    """a run folder of `autoencoder` or `vae` of such images, to whose codes the latents are mapped"""
    support: Count = 100
    """generated images by which this map is fitted"""

    def __post_init__(self):
        super().__post_init__()
        if self.game.gradient_penalty and self.batch_normalized:
            raise ValueError("--gradient-penalty is of a slope at one example: add --no-batch-normalized")
        if self.autoencoder and self.support <= self.game.latent:
            raise ValueError(f"--support must be greater than --latent {self.game.latent}, or the map is undetermined")

    def idle(self) -> dict[str, str]:
        """Nothing is mapped without an autoencoder."""
        return super().idle() | ({} if self.autoencoder else {"support": "without --autoencoder"})


def data(settings: GANDigitsSettings) -> Dataset:
    """Images of which there is a classifier; ``DataError`` where their sides cannot be halved as often as needed."""
    dataset = settings.images.load()
    settings.judge.load(dataset)
    height, width, _ = dataset.image_shape
    halvings = len(settings.generator_widths)
    if height % 2**halvings or width % 2**halvings:
        raise DataError(
            f"--generator-widths has {halvings} entries, and images of {height}×{width} cannot be halved so often"
        )
    return dataset


def generator(settings: GANDigitsSettings, dataset: Dataset) -> ConvGenerator:
    """Latents → images."""
    game = settings.game
    return ConvGenerator(
        settings.generator_widths, dataset.image_shape, settings.together, game.kernel_init, game.transposed_init
    )


def discriminator(settings: GANDigitsSettings) -> Network:
    """Images → logits."""
    game, judge = settings.game, settings.game.judgement(settings.loop.batch_size)
    network = ConvDiscriminator(
        settings.discriminator_widths, settings.batch_normalized, judge.group, judge, game.kernel_init
    )
    return game.bounded(network)


def task(settings: GANDigitsSettings, dataset: Dataset) -> Task:
    """The two in turn."""
    networks, example = (generator(settings, dataset), discriminator(settings)), dataset.example()["image"]
    return adversarial_task(settings, *networks, name="image", example=example)


def generated(
    settings: GANDigitsSettings, dataset: Dataset, params: Params, key: Key[Array, "*batch"], count: int
) -> Float[Array, "*batch count height width channels"]:
    """Images drawn with each key."""
    return drawn(generator(settings, dataset), params["generator"], key, count, settings.game.latent)


def monitor(settings: GANDigitsSettings, dataset: Dataset) -> LossFn:
    """Of each held-out image its energy score among generated ones, and how far the nearest of them is."""

    def of_image(image, around):
        flat, around = image.ravel(), around.reshape(len(around), -1)
        nearest = jnp.sqrt(jnp.mean((around - flat) ** 2, axis=1)).min()
        return energy_score(around, flat), {"nearest_draw": nearest}

    def loss_fn(params, batch, keys):
        return jax.vmap(of_image)(batch["image"], generated(settings, dataset, params, keys, settings.draws))

    return loss_fn


def evaluate_whole(settings: GANDigitsSettings, dataset: Dataset) -> WholeSet:
    """What a classifier says of generated images: how sure it is, and how unequally they fall into its classes; and how
    near an autoencoder comes to them through a linear map of the latents.
    """
    classifier, mapped = settings.judge.load(dataset), saved_codec(settings, dataset)
    real = real_images(dataset)

    def measure(params, saved, key):
        judge, of_codec, test = saved
        quality = seen(classifier, judge, generated(settings, dataset, params, key, settings.samples), test)
        classes = jax.nn.one_hot(quality.logits.argmax(axis=1), classifier.classes, dtype=quality.logits.dtype)
        found = {
            "classifier_score": classifier_score(quality.logits),
            "reverse_kl": reverse_kl(jnp.sum(classes, axis=0)),
        }
        if mapped is None:
            return found, quality
        given = map_between(settings, dataset, params, mapped.codec(of_codec), key, settings.samples)
        return found | generator_map_psnr(*given), quality

    def conclude(measured: tuple[dict[str, np.ndarray], Seen]) -> dict[str, np.ndarray]:
        return measured[0] | sample_quality(measured[1], trained=real["train"], labels=None)

    of_codec = mapped and saved_params(settings.autoencoder, dataset)
    return WholeSet((classifier.params, of_codec, real["test"]), measure, conclude)


def how_measured(settings: GANDigitsSettings, dataset: Dataset) -> Mapping[str, str]:
    """How the measures of generated images were taken."""
    weights, classifier = weights_in_words(settings.average_decay), settings.judge.load(dataset)
    found = protocols(settings.samples, classifier, dataset, weights=weights, labelled=False)
    judged = found["classifier_confidence"]
    return dict(found) | {"classifier_score": judged, "reverse_kl": f"{judged}; of its classes from equal shares"}


def saved_codec(settings: GANDigitsSettings, dataset: Dataset) -> ParametricAutoencoder | None:
    """The autoencoder to whose codes latents are mapped, where one is given."""
    return saved_autoencoder(settings.autoencoder, dataset) if settings.autoencoder else None


def map_between(
    settings: GANDigitsSettings, dataset: Dataset, params: Params, codec: Codec, key: Key[Array, ""], count: int
) -> tuple[Callable, Codec, Float[Array, "support latent"], Float[Array, "count latent"]]:
    """The generator, the autoencoder, and latents of the support set and of ``count`` other images."""
    network = generator(settings, dataset)
    latents = jax.random.normal(key, (settings.support + count, settings.game.latent))
    return partial(network.apply, params["generator"]), codec, *jnp.split(latents, [settings.support])


def figures(settings: GANDigitsSettings, dataset: Dataset, params: Params) -> dict:
    """Generated images, those beside the nearest training images, and ways between latents."""
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    network, latent = generator(settings, dataset), settings.game.latent
    stored = dataset.head("train", 2000)["image"]

    @jax.jit
    def seen(params, stored):
        samples = generated(settings, dataset, params, key, 100)
        apart = jnp.sum((samples[:10, None] - stored) ** 2, axis=(2, 3, 4))
        ends = jax.random.normal(jax.random.fold_in(key, 1), (2, 8, 1, latent))
        shares = jnp.linspace(0, 1, 10)[:, None]
        between = (ends[0] * (1 - shares) + ends[1] * shares) / jnp.sqrt((1 - shares) ** 2 + shares**2)
        ways = network.apply(params["generator"], between.reshape(-1, latent))
        return samples, stored[apart.argmin(axis=1)], ways

    drawn = image_figures(*seen(params, stored))
    if (mapped := saved_codec(settings, dataset)) is None:
        return drawn

    @jax.jit
    def otherwise(params, of_codec):
        return generated_otherwise(*map_between(settings, dataset, params, mapped.codec(of_codec), key, MAPPED_SHOWN))

    return drawn | {
        "map": mapped_rows(otherwise(params, saved_params(settings.autoencoder, dataset)), settings.support)
    }


def draw(settings: GANDigitsSettings, dataset: Dataset, options: WayOptions, params: Params) -> Callable:
    """An image from a latent; and those on the way to another's."""
    apply = partial(generator(settings, dataset).apply, params["generator"])

    def from_latent(key: Key[Array, ""]) -> Example:
        ends = jax.random.normal(key, (2, settings.game.latent))
        image = {"image": apply(ends[:1])[0]}
        return image | {"interpolation": apply(options.between(ends))} if options.interpolation else image

    return from_latent


EXPERIMENT = Experiment(
    card=CARD,
    settings=GANDigitsSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "", "nearest_draw": "RMSE per pixel", "classifier_score": "classes", "reverse_kl": "nats"}
    | {name: unit for name, unit in UNITS.items() if name != "classifier_accuracy"}
    | {f"{name}/psnr": "dB" for name in MAPPED},
    protocols=how_measured,
    sampler=Sampler(draw=draw, options=WayOptions),
)
