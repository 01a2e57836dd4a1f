"""Vanishing and exploding gradients: which deep perceptrons learn, and why the others cannot."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Key, PyTree

from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.foundations.vanishing_gradients.card import CARD
from experiments.foundations.vanishing_gradients.figures import (
    FAMILIES,
    clipping,
    errors,
    log_ratios,
    untrained_figures,
)
from experiments.networks.training import NetworkTraining, without_noise
from experiments.objectives.classification import classification_loss
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from models.deep_mlp import DeepMLP
from train.evaluation import MetricFn, WholeSet
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import LossFn, State, Stream, Task, stream_key, task_of_phases
from train.trainable import Params

NETS = {
    "sigmoid": {"activation": "sigmoid", "initialization": "glorot"},
    "sigmoid_residual": {"activation": "sigmoid", "initialization": "glorot", "residual": True},
    "sigmoid_normalized": {"activation": "sigmoid", "initialization": "glorot", "normalization": True},
    "sigmoid_both": {"activation": "sigmoid", "initialization": "glorot", "residual": True, "normalization": True},
    "tanh": {"activation": "tanh", "initialization": "glorot"},
    "relu_small": {"activation": "relu", "initialization": "small"},
    "relu_he": {"activation": "relu", "initialization": "he"},
    "relu_clipped": {"activation": "relu", "initialization": "large"},
}


@dataclass(frozen=True, kw_only=True)
class DeepOptimization(Optimization):
    """How parameters move; adam, adamw and rmsprop divide by the size of the gradient, and so hide some of what is
    shown.
    """

    clip_norm: NotNegative = 1.0
    """largest norm of the gradient of relu_clipped; the other nets are not clipped; 0 is off, and it diverges"""


@dataclass(frozen=True, kw_only=True)
class VanishingGradientsSettings(Settings):
    """Deep perceptrons, each trained for itself."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1000, evaluate_every=50)
    images: Flat[GreyImageData] = GreyImageData()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[DeepOptimization] = DeepOptimization(optimizer="momentum", learning_rate=0.01)
    nets: tuple[Literal[*NETS], ...] = tuple(NETS)
    """what to train: activation, and residual connections, normalisation, or how the weights begin"""
    depth: Count = 20
    """hidden layers"""
    width: Count = 64
    """units of a hidden layer"""
    compared: tuple[Literal[*FAMILIES], ...] = tuple(FAMILIES)
    """which families of untrained nets the figures compare"""
    depths: tuple[Count, ...] = (2, 5, 10, 20, 50)
    """hidden layers of the untrained nets in the figure by depth"""
    draws: Count = 8
    """how many initial weights the figures of untrained nets average over"""

    def __post_init__(self):
        super().__post_init__()
        for flag, names in (("--nets", self.nets), ("--compared", self.compared)):
            if not names or len(set(names)) < len(names):
                raise ValueError(f"{flag} must name at least one, and none twice, got {' '.join(names) or 'none'}")


def network_with(settings: VanishingGradientsSettings, dataset: Dataset, **options: Any) -> DeepMLP:
    """A net for the data's classes."""
    return DeepMLP(settings.depth, settings.width, dataset.required_classes(), **options)


def networks(settings: VanishingGradientsSettings, dataset: Dataset) -> dict[str, DeepMLP]:
    """The nets that are trained, by name."""
    return {name: network_with(settings, dataset, **NETS[name]) for name in settings.nets}


def loss_of(apply: Callable[..., dict]) -> LossFn:
    """Cross-entropy and error of one net; ``apply(keys, params, images)`` → outputs."""
    return classification_loss(lambda *given: apply(*given)["logits"], "cross_entropy")


def optimizer_of(settings: VanishingGradientsSettings, name: str) -> optax.GradientTransformation:
    """Each net has its own, so that the norm that is clipped is that of its own gradient."""
    config = settings.optimization
    clip_norm = config.clip_norm if name == "relu_clipped" else 0.0
    return make_optimizer(dataclasses.replace(config, clip_norm=clip_norm), settings.loop.steps)


def task(settings: VanishingGradientsSettings, dataset: Dataset) -> Task:
    """The nets side by side: no gradient of one reaches another, and each ends as it would alone.

    What their gradients were like at first is kept beside their parameters, as ``"start"``, which nothing changes.
    """
    nets, example = networks(settings, dataset), jax.device_put(dataset.example()["image"])

    def learner(name: str, net: DeepMLP) -> Learner:
        loss_fn = loss_of(settings.training.wrap(net.apply))
        return Learner(loss_fn, lambda key: net.init(key, example), optimizer_of(settings, name))

    all_nets = side_by_side({name: learner(name, net) for name, net in nets.items()})
    examples = jax.device_put(dataset.head("train", 100))

    def init(key: Key[Array, ""]) -> State:
        state = all_nets.init(key)
        start = {name: jnp.mean(log_ratios(net, state.params[name], examples)) for name, net in nets.items()}
        return state._replace(params=state.params | {"start": start})

    def trainable(params: Params) -> PyTree[bool]:
        return all_nets.trainable(params) | {"start": False}

    return task_of_phases(init, all_nets.phases, trainable)


def monitor(settings: VanishingGradientsSettings, dataset: Dataset) -> LossFn:
    """Loss and error of each net, and their means over the nets."""
    losses = {name: loss_of(without_noise(net.apply)) for name, net in networks(settings, dataset).items()}

    def loss_fn(params, batch, keys):
        measured = {name: loss(params[name], batch, keys) for name, loss in losses.items()}
        by_net = {f"{name}/loss": loss for name, (loss, _) in measured.items()}
        by_net |= {f"{name}/error": metrics["error"] for name, (_, metrics) in measured.items()}
        error = jnp.mean(jnp.stack([by_net[f"{name}/error"] for name in losses]), axis=0)
        return jnp.mean(jnp.stack([by_net[f"{name}/loss"] for name in losses]), axis=0), by_net | {"error": error}

    return loss_fn


def evaluate(settings: VanishingGradientsSettings, dataset: Dataset) -> MetricFn:
    """Errors, and log₁₀ ‖δ_1‖/‖δ_L‖ of the first and the last hidden layer's deltas after training."""
    nets, loss_fn = networks(settings, dataset), monitor(settings, dataset)

    def metric_fn(params, batch, keys):
        _, metrics = loss_fn(params, batch, keys)
        after = {f"{name}/log_ratio_after": log_ratios(net, params[name], batch) for name, net in nets.items()}
        return after | {f"{name}/error": metrics[f"{name}/error"] for name in nets}

    return metric_fn


def evaluate_whole(settings: VanishingGradientsSettings, dataset: Dataset) -> WholeSet:
    """The same ratio before training, which the state has kept."""

    def measure(params, data, key):
        return {f"{name}/log_ratio_before": params["start"][name] for name in settings.nets}

    return WholeSet((), measure)


def figures(settings: VanishingGradientsSettings, dataset: Dataset, params: Params) -> dict:
    """Gradients of untrained nets by layer and by depth, an exploding one in training, and the trained nets' errors."""
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    net_of = partial(network_with, settings, dataset)
    keys = jax.random.split(key, settings.draws)
    train, test = (jax.device_put(dataset.head(split, 10_000)) for split in ("train", "test"))
    few = jax.tree.map(lambda leaf: leaf[:32], train)
    families = {name: FAMILIES[name] for name in settings.compared}
    drawn = untrained_figures(net_of, families, settings.depth, settings.depths, few, keys)
    if clip_norm := settings.optimization.clip_norm:
        rows = np.arange(60 * settings.loop.batch_size).reshape(60, -1) % len(train["label"])
        batches = jax.tree.map(lambda leaf: leaf[rows], train)
        exploding, optimizer = net_of(**NETS["relu_clipped"]), optimizer_of(settings, "sigmoid")
        drawn["clipping"] = clipping(exploding, batches, optimizer, clip_norm, key)
    _, metrics = jax.jit(monitor(settings, dataset))(params, test, None)
    wrong = {name: float(metrics[f"{name}/error"].mean()) for name in settings.nets}
    return drawn | {"errors": errors(wrong, chance=100 * (1 - 1 / net_of().classes))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=VanishingGradientsSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"}
    | {f"{name}/{metric}": unit for name in NETS for metric, unit in (("error", "%"), ("loss", "nats"))}
    | {f"{name}/log_ratio_{when}": "log10" for name in NETS for when in ("before", "after")},
)
