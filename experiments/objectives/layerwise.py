"""What the experiments share that learn a net layer by layer, beside the same net without: settings, task, measures."""

from dataclasses import dataclass
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from annotated_types import Gt
from jaxtyping import Array, Float

from experiments.plots.layerwise import errors_by_class, filters_of_both
from experiments.autoencoders.rbm.experiment import observe_of, pixel_means
from experiments.objectives.layerwise_pretraining import NETS, Learn, layer_phase, stacked
from experiments.datasets import Dataset
from experiments.foundations.mlp.experiment import classification_loss
from experiments.run.settings import ImageSettings
from models.deep_belief_net import downward, upward
from models.mlp import MLPClassifier
from models.rbm import RBM, independent_bias
from train.optimizers import Positive, make_optimizer
from train.task import LossFn, Task

Count = Annotated[int, Gt(0)]
UNITS = {"error": "%", "error_without_pretraining": "%", "reconstruction": "squared error per image"}


@dataclass(frozen=True, kw_only=True)
class LayerwiseSettings(ImageSettings):
    """A net whose layers are learnt one by one, and the same net without pre-training beside it."""

    steps: Count = 5000
    """updates in all: of every layer in turn, and what is left for the fine-tuning of both nets"""
    learning_rate: Positive = 3e-3
    """peak learning rate of the fine-tuning"""
    binarization: Literal["none", "static", "stochastic"] = "none"
    """none: intensities are taken for probabilities; static: bits drawn once; stochastic: drawn anew at each use"""
    widths: tuple[Count, ...] = (128, 128, 128)
    """units of the layers, from the image upwards"""
    pretrain_steps: Count = 1000
    """updates of every layer by itself"""

    def __post_init__(self):
        super().__post_init__()
        if not self.widths:
            raise ValueError("--widths must name at least one layer")
        if self.patience:
            raise ValueError("--patience watches the error, which stands still while layers are learnt: leave it out")

    @property
    def fine_tune_steps(self) -> int:
        """What the layers leave; at least one, so that a schedule has a length."""
        return max(1, self.steps - len(self.widths) * self.pretrain_steps)


def model_of(settings: LayerwiseSettings, dataset: Dataset) -> MLPClassifier:
    """The classifier: sigmoids, as the layers have them, and one output for each label of the training set."""
    classes = int(np.max(dataset.splits["train"]["label"])) + 1
    return MLPClassifier(settings.widths, classes, "sigmoid")


def classifier_loss(settings: LayerwiseSettings, apply) -> LossFn:
    """Cross-entropy and error of one net; ``apply(keys, params, images)``."""
    observe, loss_fn = observe_of(settings), classification_loss(apply, "cross_entropy")

    def of_observed(params, batch, keys):
        return loss_fn(params, batch | {"image": observe(batch["image"], keys)}, keys)

    return of_observed


def layerwise_task(
    settings: LayerwiseSettings, dataset: Dataset, learn: Learn, layer_optimizer: optax.GradientTransformation
) -> Task:
    """The step's number says its stage: a layer that learns by itself, or the fine-tuning of both nets."""
    model, example = model_of(settings, dataset), jnp.zeros((1, *dataset.image_shape))
    observe, layers = observe_of(settings), range(len(settings.widths))
    return stacked(
        lambda key: model.init(key, example),
        independent_bias(pixel_means(dataset)),
        [layer_phase(number, learn, layer_optimizer, observe=observe) for number in layers],
        classifier_loss(settings, settings.in_training(model.apply)),
        pretrain_steps=settings.pretrain_steps,
        layer_optimizer=layer_optimizer,
        optimizer=make_optimizer(settings, settings.fine_tune_steps),
    )


def monitor(settings: LayerwiseSettings, dataset: Dataset) -> LossFn:
    """Loss of the pre-trained net, and the errors of both; nothing is dropped out."""
    model = model_of(settings, dataset)
    loss_fn = classifier_loss(settings, lambda keys, *given: model.apply(*given))

    def of_both(params, batch, keys):
        losses, metrics = loss_fn(params["pretrained"], batch, keys)
        _, without = loss_fn(params["random"], batch, keys)
        return losses, {"error": metrics["error"], "error_without_pretraining": without["error"]}

    return of_both


def there_and_back(
    stack: tuple[RBM, ...], images: Float[Array, "batch height width channels"]
) -> Float[Array, "batch height width channels"]:
    """Images as the stack expects them from their top layer's means: the autoencoder before its fine-tuning."""
    flat = images.reshape(len(images), -1)
    return jax.vmap(lambda visible: downward(stack, upward(stack, visible)))(flat).reshape(images.shape)


def evaluate(settings: LayerwiseSettings, dataset: Dataset):
    """Both errors, and the squared error of an image that went through the whole stack and back."""

    def metric_fn(params, batch, keys):
        _, metrics = monitor(settings, dataset)(params, batch, keys)
        difference = there_and_back(params["stack"], batch["image"]) - batch["image"]
        return metrics | {"reconstruction": jnp.sum(difference**2, axis=(1, 2, 3))}

    return metric_fn


def comparison_figures(settings: LayerwiseSettings, dataset: Dataset, params) -> dict:
    """Errors side by side, and first layers."""
    shown, apply = dataset.head("test", 10_000), jax.jit(model_of(settings, dataset).apply)
    wrong = {name: np.argmax(apply(params[name], shown["image"]), axis=-1) != shown["label"] for name in NETS}
    kernels = {name: params[name]["params"]["MLP_0"]["Dense_0"]["kernel"] for name in NETS}
    return {
        "errors": errors_by_class(shown["label"], {"pre-trained": wrong["pretrained"], "random": wrong["random"]}),
        "filters": filters_of_both(kernels["pretrained"], kernels["random"], dataset.image_shape),
    }
