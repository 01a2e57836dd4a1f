"""Deep belief net: layers learnt one by one as Boltzmann machines, then fine-tuned by backpropagation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from experiments.autoencoders.deep_belief_net.card import CARD
from experiments.datasets import Dataset
from experiments.objectives.layerwise_pretraining import contrastive_divergence_gradient
from experiments.objectives.pretrained_classifier import (
    UNITS,
    PretrainedClassifierSettings,
    compare,
    evaluate,
    held_out_loss,
    pretrained_classifier,
    pretraining_task,
    unroll,
)
from experiments.plots.images import image_grid
from experiments.plots.pretraining import pretraining_figures
from experiments.run.experiment import Experiment
from experiments.run.sampling import Example, SampleOptions, Sampler
from experiments.run.settings import Count
from models.deep_belief_net import dream, upward
from train.optimizers import Fraction, NotNegative, Optimization, Positive, make_optimizer
from train.task import Params, Stream, Task, stream_key

STARTED_FROM = 1000
"""Training images, at most, from one of which each dream begins."""


@dataclass(frozen=True, kw_only=True)
class DeepBeliefNetSettings(PretrainedClassifierSettings):
    """Deep belief net, and the same net without pre-training beside it."""

    widths: tuple[Count, ...] = (128, 128, 256)
    """hidden units of the layers, from the image upwards"""
    pretrain_rate: Positive = 0.05
    """learning rate of the machines"""
    pretrain_momentum: Fraction = 0.9
    """momentum of the machines"""
    pretrain_decay: NotNegative = 2e-4
    """weight of the L2 term of the machines"""
    gibbs_steps: Count = 1
    """k of CD-k"""

    @property
    def layer_optimization(self) -> Optimization:
        """How the machines' parameters move."""
        rate, momentum, decay = self.pretrain_rate, self.pretrain_momentum, self.pretrain_decay
        return Optimization(optimizer="momentum", learning_rate=rate, momentum=momentum, weight_decay=decay)


def task(settings: DeepBeliefNetSettings, dataset: Dataset) -> Task:
    """Every layer learns as a Boltzmann machine."""
    layer_optimizer = make_optimizer(settings.layer_optimization, settings.pretrain_steps)
    return pretraining_task(settings, dataset, contrastive_divergence_gradient(settings.gibbs_steps), layer_optimizer)


def figures(settings: DeepBeliefNetSettings, dataset: Dataset, params: Params) -> dict:
    """Errors side by side, first layers, images from every layer back, and dreams of the top machine."""
    stack, shape = params["stack"], dataset.image_shape
    images = jax.device_put(dataset.head("train", 100)["image"])
    keys = jax.random.split(stream_key(settings.seeds.seed, Stream.FIGURES), len(images))
    starts = jnp.round(jax.vmap(partial(upward, stack[:-1]))(images.reshape(len(images), -1)))
    dreams = jax.jit(jax.vmap(partial(dream, steps=200), (0, None, 0)))(keys, stack, starts)
    first = jax.device_put(dataset.head("test", 20)["image"])
    rows = [first, *(unroll(stack[: layer + 1], first) for layer in range(len(stack)))]
    from_each_layer = image_grid(np.concatenate(rows), columns=20, title="images, and from each layer back")
    dreamt = np.asarray(dreams).reshape(-1, *shape)
    return pretraining_figures(*compare(settings, dataset, params), dataset.image_shape) | {
        "reconstructions": from_each_layer,
        "dreams": image_grid(dreamt, columns=20, title="200 Gibbs steps on top, then down"),
    }


@dataclass(frozen=True, kw_only=True)
class DreamOptions(SampleOptions):
    """How long the top machine's chains run."""

    gibbs_steps: Count = 200
    """Gibbs steps of the top machine, from what a training image becomes below it"""


def draw(settings: DeepBeliefNetSettings, dataset: Dataset, options: DreamOptions, params: Params) -> Callable:
    """What the net expects to see, from a chain of its top machine that begins at a training image drawn by the key."""
    images = jax.device_put(dataset.head("train", STARTED_FROM)["image"])
    stack = params["stack"]

    def dreamt(key: Key[Array, ""]) -> Example:
        choosing, dreaming = jax.random.split(key)
        image = jax.random.choice(choosing, images).ravel()
        start = jnp.round(upward(stack[:-1], image))
        return {"image": dream(dreaming, stack, start, steps=options.gibbs_steps).reshape(dataset.image_shape)}

    return dreamt


EXPERIMENT = Experiment(
    card=CARD,
    settings=DeepBeliefNetSettings,
    data=lambda settings: settings.images.load(),
    task=task,
    monitor=held_out_loss,
    evaluate=evaluate,
    figures=figures,
    monitored="pretrained/error",
    units=UNITS,
    classifier=pretrained_classifier,
    sampler=Sampler(draw=draw, options=DreamOptions),
)
