"""Diffusion of the plane: two moons, rings or a checkerboard come out of noise, step by step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.generated_densities import PlaneDensity, on_a_grid, points_of
from experiments.evaluations.sample_quality import weights_in_words
from experiments.generative.diffusion_2d.card import CARD
from experiments.networks.diffusion import Diffusion, Sampling
from experiments.networks.training import without_noise
from experiments.numerals import counted
from experiments.objectives.diffusion import DenoisingOptions, diffusion_loss, drawn_points
from experiments.plots.density_maps import density_maps
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.metrics.energy_score import energy_score
from losses.metrics.sample_quality import share_within
from models.denoisers import PointDenoiser
from models.denoising import Passed
from train.evaluation import WholeSet
from train.feed import size_of
from train.optimizers import Optimization, make_optimizer
from train.task import LossFn, Params, Stream, Task, stream_key, supervised

SHOWN, CELLS, CLOUD = 2.75, 200, 2000
"""Half a side of the square that is drawn, its cells along a side, and the points of a cloud."""
FORETELLING = 256
"""Points at most that foretell each test point."""


@dataclass(frozen=True, kw_only=True)
class Diffusion2DSettings(Settings):
    """A diffusion of points of the plane."""

    loop: Flat[LoopSettings] = LoopSettings(steps=6000, batch_size=256, evaluate_every=500)
    process: Flat[Diffusion] = Diffusion(noise_schedule="linear")
    optimization: Flat[Optimization] = Optimization(learning_rate=2e-3, schedule="cosine", average_decay=0.995)
    sampling: Flat[Sampling] = Sampling()
    density: PlaneDensity = "moons"
    """what the points are drawn from"""
    count: Annotated[Count, Ge(20)] = 40_000
    """points for training"""
    widths: tuple[Count, ...] = (128, 128, 128)
    """of the network's hidden layers"""
    samples: Annotated[int, Ge(5), OfEvaluation] = 2000
    """drawn points that are compared with as many of the test's"""

    def __post_init__(self):
        super().__post_init__()
        self.process.check(self.sampling.sampling_steps, "--sampling-steps")


def network(settings: Diffusion2DSettings, dataset: Dataset) -> PointDenoiser:
    """The denoiser."""
    return PointDenoiser(settings.widths)


def monitor(settings: Diffusion2DSettings, dataset: Dataset) -> LossFn:
    """The squared error of what is said of noisy points."""
    apply = without_noise(network(settings, dataset).apply)
    return diffusion_loss(apply, settings.process, lambda batch: batch["point"])


def task(settings: Diffusion2DSettings, dataset: Dataset) -> Task:
    """Descent on it."""
    model, example = network(settings, dataset), jnp.zeros((1, 2))
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(monitor(settings, dataset), lambda key: model.init(key, example, jnp.full(1, 0.5)), optimizer)


def network_points(
    settings: Diffusion2DSettings, dataset: Dataset, params: Params, sampling: Sampling, keys: Key[Array, " points"]
) -> tuple[Float[Array, "points 2"], Passed]:
    """Points that the network draws, one a key, no further out than trained ones, and what they were on the way."""
    bound = float(np.abs(dataset.whole("train")["point"]).max())
    return drawn_points(network(settings, dataset), params, settings.process, sampling, keys, dimensions=2, bound=bound)


def evaluate_whole(settings: Diffusion2DSettings, dataset: Dataset) -> WholeSet:
    """How drawn points lie among test points, and, as a bound, how as many trained points do.

    ``energy_score`` is that of test points among the others; ``precision`` the share of the others that lie where test
    points are, ``recall`` the share of test points that lie where the others are.
    """
    test, trained = (dataset.head(split, settings.samples)["point"] for split in ("test", "train"))

    def measure(params, data, key):
        test, trained = data
        keys = jax.random.split(key, settings.samples)
        clouds = {"drawn": network_points(settings, dataset, params, settings.sampling, keys)[0], "exact": trained}
        return {
            f"{name}/{metric}": value
            for name, cloud in clouds.items()
            for metric, value in compared(cloud, test).items()
        }

    return WholeSet((test, trained), measure)


def how_measured(settings: Diffusion2DSettings, dataset: Dataset) -> Mapping[str, str]:
    """How clouds were compared."""
    sampling, weights = settings.sampling, weights_in_words(settings.average_decay)
    count, test = (min(size_of(dataset.splits[split]), settings.samples) for split in ("train", "test"))
    beside = f"beside {counted(test, 'test point')}"
    steps = f"{counted(sampling.sampling_steps, 'step')} of {sampling.sampler}"
    clouds = {
        "drawn": f"{counted(settings.samples, 'sample')} of {weights}, {steps}; {beside}",
        "exact": f"{counted(count, 'training point')}; {beside}",
    }
    foretold = f"; energy score of the first {min(FORETELLING, settings.samples)}"
    return {
        f"{name}/{metric}": cloud + (foretold if metric == "energy_score" else "; balls to the third neighbour")
        for name, cloud in clouds.items()
        for metric in ("energy_score", "precision", "recall")
    }


def compared(cloud: Float[Array, "points 2"], test: Float[Array, "test 2"]) -> dict[str, Float[Array, ""]]:
    """The measures of one cloud."""
    return {
        "energy_score": jax.lax.map(lambda point: energy_score(cloud[:FORETELLING], point), test).mean(),
        "precision": 100 * share_within(cloud, test),
        "recall": 100 * share_within(test, cloud),
    }


def figures(settings: Diffusion2DSettings, dataset: Dataset, params: Params) -> dict:
    """The density, and a cloud on its way from noise to it."""
    keys = jax.random.split(stream_key(settings.seeds.seed, Stream.FIGURES), CLOUD)
    drawn, passed = jax.jit(lambda params: network_points(settings, dataset, params, settings.sampling, keys))(params)
    grid = on_a_grid(settings.density, cells=CELLS)
    seen = np.abs(grid.points[0, :, 0]) < SHOWN
    steps = settings.sampling.sampling_steps
    clouds = {
        f"before step {at + 1}": np.asarray(passed.noisy[:, at]) for at in sorted({0, steps // 2, 4 * steps // 5})
    }
    return {
        "denoising": density_maps(
            {settings.density: np.exp(grid.log_density)[seen][:, seen]},
            clouds | {f"after step {steps}": np.asarray(drawn)},
            reach=SHOWN,
        )
    }


def draw(settings: Diffusion2DSettings, dataset: Dataset, options: DenoisingOptions, params: Params) -> Callable:
    """A point from noise."""
    sampling = options.sampling(settings.process, settings.sampling)

    def from_noise(key: Key[Array, ""]) -> Example:
        return {"point": network_points(settings, dataset, params, sampling, key[None])[0][0]}

    return from_noise


EXPERIMENT = Experiment(
    card=CARD,
    settings=Diffusion2DSettings,
    data=lambda settings: points_of(settings.density, count=settings.count),
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": ""}
    | {
        f"{name}/{metric}": unit
        for name in ("drawn", "exact")
        for metric, unit in (("energy_score", ""), ("precision", "%"), ("recall", "%"))
    },
    protocols=how_measured,
    network=network,
    sampler=Sampler(draw=draw, options=DenoisingOptions),
)
