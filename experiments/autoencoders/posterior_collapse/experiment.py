"""Posterior collapse: a decoder that stops listening to its latent, and three remedies, side by side."""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Gt

from experiments.autoencoders.posterior_collapse.card import CARD
from experiments.autoencoders.posterior_collapse.figures import sorted_kl, unit_activity
from experiments.datasets import Dataset
from experiments.datasets.settings import ImageData
from experiments.networks.training import NetworkTraining
from experiments.networks.vae import VAENetwork
from experiments.objectives.evidence_bounds import count_active_units, likelihood_estimate
from experiments.objectives.observation import drawing, observed
from experiments.objectives.variational import (
    VariationalObjective,
    VariationalSettings,
    held_out_loss,
    network,
    training_loss,
)
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.collapse import kl_per_dimension
from train.evaluation import MetricFn, WholeSet, example_keys, whole_set_key
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.task import Draw, LossFn, Params, Task, annealed

Net = Literal["plain", "warmup", "free_bits", "iwae"]
NETS: tuple[Net, ...] = ("plain", "warmup", "free_bits", "iwae")
MEASURED_ON = 1000
"""Test images, at most, that active units are counted on."""


@dataclass(frozen=True, kw_only=True)
class Remedies:
    """What is maximised, by net."""

    nets: tuple[Net, ...] = NETS
    """what to train: the plain ELBO, or a remedy"""
    samples: Count = 1
    """latent samples per example in the ELBO"""
    beta: Annotated[float, Gt(0)] = 1.0
    """weight of the KL term"""
    beta_warmup: Count = 1500
    """warmup: steps over which the weight of the KL term rises linearly from 0"""
    free_bits: NotNegative = 0.1
    """free_bits: nats of KL that cost nothing in each dimension of the latent, on average over a batch"""
    training_samples: Count = 10
    """iwae: samples of the importance-weighted bound that is maximised"""

    def __post_init__(self):
        if not self.nets or len(set(self.nets)) < len(self.nets):
            raise ValueError(f"--nets must name at least one net, and none twice, got {' '.join(self.nets)}")

    def idle(self) -> dict[str, str]:
        """What belongs to nets that are not trained."""
        of_net = {"beta_warmup": "warmup", "free_bits": "free_bits", "training_samples": "iwae"}
        idle = {name: f"without {net} among --nets" for name, net in of_net.items() if net not in self.nets}
        only_iwae = dict.fromkeys(("samples", "beta"), "with --nets iwae alone, which has no ELBO")
        return idle | (only_iwae if self.nets == ("iwae",) else {})

    def objective(self, net: Net) -> VariationalObjective:
        """What this net maximises."""
        plain = VariationalObjective(samples=self.samples, beta=self.beta)
        match net:
            case "plain":
                return plain
            case "warmup":
                return replace(plain, beta_warmup=self.beta_warmup)
            case "free_bits":
                return replace(plain, free_bits=self.free_bits)
            case "iwae":
                return VariationalObjective(objective="iwae", samples=self.training_samples)


@dataclass(frozen=True, kw_only=True)
class PosteriorCollapseSettings(Settings):
    """Posterior collapse and its remedies."""

    loop: Flat[LoopSettings] = LoopSettings(steps=3000, batch_size=64)
    images: Flat[ImageData] = ImageData()
    architecture: Flat[VAENetwork] = VAENetwork(latent=16, widths=(64, 64), activation="sigmoid")
    remedies: Flat[Remedies] = Remedies()
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3)
    importance_samples: Annotated[Count, OfEvaluation] = 100
    """samples of the importance-weighted bound that is reported as NLL"""

    def __post_init__(self):
        super().__post_init__()
        for net in self.remedies.nets:
            self.of_net(net)

    def of_net(self, net: Net) -> VariationalSettings:
        """The settings with which this net would be trained alone; ``ValueError`` where they do not hold together."""
        shared = ("loop", "seeds", "placement", "images", "architecture", "training", "optimization")
        groups = {name: getattr(self, name) for name in shared}
        return VariationalSettings(bound=self.remedies.objective(net), **groups)


def task(settings: PosteriorCollapseSettings, dataset: Dataset) -> Task:
    """The nets side by side: from the same weights, on the same bits, each with an optimiser of its own."""
    nets = settings.remedies.nets
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    losses = {net: training_loss(settings.of_net(net), dataset) for net in nets}
    optimizer = optax.multi_transform(
        {net: make_optimizer(settings.optimization, settings.loop.steps) for net in nets}, {net: net for net in nets}
    )

    def init_params(key):
        return dict.fromkeys(nets, model.init(key, example))

    return annealed(lambda step: together({net: loss(step) for net, loss in losses.items()}), init_params, optimizer)


def together(losses: dict[str, LossFn]) -> LossFn:
    """The sum of losses, each of the parameters under its name: so no gradient of one reaches another."""

    def loss_fn(params, batch, keys):
        measured = {net: loss(params[net], batch, keys) for net, loss in losses.items()}
        metrics = {f"{net}/loss": loss for net, (loss, _) in measured.items()}
        metrics |= {f"{net}/kl": parts["kl"] for net, (_, parts) in measured.items()}
        return sum(loss for loss, _ in measured.values()), metrics

    return loss_fn


def monitor(settings: PosteriorCollapseSettings, dataset: Dataset) -> LossFn:
    """The sum of the negative ELBOs, and each."""
    return together(dict.fromkeys(settings.remedies.nets, held_out_loss(settings.of_net("plain"), dataset)))


def evaluate(settings: PosteriorCollapseSettings, dataset: Dataset) -> MetricFn:
    """ELBO, importance-weighted NLL and KL of held-out images, of each net."""
    model, likelihood = settings.architecture.build(dataset)
    observe = settings.of_net("plain").observe
    estimate = likelihood_estimate(model.apply, likelihood, observe, samples=settings.importance_samples)

    def metric_fn(params, batch, keys):
        measured = {net: estimate(params[net], batch, keys) for net in settings.remedies.nets}
        return {f"{net}/{metric}": value for net, metrics in measured.items() for metric, value in metrics.items()}

    return metric_fn


def evaluate_whole(settings: PosteriorCollapseSettings, dataset: Dataset) -> WholeSet:
    """The active units of each net, counted on the same bits."""
    observe, images = settings.of_net("plain").observe, dataset.head("test", MEASURED_ON)["image"]
    counted = count_active_units(network(settings, dataset).apply, observe, images)

    def measure(params, images, key):
        measured = {net: counted.measure(params[net], images, key) for net in settings.remedies.nets}
        return {f"{net}/{metric}": value for net, metrics in measured.items() for metric, value in metrics.items()}

    return WholeSet(counted.data, measure)


def figures(settings: PosteriorCollapseSettings, dataset: Dataset, params: Params) -> dict:
    """KL and activity of every dimension of the latent, for each net, each on the bits on which it is measured."""
    model, images = network(settings, dataset), dataset.head("test", MEASURED_ON)["image"]
    key, observe = jax.random.key(settings.seeds.seed), settings.of_net("plain").observe
    of_kl = observed(observe, drawing(example_keys(key, jnp.arange(len(images))), Draw.OBSERVE), images)
    of_activity = observed(observe, jax.random.split(whole_set_key(key), len(images)), images)
    encode = jax.jit(lambda params, seen: model.apply(params, seen, method="encode"))
    nets = settings.remedies.nets
    kl = {net: np.asarray(kl_per_dimension(*encode(params[net], of_kl)).mean(axis=0)) for net in nets}
    means = {net: np.asarray(encode(params[net], of_activity).mean) for net in nets}
    return {"kl": sorted_kl(kl, free=settings.remedies.free_bits), "activity": unit_activity(means)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=PosteriorCollapseSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats"}
    | {f"{net}/{metric}": "nats" for net in NETS for metric in ("loss", "elbo", "nll", "kl")}
    | {f"{net}/active_units": "units" for net in NETS},
)
