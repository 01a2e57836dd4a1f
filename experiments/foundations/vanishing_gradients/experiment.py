"""Vanishing and exploding gradients: which deep perceptrons learn, and why the others cannot."""

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Gt

from experiments.datasets import Dataset
from experiments.foundations.vanishing_gradients.figures import (
    clipping,
    errors,
    log_ratios,
    untrained_figures,
)
from experiments.foundations.mlp.experiment import classification_loss
from experiments.foundations.vanishing_gradients.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from models.deep_mlp import DeepMLP
from train.optimizers import NotNegative, Positive, make_optimizer
from train.task import Learner, LossFn, Stream, Task, side_by_side, task_of_phases

Count = Annotated[int, Gt(0)]

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
class VanishingGradientsSettings(ImageSettings):
    """Deep perceptrons, each trained for itself."""

    steps: Count = 1000
    evaluate_every: Count = 50
    optimizer: Literal[
        "sgd", "momentum", "nesterov", "momentum_of_steps", "nesterov_of_steps", "adam", "adamw", "rmsprop"
    ] = "momentum"
    """the update rule; adam, adamw and rmsprop divide by the size of the gradient, and so hide some of what is shown"""
    learning_rate: Positive = 0.01
    clip_norm: NotNegative = 1.0
    """largest norm of the gradient of relu_clipped; the other nets are not clipped; 0 is off, and it diverges"""
    binarization: Literal["none", "static"] = "none"
    """static: bits drawn once from the intensities"""
    nets: tuple[Literal[*NETS], ...] = tuple(NETS)
    """what to train: activation, and residual connections, normalisation, or how the weights begin"""
    depth: Count = 20
    """hidden layers"""
    width: Count = 64
    """units of a hidden layer"""
    depths: tuple[Count, ...] = (2, 5, 10, 20, 50)
    """hidden layers of the untrained nets in the figure by depth"""
    draws: Count = 8
    """how many initial weights the figures of untrained nets average over"""

    def __post_init__(self):
        super().__post_init__()
        if not self.nets or len(set(self.nets)) < len(self.nets):
            raise ValueError(f"--nets must name at least one net, and none twice, got {' '.join(self.nets)}")


def network(settings: VanishingGradientsSettings, dataset: Dataset, **options) -> DeepMLP:
    """A net for the data's classes."""
    classes = int(np.max(dataset.splits["train"]["label"])) + 1
    return DeepMLP(**{"depth": settings.depth, "width": settings.width, "classes": classes} | options)


def networks(settings: VanishingGradientsSettings, dataset: Dataset) -> dict[str, DeepMLP]:
    """The nets that are trained, by name."""
    return {name: network(settings, dataset, **NETS[name]) for name in settings.nets}


def loss_of(apply) -> LossFn:
    """Cross-entropy and error of one net; ``apply(keys, params, images)`` → outputs."""
    return classification_loss(lambda *given: apply(*given)["logits"], "cross_entropy")


def optimizer_of(settings: VanishingGradientsSettings, name: str) -> optax.GradientTransformation:
    """Each net has its own, so that the norm that is clipped is that of its own gradient."""
    clip_norm = settings.clip_norm if name == "relu_clipped" else 0.0
    return make_optimizer(dataclasses.replace(settings, clip_norm=clip_norm), settings.steps)


def task(settings: VanishingGradientsSettings, dataset: Dataset) -> Task:
    """The nets side by side: no gradient of one reaches another, and each ends as it would alone.

    What their gradients were like at first is kept beside their parameters, as ``"start"``, which nothing changes.
    """
    nets, example = networks(settings, dataset), jnp.zeros((1, *dataset.image_shape))

    def learner(name: str, net: DeepMLP) -> Learner:
        loss_fn = loss_of(settings.in_training(net.apply))
        return Learner(loss_fn, lambda key: net.init(key, example), optimizer_of(settings, name))

    all_nets = side_by_side({name: learner(name, net) for name, net in nets.items()})
    examples = jax.tree.map(jnp.asarray, dataset.head("train", 100))

    def init(key):
        state = all_nets.init(key)
        start = {name: jnp.mean(log_ratios(net, state.params[name], examples)) for name, net in nets.items()}
        return state._replace(params=state.params | {"start": start})

    return task_of_phases(init, all_nets.phases, all_nets.trainable)


def monitor(settings: VanishingGradientsSettings, dataset: Dataset) -> LossFn:
    """Loss and error of each net, and their means over the nets."""
    losses = {
        name: loss_of(lambda keys, *given, net=net: net.apply(*given))
        for name, net in networks(settings, dataset).items()
    }

    def loss_fn(params, batch, keys):
        measured = {name: loss(params[name], batch, keys) for name, loss in losses.items()}
        by_net = {f"{name}/loss": loss for name, (loss, _) in measured.items()}
        by_net |= {f"{name}/error": metrics["error"] for name, (_, metrics) in measured.items()}
        error = jnp.mean(jnp.stack([by_net[f"{name}/error"] for name in losses]), axis=0)
        return jnp.mean(jnp.stack([by_net[f"{name}/loss"] for name in losses]), axis=0), by_net | {"error": error}

    return loss_fn


def evaluate(settings: VanishingGradientsSettings, dataset: Dataset):
    """Errors, and log₁₀ ‖δ_1‖/‖δ_L‖ of the first and the last hidden layer's deltas, before training and after."""
    nets, loss_fn = networks(settings, dataset), monitor(settings, dataset)

    def metric_fn(params, batch, keys):
        _, metrics = loss_fn(params, batch, keys)
        measured = {f"{name}/error": metrics[f"{name}/error"] for name in nets}
        for name, net in nets.items():
            after = log_ratios(net, params[name], batch)
            measured[f"{name}/log_ratio_after"] = after
            measured[f"{name}/log_ratio_before"] = jnp.broadcast_to(params["start"][name], after.shape)
        return measured

    return metric_fn


def figures(settings: VanishingGradientsSettings, dataset: Dataset, params) -> dict:
    """Gradients of untrained nets by layer and by depth, an exploding one in training, and the trained nets' errors."""
    key = jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES)
    net_of = partial(network, settings, dataset)
    keys = jax.random.split(key, settings.draws)
    train, test = (jax.tree.map(jnp.asarray, dataset.head(split, 10_000)) for split in ("train", "test"))
    few = jax.tree.map(lambda leaf: leaf[:32], train)
    drawn = untrained_figures(net_of, settings.depth, settings.depths, few, keys)
    if settings.clip_norm:
        rows = np.arange(60 * settings.batch_size).reshape(60, -1) % len(train["label"])
        batches = jax.tree.map(lambda leaf: leaf[rows], train)
        exploding, optimizer = net_of(**NETS["relu_clipped"]), optimizer_of(settings, "sigmoid")
        drawn["clipping"] = clipping(exploding, batches, optimizer, settings.clip_norm, key)
    _, metrics = jax.jit(monitor(settings, dataset))(params, test, None)
    wrong = {name: float(metrics[f"{name}/error"].mean()) for name in settings.nets}
    return drawn | {"errors": errors(wrong, chance=100 * (1 - 1 / net_of().classes))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=VanishingGradientsSettings,
    data=VanishingGradientsSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="error",
    units={"error": "%"}
    | {f"{name}/{metric}": unit for name in NETS for metric, unit in (("error", "%"), ("loss", "nats"))}
    | {f"{name}/log_ratio_{when}": "log10" for name in NETS for when in ("before", "after")},
)
