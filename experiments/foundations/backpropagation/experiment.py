"""Backpropagation: gradients by hand beside autodiff's, a convolution as its sparse matrix, costs by formula."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import GreyImageData
from experiments.foundations.backpropagation.card import CARD
from experiments.foundations.backpropagation.costs import COST_UNITS, LAYERS, counted_layers
from experiments.foundations.backpropagation.figures import costs, differences, matrices
from experiments.foundations.backpropagation.nets import WAYS, Convolution, Net, dense_gradients, gradient_by_hand
from experiments.networks.mlp import MLPNetwork
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from models.layers.sparse import convolution_matrix, tied_gradient
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.players import Player, alternating
from train.task import Batch, LossFn, Task
from train.trainable import Params

NETS = ("dense", "convolution")
MOST_ENTRIES = 500_000
"""of a convolution's matrix: there is a gradient of it for every image of a batch"""


@dataclass(frozen=True, kw_only=True)
class BackpropagationSettings(Settings):
    """Backpropagation by hand."""

    loop: Flat[LoopSettings] = LoopSettings(steps=1000, evaluate_every=100)
    images: Flat[GreyImageData] = GreyImageData()
    optimization: Flat[Optimization] = Optimization(optimizer="momentum", learning_rate=0.1)
    architecture: Flat[MLPNetwork] = MLPNetwork(widths=(32, 16), activation="tanh")
    window: Count = 3
    """pixels of a side of the convolution's window"""
    features: Count = 4
    """features of the convolution"""
    stride: Count = 1
    """pixels from one position of the window to the next"""

    @property
    def convolution(self) -> Convolution:
        """The first layer of the other net, whose second is the last."""
        return Convolution(self.window, self.features, self.stride)


def data(settings: BackpropagationSettings) -> Dataset:
    """Images; ``DataError`` where the window is larger, or the matrix of the convolution too large to look at."""
    dataset = settings.images.load()
    shape, positions = dataset.image_shape, settings.convolution.positions(dataset.image_shape)
    if 0 in positions:
        raise DataError(
            f"--window {settings.window} does not fit images of {shape[0]} × {shape[1]}: take a smaller one"
        )
    entries = prod(positions) * settings.features * prod(shape)
    if entries > MOST_ENTRIES:
        raise DataError(
            f"the matrix of this convolution has {entries:,} entries, expected at most {MOST_ENTRIES:,}: take "
            f"--data digits, or a larger --stride than {settings.stride}"
        )
    return dataset


def networks(settings: BackpropagationSettings, dataset: Dataset) -> dict[str, Net]:
    """A perceptron, and a convolution with one layer behind it."""
    shape, classes, chosen = dataset.image_shape, dataset.required_classes(), settings.architecture
    return {
        "dense": Net(shape, (*chosen.widths, classes), chosen.activation),
        "convolution": Net(shape, (classes,), chosen.activation, settings.convolution),
    }


def loss_functions(nets: dict[str, Net]) -> dict[str, LossFn]:
    """Of each net in both ways, by the names of the trainings."""
    return {f"{name}_{way}": loss_of(net) for name, net in nets.items() for way, loss_of in WAYS.items()}


def task(settings: BackpropagationSettings, dataset: Dataset) -> Task:
    """Each net twice from the same weights on the same images: by hand, and by autodiff."""
    nets, optimizer = networks(settings, dataset), make_optimizer(settings.optimization, settings.loop.steps)

    def player(name: str, loss_fn: LossFn) -> Player:
        return Player(lambda params, *given: loss_fn(params[name], *given), optimizer)

    def init_params(key):
        begun = {name: net.init(jax.random.fold_in(key, number)) for number, (name, net) in enumerate(nets.items())}
        return {f"{name}_{way}": params for name, params in begun.items() for way in WAYS}

    players = {name: player(name, loss_fn) for name, loss_fn in loss_functions(nets).items()}
    return alternating(players, init_params)


def monitor(settings: BackpropagationSettings, dataset: Dataset) -> LossFn:
    """Loss and error of each training, and the means over those by hand."""
    losses = loss_functions(networks(settings, dataset))

    def loss_fn(params, batch, keys):
        each = {name: loss(params[name], batch, keys) for name, loss in losses.items()}
        metrics = {f"{name}/loss": loss for name, (loss, _) in each.items()}
        metrics |= {f"{name}/error": measured["error"] for name, (_, measured) in each.items()}

        def mean_by_hand(metric: str) -> Float[Array, " batch"]:
            return jnp.mean(jnp.stack([metrics[f"{name}_by_hand/{metric}"] for name in NETS]), axis=0)

        return mean_by_hand("loss"), metrics | {"error": mean_by_hand("error")}

    return loss_fn


def gradient_differences(net: Net, params: Params, batch: Batch) -> dict[str, Float[Array, ""]]:
    """By layer: the largest difference of the images' gradients by hand from autodiff's, over the largest entry."""

    def loss(params, image, label):
        return optax.softmax_cross_entropy_with_integer_labels(net.logits(params, image[None])[0], label)

    by_hand, by_autodiff = (
        jax.vmap(partial(gradient, params))(batch["image"], batch["label"])
        for gradient in (partial(gradient_by_hand, net), jax.grad(loss))
    )
    largest = partial(jnp.linalg.norm, ord=jnp.inf)
    return {layer: relative_difference(by_hand[layer], by_autodiff[layer], largest) for layer in net.names}


def relative_difference(
    ours: Params, theirs: Params, size: Callable[[Float[Array, " entries"]], Float[Array, ""]]
) -> Float[Array, ""]:
    """The size of the difference over that of the second, all arrays of a layer taken as one vector."""
    one, other = (jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(layer)]) for layer in (ours, theirs))
    return size(one - other) / size(other)


def evaluate_whole(settings: BackpropagationSettings, dataset: Dataset) -> WholeSet:
    """How far the gradients by hand lie from autodiff's by layer, and the trained weights from each other; costs."""
    nets = networks(settings, dataset)
    counted = counted_layers(**nets).items()
    costs = {
        f"{name}/{what}": np.asarray(count, np.int32)
        for name, layer in counted
        for what, count in layer.metrics().items()
    }

    def measure(params, data, key):
        batch, costs = data
        measured = {}
        for name, net in nets.items():
            by_hand, by_autodiff = (params[f"{name}_{way}"] for way in WAYS)
            for layer, difference in gradient_differences(net, by_hand, batch).items():
                measured[f"{name}/{layer}/gradient_difference"] = difference
                measured[f"{name}/{layer}/weight_difference"] = relative_difference(
                    by_hand[layer], by_autodiff[layer], jnp.linalg.norm
                )
        return measured | costs

    return WholeSet((dataset.head("test", 250), costs), measure)


def figures(settings: BackpropagationSettings, dataset: Dataset, params: Params) -> dict:
    """The convolution's matrix with its gradient before and after tying, the differences by layer, and the costs."""
    nets = networks(settings, dataset)
    net, own = nets["convolution"], params["convolution_by_hand"]
    batch = jax.device_put(dataset.head("train", settings.loop.batch_size))

    def matrix_of(kernel: Float[Array, "*window channels features"]) -> Float[Array, "outputs inputs"]:
        return convolution_matrix(kernel, net.image_shape[:2], stride=settings.stride)

    every = jax.vmap(partial(dense_gradients, net, own))(batch["image"], batch["label"])
    free = jnp.mean(every[0].kernel, axis=0).T
    tied = matrix_of(tied_gradient(free, net.kernel_shape, net.image_shape[:2], stride=settings.stride))
    whole_set = evaluate_whole(settings, dataset)
    measured = jax.jit(whole_set.measure)(params, whole_set.data, None)
    return {
        "matrix": matrices(matrix_of(own["layer_1"]["kernel"]), free, tied, features=settings.features),
        "differences": differences({name: float(value) for name, value in measured.items() if "difference" in name}),
        "costs": costs(counted_layers(**nets)),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=BackpropagationSettings,
    data=data,
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"}
    | {f"{net}_{way}/{name}": unit for net in NETS for way in WAYS for name, unit in (("error", "%"), ("loss", "nats"))}
    | {f"{net}/layer_{n}/{what}_difference": "" for net in NETS for n in (1, 2, 3) for what in ("gradient", "weight")}
    | {f"{layer}/{name}": unit for layer in LAYERS for name, unit in COST_UNITS.items()},
)
