"""Classification of nodes: the network sees the whole graph, the loss the nodes of the batch."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from experiments.datasets import Dataset
from experiments.objectives.classification import classification_losses
from models.dropout import with_dropout_of_whole
from models.layers.graph import Graph
from train.task import LossFn


def graph_of(dataset: Dataset) -> Graph:
    """The graph, on the device; inside of a compiled program it is there already."""
    return jax.tree.map(jnp.asarray, dataset.context)


def node_classification_loss(apply: Callable, graph: Graph) -> LossFn:
    """The cross-entropy of each node of the batch, and the error in %, by ``apply(key, params, graph)``.

    The graph is one thing: what is drawn for it is drawn from the key of the batch's first place.
    """

    def loss_fn(params, batch, keys):
        logits = apply(keys[0], params, graph)[batch["node"]]
        return classification_losses(logits, batch["label"], loss="cross_entropy")

    return loss_fn


def training_loss(model: nn.Module, dataset: Dataset) -> LossFn:
    """With dropout where the network has it."""
    return node_classification_loss(with_dropout_of_whole(model.apply), graph_of(dataset))


def held_out_loss(model: nn.Module, dataset: Dataset) -> LossFn:
    """Without anything drawn."""
    return node_classification_loss(lambda key, *given: model.apply(*given), graph_of(dataset))
