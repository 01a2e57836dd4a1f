"""Diffusion on a line: where the best denoiser is known, what a network and what a sampler lacks are told apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Key

from experiments.datasets import Dataset
from experiments.datasets.generated_mixtures import MIXTURES, mixture_points, quantiles
from experiments.generative.diffusion_1d.card import CARD
from experiments.generative.diffusion_1d.figures import densities, errors_over_steps, paths
from experiments.networks.diffusion import Diffusion, Sampling
from experiments.networks.training import without_noise
from experiments.objectives.diffusion import DenoisingOptions, Said, diffusion_loss, drawn, drawn_points
from experiments.objectives.observation import drawing
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, Sampler
from experiments.run.settings import Count, Flat, LoopSettings, OfEvaluation, Settings
from losses.metrics.wasserstein import wasserstein_on_line
from models.denoisers import PointDenoiser
from models.denoising import Passed
from models.layers.diffusion import diffuse, estimate
from models.layers.gaussian_mixture import best_noise, draw_mixture
from train.evaluation import MetricFn, WholeSet
from train.optimizers import Optimization, make_optimizer
from train.task import Draw, LossFn, Params, Stream, Task, stream_key, supervised

COMPARED, COUNTS, PATHS = ("lecture", "lecture_fresh", "ddpm", "ddpm_upper", "second_order"), (5, 20, 100), 40
"""Samplers and numbers of steps whose errors are drawn, and points whose way is."""


@dataclass(frozen=True, kw_only=True)
class Diffusion1DSettings(Settings):
    """A diffusion of points on a line."""

    loop: Flat[LoopSettings] = LoopSettings(steps=4000, batch_size=256, evaluate_every=500)
    process: Flat[Diffusion] = Diffusion(noise_schedule="linear")
    optimization: Flat[Optimization] = Optimization(learning_rate=2e-3, schedule="cosine", average_decay=0.995)
    sampling: Flat[Sampling] = Sampling()
    density: Literal["three", "gaussian"] = "three"
    """what points come from: a mixture of three Gaussians, or one"""
    examples: Count = 50_000
    """training points"""
    widths: tuple[Count, ...] = (64, 64, 64)
    """of the network's hidden layers"""
    samples: Annotated[int, Ge(2), OfEvaluation] = 2000
    """drawn points that are compared with the mixture"""

    def __post_init__(self):
        super().__post_init__()
        self.process.check(self.sampling.sampling_steps, "--sampling-steps")


def network(settings: Diffusion1DSettings, dataset: Dataset) -> PointDenoiser:
    """The denoiser."""
    return PointDenoiser(settings.widths)


def _loss(settings: Diffusion1DSettings, apply: Callable) -> LossFn:
    return diffusion_loss(apply, settings.process, lambda batch: batch["point"])


def task(settings: Diffusion1DSettings, dataset: Dataset) -> Task:
    """Descent on the squared error of what is said of noisy points."""
    model = network(settings, dataset)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    loss_fn = _loss(settings, without_noise(model.apply))
    return supervised(loss_fn, lambda key: model.init(key, jnp.zeros((1, 1)), jnp.full(1, 0.5)), optimizer)


def monitor(settings: Diffusion1DSettings, dataset: Dataset) -> LossFn:
    """The same loss of held-out points."""
    return _loss(settings, without_noise(network(settings, dataset).apply))


def said_by_the_best(settings: Diffusion1DSettings) -> Said:
    """The noise that is expected, in closed form."""
    mixture = tuple(map(jnp.asarray, MIXTURES[settings.density]))
    best = jax.vmap(lambda point, ratio: best_noise(point[0], ratio, *mixture)[None])
    return lambda noisy, ratios: best(noisy, ratios)


def evaluate(settings: Diffusion1DSettings, dataset: Dataset) -> MetricFn:
    """The loss, and ``regret``, what it costs more than the best denoiser: the mean squared difference to its noise."""
    model, best, ratios = network(settings, dataset), said_by_the_best(settings), settings.process.ratios()
    loss_fn = monitor(settings, dataset)

    def noisy_point(point: Array, key: Key[Array, ""]) -> tuple[Array, Array]:
        step_key, noise_key = jax.random.split(key)
        ratio = ratios[jax.random.randint(step_key, (), 0, len(ratios))]
        return diffuse(point, jax.random.normal(noise_key, point.shape), ratio), ratio

    def metric_fn(params, batch, keys):
        losses, metrics = loss_fn(params, batch, keys)
        noisy, ratio = jax.vmap(noisy_point)(batch["point"], drawing(keys, Draw.OBSERVE))
        said = model.apply(params, noisy, ratio)
        found = estimate(noisy, said, ratio[:, None], predicted=settings.process.predicted).noise
        return {"loss": losses, **metrics, "regret": jnp.mean((found - best(noisy, ratio)) ** 2, axis=1)}

    return metric_fn


def network_points(
    settings: Diffusion1DSettings, dataset: Dataset, params: Params, sampling: Sampling, keys: Key[Array, " points"]
) -> tuple[Float[Array, "points 1"], Passed]:
    """Points that the network draws, one a key, no further out than trained ones, and what they were on the way."""
    bound = float(np.abs(dataset.whole("train")["point"]).max())
    return drawn_points(network(settings, dataset), params, settings.process, sampling, keys, dimensions=1, bound=bound)


def best_points(
    settings: Diffusion1DSettings, sampling: Sampling, key: Key[Array, ""], count: int
) -> Float[Array, " count"]:
    """Points that the best denoiser draws."""
    said, process = said_by_the_best(settings), replace(settings.process, predicted="noise")
    return jax.vmap(lambda key: drawn(key, said, (1,), process, sampling)[0][0])(jax.random.split(key, count))


def evaluate_whole(settings: Diffusion1DSettings, dataset: Dataset) -> WholeSet:
    """How far drawn points are from the mixture: the network's, the best denoiser's, and as many of its own."""
    mixture, count = tuple(map(jnp.asarray, MIXTURES[settings.density])), settings.samples

    def measure(params, expected, key):
        keys = jax.random.split(key, 3)
        exact = jax.vmap(lambda key: draw_mixture(key, *mixture))(jax.random.split(keys[2], count))
        found = {
            "network": network_points(settings, dataset, params, settings.sampling, jax.random.split(keys[0], count))[
                0
            ][:, 0],
            "best": best_points(settings, settings.sampling, keys[1], count),
            "exact": exact,
        }
        return {f"{name}/wasserstein": wasserstein_on_line(each, expected) for name, each in found.items()}

    return WholeSet(quantiles(settings.density, count), measure)


def figures(settings: Diffusion1DSettings, dataset: Dataset, params: Params) -> dict:
    """Ways from noise to points, densities of what is drawn, and the errors of samplers with the best denoiser."""
    key = stream_key(settings.seeds.seed, Stream.FIGURES)
    count, mixture = settings.samples, MIXTURES[settings.density]

    @jax.jit
    def seen(params):
        found, passed = network_points(settings, dataset, params, settings.sampling, jax.random.split(key, count))
        return found[:, 0], passed.noisy[:PATHS, :, 0], best_points(settings, settings.sampling, key, count)

    @jax.jit
    def errors(expected):
        def of(name, steps):
            found = best_points(settings, Sampling(sampler=name, sampling_steps=steps), key, count)
            return wasserstein_on_line(found, expected)

        return {name: [of(name, steps) for steps in counts] for name in COMPARED}

    counts = [steps for steps in COUNTS if steps <= settings.process.noise_steps]
    found, ways, best = seen(params)
    ways = np.concatenate([ways, found[:PATHS, None]], axis=1)
    return {
        "paths": paths(ways, mixture),
        "densities": densities({"the network's": found, "the best denoiser's": best}, mixture),
        "steps": errors_over_steps(counts, errors(jnp.asarray(quantiles(settings.density, count)))),
    }


def draw(settings: Diffusion1DSettings, dataset: Dataset, options: DenoisingOptions, params: Params) -> Callable:
    """A point from noise."""
    sampling = options.sampling(settings.process, settings.sampling)

    def from_noise(key: Key[Array, ""]) -> Example:
        return {"point": network_points(settings, dataset, params, sampling, key[None])[0][0]}

    return from_noise


EXPERIMENT = Experiment(
    card=CARD,
    settings=Diffusion1DSettings,
    data=lambda settings: mixture_points(settings.density, examples=settings.examples),
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units=dict.fromkeys(("loss", "regret", "network/wasserstein", "best/wasserstein", "exact/wasserstein"), ""),
    network=network,
    sampler=Sampler(draw=draw, options=DenoisingOptions),
)
