"""Normalisation: how deep a convolutional net can be, with batch or layer normalisation, sums, or concatenation."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from annotated_types import Gt, Lt
from jaxtyping import Array, Float

from experiments.convnets.normalization.card import CARD
from experiments.convnets.normalization.figures import errors, gradients
from experiments.datasets import Dataset
from experiments.datasets.settings import GreyImageData
from experiments.networks.convolutional import Normalization
from experiments.objectives.classification import classification_losses
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from models.batch_norm import COLLECTION
from models.deep_convnet import SideBySide
from train.optimizers import Optimization, make_optimizer
from train.statistics import moving_average
from train.task import Batch, LossFn, Task, supervised
from train.trainable import Params

NETS = {
    "plain": {},
    "batch": {"normalization": "batch"},
    "layer": {"normalization": "layer"},
    "sum": {"connection": "sum"},
    "residual": {"connection": "sum", "normalization": "batch"},
    "squeeze_excitation": {"connection": "sum", "normalization": "batch", "squeeze_excitation": True},
    "dense": {"connection": "concatenation", "normalization": "batch"},
}
DEEPEST = 64


@dataclass(frozen=True, kw_only=True)
class NormalizationSettings(Settings):
    """Deep convolutional nets, all trained at once."""

    loop: Flat[LoopSettings] = LoopSettings(steps=200, batch_size=64, evaluate_every=50)
    images: Flat[GreyImageData] = GreyImageData()
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3, schedule="cosine")
    nets: tuple[Literal[*NETS], ...] = tuple(NETS)
    """what to train: normalisation, and how a layer's input goes on"""
    depths: tuple[Annotated[int, Gt(0), Lt(DEEPEST + 1)], ...] = (4, 10, 20, 40)
    """equal layers, a net for each"""
    width: Count = 8
    """features of a layer"""
    growth: Count = 2
    """features that a layer of dense adds"""
    normalization: Flat[Normalization] = Normalization()

    def __post_init__(self):
        super().__post_init__()
        for flag, given in (("--nets", self.nets), ("--depths", self.depths)):
            if not given or len(set(given)) < len(given):
                raise ValueError(
                    f"{flag} must name at least one, and none twice, got {' '.join(map(str, given)) or 'none'}"
                )
        if self.normalizes:
            self.normalization.check(batch_size=self.loop.batch_size, parts=self.parts)

    def idle(self) -> dict[str, str]:
        """Fields that no chosen net has."""
        of_batches = (
            {}
            if self.normalizes
            else dict.fromkeys(("group", "statistics_decay"), "without a net that normalises batches")
        )
        of_dense = {} if "dense" in self.nets else {"growth": "without --nets dense"}
        return super().idle() | of_batches | of_dense

    @property
    def normalizes(self) -> bool:
        """Whether any net normalises by its batches."""
        return any(NETS[name].get("normalization") == "batch" for name in self.nets)


def network(settings: NormalizationSettings, dataset: Dataset) -> SideBySide:
    """All nets of all depths."""
    common = {"classes": dataset.required_classes(), "depths": settings.depths, "width": settings.width}
    common |= {"growth": settings.growth, "group": settings.normalization.group}
    return SideBySide({name: NETS[name] for name in settings.nets}, common)


def measured(
    logits: dict[str, Float[Array, "depths batch classes"]], batch: Batch, depths: tuple[int, ...]
) -> tuple[Float[Array, " batch"], dict[str, Float[Array, " batch"]]]:
    """The sum of the cross-entropies, so that each net has its own gradient; every error, and their mean."""
    total, metrics = jnp.zeros(()), {}
    for name, of_depths in logits.items():
        for depth, scores in zip(depths, of_depths, strict=True):
            losses, wrong = classification_losses(scores, batch["label"], loss="cross_entropy")
            total += losses
            metrics[f"{name}/depth_{depth}/error"] = wrong["error"]
    return total, metrics | {"error": jnp.mean(jnp.stack(list(metrics.values())), axis=0)}


def task(settings: NormalizationSettings, dataset: Dataset) -> Task:
    """Descent of all nets; running statistics follow those of the batches."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])

    def loss_fn(params, batch, keys):
        logits, observed = model.apply(params, batch["image"], training=True, mutable=[COLLECTION])
        losses, metrics = measured(logits, batch, settings.depths)
        return (losses, metrics, observed[COLLECTION]) if settings.normalizes else (losses, metrics)

    follow = moving_average(COLLECTION, settings.normalization.statistics_decay) if settings.normalizes else None
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, example), optimizer, follow)


def monitor(settings: NormalizationSettings, dataset: Dataset) -> LossFn:
    """The same of images that are each normalised by the running statistics."""
    model = network(settings, dataset)
    return lambda params, batch, keys: measured(model.apply(params, batch["image"]), batch, settings.depths)


def figures(settings: NormalizationSettings, dataset: Dataset, params: Params) -> dict:
    """Errors by depth, and the gradient by layer in the deepest nets, before training and after."""
    model = network(settings, dataset)

    def loss(descending: Params, others: Params, batch: Batch) -> Float[Array, ""]:
        given = others | {"params": descending}
        logits, _ = model.apply(given, batch["image"], training=True, mutable=[COLLECTION])
        return measured(logits, batch, settings.depths)[0].mean()

    @jax.jit
    def kernel_gradients(params: Params, batch: Batch) -> dict[str, Float[Array, " weights"]]:
        return {name: own["kernels"] for name, own in jax.grad(loss)(params["params"], params, batch).items()}

    batch = dataset.head("train", settings.loop.batch_size)
    begun = jax.jit(task(settings, dataset).init)(jax.random.key(settings.seeds.seed)).params
    found = {"before training": kernel_gradients(begun, batch), "after training": kernel_gradients(params, batch)}
    _, metrics = jax.jit(monitor(settings, dataset))(params, dataset.head("test", 10_000), None)
    wrong = {
        name: [float(metrics[f"{name}/depth_{depth}/error"].mean()) for depth in settings.depths]
        for name in settings.nets
    }
    return {
        "errors": errors(settings.depths, wrong, classes=dataset.required_classes()),
        "gradients": gradients(found, model.layouts),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=NormalizationSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=monitor,
    figures=figures,
    monitored="error",
    units={"error": "%", "loss": "nats"}
    | {f"{name}/depth_{depth}/error": "%" for name in NETS for depth in range(1, DEEPEST + 1)},
)
