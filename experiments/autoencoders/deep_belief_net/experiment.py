"""Deep belief net: layers learnt one by one as Boltzmann machines, then fine-tuned by backpropagation."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, Lt

from experiments.objectives.layerwise import (
    UNITS,
    LayerwiseSettings,
    comparison_figures,
    evaluate,
    layerwise_task,
    monitor,
    there_and_back,
)
from experiments.objectives.layerwise_pretraining import by_contrastive_divergence
from experiments.datasets import Dataset
from experiments.plots.images import image_grid
from experiments.autoencoders.deep_belief_net.card import CARD
from experiments.run.experiment import Experiment
from experiments.run.settings import ImageSettings
from models.deep_belief_net import dream, upward
from train.optimizers import NotNegative, Positive, make_optimizer
from train.task import Stream, Task

Count = Annotated[int, Gt(0)]


@dataclass(frozen=True, kw_only=True)
class DeepBeliefNetSettings(LayerwiseSettings):
    """Deep belief net, and the same net without pre-training beside it."""

    widths: tuple[Count, ...] = (128, 128, 256)
    """hidden units of the layers, from the image upwards"""
    pretrain_rate: Positive = 0.05
    """learning rate of the machines"""
    pretrain_momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    """momentum of the machines"""
    pretrain_decay: NotNegative = 2e-4
    """weight of the L2 term of the machines"""
    gibbs_steps: Count = 1
    """k of CD-k"""


def task(settings: DeepBeliefNetSettings, dataset: Dataset) -> Task:
    """Every layer learns as a Boltzmann machine."""
    machines = ImageSettings(
        optimizer="momentum",
        learning_rate=settings.pretrain_rate,
        momentum=settings.pretrain_momentum,
        weight_decay=settings.pretrain_decay,
    )
    layer_optimizer = make_optimizer(machines, settings.pretrain_steps)
    return layerwise_task(settings, dataset, by_contrastive_divergence(settings.gibbs_steps), layer_optimizer)


def figures(settings: DeepBeliefNetSettings, dataset: Dataset, params) -> dict:
    """Errors side by side, first layers, images from every layer back, and dreams of the top machine."""
    stack, shape = params["stack"], dataset.image_shape
    images = jnp.asarray(dataset.head("train", 100)["image"])
    keys = jax.random.split(jax.random.fold_in(jax.random.key(settings.seed), Stream.FIGURES), len(images))
    starts = jnp.round(jax.vmap(partial(upward, stack[:-1]))(images.reshape(len(images), -1)))
    dreams = jax.jit(jax.vmap(lambda key, start: dream(key, stack, start, steps=200)))(keys, starts)
    first = jnp.asarray(dataset.head("test", 20)["image"])
    rows = [first, *(there_and_back(stack[: layer + 1], first) for layer in range(len(stack)))]
    return comparison_figures(settings, dataset, params) | {
        "reconstructions": image_grid(np.concatenate(rows), columns=20, title="images, and from each layer back"),
        "dreams": image_grid(
            np.asarray(dreams).reshape(-1, *shape), columns=20, title="200 Gibbs steps on top, then down"
        ),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=DeepBeliefNetSettings,
    data=DeepBeliefNetSettings.load,
    task=task,
    monitor=monitor,
    evaluate=evaluate,
    figures=figures,
    monitored="error",
    units=UNITS,
)
