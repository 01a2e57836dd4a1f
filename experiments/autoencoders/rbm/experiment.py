"""Restricted Boltzmann machine: contrastive divergence, persistent chains, and a likelihood by annealing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import numpy as np
import optax
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.autoencoders.rbm.card import CARD
from experiments.autoencoders.rbm.figures import draw_chains, draw_free_energies
from experiments.datasets import Dataset
from experiments.datasets.settings import BinaryImageData
from experiments.objectives.contrastive_divergence import gibbs_chains, pixel_means, reconstruction_error
from experiments.objectives.observation import observation, observed
from experiments.plots.filters import filter_grid
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, SampleOptions, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.likelihoods import bernoulli_log_likelihood
from models.rbm import (
    RBM,
    contrastive_divergence,
    free_energy,
    gibbs_chain,
    hidden_probabilities,
    independent_bias,
    init_rbm,
    pseudo_log_likelihood,
    visible_probabilities,
)
from models.rbm_partition import annealed_log_partition, annealed_log_weight
from train.descent import gradient_norm
from train.evaluation import MetricFn, WholeSet
from train.feed import size_of
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Phase, State, Stream, Task, initial_state, stream_key, task_of_phases

COMPARED = 1000
"""Training images, at most, whose mean free energy the held-out images are compared with."""
SHOWN_AFTER = (1, 10, 100, 1000)
"""Gibbs steps after which chains are drawn."""
CHAINS_PHASE = 1
"""Persistent chains draw as a second phase of a step would."""


@dataclass(frozen=True, kw_only=True)
class RBMSettings(Settings):
    """Restricted Boltzmann machine."""

    loop: Flat[LoopSettings] = LoopSettings(steps=8000)
    images: Flat[BinaryImageData] = BinaryImageData()
    optimization: Flat[Optimization] = Optimization(optimizer="sgd", learning_rate=0.2)
    hidden: Count = 128
    """hidden units"""
    gibbs_steps: Count = 1
    """k: Gibbs steps from the data to the negative examples, or of every persistent chain per update"""
    persistent: bool = True
    """negative examples from chains that go on from update to update, instead of starting anew at the data"""
    chains: Count = 128
    """how many persistent chains; without --persistent there are as many as examples in a batch"""
    temperatures: Annotated[Count, OfEvaluation] = 2000
    """intermediate distributions of the annealed importance sampling behind the NLL"""
    annealed_chains: Annotated[int, Ge(2), OfEvaluation] = 200
    """runs of the annealed importance sampling, from which log Z is estimated once a seed"""

    def idle(self) -> dict[str, str]:
        """Contrastive divergence keeps no chains."""
        return super().idle() | ({} if self.persistent else {"chains": "with --no-persistent"})


def visible_units(settings: RBMSettings) -> Callable[[Key[Array, ""], Array], Float[Array, " visible"]]:
    """The function ``(key, image) → visible``: the bits that are observed, in one row."""
    observe = observation(settings.images.binarization)
    return lambda key, image: observe(key, image).ravel()


def visible_bits(settings: RBMSettings) -> Callable[[Key[Array, ""], Array], Float[Array, " visible"]]:
    """The same, of images that are measured: where intensities stand for bits, these are rounded."""
    units = visible_units(settings)
    if settings.images.binarization != "none":
        return units
    return lambda key, image: (units(key, image) > 0.5).astype(image.dtype)


def task(settings: RBMSettings, dataset: Dataset) -> Task:
    """Contrastive divergence as a gradient. Persistent chains belong to the state, and so are the same whether a batch
    comes whole, in parts or divided over devices; they move after each update, with the new parameters.
    """
    optimizer, observe = make_optimizer(settings.optimization, settings.loop.steps), visible_units(settings)
    means, steps = pixel_means(dataset), settings.gibbs_steps

    def init(key: Key[Array, ""]) -> State:
        key_of_weights, key_of_chains = jax.random.split(jax.random.fold_in(key, Stream.INIT))
        rbm = init_rbm(key_of_weights, means, hidden=settings.hidden)
        state = initial_state(key, rbm, optimizer.init(rbm))
        if not settings.persistent:
            return state
        drawn = jax.random.bernoulli(key_of_chains, means, (settings.chains, means.size)).astype(means.dtype)
        return state._replace(carried={"chains": drawn})

    def gradient(state: State, batch, keys: Key[Array, " batch"]):
        keys = jax.vmap(jax.random.split)(keys)
        visible = jax.vmap(observe)(keys[:, 0], batch["image"])
        if settings.persistent:
            negative = state.carried["chains"]
        else:
            negative = gibbs_chains(keys[:, 1], state.params, visible, steps=steps)
        error = jax.vmap(reconstruction_error, (None, 0))(state.params, visible)
        return contrastive_divergence(state.params, visible, negative), {"reconstruction": error.mean()}

    def update(state: State, gradient: RBM) -> State:
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        state = state._replace(params=optax.apply_updates(state.params, updates), opt_state=opt_state)
        if not settings.persistent:
            return state
        key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), CHAINS_PHASE)
        keys = jax.random.split(key, settings.chains)
        moved = gibbs_chains(keys, state.params, state.carried["chains"], steps=steps)
        return state._replace(carried=state.carried | {"chains": moved})

    return task_of_phases(init, [Phase(gradient, update, gradient_norm)])


def training_bits(settings: RBMSettings, dataset: Dataset) -> Float[Array, "images visible"]:
    """The first training images, as bits that are the same at every call."""
    images = jax.device_put(dataset.head("train", COMPARED)["image"])
    keys = jax.random.split(stream_key(0, Stream.DATA), len(images))
    return observed(visible_bits(settings), keys, images)


def mean_free_energy(rbm: RBM, visible: Float[Array, "images visible"]) -> Float[Array, ""]:
    """Of a whole set of images, in nats, in blocks of bounded memory."""
    return jax.lax.map(partial(free_energy, rbm), visible, batch_size=1000).mean()


def monitor(settings: RBMSettings, dataset: Dataset) -> LossFn:
    """Reconstruction error, and by how much held-out images lie above the training images in free energy: what grows
    when a machine overfits (Hinton 2010, section 6).
    """
    observe, seen = visible_bits(settings), training_bits(settings, dataset)

    def loss_fn(params, batch, keys):
        visible = jax.vmap(observe)(keys, batch["image"])
        gap = jax.vmap(free_energy, (None, 0))(params, visible) - mean_free_energy(params, seen)
        error = jax.vmap(reconstruction_error, (None, 0))(params, visible)
        return error, {"reconstruction": error, "free_energy_gap": gap}

    return loss_fn


def evaluate(settings: RBMSettings, dataset: Dataset) -> MetricFn:
    """Reconstruction error, and the NLL of independent pixels that have the training images' means."""
    observe, base = visible_bits(settings), independent_bias(pixel_means(dataset))

    def metric_fn(params, batch, keys):
        visible = jax.vmap(observe)(keys, batch["image"])
        return {
            "reconstruction": jax.vmap(reconstruction_error, (None, 0))(params, visible),
            "independent_pixels/nll": -jax.vmap(bernoulli_log_likelihood, (0, None))(visible, base),
        }

    return metric_fn


def measured_bits(
    settings: RBMSettings, images: Float[Array, "images height width channels"], key: Key[Array, ""]
) -> Float[Array, "images visible"]:
    """Test images as they are measured, given the key of a seed's measure; figures show the same."""
    observing, _ = jax.random.split(key)
    return jax.vmap(visible_bits(settings))(jax.random.split(observing, len(images)), images)


def evaluate_whole(settings: RBMSettings, dataset: Dataset) -> WholeSet:
    """NLL of all test images from one log Z, which is annealed from the pixels' means; its standard error; the
    pseudo-likelihood; and by how much the test images lie above the training images in free energy.
    """
    base = independent_bias(pixel_means(dataset))
    weigh = partial(annealed_log_weight, temperatures=settings.temperatures)

    def measure(params: RBM, data: dict[str, Array], key: Key[Array, ""]) -> dict[str, Array]:
        _, annealing = jax.random.split(key)
        annealing_keys = jax.random.split(annealing, settings.annealed_chains)
        log_z = annealed_log_partition(jax.vmap(weigh, (0, None, None))(annealing_keys, params, base))
        bits = measured_bits(settings, data["test"], key)
        test = mean_free_energy(params, bits)
        return {
            "nll": test + log_z.value,
            "nll_error": log_z.standard_error,
            "pseudo_likelihood": jax.lax.map(partial(pseudo_log_likelihood, params), bits, batch_size=25).mean(),
            "free_energy_gap": test - mean_free_energy(params, data["train_bits"]),
        }

    test = dataset.head("test", size_of(dataset.splits["test"]))["image"]
    return WholeSet({"test": test, "train_bits": training_bits(settings, dataset)}, measure)


def chain_rows(
    rbm: RBM, start: Float[Array, "chains visible"], *, key: Key[Array, ""]
) -> dict[int, Float[Array, "chains visible"]]:
    """Where chains start, and what they expect after 1, 10, 100 and 1,000 Gibbs steps, by the number of steps."""

    @jax.jit
    def expected(rbm: RBM, chains: Array) -> Array:
        return jax.vmap(lambda visible: visible_probabilities(rbm, hidden_probabilities(rbm, visible)))(chains)

    rows, visible, taken = {0: start}, start, 0
    for steps in SHOWN_AFTER:
        keys = jax.random.split(jax.random.fold_in(key, steps), len(start))
        visible = jax.jit(partial(gibbs_chains, steps=steps - taken))(keys, rbm, visible)
        rows[steps], taken = expected(rbm, visible), steps
    return rows


def free_energies(
    settings: RBMSettings, dataset: Dataset, params: RBM, *, key: Key[Array, ""]
) -> dict[str, Float[np.ndarray, " images"]]:
    """Those of the training images, of the test images as they are measured, and of independent pixels that ``key``
    draws.
    """
    means = pixel_means(dataset)
    test = measured_bits(settings, *_compared(settings, dataset))
    shown = {
        "training images": training_bits(settings, dataset),
        "test images": test,
        "independent pixels": jax.random.bernoulli(key, means, test.shape).astype(test.dtype),
    }
    return {name: np.asarray(jax.vmap(free_energy, (None, 0))(params, each)) for name, each in shown.items()}


def figures(settings: RBMSettings, dataset: Dataset, params: RBM) -> dict:
    """The weights, chains from test images, and free energies of what the machine has and has not seen."""
    drawing_pixels, walking = jax.random.split(stream_key(settings.seeds.seed, Stream.FIGURES))
    start = measured_bits(settings, *_compared(settings, dataset))[:20]
    return {
        "filters": filter_grid(params.weights, dataset.image_shape),
        "chains": draw_chains(chain_rows(params, start, key=walking), dataset.image_shape),
        "free_energies": draw_free_energies(free_energies(settings, dataset, params, key=drawing_pixels)),
    }


def _compared(settings: RBMSettings, dataset: Dataset) -> tuple[Array, Key[Array, ""]]:
    """The first test images, and the key with which the seed measures them."""
    images = jax.device_put(dataset.head("test", COMPARED)["image"])
    return images, stream_key(settings.seeds.seed, Stream.WHOLE_SET)


@dataclass(frozen=True, kw_only=True)
class GibbsOptions(SampleOptions):
    """How long each chain runs."""

    gibbs_steps: Count = 1000
    """Gibbs steps from independent pixels, drawn with the training images' means"""


def draw(settings: RBMSettings, dataset: Dataset, options: GibbsOptions, params: RBM) -> Callable:
    """What the machine expects at the end of a chain of its own."""
    means = pixel_means(dataset)

    def from_chain(key: Key[Array, ""]) -> Example:
        starting, walking = jax.random.split(key)
        start = jax.random.bernoulli(starting, means).astype(means.dtype)
        expected = gibbs_chain(walking, params, start, steps=options.gibbs_steps)
        return {"image": expected.reshape(dataset.image_shape)}

    return from_chain


EXPERIMENT = Experiment(
    card=CARD,
    settings=RBMSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="reconstruction",
    units={
        "loss": "nats",
        "nll": "nats",
        "nll_error": "nats",
        "pseudo_likelihood": "nats",
        "independent_pixels/nll": "nats",
        "reconstruction": "nats",
        "free_energy_gap": "nats",
    },
    sampler=Sampler(draw=draw, options=GibbsOptions),
)
