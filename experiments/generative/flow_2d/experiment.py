"""Normalising flow of the plane: couplings learn two moons, rings or a checkerboard, and say every point's density."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.generated_densities import PlaneDensity, on_a_grid, points_of
from experiments.generative.flow_2d.card import CARD
from experiments.objectives.flow import log_densities, negative_log_density
from experiments.plots.density_maps import density_maps, ways_over
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, SampleOptions, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.flow import change_of_variables
from losses.metrics.density import grid_cross_entropy, grid_kl, grid_mass
from models.flow import Flow, real_nvp
from models.latent import linear_interpolation, spherical_interpolation
from train.evaluation import WholeSet
from train.optimizers import NotNegative, Optimization, make_optimizer
from train.task import LossFn, Params, Stream, Task, stream_key, supervised

SHOWN = 2.75
"""Half a side of the square that is drawn."""
STARTED_WITH = 1000
"""Training points that activation normalisation standardises before the first step."""
WAYS = {"straight in the latent": linear_interpolation, "along great circles": spherical_interpolation}


@dataclass(frozen=True, kw_only=True)
class PlaneFlowSettings(Settings):
    """A flow of the plane."""

    loop: Flat[LoopSettings] = LoopSettings(steps=8000, batch_size=256, evaluate_every=400, save_every=4000)
    optimization: Flat[Optimization] = Optimization(learning_rate=5e-3, schedule="cosine", clip_norm=5.0)
    density: PlaneDensity = "moons"
    """what the points are drawn from"""
    count: Annotated[Count, Ge(20)] = 40_000
    """points for training"""
    coupling: Literal["affine", "additive"] = "affine"
    """scale and shift, or shift alone"""
    depth: Count = 10
    """couplings"""
    widths: tuple[Count, ...] = (64, 64)
    """hidden units of each coupling's network"""
    activation: Literal["silu", "tanh", "relu"] = "silu"
    """of these units; the density is as smooth as it"""
    mixing: bool = False
    """an invertible matrix before each coupling"""
    grid: Annotated[Count, OfEvaluation] = 400
    """cells along a side of the grid on which densities are integrated"""


def network(settings: PlaneFlowSettings, dataset: Dataset) -> Flow:
    """The flow."""
    return real_nvp(
        2,
        depth=settings.depth,
        widths=settings.widths,
        activation=settings.activation,
        coupling=settings.coupling,
        mixing=settings.mixing,
    )


def task(settings: PlaneFlowSettings, dataset: Dataset) -> Task:
    """Descent on the negative log-density; the flow begins where it standardises the first training points."""
    model, first = network(settings, dataset), jax.device_put(dataset.head("train", STARTED_WITH)["point"])
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(negative_log_density(model.apply), lambda key: model.init(key, first), optimizer)


def monitor(settings: PlaneFlowSettings, dataset: Dataset) -> LossFn:
    """The same loss."""
    return negative_log_density(network(settings, dataset).apply)


def grid_log_densities(model: Flow, params: Params, points: Float[Array, "rows columns 2"]) -> Array:
    """Log p(x) on a grid, row by row."""
    return jax.lax.map(partial(log_densities, model.apply, params), points)


def evaluate_whole(settings: PlaneFlowSettings, dataset: Dataset) -> WholeSet:
    """What the flow's density holds of the whole, and how far it is from the data's: integrals over the grid."""
    model, grid = network(settings, dataset), on_a_grid(settings.density, cells=settings.grid)

    def measure(params, grid_arrays, key):
        points, true = grid_arrays
        found = grid_log_densities(model, params, points)
        return {
            "grid/mass": grid_mass(found, cell=grid.cell),
            "grid/nll": grid_cross_entropy(true, found, cell=grid.cell),
            "grid/entropy": grid_cross_entropy(true, true, cell=grid.cell),
            "grid/kl": grid_kl(true, found, cell=grid.cell),
        }

    return WholeSet(tuple(grid), measure)


def figures(settings: PlaneFlowSettings, dataset: Dataset, params: Params) -> dict:
    """Both densities as maps beside draws of the flow, and ways between draws over its density."""
    model, grid = network(settings, dataset), on_a_grid(settings.density, cells=settings.grid)
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    fractions = jnp.linspace(0.0, 1.0, 60)

    @jax.jit
    def computed(params, points, key):
        cloud, ends = jnp.split(jax.random.normal(key, (4012, 2)), [4000])
        pairs = ends.reshape(6, 2, 2)

        def between(one, other, way):
            return model.apply(params, jax.vmap(way, (None, None, 0))(one, other, fractions), method="invert")[0]

        ways = {name: jax.vmap(lambda pair, way=way: between(*pair, way))(pairs) for name, way in WAYS.items()}
        density = jnp.exp(grid_log_densities(model, params, points))
        return density, model.apply(params, cloud, method="invert")[0], ways

    density, cloud, ways = jax.device_get(computed(params, grid.points, key))
    seen = np.abs(grid.points[0, :, 0]) < SHOWN
    true, found = (each[seen][:, seen] for each in (np.exp(grid.log_density), density))
    return {
        "densities": density_maps(
            {settings.density: true, "the flow": found}, {"4,000 draws of the flow": cloud}, reach=SHOWN
        ),
        "interpolations": ways_over(found, {name: ways[name] for name in WAYS}, reach=SHOWN),
    }


@dataclass(frozen=True, kw_only=True)
class FlowOptions(SampleOptions):
    """How latents are drawn."""

    temperature: NotNegative = 1.0
    """standard deviation of the latents; that of the flow's own density is 1"""


def draw(settings: PlaneFlowSettings, dataset: Dataset, options: FlowOptions, params: Params) -> Callable:
    """A point, and the logarithm of the flow's density there, in nats."""
    model = network(settings, dataset)

    def from_latent(key: Key[Array, ""]) -> Example:
        latent = options.temperature * jax.random.normal(key, (2,))
        points, log_determinants = model.apply(params, latent[None], method="invert")
        return {"point": points[0], "log_density": change_of_variables(latent, -log_determinants[0])}

    return from_latent


EXPERIMENT = Experiment(
    card=CARD,
    settings=PlaneFlowSettings,
    data=lambda settings: points_of(settings.density, count=settings.count),
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units=dict.fromkeys(("loss", "excess", "grid/nll", "grid/entropy", "grid/kl"), "nats") | {"grid/mass": ""},
    network=network,
    sampler=Sampler(draw=draw, options=FlowOptions),
)
