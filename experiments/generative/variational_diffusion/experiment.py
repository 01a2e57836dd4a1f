"""Variational diffusion: the bound of the likelihood under three fixed noise schedules, and under a learnt one."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.generated_densities import PlaneDensity, points_of
from experiments.generative.variational_diffusion.card import CARD
from experiments.generative.variational_diffusion.figures import schedules_and_costs
from experiments.objectives.variational_diffusion import LogRatio, ends_nats, missed_nats, variational_loss
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from models.denoisers import PointDenoiser
from models.layers.log_ratios import SCHEDULES
from models.noise_schedule import even_schedule, learned_log_ratio
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.players import Learner, side_by_side
from train.task import LossFn, Params, Stream, Task, stream_key

NAMES = (*SCHEDULES, "learned")
TIMES = 60
"""Places on the axis of time in the figure."""


@dataclass(frozen=True, kw_only=True)
class VariationalDiffusionSettings(Settings):
    """A diffusion of points of the plane that is trained on its bound."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000, batch_size=256, evaluate_every=500)
    optimization: Flat[Optimization] = Optimization(learning_rate=2e-3, schedule="cosine")
    density: PlaneDensity = "moons"
    """what the points are drawn from"""
    count: Annotated[Count, Ge(20)] = 40_000
    """points for training"""
    widths: tuple[Count, ...] = (64, 64, 64)
    """of the hidden layers of each schedule's denoiser"""
    first: float = 10.0
    """log signal-to-noise ratio at time 0; the learnt schedule begins with it"""
    last: float = -8.0
    """the same at time 1"""
    units: Count = 16
    """sigmoids of which the learnt schedule is made"""
    samples: Annotated[Count, OfEvaluation] = 2000
    """test points that are measured, at most"""
    draws: Annotated[int, Ge(2), OfEvaluation] = 200
    """evenly spaced times, and draws of noise, for each of them"""

    def __post_init__(self):
        super().__post_init__()
        if self.last >= self.first:
            raise ValueError(f"--first {self.first:g} is where a schedule begins to fall: --last must be below it")


def log_ratio_of(settings: VariationalDiffusionSettings, name: str) -> LogRatio:
    """A schedule as a function of its parameters, which but one have none, and of time."""
    if name == "learned":
        return learned_log_ratio
    return lambda params, time: SCHEDULES[name](time, jnp.asarray(settings.first), jnp.asarray(settings.last))


def denoiser(settings: VariationalDiffusionSettings) -> PointDenoiser:
    """Of one schedule."""
    return PointDenoiser(settings.widths)


def task(settings: VariationalDiffusionSettings, dataset: Dataset) -> Task:
    """A denoiser for each schedule, side by side."""
    model = denoiser(settings)

    def learner(name: str) -> Learner:
        def init_params(key: Key[Array, ""]) -> Params:
            schedule = even_schedule(first=settings.first, last=settings.last, units=settings.units)
            of_denoiser = model.init(key, jnp.zeros((1, 2)), jnp.full(1, 0.5))
            return {"denoiser": of_denoiser, "schedule": schedule if name == "learned" else {}}

        loss_fn = variational_loss(model.apply, log_ratio_of(settings, name))
        return Learner(loss_fn, init_params, make_optimizer(settings.optimization, settings.loop.steps), trainable=both)

    return side_by_side({name: learner(name) for name in NAMES})


def both(params: Params) -> Params:
    """Denoiser and schedule are trained."""
    return jax.tree.map(lambda leaf: True, params)


def monitor(settings: VariationalDiffusionSettings, dataset: Dataset) -> LossFn:
    """The bound of each, and their mean."""
    losses = {name: variational_loss(denoiser(settings).apply, log_ratio_of(settings, name)) for name in NAMES}

    def loss_fn(params, batch, keys):
        bounds = {f"{name}/nll": losses[name](params[name], batch, keys)[1]["nll"] for name in NAMES}
        return sum(bounds.values()) / len(NAMES), bounds

    return loss_fn


def bounds_of(
    settings: VariationalDiffusionSettings, name: str, params: Params, points: Float[Array, "points 2"], key: Array
) -> tuple[Float[Array, " points"], Float[Array, " points"]]:
    """The bound of each point as a mean over draws at evenly spaced times, and the variance of these.

    Kingma et al. 2021, appendix, "low-discrepancy sampler".
    """
    log_ratio = log_ratio_of(settings, name)
    missed = partial(missed_nats, denoiser(settings).apply, log_ratio, params)

    def of_point(given):
        point, key = given
        time_key, noise_key = jax.random.split(key)
        times = jnp.linspace(0, 1, settings.draws, endpoint=False) + jax.random.uniform(time_key) / settings.draws
        same = jnp.broadcast_to(point, (settings.draws, *point.shape))
        drawn = missed(same, times, jax.random.split(noise_key, settings.draws))
        return drawn.mean() + ends_nats(log_ratio, params, point), drawn.var(ddof=1)

    return jax.lax.map(of_point, (points, jax.random.split(key, len(points))), batch_size=200)


def evaluate_whole(settings: VariationalDiffusionSettings, dataset: Dataset) -> WholeSet:
    """The bound of test points by many draws, how far these lie apart, and what the points cost at least."""
    test = dataset.head("test", settings.samples)

    def measure(params: Params, test: dict[str, Array], key: Key[Array, ""]) -> dict[str, Array]:
        found = {"exact/nll": -test["log_density"].mean()}
        for name in NAMES:
            bounds, variances = bounds_of(settings, name, params[name], test["point"], key)
            found |= {f"{name}/nll": bounds.mean(), f"{name}/deviation": jnp.sqrt(variances.mean())}
        ends = params["learned"]["schedule"].ends
        return found | {"learned/first": ends[0], "learned/last": ends[1]}

    return WholeSet(test, measure)


def costs_over_time(
    settings: VariationalDiffusionSettings, name: str, params: Params, points: Float[Array, "points 2"], key: Array
) -> tuple[Float[Array, " times"], Float[Array, " times"]]:
    """λ at times from 0 to 1, and what each costs on average over points."""
    log_ratio, times = log_ratio_of(settings, name), jnp.linspace(0.5 / TIMES, 1 - 0.5 / TIMES, TIMES)
    missed = partial(missed_nats, denoiser(settings).apply, log_ratio, params)
    keys = jax.random.split(key, len(points))

    def at(time):
        return log_ratio(params["schedule"], time), missed(points, jnp.full(len(points), time), keys).mean()

    return jax.lax.map(at, times)


def figures(settings: VariationalDiffusionSettings, dataset: Dataset, params: Params) -> dict:
    """The schedules, and what each time costs under them."""
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    points = dataset.head("test", settings.samples)["point"]
    curves = jax.jit(
        lambda params: {name: costs_over_time(settings, name, params[name], points, key) for name in NAMES}
    )(params)
    return {"schedules": schedules_and_costs({name: jax.device_get(curves[name]) for name in NAMES})}


EXPERIMENT = Experiment(
    card=CARD,
    settings=VariationalDiffusionSettings,
    data=lambda settings: points_of(settings.density, count=settings.count),
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units=dict.fromkeys(
        (
            "loss",
            "exact/nll",
            *(f"{name}/{metric}" for name in NAMES for metric in ("nll", "deviation")),
            "learned/first",
            "learned/last",
        ),
        "nats",
    ),
)
