"""A classifier whose layers are pre-trained one by one, beside the same net without: settings, task and measures."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from experiments.datasets import Dataset
from experiments.datasets.settings import ImageData
from experiments.networks.training import NetworkTraining, without_noise
from experiments.objectives.classification import classification_loss
from experiments.objectives.contrastive_divergence import pixel_means
from experiments.objectives.layerwise_pretraining import NETS, LayerGradient, layer_phase, layerwise_pretraining
from experiments.objectives.observation import Observe, observation
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from models.deep_belief_net import downward, upward
from models.mlp import MLPClassifier
from models.rbm import RBM, independent_bias
from train.evaluation import MetricFn
from train.optimizers import Optimization, learning_rate_schedule, make_optimizer
from train.task import LossFn, Params, Task

UNITS = {
    "loss": "nats",
    "stage_loss": "nats",
    "pretrained/error": "%",
    "random/error": "%",
    "reconstruction": "squared error per image",
}


@dataclass(frozen=True, kw_only=True)
class PretrainedClassifierSettings(Settings, ABC):
    """A net whose layers are learnt one by one, and the same net without pre-training beside it.

    The loop's steps are those of every layer in turn, and what is left for the fine-tuning of both nets; optimiser and
    dropout are those of the fine-tuning.
    """

    loop: Flat[LoopSettings] = LoopSettings(steps=5000)
    images: Flat[ImageData] = ImageData(binarization="none")
    training: Flat[NetworkTraining] = NetworkTraining()
    optimization: Flat[Optimization] = Optimization(learning_rate=3e-3)
    widths: tuple[Count, ...] = (128, 128, 128)
    """units of the layers, from the image upwards"""
    pretrain_steps: Count = 1000
    """updates of every layer by itself"""

    def __post_init__(self):
        super().__post_init__()
        if not self.widths:
            raise ValueError("--widths must name at least one layer")
        if self.loop.patience:
            raise ValueError("--patience watches the error, which stands still while layers are learnt: leave it out")

    @property
    def fine_tune_steps(self) -> int:
        """What the layers leave; at least one, so that a schedule has a length."""
        return max(1, self.loop.steps - len(self.widths) * self.pretrain_steps)

    @property
    @abstractmethod
    def layer_optimization(self) -> Optimization:
        """How a layer that learns by itself moves."""

    def learning_rates(self) -> dict[str, optax.Schedule]:
        """That of the layer that learns, and then that of the fine-tuning."""
        pretraining = len(self.widths) * self.pretrain_steps
        of_layer = learning_rate_schedule(self.layer_optimization, self.pretrain_steps)
        fine_tuning = learning_rate_schedule(self.optimization, self.fine_tune_steps)
        return {
            "learning_rate": lambda step: jnp.where(
                step < pretraining, of_layer(step % self.pretrain_steps), fine_tuning(step - pretraining)
            )
        }

    @property
    def observe(self) -> Observe:
        """Intensities are taken for probabilities, or bits are drawn anew at each use."""
        return observation(self.images.binarization)


def network(settings: PretrainedClassifierSettings, dataset: Dataset) -> MLPClassifier:
    """The form of both classifiers: sigmoids, as the layers have them, and one output for each class."""
    return MLPClassifier(settings.widths, dataset.classes, "sigmoid")


def classifier_loss(settings: PretrainedClassifierSettings, apply: Callable) -> LossFn:
    """Cross-entropy and error of one net; ``apply(keys, params, images)``."""
    loss_fn = classification_loss(apply, "cross_entropy")

    def of_observed(params, batch, keys):
        return loss_fn(params, batch | {"image": jax.vmap(settings.observe)(keys, batch["image"])}, keys)

    return of_observed


def pretraining_task(
    settings: PretrainedClassifierSettings,
    dataset: Dataset,
    layer_gradient: LayerGradient,
    layer_optimizer: optax.GradientTransformation,
) -> Task:
    """The step's number says its stage: a layer that learns by itself, or the fine-tuning of both nets."""
    model, example = network(settings, dataset), jax.device_put(dataset.example()["image"])
    layers = range(len(settings.widths))
    return layerwise_pretraining(
        lambda key: model.init(key, example),
        independent_bias(pixel_means(dataset)),
        [layer_phase(layer, layer_gradient, layer_optimizer, observe=settings.observe) for layer in layers],
        classifier_loss(settings, settings.training.wrap(model.apply)),
        pretrain_steps=settings.pretrain_steps,
        layer_optimizer=layer_optimizer,
        optimizer=make_optimizer(settings.optimization, settings.fine_tune_steps),
    )


def held_out_loss(settings: PretrainedClassifierSettings, dataset: Dataset) -> LossFn:
    """Loss of the pre-trained net, and the errors of both; nothing is dropped out."""
    loss_fn = classifier_loss(settings, without_noise(network(settings, dataset).apply))

    def of_both(params, batch, keys):
        losses, metrics = zip(*(loss_fn(params[net], batch, keys) for net in NETS), strict=True)
        return losses[0], {f"{net}/error": of_net["error"] for net, of_net in zip(NETS, metrics, strict=True)}

    return of_both


def unroll(
    stack: tuple[RBM, ...], images: Float[Array, "batch height width channels"]
) -> Float[Array, "batch height width channels"]:
    """Images as the stack expects them from its top layer's means: the unrolled autoencoder before its fine-tuning.

    Hinton & Salakhutdinov 2006, figure 1.
    """
    flat = images.reshape(len(images), -1)
    return jax.vmap(lambda visible: downward(stack, upward(stack, visible)))(flat).reshape(images.shape)


def evaluate(settings: PretrainedClassifierSettings, dataset: Dataset) -> MetricFn:
    """Both errors, and the squared error of an image that went through the whole stack and back."""
    loss_fn = held_out_loss(settings, dataset)

    def metric_fn(params, batch, keys):
        _, metrics = loss_fn(params, batch, keys)
        difference = unroll(params["stack"], batch["image"]) - batch["image"]
        return metrics | {"reconstruction": jnp.sum(difference**2, axis=(1, 2, 3))}

    return metric_fn


def pretrained_classifier(
    settings: PretrainedClassifierSettings, dataset: Dataset
) -> Callable[[Params, Float[Array, "images height width channels"]], Float[Array, "images classes"]]:
    """The logits of the pre-trained net."""
    apply = network(settings, dataset).apply
    return lambda params, images: apply(params["pretrained"], images)


class Comparison(NamedTuple):
    """What both nets make of the same images, by the nets' names in words."""

    labels: Int[np.ndarray, " images"]
    """classes of the images"""
    wrong: dict[str, Bool[np.ndarray, " images"]]
    """which images each net gets wrong"""
    kernels: dict[str, Float[Array, "pixels units"]]
    """first-layer weights of each net after the fine-tuning"""


def compare(settings: PretrainedClassifierSettings, dataset: Dataset, params: Params) -> Comparison:
    """Both nets beside each other, on test images."""
    shown, apply = dataset.head("test", 10_000), jax.jit(network(settings, dataset).apply)
    names = {"pretrained": "pre-trained", "random": "random"}
    logits = {net: np.asarray(apply(params[net], shown["image"])) for net in NETS}
    wrong = {names[net]: np.argmax(logits[net], axis=-1) != shown["label"] for net in NETS}
    kernels = {names[net]: params[net]["params"]["MLP_0"]["Dense_0"]["kernel"] for net in NETS}
    return Comparison(shown["label"], wrong, kernels)
