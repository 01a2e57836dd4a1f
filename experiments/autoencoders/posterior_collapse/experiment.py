"""Posterior collapse: a decoder that stops listening to its latent, and three remedies, side by side."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Gt

from experiments.autoencoders import vae
from experiments.autoencoders.posterior_collapse.figures import sorted_kl, unit_activity
from experiments.autoencoders.vae.experiment import VAESettings, model_of, observe_of
from experiments.datasets import Dataset
from experiments.autoencoders.posterior_collapse.card import CARD
from experiments.run.experiment import Experiment
from losses.collapse import kl_per_dimension
from train.optimizers import NotNegative, Positive, make_optimizer
from train.task import LossFn, Task, annealed

Count = Annotated[int, Gt(0)]
NETS = ("plain", "warmup", "free_bits", "iwae")


@dataclass(frozen=True, kw_only=True)
class PosteriorCollapseSettings(VAESettings):
    """Posterior collapse and its remedies."""

    steps: Count = 3000
    latent: Count = 16
    widths: tuple[Count, ...] = (64, 64)
    batch_size: Count = 64
    learning_rate: Positive = 3e-3
    activation: Literal["relu", "tanh", "sigmoid"] = "sigmoid"
    """activation of the dense layers"""
    nets: tuple[Literal[*NETS], ...] = NETS
    """what to train: the plain ELBO, or a remedy"""
    beta_warmup: Count = 1500
    """warmup: steps over which the weight of the KL term rises linearly from 0"""
    free_bits: NotNegative = 0.1
    """free_bits: nats of KL that cost nothing in each dimension of the latent, on average over a batch"""
    importance_samples: Count = 100
    """samples of the importance-weighted bound that is reported as NLL"""
    training_samples: Count = 10
    """iwae: samples of the importance-weighted bound that is maximised"""

    def __post_init__(self):
        super().__post_init__()
        if self.objective != "elbo":
            raise ValueError("--objective is set by --nets iwae")
        if not self.nets or len(set(self.nets)) < len(self.nets):
            raise ValueError(f"--nets must name at least one net, and none twice, got {' '.join(self.nets)}")


def settings_of(settings: PosteriorCollapseSettings, name: str) -> VAESettings:
    """The settings with which experiment vae trains this net alone."""
    shared = {field.name: getattr(settings, field.name) for field in dataclasses.fields(VAESettings)}
    plain = shared | {"beta_warmup": 0, "free_bits": 0.0}
    remedy = {
        "plain": {},
        "warmup": {"beta_warmup": settings.beta_warmup},
        "free_bits": {"free_bits": settings.free_bits},
        "iwae": {"objective": "iwae", "samples": settings.training_samples},
    }
    return VAESettings(**plain | remedy[name])


def task(settings: PosteriorCollapseSettings, dataset: Dataset) -> Task:
    """The nets side by side: from the same weights, on the same bits, each with an optimiser of its own."""
    model, _ = model_of(settings, dataset)
    example = jnp.zeros((1, *dataset.image_shape))
    losses = {name: vae.loss_of_step(settings_of(settings, name), dataset) for name in settings.nets}
    optimizer = optax.multi_transform(
        {name: make_optimizer(settings, settings.steps) for name in settings.nets},
        {name: name for name in settings.nets},
    )

    def init_params(key):
        return dict.fromkeys(settings.nets, model.init(key, example))

    return annealed(lambda step: together({name: loss(step) for name, loss in losses.items()}), init_params, optimizer)


def together(losses: dict[str, LossFn]) -> LossFn:
    """The sum of losses, each of the parameters under its name: so no gradient of one reaches another."""

    def loss_fn(params, batch, keys):
        measured = {name: loss(params[name], batch, keys) for name, loss in losses.items()}
        metrics = {f"{name}/loss": loss for name, (loss, _) in measured.items()}
        metrics |= {f"{name}/kl": parts["kl"] for name, (_, parts) in measured.items()}
        return sum(loss for loss, _ in measured.values()), metrics

    return loss_fn


def monitor(settings: PosteriorCollapseSettings, dataset: Dataset) -> LossFn:
    """The sum of the negative ELBOs, and each."""
    plain = vae.loss_of(settings_of(settings, "plain"), dataset)
    return together(dict.fromkeys(settings.nets, plain))


def evaluate(settings: PosteriorCollapseSettings, dataset: Dataset):
    """What experiment vae measures, of each net."""
    metric_fns = {name: vae.evaluate(settings_of(settings, name), dataset) for name in settings.nets}

    def metric_fn(params, batch, keys):
        measured = {name: metric_fn(params[name], batch, keys) for name, metric_fn in metric_fns.items()}
        return {f"{name}/{metric}": value for name, of in measured.items() for metric, value in of.items()}

    return metric_fn


def figures(settings: PosteriorCollapseSettings, dataset: Dataset, params) -> dict:
    """KL and activity of every dimension of the latent, for each net."""
    model, _ = model_of(settings, dataset)
    images = jnp.asarray(dataset.head("test", 1000)["image"])
    images = observe_of(settings)(images, jax.random.split(jax.random.key(0), len(images)))
    encode = jax.jit(lambda params: model.apply(params, images, method="encode"))
    posteriors = {name: encode(params[name]) for name in settings.nets}
    kl = {name: np.asarray(kl_per_dimension(*posterior).mean(axis=0)) for name, posterior in posteriors.items()}
    means = {name: np.asarray(posterior.mean) for name, posterior in posteriors.items()}
    return {"kl": sorted_kl(kl, free=settings.free_bits), "activity": unit_activity(means)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=PosteriorCollapseSettings,
    data=PosteriorCollapseSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": "nats"}
    | {f"{name}/{metric}": "nats" for name in NETS for metric in ("loss", "elbo", "nll", "kl")}
    | {f"{name}/active_units": "units" for name in NETS},
)
