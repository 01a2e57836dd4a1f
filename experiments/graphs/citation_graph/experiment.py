"""Citation graph: what a paper is about, from its words and from those of the papers it cites."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from experiments.datasets import Dataset
from experiments.datasets.settings import GraphData
from experiments.graphs.citation_graph.card import CARD
from experiments.graphs.citation_graph.figures import error_by_degree, node_map
from experiments.networks.graph import GraphOptimization, NodeNetwork, refuse_parts
from experiments.objectives.node_classification import graph_of, held_out_loss, training_loss
from experiments.plots.classifier import confusion
from experiments.run.experiment import Experiment, with_loss
from experiments.run.settings import Flat, LoopSettings, Settings
from models.layers.propagation import label_propagation
from models.pca import fit_pca, project
from train.evaluation import MetricFn
from train.task import Params, Task, supervised

PROPAGATED = 100
"""Steps of label propagation."""


@dataclass(frozen=True, kw_only=True)
class CitationGraphSettings(Settings):
    """Classification of the nodes of a graph."""

    loop: Flat[LoopSettings] = LoopSettings(steps=200, batch_size=100, chunk=10, evaluate_every=10, save_every=100)
    graph: Flat[GraphData] = GraphData()
    network: Flat[NodeNetwork] = NodeNetwork()
    optimization: Flat[GraphOptimization] = GraphOptimization(weight_decay=5e-4)

    def __post_init__(self):
        super().__post_init__()
        refuse_parts(self)


def network(settings: CitationGraphSettings, dataset: Dataset) -> nn.Module:
    """The classifier, with one output for each class of the graph."""
    return settings.network.build(dataset.required_classes())


def task(settings: CitationGraphSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the labelled nodes."""
    model, graph = network(settings, dataset), graph_of(dataset)
    optimizer = settings.optimization.build(settings.loop.steps)
    return supervised(training_loss(model, dataset), lambda key: model.init(key, graph), optimizer)


def evaluate(settings: CitationGraphSettings, dataset: Dataset) -> MetricFn:
    """Loss and error, and the error of what the labels alone say when they are passed on."""
    of_network = with_loss(held_out_loss(network(settings, dataset), dataset))

    def metric_fn(params, batch, keys):
        guessed = propagated_labels(dataset)[batch["node"]]
        wrong = 100.0 * (guessed != batch["label"]).astype(jnp.float32)
        return of_network(params, batch, keys) | {"label_propagation/error": wrong}

    return metric_fn


def propagated_labels(dataset: Dataset):
    """Each node's class by label propagation from the training nodes; class 0 where no label arrives."""
    graph, known = graph_of(dataset), dataset.whole("train")
    labels = jax.nn.one_hot(known["label"], dataset.required_classes())
    given = jnp.zeros((len(graph.degrees), labels.shape[1])).at[known["node"]].set(labels)
    spread = label_propagation(given, given.sum(axis=1) > 0, graph.senders, graph.receivers, steps=PROPAGATED)
    return jnp.argmax(spread, axis=1)


def figures(settings: CitationGraphSettings, dataset: Dataset, params: Params) -> dict:
    """The nodes by the network's outputs, what is taken for what, and where the error lies."""
    nodes, degrees = dataset.whole("test"), dataset.context.degrees
    logits = jax.jit(network(settings, dataset).apply)(params, graph_of(dataset))[nodes["node"]]
    predicted = np.asarray(jnp.argmax(logits, axis=1))
    scores = jax.nn.log_softmax(logits)
    plane = jax.vmap(partial(project, fit_pca(scores, components=2)))(scores)
    return {
        "map": node_map(np.asarray(plane), nodes["label"], dataset.class_names),
        "confusion": confusion(nodes["label"], predicted, class_names=dataset.class_names, thing="test node"),
        "error_by_degree": error_by_degree(degrees[nodes["node"]], predicted != nodes["label"]),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=CitationGraphSettings,
    data=lambda settings: settings.graph.load(),
    task=task,
    monitor=lambda settings, dataset: held_out_loss(network(settings, dataset), dataset),
    evaluate=evaluate,
    figures=figures,
    monitored="loss",
    units={"error": "%", "label_propagation/error": "%", "loss": "nats"},
    network=network,
)
