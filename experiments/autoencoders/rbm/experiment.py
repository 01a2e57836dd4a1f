"""Restricted Boltzmann machine: contrastive divergence, persistent chains, and a likelihood by annealing."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt
from jaxtyping import Array, Float, Key

from experiments.autoencoders.rbm.figures import chains, filter_grid, free_energies
from experiments.objectives.variational import Observe, as_they_are, redrawn_bits
from experiments.datasets import Dataset
from experiments.autoencoders.rbm.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from losses.likelihoods import bernoulli_log_likelihood
from models.rbm import (
    RBM,
    contrastive_divergence,
    free_energy,
    gibbs_chain,
    hidden_probabilities,
    independent_bias,
    init_rbm,
)
from models.rbm_partition import annealed_log_partition, annealed_log_weight, log_likelihood
from train.optimizers import Positive, make_optimizer
from train.task import LossFn, Phase, State, Stream, Task, initial_state, task_of_phases

Count = Annotated[int, Gt(0)]
AT_MOST = 10_000
"""Training images that the means of pixels and of free energies are taken over."""


@dataclass(frozen=True, kw_only=True)
class RBMSettings(ImageSettings):
    """Restricted Boltzmann machine."""

    steps: Count = 8000
    optimizer: Literal[
        "sgd", "momentum", "nesterov", "momentum_of_steps", "nesterov_of_steps", "adam", "adamw", "rmsprop"
    ] = "sgd"
    """the update rule"""
    learning_rate: Positive = 0.2
    binarization: Literal["static", "stochastic"] = "stochastic"
    """static: bits drawn once from the intensities; stochastic: drawn anew at each use"""
    hidden: Count = 128
    """hidden units"""
    gibbs_steps: Count = 1
    """k: Gibbs steps from the data to the negative examples, or of every persistent chain per update"""
    persistent: bool = True
    """negative examples from chains that go on from update to update, instead of starting anew at the data"""
    chains: Count = 128
    """how many persistent chains; without --persistent there are as many as examples in a batch"""
    temperatures: Count = 2000
    """intermediate distributions of the annealed importance sampling behind the NLL"""
    annealed_chains: Annotated[int, Ge(2)] = 200
    """runs of the annealed importance sampling; they are made anew for every --evaluation-batch"""

    def __post_init__(self):
        super().__post_init__()
        for name, idle in {"dropout": 0.0, "input_dropout": 0.0, "precision": "float32"}.items():
            if getattr(self, name) != idle:
                raise ValueError(f"--{name.replace('_', '-')} has no effect: a Boltzmann machine is not a network")


def observe_of(settings: ImageSettings) -> Observe:
    """Bits are redrawn at each use where binarisation is stochastic."""
    return redrawn_bits if settings.binarization == "stochastic" else as_they_are


def bits_of(settings: RBMSettings) -> Callable:
    """The visible units ``(batch, keys) → [batch, visible]``."""
    observe = observe_of(settings)
    return lambda batch, keys: observe(batch["image"], keys).reshape(len(batch["image"]), -1)


def pixel_means(dataset: Dataset) -> Float[Array, " visible"]:
    """Mean intensities of the training images."""
    return jnp.asarray(dataset.head("train", AT_MOST)["image"]).mean(axis=0).ravel()


def reconstruction_error(rbm: RBM, visible: Float[Array, " visible"]) -> Float[Array, ""]:
    """Cross-entropy of an image and what the means of its hidden units expect, in nats."""
    return -bernoulli_log_likelihood(visible, rbm.visible_bias + rbm.weights @ hidden_probabilities(rbm, visible))


def walk(
    keys: Key[Array, " chains"], rbm: RBM, starts: Float[Array, "chains visible"], steps: int
) -> Float[Array, "chains visible"]:
    """Independent Gibbs chains, one from every row."""
    return jax.vmap(lambda key, start: gibbs_chain(key, rbm, start, steps=steps))(keys, starts)


def task(settings: RBMSettings, dataset: Dataset) -> Task:
    """Contrastive divergence as a gradient. Persistent chains belong to the state, and so are the same whether a batch
    comes whole, in parts or divided over devices; they move after each update, with the new parameters.
    """
    optimizer, bits = make_optimizer(settings, settings.steps), bits_of(settings)
    means = pixel_means(dataset)

    def init(key) -> State:
        key_of_weights, key_of_chains = jax.random.split(jax.random.fold_in(key, Stream.INIT))
        rbm = init_rbm(key_of_weights, means, hidden=settings.hidden)
        state = initial_state(key, rbm, optimizer.init(rbm))
        if not settings.persistent:
            return state
        drawn = jax.random.bernoulli(key_of_chains, means, (settings.chains, means.size)).astype(means.dtype)
        return state._replace(carried={"chains": drawn})

    def gradient(state: State, batch, keys):
        keys = jax.vmap(jax.random.split)(keys)
        visible = bits(batch, keys[:, 0])
        if settings.persistent:
            negative = state.carried["chains"]
        else:
            negative = walk(keys[:, 1], state.params, visible, settings.gibbs_steps)
        error = jax.vmap(reconstruction_error, (None, 0))(state.params, visible)
        return contrastive_divergence(state.params, visible, negative), {"reconstruction": error.mean()}

    def update(state: State, gradient: RBM) -> State:
        updates, opt_state = optimizer.update(gradient, state.opt_state, state.params)
        state = state._replace(params=optax.apply_updates(state.params, updates), opt_state=opt_state)
        if not settings.persistent:
            return state
        key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), 1)
        moved = walk(
            jax.random.split(key, settings.chains), state.params, state.carried["chains"], settings.gibbs_steps
        )
        return state._replace(carried=state.carried | {"chains": moved})

    return task_of_phases(init, [Phase(gradient, update)])


def monitor(settings: RBMSettings, dataset: Dataset) -> LossFn:
    """Reconstruction error, and by how much held-out images lie above the training images in free energy: what grows
    when a machine overfits (Hinton 2010, section 6).
    """
    bits, seen = bits_of(settings), dataset.head("train", min(AT_MOST, 1000))
    of_all = jax.vmap(free_energy, (None, 0))

    def loss_fn(params, batch, keys):
        visible = bits(batch, keys)
        seen_bits = bits(seen, jax.random.split(jax.random.key(0), len(seen["image"])))
        gap = of_all(params, visible) - of_all(params, seen_bits).mean()
        error = jax.vmap(reconstruction_error, (None, 0))(params, visible)
        return error, {"reconstruction": error, "free_energy_gap": gap}

    return loss_fn


def evaluate(settings: RBMSettings, dataset: Dataset):
    """NLL by annealed importance sampling from the pixels' means, its standard error, and the NLL of these alone."""
    bits, base = bits_of(settings), independent_bias(pixel_means(dataset))

    def metric_fn(params, batch, keys):
        visible = bits(batch, keys)
        weigh = partial(annealed_log_weight, temperatures=settings.temperatures)
        annealing_keys = jax.random.split(jax.random.key(0), settings.annealed_chains)
        log_z = annealed_log_partition(jax.vmap(weigh, (0, None, None))(annealing_keys, params, base))
        return {
            "nll": -jax.vmap(log_likelihood, (None, 0, None))(params, visible, log_z.value),
            "nll_error": jnp.full(len(visible), log_z.standard_error),
            "nll_of_independent_pixels": -jax.vmap(bernoulli_log_likelihood, (0, None))(visible, base),
            **monitor(settings, dataset)(params, batch, keys)[1],
        }

    return metric_fn


def figures(settings: RBMSettings, dataset: Dataset, params: RBM) -> dict:
    """The weights, chains from test images, and free energies of what the machine has and has not seen."""
    key = jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES)
    bits, means = bits_of(settings), pixel_means(dataset)
    images = {split: dataset.head(split, 1000)["image"] for split in ("train", "test")}
    train, test = (bits({"image": jnp.asarray(i)}, jax.random.split(key, len(i))) for i in images.values())
    independent = jax.random.bernoulli(key, means, test.shape).astype(test.dtype)
    shown = {"training images": train, "test images": test, "independent pixels": independent}
    return {
        "filters": filter_grid(params.weights, dataset.image_shape),
        "chains": chains(params, test[:20], dataset.image_shape, key=key),
        "free_energies": free_energies(
            {name: jax.vmap(free_energy, (None, 0))(params, v) for name, v in shown.items()}
        ),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=RBMSettings,
    data=RBMSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="reconstruction",
    units={
        "nll": "nats",
        "nll_error": "nats",
        "nll_of_independent_pixels": "nats",
        "reconstruction": "nats",
        "free_energy_gap": "nats",
    },
)
