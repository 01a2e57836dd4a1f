"""Deep belief net: layers learnt one by one as Boltzmann machines, then fine-tuned by backpropagation.

Papers: Hinton, Osindero & Teh 2006 (greedy stacking; 1.25 % of MNIST's test images wrong, with a generative
fine-tuning); Hinton & Salakhutdinov 2006 (fine-tuning by backpropagation, and the unrolled autoencoder). Claim: a net
whose layers have learnt to model the images classifies them better than the same net, from the same first weights,
without. Command: ``lectern run deep_belief_net`` (digits, 20 s on two CPU cores);
``lectern run deep_belief_net --preset paper --data-dir MNIST``. Expected figure: ``filters``, strokes where the other
net has noise.
"""

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, Lt

from experiments.autoencoders.deep_belief_net_figures import errors_by_class, filters_of_both
from experiments.autoencoders.rbm import observe_of, pixel_means
from experiments.autoencoders.stacking import NETS, by_contrastive_divergence, layer_phase, stacked
from experiments.datasets import Dataset
from experiments.figures import image_grid
from experiments.foundations.mlp import classification_loss
from experiments.registry import Experiment, Reference
from experiments.settings import ImageSettings
from models.deep_belief_net import downward, dream, upward
from models.mlp import MLPClassifier
from models.rbm import independent_bias
from train.optimizers import NotNegative, Positive, make_optimizer
from train.task import LossFn, Stream, Task

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class DeepBeliefNetSettings(ImageSettings):
    """Deep belief net, and the same net without pre-training beside it."""

    steps: Count = 5000
    """updates in all: of every layer in turn, and what is left for the fine-tuning of both nets"""
    learning_rate: Positive = 3e-3
    """peak learning rate of the fine-tuning"""
    binarization: Literal["none", "static", "stochastic"] = "none"
    """none: intensities are taken for probabilities; static: bits drawn once; stochastic: drawn anew at each use"""
    widths: tuple[Count, ...] = (128, 128, 256)
    """hidden units of the layers, from the image upwards"""
    pretrain_steps: Count = 1000
    """updates of every layer as a Boltzmann machine"""
    pretrain_rate: Positive = 0.05
    """learning rate of the machines"""
    pretrain_momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    """momentum of the machines"""
    pretrain_decay: NotNegative = 2e-4
    """weight of the L2 term of the machines"""
    gibbs_steps: Count = 1
    """k of CD-k"""

    def __post_init__(self):
        super().__post_init__()
        if not self.widths:
            raise ValueError("--widths must name at least one layer")
        if self.patience:
            raise ValueError(
                "--patience watches the error, which stands still while layers are pre-trained: leave it out"
            )

    @property
    def fine_tune_steps(self) -> int:
        """What the layers leave; at least one, so that a schedule has a length."""
        return max(1, self.steps - len(self.widths) * self.pretrain_steps)


def model_of(settings: DeepBeliefNetSettings, dataset: Dataset) -> MLPClassifier:
    """The classifier: sigmoids, as the machines have them, and one output for each label of the training set."""
    classes = int(np.max(dataset.splits["train"]["label"])) + 1
    return MLPClassifier(settings.widths, classes, "sigmoid")


def classifier_loss(settings: DeepBeliefNetSettings, apply) -> LossFn:
    """Cross-entropy and error of one net; ``apply(keys, params, images)``."""
    observe, loss_fn = observe_of(settings), classification_loss(apply, "cross_entropy")

    def of_observed(params, batch, keys):
        return loss_fn(params, batch | {"image": observe(batch["image"], keys)}, keys)

    return of_observed


def task(settings: DeepBeliefNetSettings, dataset: Dataset) -> Task:
    """The step's number says its stage: a layer's machine, or the fine-tuning of both nets."""
    model, example = model_of(settings, dataset), jnp.zeros((1, *dataset.image_shape))
    machines = dataclasses.replace(
        ImageSettings(),
        optimizer="momentum",
        learning_rate=settings.pretrain_rate,
        momentum=settings.pretrain_momentum,
        weight_decay=settings.pretrain_decay,
    )
    layer_optimizer = make_optimizer(machines, settings.pretrain_steps)
    learn, observe = by_contrastive_divergence(settings.gibbs_steps), observe_of(settings)
    return stacked(
        lambda key: model.init(key, example),
        independent_bias(pixel_means(dataset)),
        [layer_phase(number, learn, layer_optimizer, observe=observe) for number in range(len(settings.widths))],
        classifier_loss(settings, settings.in_training(model.apply)),
        pretrain_steps=settings.pretrain_steps,
        layer_optimizer=layer_optimizer,
        optimizer=make_optimizer(settings, settings.fine_tune_steps),
    )


def monitor(settings: DeepBeliefNetSettings, dataset: Dataset) -> LossFn:
    """Loss of the pre-trained net, and the errors of both; nothing is dropped out."""
    model = model_of(settings, dataset)
    loss_fn = classifier_loss(settings, lambda keys, *given: model.apply(*given))

    def of_both(params, batch, keys):
        losses, metrics = loss_fn(params["pretrained"], batch, keys)
        _, without = loss_fn(params["random"], batch, keys)
        return losses, {"error": metrics["error"], "error_without_pretraining": without["error"]}

    return of_both


def there_and_back(stack, images):
    """Images as the stack expects them from their top layer's means: the autoencoder before its fine-tuning."""
    flat = images.reshape(len(images), -1)
    return jax.vmap(lambda visible: downward(stack, upward(stack, visible)))(flat).reshape(images.shape)


def evaluate(settings: DeepBeliefNetSettings, dataset: Dataset):
    """Both errors, and the squared error of an image that went through the whole stack and back."""

    def metric_fn(params, batch, keys):
        _, metrics = monitor(settings, dataset)(params, batch, keys)
        difference = there_and_back(params["stack"], batch["image"]) - batch["image"]
        return metrics | {"reconstruction": jnp.sum(difference**2, axis=(1, 2, 3))}

    return metric_fn


def figures(settings: DeepBeliefNetSettings, dataset: Dataset, params) -> dict:
    """Errors side by side, first layers, images from every layer back, and dreams of the top machine."""
    shown = dataset.head("test", 10_000)
    apply = jax.jit(model_of(settings, dataset).apply)
    wrong = {name: np.argmax(apply(params[name], shown["image"]), axis=-1) != shown["label"] for name in NETS}
    stack, shape = params["stack"], dataset.image_shape
    images = jnp.asarray(dataset.head("train", 100)["image"])
    keys = jax.random.split(jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES), len(images))
    starts = jnp.round(jax.vmap(partial(upward, stack[:-1]))(images.reshape(len(images), -1)))
    dreams = jax.jit(jax.vmap(lambda key, start: dream(key, stack, start, steps=200)))(keys, starts)
    first = jnp.asarray(shown["image"][:20])
    rows = [first, *(there_and_back(stack[: layer + 1], first) for layer in range(len(stack)))]
    kernels = {name: params[name]["params"]["MLP_0"]["Dense_0"]["kernel"] for name in NETS}
    return {
        "errors": errors_by_class(shown["label"], {"pre-trained": wrong["pretrained"], "random": wrong["random"]}),
        "filters": filters_of_both(kernels["pretrained"], kernels["random"], shape),
        "reconstructions": image_grid(np.concatenate(rows), columns=20, title="images, and from each layer back"),
        "dreams": image_grid(
            np.asarray(dreams).reshape(-1, *shape), columns=20, title="200 Gibbs steps on top, then down"
        ),
    }


EXPERIMENT = Experiment(
    systems=("A11",),
    settings=DeepBeliefNetSettings,
    data=DeepBeliefNetSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="error",
    units={"error": "%", "error_without_pretraining": "%", "reconstruction": "squared error per image"},
    presets={
        "default": {"schedule": "cosine"},
        "smoke": {
            "steps": 20,
            "chunk": 5,
            "evaluate_every": 10,
            "save_every": 10,
            "widths": (12, 8),
            "pretrain_steps": 1,
        },
        "paper": {
            "data": "mnist",
            "train_on": "train+valid",
            "widths": (500, 500, 2000),
            "batch_size": 100,
            "pretrain_steps": 30000,
            "learning_rate": 5e-4,
            "schedule": "cosine",
            "steps": 150000,
            "chunk": 100,
            "evaluate_every": 3000,
            "save_every": 15000,
            "evaluation_batch": 1000,
        },
    },
    references=(
        Reference(
            metric="error",
            value=1.25,
            unit="%",
            source="Hinton, Osindero & Teh 2006",
            protocol="MNIST, 500-500-2000; theirs has the labels in the top machine and is fine-tuned generatively, "
            "by up-down; ours by backpropagation",
            preset="paper",
        ),
        Reference(
            metric="error",
            value=1.15,
            unit="%",
            source="Hinton 2010, talk at Microsoft Research, slide 190",
            protocol="MNIST, 500-500-2000, ten softmax units on top, backpropagation; rates and lengths are ours",
            preset="paper",
        ),
    ),
)
