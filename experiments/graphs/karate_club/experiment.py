"""Karate club: from one known member of each faction, graph convolutions tell where all others went."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from experiments.datasets import Dataset
from experiments.datasets.graphs.karate import read_karate_club
from experiments.datasets.graphs.raw import graph_dataset
from experiments.graphs.karate_club.card import CARD
from experiments.graphs.karate_club.figures import club
from experiments.networks.graph import refuse_parts
from experiments.objectives.node_classification import graph_of, held_out_loss, training_loss
from experiments.plots.classifier import confusion
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from models.graph_net import EmbeddedGCN
from train.optimizers import Optimization, make_optimizer
from train.task import Params, Task, supervised


@dataclass(frozen=True, kw_only=True)
class KarateClubSettings(Settings):
    """Graph convolutions whose last hidden layer is drawn."""

    loop: Flat[LoopSettings] = LoopSettings(steps=300, batch_size=2, chunk=10, evaluate_every=10, save_every=100)
    optimization: Flat[Optimization] = Optimization(learning_rate=0.01)
    widths: tuple[Count, ...] = (4, 4, 2)
    """units of the layers, each a graph convolution and tanh; the last are drawn, and must be two"""

    def __post_init__(self):
        super().__post_init__()
        refuse_parts(self)
        if self.widths[-1:] != (2,):
            raise ValueError(f"the last of --widths is drawn on a plane: it must be 2, got {self.widths}")


def network(settings: KarateClubSettings, dataset: Dataset) -> EmbeddedGCN:
    """The network, with one output a faction."""
    return EmbeddedGCN(settings.widths, dataset.required_classes())


def task(settings: KarateClubSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of the two leaders."""
    model, graph = network(settings, dataset), graph_of(dataset)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(training_loss(model, dataset), lambda key: model.init(key, graph), optimizer)


def figures(settings: KarateClubSettings, dataset: Dataset, params: Params) -> dict:
    """The club as the network sees it before and after training, and who is taken for whose."""
    model, graph = network(settings, dataset), graph_of(dataset)
    first = task(settings, dataset).init(jax.random.key(settings.seeds.seed)).params
    places = {
        when: np.asarray(model.apply(each, graph, method="embed"))
        for when, each in (("before training", first), ("after training", params))
    }
    known, others = dataset.whole("train"), dataset.whole("test")
    labels = np.zeros(len(dataset.context.degrees), np.int32)
    for nodes in (known, others):
        labels[nodes["node"]] = nodes["label"]
    predicted = np.asarray(jnp.argmax(model.apply(params, graph), axis=1))[others["node"]]
    edges = np.stack([dataset.context.senders, dataset.context.receivers], axis=1)
    return {
        "club": club(places, edges, labels, known["node"], dataset.class_names),
        "confusion": confusion(others["label"], predicted, class_names=dataset.class_names, thing="node"),
    }


EXPERIMENT = Experiment(
    card=CARD,
    settings=KarateClubSettings,
    data=lambda settings: graph_dataset(read_karate_club()),
    task=task,
    monitor=lambda settings, dataset: held_out_loss(network(settings, dataset), dataset),
    figures=figures,
    monitored="loss",
    units={"error": "%", "loss": "nats"},
    network=network,
)
