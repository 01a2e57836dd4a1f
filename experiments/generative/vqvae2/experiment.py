"""VQ-VAE-2: codes of two levels, and a transformer that has learnt which of them go together, draws digits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import log
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Int, Key

from experiments.datasets import Dataset
from experiments.datasets.settings import ImageData
from experiments.evaluations.classifier_choice import ClassifierChoice
from experiments.evaluations.sample_quality import (
    UNITS,
    Seen,
    protocols,
    real_images,
    sample_quality,
    seen,
    weights_in_words,
)
from experiments.generative.vqvae2.card import CARD
from experiments.generative.vqvae2.figures import rows_of_classes, what_levels_hold
from experiments.networks.training import without_noise
from experiments.networks.transformer import Transformer
from experiments.objectives.observation import Observe, observation
from experiments.objectives.vector_quantization import (
    QuantizationObjective,
    code_bits,
    code_frequencies,
    encode_images,
    hierarchical_quantization_loss,
    index_nats,
    moving_codebook_task,
    observed_images,
    positional_frequencies,
)
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, LabelOptions, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.likelihoods import LIKELIHOODS, Likelihood
from losses.metrics.codebook import codebook_perplexity
from models.hierarchical_vqvae import CODEBOOKS, HierarchicalVQVAE, draw_indices, prior_network
from train.evaluation import MetricFn, WholeSet
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Stream, Task, stream_key, supervised

OF_EACH, SHOWN, AT_A_TIME = 5, 10, 50
"""In the figures drawn images of each class and images whose levels are shown; and images that are drawn at a time."""


@dataclass(frozen=True, kw_only=True)
class VQVAE2Settings(Settings):
    """A vector-quantised autoencoder of two levels and its prior."""

    loop: Flat[LoopSettings] = LoopSettings(steps=3000, batch_size=64, evaluate_every=250)
    images: Flat[ImageData] = ImageData(binarization="none")
    objective: Flat[QuantizationObjective] = QuantizationObjective(codebook="ema")
    prior: Flat[Transformer] = Transformer(depth=2, width=64, dropout=0.1)
    optimization: Flat[Optimization] = Optimization(learning_rate=2e-3, schedule="cosine", warmup_steps=100)
    judge: Flat[ClassifierChoice] = ClassifierChoice()
    features: Count = 16
    """of the convolutions"""
    blocks: Count = 2
    """residual ones after each halving and before each enlarging"""
    codes: Count = 32
    """vectors in the codebook of each level"""
    dimensions: Count = 8
    """of a vector of the codebooks"""
    likelihood: Literal["bernoulli", "categorical"] = "categorical"
    """what the decoder's numbers parameterise: the probability of each grey value, or of a bit"""
    conditional: bool = True
    """whether the prior is told the class"""
    samples: Annotated[int, Ge(4), OfEvaluation] = 500
    """drawn images that are judged, as many of each class"""

    def __post_init__(self):
        super().__post_init__()
        if (self.likelihood == "bernoulli") != (self.images.binarization != "none"):
            raise ValueError("--likelihood bernoulli models bits, and no other does: it needs --binarization")

    @property
    def observe(self) -> Observe:
        """Bits are drawn anew at each use where binarisation is stochastic."""
        return observation(self.images.binarization)


def data(settings: VQVAE2Settings) -> Dataset:
    """Images of which there is a classifier."""
    dataset = settings.images.load()
    settings.judge.load(dataset)
    return dataset


def likelihood_of(settings: VQVAE2Settings, dataset: Dataset) -> Likelihood:
    """What the decoder's numbers mean."""
    return LIKELIHOODS[settings.likelihood](dataset.levels)


def network(settings: VQVAE2Settings, dataset: Dataset) -> HierarchicalVQVAE:
    """Encoders, codebooks, decoders, and the prior."""
    labels = dataset.required_classes() if settings.conditional else 1
    shape = dataset.image_shape
    prior = prior_network(shape, codes=settings.codes, labels=labels, shape=settings.prior.shape)
    outputs = likelihood_of(settings, dataset).outputs
    sizes = settings.features, settings.blocks, settings.codes, settings.dimensions
    return HierarchicalVQVAE(shape, outputs, *sizes, prior)


def told(settings: VQVAE2Settings, labels: Int[Array, "*batch"]) -> Int[Array, "*batch"]:
    """What the prior is told of the class: where it is told nothing, always the same."""
    return labels if settings.conditional else jnp.zeros_like(labels)


def _loss(settings: VQVAE2Settings, dataset: Dataset, apply: Callable) -> LossFn:
    objective = settings.objective
    return hierarchical_quantization_loss(
        lambda keys, params, images, labels: apply(keys, params, images, told(settings, labels)),
        likelihood_of(settings, dataset),
        settings.observe,
        commitment=objective.commitment,
        moving_codebook=objective.codebook == "ema",
    )


def monitor(settings: VQVAE2Settings, dataset: Dataset) -> LossFn:
    """The training loss without dropout."""
    return _loss(settings, dataset, without_noise(network(settings, dataset).apply))


def task(settings: VQVAE2Settings, dataset: Dataset) -> Task:
    """Trains the autoencoder and its prior side by side."""
    model, image = network(settings, dataset), jnp.zeros((1, *dataset.image_shape))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = _loss(settings, dataset, settings.prior.wrap(model.apply))

    def init_params(key: Key[Array, ""]) -> Params:
        return model.init(key, image, jnp.zeros(1, jnp.int32))

    if settings.objective.codebook == "gradient":
        return supervised(loss_fn, init_params, optimizer)
    return moving_codebook_task(loss_fn, init_params, optimizer, decay=settings.objective.decay, codebooks=CODEBOOKS)


def evaluate(settings: VQVAE2Settings, dataset: Dataset) -> MetricFn:
    """Reconstruction, and bits per dimension under the learnt prior and under the uniform one."""
    model, likelihood = network(settings, dataset), likelihood_of(settings, dataset)

    def metric_fn(params, batch, keys):
        images = jax.vmap(settings.observe)(keys, batch["image"])
        result = model.apply(params, images, told(settings, batch["label"]))
        reconstruction = -jax.vmap(likelihood.log_likelihood)(images, result["decoded"])
        prior = jax.vmap(index_nats)(result["prior_logits"], result["indices"])
        errors = (jax.vmap(likelihood.mean)(result["decoded"]) - images) ** 2
        uniform = result["indices"].shape[1] * log(settings.codes)
        in_bits = log(2) * images[0].size
        return {
            "reconstruction": reconstruction,
            "squared_error": errors.mean(axis=(1, 2, 3)),
            "bits_per_dim": (reconstruction + prior) / in_bits,
            "bits_per_dim_uniform": (reconstruction + uniform) / in_bits,
        }

    return metric_fn


def drawn_image(
    settings: VQVAE2Settings, dataset: Dataset, params: Params, key: Key[Array, ""], label: Int[Array, ""]
) -> Float[Array, "height width channels"]:
    """The expected image of codes that the prior draws for a class."""
    model = network(settings, dataset)
    return expected_image(settings, dataset, params, draw_indices(model, params, key, told(settings, label)))


def expected_image(
    settings: VQVAE2Settings, dataset: Dataset, params: Params, indices: Int[Array, " positions"]
) -> Float[Array, "height width channels"]:
    """E[x | codes]."""
    decoded = network(settings, dataset).apply(params, indices, method="decode_indices")
    return likelihood_of(settings, dataset).mean(decoded)


def evaluate_whole(settings: VQVAE2Settings, dataset: Dataset) -> WholeSet:
    """How many codes are used, bits per dimension with independent positions, and the judgement of drawn images."""
    model, likelihood = network(settings, dataset), likelihood_of(settings, dataset)
    classifier, labels = settings.judge.load(dataset), np.arange(settings.samples) % dataset.required_classes()
    real = real_images(dataset)

    def measure(params: Params, data: tuple, key: Key[Array, ""]) -> tuple[dict[str, Array], Seen]:
        judge, observed, test = data
        indices = {split: encode_images(model, params, images) for split, images in observed.items()}
        independent = positional_frequencies(indices["train"], codes=settings.codes)

        def bits(pair):
            image, indices = pair
            decoded = model.apply(params, indices, method="decode_indices")
            return code_bits(indices, independent) - likelihood.log_likelihood(image, decoded) / log(2)

        fitted = jax.lax.map(bits, (observed["test"], indices["test"]), batch_size=250)
        levels = jnp.split(indices["test"], [model.positions["top"]], axis=1)
        used = {
            f"{name}_perplexity": codebook_perplexity(code_frequencies(each, codes=settings.codes))
            for name, each in zip(CODEBOOKS, levels, strict=True)
        }
        draw = partial(drawn_image, settings, dataset, params)
        pairs = jax.random.split(key, settings.samples), jnp.asarray(labels)
        images = jax.lax.map(lambda pair: draw(*pair), pairs, batch_size=AT_A_TIME)
        bits_of_all = {"bits_per_dim_fitted": fitted.mean() / test[0].size}
        return bits_of_all | used, seen(classifier, judge, images, test)

    def conclude(measured: tuple[dict[str, np.ndarray], Seen]) -> dict[str, np.ndarray]:
        asked = labels if settings.conditional else None
        return measured[0] | sample_quality(measured[1], trained=real["train"], labels=asked)

    return WholeSet((classifier.params, observed_images(settings.observe, dataset), real["test"]), measure, conclude)


def how_measured(settings: VQVAE2Settings, dataset: Dataset) -> Mapping[str, str]:
    """How the measures of drawn images were taken."""
    weights, classifier = weights_in_words(settings.average_decay), settings.judge.load(dataset)
    return protocols(settings.samples, classifier, dataset, weights=weights, labelled=settings.conditional)


def figures(settings: VQVAE2Settings, dataset: Dataset, params: Params) -> dict:
    """Drawn images beside those of independent positions, and what each level holds."""
    model = network(settings, dataset)
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    labels = jnp.repeat(jnp.arange(dataset.required_classes()), OF_EACH)
    mean = jax.vmap(likelihood_of(settings, dataset).mean)

    @jax.jit
    def drawn(params, keys, images):
        independent = positional_frequencies(encode_images(model, params, images), codes=settings.codes)
        indices = jax.vmap(lambda key: jax.random.categorical(key, jnp.log(independent)))(keys)
        images_of_prior = jax.vmap(partial(drawn_image, settings, dataset, params))(keys, labels)
        return images_of_prior, jax.vmap(partial(expected_image, settings, dataset, params))(indices)

    @jax.jit
    def levels(params, images):
        top, bottom = (each.codes for each in model.apply(params, images, method="encode"))
        coarse, fine = (jnp.broadcast_to(each.mean(axis=(0, 1)), each.shape) for each in (top, bottom))
        pairs = (top, bottom), (top, fine), (coarse, bottom)
        return [mean(model.apply(params, *codes, method="decode")) for codes in pairs]

    observed = observed_images(settings.observe, dataset)
    samples, independent = drawn(params, jax.random.split(key, len(labels)), observed["train"])
    return {
        "samples": rows_of_classes(samples, independent, OF_EACH),
        "levels": what_levels_hold(observed["test"][:SHOWN], *levels(params, observed["test"][:SHOWN])),
    }


def draw(settings: VQVAE2Settings, dataset: Dataset, options: LabelOptions, params: Params) -> Callable:
    """The expected image of codes that the prior draws."""
    label_of = options.labels(dataset)

    def from_prior(key: Key[Array, ""]) -> Example:
        label_key, index_key = jax.random.split(key)
        label = label_of(label_key)
        image = drawn_image(settings, dataset, params, index_key, label)
        return {"image": image, "label": label} if settings.conditional else {"image": image}

    return from_prior


EXPERIMENT = Experiment(
    card=CARD,
    settings=VQVAE2Settings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={
        "loss": "nats",
        "reconstruction": "nats",
        "prior": "nats",
        "distance": "squared distance per position",
        "squared_error": "per value",
        "bits_per_dim": "bits",
        "bits_per_dim_uniform": "bits",
        "bits_per_dim_fitted": "bits",
        "top_perplexity": "codes",
        "bottom_perplexity": "codes",
    }
    | UNITS,
    protocols=how_measured,
    network=network,
    sampler=Sampler(draw=draw, options=LabelOptions),
)
