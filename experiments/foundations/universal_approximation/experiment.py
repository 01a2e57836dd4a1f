"""Universal approximation: the error of one hidden layer falls with its width; deep nets need fewer units."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge, Lt

from experiments.datasets import Dataset
from experiments.datasets.generated import on_the_unit_interval
from experiments.foundations.universal_approximation.card import CARD
from experiments.foundations.universal_approximation.figures import approximation_figures
from experiments.foundations.universal_approximation.nets import Net, sawtooth_by_hand, shallow_as
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from train.evaluation import MetricFn
from train.optimizers import Optimization, Positive, make_optimizer
from train.task import LossFn, Task, supervised
from train.trainable import Params

RELU_STEEPNESS = 20.0  # a scale of relu's input is one of its output: it only says how fast the first layer learns


@dataclass(frozen=True, kw_only=True)
class ApproximationSettings(Settings):
    """Universal approximation."""

    loop: Flat[LoopSettings] = LoopSettings(
        steps=12_000, batch_size=256, chunk=200, evaluate_every=1000, save_every=3000
    )
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-2, schedule="cosine")
    sawtooth_learning_rate: Positive = 3e-3
    """the learning rate of the nets on the sawtooth; --learning-rate is that of those on the target"""
    target: Literal["weierstrass", "wave", "sawtooth"] = "weierstrass"
    """what the nets of one hidden layer approximate: without a derivative anywhere, smooth, or Telgarsky's"""
    widths: tuple[Count, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256)
    """units of these nets"""
    activation: Literal["relu", "tanh", "sigmoid"] = "sigmoid"
    """activation of these nets"""
    steepness: Positive = 3.0
    """weight of a tanh or sigmoid unit at the start, times the width: a unit turns about as fast as the next is far"""
    depth: Annotated[int, Ge(3), Lt(11)] = 5
    """hidden layers of the deep net; the sawtooth has 2^depth pieces"""
    deep_width: Count = 48
    """units in each of them"""

    def idle(self) -> dict[str, str]:
        """Also the steepness, where the units are rectified linear ones."""
        relu = {"steepness": "with --activation relu"} if self.activation == "relu" else {}
        return super().idle() | relu


def nets_of(settings: ApproximationSettings) -> dict[str, tuple[Net, str]]:
    """All nets that are trained, by name, and what each is to approximate.

    ``shallow`` has as many parameters as ``deep``, and ``shallow_as_by_hand`` as the net that is built by hand.
    """
    depth, width = settings.depth, settings.deep_width
    nets = {}
    for units in settings.widths:
        steepness = RELU_STEEPNESS if settings.activation == "relu" else settings.steepness * units
        nets[f"width_{units:03}"] = Net((units,), settings.activation, steepness), "target"
    hidden = {"deep": (width,) * depth, "shallow": (shallow_as(depth, width),)}
    hidden["shallow_as_by_hand"] = (shallow_as(depth, 2),)
    return nets | {name: (Net(widths, "relu", RELU_STEEPNESS), "sawtooth") for name, widths in hidden.items()}


def data(settings: ApproximationSettings) -> Dataset:
    """Points, and the values of target and sawtooth."""
    return on_the_unit_interval(settings.target, foldings=settings.depth)


def loss_of(settings: ApproximationSettings, dataset: Dataset) -> LossFn:
    """The sum of the nets' squared errors at a point, each of which is a metric."""

    def loss_fn(params, batch, keys):
        squares = {}
        for name, (net, target) in nets_of(settings).items():
            squares[f"{name}/mse"] = (net(params[name], batch["point"]) - batch[target]) ** 2
        return sum(squares.values()), squares

    return loss_fn


def task(settings: ApproximationSettings, dataset: Dataset) -> Task:
    """Trains all nets side by side on the same points, each with an optimiser of its own: none knows of the others."""
    nets = nets_of(settings)
    rates = {"target": settings.optimization.learning_rate, "sawtooth": settings.sawtooth_learning_rate}
    optimizers = {
        name: make_optimizer(
            dataclasses.replace(settings.optimization, learning_rate=rates[target]), settings.loop.steps
        )
        for name, (_, target) in nets.items()
    }

    def init_params(key):
        return {name: net.init(jax.random.fold_in(key, i)) for i, (name, (net, _)) in enumerate(nets.items())}

    optimizer = optax.multi_transform(optimizers, {name: name for name in nets})
    return supervised(loss_of(settings, dataset), init_params, optimizer)


def with_the_one_by_hand(settings: ApproximationSettings, params: Params) -> tuple[dict[str, tuple[Net, str]], Params]:
    """All nets and their parameters, and the net that needs no training."""
    net, by_hand = sawtooth_by_hand(settings.depth)
    return nets_of(settings) | {"by_hand": (net, "sawtooth")}, params | {"by_hand": by_hand}


def evaluate(settings: ApproximationSettings, dataset: Dataset) -> MetricFn:
    """Largest and mean square error over the grid, which is one example of the test split."""

    def metric_fn(params, batch, keys):
        nets, params = with_the_one_by_hand(settings, params)
        metrics = {}
        for name, (net, target) in nets.items():
            error = net(params[name], batch["point"]) - batch[target]
            metrics[f"{name}/sup"] = jnp.abs(error).max(axis=-1)
            metrics[f"{name}/mse"] = (error**2).mean(axis=-1)
        return metrics

    return metric_fn


def figures(settings: ApproximationSettings, dataset: Dataset, params: Params) -> dict:
    """The fits of several widths, the error by width, and deep nets beside shallow ones."""
    nets, params = with_the_one_by_hand(settings, params)
    grid = {name: values[0] for name, values in dataset.whole("test").items()}
    fits = {name: jax.jit(net)(params[name], grid["point"]) for name, (net, _) in nets.items()}
    return approximation_figures(grid, fits, settings.widths, params)


EXPERIMENT = Experiment(
    card=CARD,
    settings=ApproximationSettings,
    data=data,
    task=task,
    monitor=loss_of,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"loss": ""}
    | {f"{net}/{error}": "" for error in ("sup", "mse") for net in (*nets_of(ApproximationSettings()), "by_hand")},
)
