"""Transfer learning: a trunk that has learnt half of the digits learns the others from a few labels."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from experiments.convnets.transfer.card import CARD
from experiments.convnets.transfer.figures import errors_by_labels
from experiments.convnets.transfer.pupils import LABELS, PUPILS, Pool, Trunk, transfer_task
from experiments.datasets import DataError, Dataset
from experiments.datasets.settings import GreyImageData
from experiments.networks.convolutional import PatternNetwork
from experiments.numerals import counted
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from losses.classification import zero_one_loss
from models.convnets.pattern import Convolution, Dense
from models.convnets.pattern_net import PatternNet, layer_paths
from train.measures import Ratio
from train.optimizers import Optimization, learning_rate_schedule, make_optimizer
from train.task import LossFn, Params, Task


@dataclass(frozen=True, kw_only=True)
class TransferSettings(Settings):
    """Transfer learning from one half of the classes to the other."""

    loop: Flat[LoopSettings] = LoopSettings(steps=550, evaluate_every=50)
    images: Flat[GreyImageData] = GreyImageData()
    architecture: Flat[PatternNetwork] = PatternNetwork(
        pattern="CONV 16 → RELU → CONV 32 stride 2 → RELU → CONV 64 → RELU → POOL average all → FC"
    )
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3)
    trunk: Count = 2
    """layers with weights that are taken from a net that knows the first half of the classes"""
    pretrain_steps: Count = 400
    """steps in which that half is learnt; the others are left for the second half"""
    draws: Count = 5
    """nets, each with first weights and labelled examples of its own"""

    def __post_init__(self):
        super().__post_init__()
        if self.loop.patience:
            raise ValueError("--patience watches the error, which stands still in the first half: leave it out")
        if self.architecture.normalizes:
            raise ValueError("--pattern with BN: the few labelled examples are one batch, leave it out")
        if self.trunk >= (depth := len(self.weighted_layers())):
            raise ValueError(f"--trunk {self.trunk}: the last of {counted(depth, 'layer')} of --pattern is always new")

    def weighted_layers(self) -> list[str]:
        """What the layers with weights are called."""
        layers = self.architecture.layers()
        named = zip(layer_paths(layers), layers, strict=True)
        return [path for path, layer in named if isinstance(layer, Convolution | Dense)]

    @property
    def pupil_steps(self) -> int:
        """What is left for the new classes; at least one, so that a schedule has a length."""
        return max(1, self.loop.steps - self.pretrain_steps)

    def learning_rates(self) -> dict[str, optax.Schedule]:
        """That of the sources, and then that of the pupils."""
        first, then = (
            learning_rate_schedule(self.optimization, steps) for steps in (self.pretrain_steps, self.pupil_steps)
        )
        old = self.pretrain_steps
        return {"learning_rate": lambda step: jnp.where(step < old, first(step), then(step - old))}


def data(settings: TransferSettings) -> Dataset:
    """Images; ``DataError`` where there are too few of a class, or the pattern does not fit them."""
    dataset = settings.images.load()
    settings.architecture.check(dataset)
    counts = np.bincount(dataset.whole("train")["label"], minlength=dataset.required_classes())
    if dataset.classes < 4 or counts.min() < max(LABELS):
        each = counted(max(LABELS), "training example")
        raise DataError(f"{dataset.name}: transfer takes four classes or more, of {each} each")
    return dataset


def network(settings: TransferSettings, dataset: Dataset) -> PatternNet:
    """The form of all nets, with an output for each of the new classes."""
    return settings.architecture.classifier(dataset.classes - first_classes(dataset), settings.loop.batch_size)


def first_classes(dataset: Dataset) -> int:
    """How many classes the sources learn: the first half."""
    return dataset.classes // 2


def task(settings: TransferSettings, dataset: Dataset) -> Task:
    """The step's number says who learns: the sources, or the pupils."""
    first, examples = first_classes(dataset), dataset.whole("train")
    new = examples["label"] >= first
    model = network(settings, dataset)
    return transfer_task(
        model,
        Trunk(tuple(settings.weighted_layers()[: settings.trunk])),
        Pool(
            jax.device_put(examples["image"][new]),
            jax.device_put(examples["label"][new] - first),
            dataset.classes - first,
        ),
        first_classes=first,
        draws=settings.draws,
        pretrain_steps=settings.pretrain_steps,
        source_optimizer=make_optimizer(settings.optimization, settings.pretrain_steps),
        pupil_optimizer=make_optimizer(settings.optimization, settings.pupil_steps),
    )


def wrong(apply, nets: Params, images: Array, labels: Array, *, axes: int) -> Float[Array, "*nets images"]:
    """Of each of the nets on so many leading axes and each image, 1 where it is taken for another class."""

    def of_one(net: Params) -> Array:
        return jax.vmap(zero_one_loss)(apply(net, images), labels)

    shape = jax.tree.leaves(nets)[0].shape[:axes]
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[axes:]), nets)
    return jax.lax.map(of_one, flat).reshape(*shape, -1)


def monitor(settings: TransferSettings, dataset: Dataset) -> LossFn:
    """The errors of sources on the first classes and of pupils on the new ones, means over the draws; the loss is the
    share of nets that are wrong.
    """
    apply, first = network(settings, dataset).apply, first_classes(dataset)

    def loss_fn(params, batch, keys):
        old = batch["label"] < first
        label = jnp.where(old, batch["label"], batch["label"] - first)
        source = wrong(apply, params["source"], batch["image"], label, axes=1).mean(axis=0)
        pupils = wrong(apply, params["pupils"], batch["image"], label, axes=2).mean(axis=0)
        count = old.astype(source.dtype)
        metrics = {"source/error": Ratio(100 * source * count, count)}
        metrics |= {
            f"{name}/error": Ratio(100 * each * (1 - count), 1 - count)
            for name, each in zip(PUPILS, pupils, strict=True)
        }
        return jnp.where(old, source, pupils.mean(axis=0)), metrics

    return loss_fn


def pupils_errors(settings: TransferSettings, dataset: Dataset, params: Params, *, axes: int) -> np.ndarray:
    """The test error in % of each pupil on the new classes, for parameters with so many leading axes."""
    shown, first = dataset.head("test", 10_000), first_classes(dataset)
    new = shown["label"] >= first
    images, labels = jax.device_put((shown["image"][new], shown["label"][new] - first))
    of_pupils = partial(wrong, network(settings, dataset).apply, axes=axes)
    return 100 * np.asarray(jax.jit(of_pupils)(params["pupils"], images, labels).mean(axis=-1))


def figures(settings: TransferSettings, dataset: Dataset, params: Params) -> dict:
    """The error on new classes by the number of labels, over the draws of one seed."""
    return {"labels": errors_by_labels(pupils_errors(settings, dataset, params, axes=2), "net")}


def figures_of_seeds(settings: TransferSettings, dataset: Dataset, params: Params) -> dict:
    """The same over the seeds, of each the mean over its draws."""
    errors = pupils_errors(settings, dataset, params, axes=3).mean(axis=1)
    return {"labels_of_seeds": errors_by_labels(errors, "seed")}


EXPERIMENT = Experiment(
    card=CARD,
    settings=TransferSettings,
    data=data,
    task=task,
    monitor=monitor,
    figures=figures,
    figures_of_seeds=figures_of_seeds,
    monitored="tuned_5/error",
    units={"loss": "", **{f"{name}/error": "%" for name in ("source", *PUPILS)}},
)
