"""Information and divergence: which Gaussian covers a bimodal density and which seeks a mode; a bit; Monte Carlo."""

from dataclasses import dataclass
from functools import partial
from math import log
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Gt, Lt
from jaxtyping import Array, Key

from experiments.datasets import Dataset
from experiments.datasets.generated import mixture_of_gaussians
from experiments.foundations.information.card import CARD
from experiments.foundations.information.densities import Mixture, Normal, estimated_kl, log_ratios, quadrature_kl
from experiments.foundations.information.figures import bit, fits, monte_carlo
from experiments.objectives.observation import drawing
from experiments.run.experiment import Experiment
from experiments.run.settings import Flat, LoopSettings, Settings
from losses.information import self_information
from train.evaluation import WholeSet
from train.optimizers import Optimization, Positive, make_optimizer
from train.players import Learner, side_by_side
from train.task import Draw, LossFn, Stream, Task, stream_key
from train.trainable import Params

DIRECTIONS = {"covering": "forward_kl", "seeking": "reverse_kl"}
"""What each fit minimises: KL(p ‖ q), or KL(q ‖ p)."""
REPEATS = 64


@dataclass(frozen=True, kw_only=True)
class InformationSettings(Settings):
    """Two directions of one divergence."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1500, batch_size=256, evaluate_every=50)
    optimization: Flat[Optimization] = Optimization(learning_rate=0.02, schedule="cosine", beta2=0.99)
    distance: Positive = 2.0
    """of either mode from 0"""
    deviation: Positive = 0.5
    """standard deviation of a mode"""
    weight: Annotated[float, Gt(0), Lt(1)] = 0.6
    """share of the right mode"""
    initial_deviation: Positive = 0.5
    """standard deviation of both fits at the start; a wide one may stay over both modes, at a local optimum"""
    draws: Annotated[int, Gt(1)] = 10_000
    """draws of the Monte Carlo estimate"""

    @property
    def target(self) -> Mixture:
        """The density p."""
        return Mixture(
            (1 - self.weight, self.weight), (-self.distance, self.distance), (self.deviation, self.deviation)
        )

    @property
    def spread(self) -> float:
        """How far from 0 densities are looked at."""
        return 8 * (self.distance + self.deviation)


def data(settings: InformationSettings) -> Dataset:
    """Draws of p."""
    return mixture_of_gaussians(*settings.target)


def losses(settings: InformationSettings) -> dict[str, LossFn]:
    """Of either fit, log-ratios whose mean is its divergence: over draws of p from the data, or over its own."""
    log_target = settings.target.log_density

    def covering(params, batch, keys):
        values = batch["value"]
        return jax.vmap(log_target)(values) - jax.vmap(Normal(**params).log_density)(values), {}

    def seeking(params, batch, keys):
        return log_ratios(Normal(**params), log_target, drawing(keys, Draw.SAMPLE)), {}

    return {"covering": covering, "seeking": seeking}


def task(settings: InformationSettings, dataset: Dataset) -> Task:
    """The two fits side by side, from means drawn of N(0, 1): which mode is sought is left to chance."""

    def initial(key: Key[Array, ""]) -> Params:
        return Normal(jax.random.normal(key), jnp.asarray(2 * log(settings.initial_deviation)))._asdict()

    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return side_by_side({name: Learner(loss_fn, initial, optimizer) for name, loss_fn in losses(settings).items()})


def monitor(settings: InformationSettings, dataset: Dataset) -> LossFn:
    """Both divergences as they are minimised, and their mean."""

    def loss_fn(params, batch, keys):
        each = {f"{name}/kl": loss(params[name], batch, keys)[0] for name, loss in losses(settings).items()}
        return jnp.mean(jnp.stack(list(each.values())), axis=0), each

    return loss_fn


def evaluate_whole(settings: InformationSettings, dataset: Dataset) -> WholeSet:
    """Both divergences of either fit by quadrature, what closed forms say, and an estimate by draws."""
    target, values = settings.target, dataset.whole("train")["value"].astype(np.float64)
    points = jnp.linspace(-settings.spread, settings.spread, 8001)
    spacing = 2 * settings.spread / 8000
    shares, places = jnp.asarray(target.weights), jnp.asarray(target.means)
    matched = Normal(*(np.asarray(moment, np.float32) for moment in (values.mean(), np.log(values.var()))))

    def measure(params, matched, key):
        fitted = {name: Normal(**params[name]) for name in DIRECTIONS} | {"moments": matched}
        own = jax.vmap(target.log_density)(points)
        measured = {}
        for name, fit in fitted.items():
            other = jax.vmap(fit.log_density)(points)
            measured[f"{name}/forward_kl"] = quadrature_kl(own, other, spacing)
            measured[f"{name}/reverse_kl"] = quadrature_kl(other, own, spacing)
            measured[f"{name}/mean"] = fit.mean
            measured[f"{name}/deviation"] = jnp.exp(fit.log_variance / 2)
        nearest = jnp.argmin(jnp.abs(places - fitted["seeking"].mean))
        measured["seeking/information_of_its_mode"] = self_information(shares[nearest])
        estimated = estimated_kl(key, fitted["seeking"], fitted["covering"], draws=settings.draws)
        return measured | {f"monte_carlo/{name}": value for name, value in estimated._asdict().items()}

    return WholeSet(matched, measure)


def figures(settings: InformationSettings, dataset: Dataset, params: Params) -> dict:
    """Both fits over the density, the entropy of a bit, and the error of estimates by the number of draws."""
    stream = stream_key(settings.seeds.seed, Stream.FIGURES)
    once, repeatedly = jax.random.split(stream)
    whole_set = evaluate_whole(settings, dataset)
    measured = jax.jit(whole_set.measure)(params, whole_set.data, once)
    points = np.linspace(-2.5 * settings.distance, 2.5 * settings.distance, 601, dtype=np.float32)
    fitted = {name: Normal(**params[name]) for name in DIRECTIONS}
    shown = {"p": settings.target, **fitted}
    log_densities = jax.jit(lambda points: {name: jax.vmap(of.log_density)(points) for name, of in shown.items()})
    densities = jax.tree.map(np.exp, jax.device_get(log_densities(points)))
    keys = jax.random.split(repeatedly, (REPEATS, settings.draws))
    seeking, covering = fitted["seeking"], fitted["covering"]
    ratios = jax.jit(jax.vmap(partial(log_ratios, seeking, covering.log_density)))(keys)
    return {
        "fits": fits(points, densities, {name: float(value) for name, value in measured.items()}),
        "bit": bit(),
        "monte_carlo": monte_carlo(np.asarray(ratios, np.float64), float(measured["monte_carlo/closed_form"])),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=InformationSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "seeking/information_of_its_mode": "nats"}
    | {f"{name}/kl": "nats" for name in DIRECTIONS}
    | {f"{name}/{kl}": "nats" for name in (*DIRECTIONS, "moments") for kl in DIRECTIONS.values()}
    | {f"{name}/{moment}": "" for name in (*DIRECTIONS, "moments") for moment in ("mean", "deviation")}
    | {f"monte_carlo/{name}": "nats" for name in ("estimate", "standard_error", "closed_form")},
)
