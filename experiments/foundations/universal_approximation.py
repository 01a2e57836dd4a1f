"""Universal approximation: the error of one hidden layer falls with its width; deep nets need fewer units.

Papers: Cybenko 1989 and Hornik et al. 1989, one hidden layer comes as near as you like to any continuous function on
[0, 1]; Telgarsky 2016, d layers of two rectified linear units make a sawtooth of 2^d pieces with 6d + 1 parameters,
while one hidden layer of as many has at most 2d + 1 pieces, and so somewhere an error of 1/2 or more (d ≥ 3).
Claim: both, by training. The largest error on a function without a derivative anywhere falls from 0.55 to 0.02 between
1 and 256 units. On the sawtooth of 32 pieces the net by hand is exact with 31 parameters, and one hidden layer of 31
does not come below 1/2; of two trained nets with 9,553 parameters the deep one ends at a mean square error near 2e-6,
the shallow one, which could compute it too, at 2e-2. Command: ``lectern run universal_approximation`` (40 s on two CPU
cores).
"""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import optax
from annotated_types import Ge, Gt, Lt

from experiments.datasets import Dataset
from experiments.datasets.generated import on_the_unit_interval
from experiments.foundations.approximation_figures import approximation_figures
from experiments.foundations.function_nets import Net, sawtooth_by_hand, shallow_as
from experiments.registry import Experiment
from experiments.settings import Settings
from train.optimizers import Positive, make_optimizer
from train.task import LossFn, Task, supervised

Count = Annotated[int, Gt(0)]
RELU_STEEPNESS = 20.0  # a scale of relu's input is one of its output: it only says how fast the first layer learns


@dataclass(frozen=True, kw_only=True)
class ApproximationSettings(Settings):
    """Universal approximation."""

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
    steps: Count = 12000
    batch_size: Count = 256
    chunk: Count = 200
    evaluate_every: Count = 1000
    save_every: Count = 3000
    learning_rate: Positive = 3e-2
    """its peak value, for one hidden layer on the target"""
    sawtooth_learning_rate: Positive = 3e-3
    """its peak value, for deep and shallow nets on the sawtooth"""
    schedule: Literal["constant", "step", "cosine"] = "cosine"


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
            squares[f"mse/{name}"] = (net(params[name], batch["point"]) - batch[target]) ** 2
        return sum(squares.values()), squares

    return loss_fn


def task(settings: ApproximationSettings, dataset: Dataset) -> Task:
    """Trains all nets side by side on the same points, each with an optimiser of its own: none knows of the others."""
    nets = nets_of(settings)
    rates = {"target": settings.learning_rate, "sawtooth": settings.sawtooth_learning_rate}
    optimizers = {
        name: make_optimizer(dataclasses.replace(settings, learning_rate=rates[target]), settings.steps)
        for name, (_, target) in nets.items()
    }

    def init_params(key):
        return {name: net.init(jax.random.fold_in(key, i)) for i, (name, (net, _)) in enumerate(nets.items())}

    optimizer = optax.multi_transform(optimizers, {name: name for name in nets})
    return supervised(loss_of(settings, dataset), init_params, optimizer)


def with_the_one_by_hand(settings: ApproximationSettings, params):
    """All nets and their parameters, and the net that needs no training."""
    net, by_hand = sawtooth_by_hand(settings.depth)
    return nets_of(settings) | {"by_hand": (net, "sawtooth")}, params | {"by_hand": by_hand}


def evaluate(settings: ApproximationSettings, dataset: Dataset):
    """Largest and mean square error over the grid, which is one example of the test split."""

    def metric_fn(params, batch, keys):
        nets, params = with_the_one_by_hand(settings, params)
        metrics = {}
        for name, (net, target) in nets.items():
            error = net(params[name], batch["point"]) - batch[target]
            metrics[f"sup/{name}"] = jnp.abs(error).max(axis=-1)
            metrics[f"mse/{name}"] = (error**2).mean(axis=-1)
        return metrics

    return metric_fn


def figures(settings: ApproximationSettings, dataset: Dataset, params) -> dict:
    """The fits of several widths, the error by width, and deep nets beside shallow ones."""
    nets, params = with_the_one_by_hand(settings, params)
    grid = {name: values[0] for name, values in dataset.splits["test"].items()}
    fits = {name: jax.jit(net)(params[name], grid["point"]) for name, (net, _) in nets.items()}
    return approximation_figures(grid, fits, settings.widths, params)


EXPERIMENT = Experiment(
    systems=("F2",),
    settings=ApproximationSettings,
    data=data,
    task=task,
    monitor=loss_of,
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={f"{error}/{net}": "" for error in ("sup", "mse") for net in (*nets_of(ApproximationSettings()), "by_hand")},
    presets={
        "default": {},
        "smoke": {
            "steps": 20,
            "chunk": 5,
            "evaluate_every": 10,
            "save_every": 10,
            "schedule": "constant",
            "widths": (1, 4),
            "deep_width": 8,
        },
        "wave": {"target": "wave"},
        "relu": {"activation": "relu"},
    },
)
