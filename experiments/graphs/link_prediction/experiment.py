"""Link prediction: a graph autoencoder tells edges that were taken out from pairs that never were joined."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from experiments.datasets import Dataset
from experiments.datasets.settings import GraphData
from experiments.graphs.link_prediction.card import CARD
from experiments.graphs.link_prediction.figures import roc_curve, score_histogram
from experiments.networks.graph import refuse_parts
from experiments.objectives.node_classification import graph_of
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from losses.divergences import gaussian_kl
from losses.graph_reconstruction import all_pairs_cross_entropy
from losses.likelihoods import bernoulli_log_likelihood
from losses.metrics.ranking import average_precision, roc_auc
from models.graph_net import GCN
from models.layers.graph import Graph
from models.vae import Gaussian, sample_gaussian
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.task import Batch, LossFn, Params, Task, supervised

Codes = Float[Array, "nodes latent"]


@dataclass(frozen=True, kw_only=True)
class LinkPredictionSettings(Settings):
    """Graph autoencoder, with codes or with distributions of codes."""

    loop: Flat[LoopSettings] = LoopSettings(steps=200, batch_size=879, chunk=10, evaluate_every=10, save_every=100)
    graph: Flat[GraphData] = GraphData()
    optimization: Flat[Optimization] = Optimization(learning_rate=0.01)
    pairs: Literal["drawn", "all"] = "drawn"
    """what the edges are told from: as many pairs, drawn at each step, or all pairs, of which edges then weigh more"""
    variational: bool = False
    """give each node a Gaussian of codes, with a KL term, instead of one code"""
    width: Count = 32
    """units of the encoder's hidden layer"""
    latent: Count = 16
    """length of a code"""

    def __post_init__(self):
        super().__post_init__()
        refuse_parts(self)


def network(settings: LinkPredictionSettings, dataset: Dataset) -> GCN:
    """The encoder: codes, or means and log-variances side by side."""
    return GCN((settings.width,), settings.latent * (2 if settings.variational else 1))


def task(settings: LinkPredictionSettings, dataset: Dataset) -> Task:
    """Descent on the cross-entropy of edges and of other pairs."""
    model, graph = network(settings, dataset), graph_of(dataset)
    reconstruction = {"drawn": of_drawn_pairs, "all": of_all_pairs}[settings.pairs]

    def loss_fn(params, batch, keys):
        noise, drawing = jax.random.split(keys[0])
        codes, kl = encoded(settings, model.apply(params, graph), noise)
        return reconstruction(codes, graph, batch, drawing) + kl / len(codes), {}

    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(loss_fn, lambda key: model.init(key, graph), optimizer)


def encoded(
    settings: LinkPredictionSettings, outputs: Float[Array, "nodes outputs"], key: Key[Array, ""]
) -> tuple[Codes, Float[Array, ""]]:
    """Codes, drawn where they are distributions, and the mean over nodes of the KL to the prior, 0 where not."""
    if not settings.variational:
        return outputs, jnp.zeros((), outputs.dtype)
    posterior = Gaussian(*jnp.split(outputs, 2, axis=1))
    return sample_gaussian(key, posterior), jax.vmap(gaussian_kl)(*posterior).mean()


def of_drawn_pairs(codes: Codes, graph: Graph, batch: Batch, key: Key[Array, ""]) -> Float[Array, " batch"]:
    """Of each edge, and of a pair drawn from all beside it, the mean cross-entropy."""
    drawn = jax.random.randint(key, batch["pair"].shape, 0, len(codes))
    pairs, linked = jnp.stack([batch["pair"], drawn]), jnp.stack([batch["linked"], 0 * batch["linked"]])
    return jax.vmap(cross_entropy, (None, 0, 0))(codes, pairs, linked).mean(axis=0)


def of_all_pairs(codes: Codes, graph: Graph, batch: Batch, key: Key[Array, ""]) -> Float[Array, " batch"]:
    """Of all ordered pairs, whatever the batch: half of their weight is the edges', and a node is joined to itself.

    The scale is that of Kipf & Welling's code, N² / 2 (N² − E).
    """
    edges, nodes = len(graph.senders), len(codes)
    others = nodes**2 - edges
    loops = jnp.arange(nodes, dtype=graph.senders.dtype)
    joined = jnp.stack([jnp.append(graph.senders, loops), jnp.append(graph.receivers, loops)], axis=1)
    mean = all_pairs_cross_entropy(codes, joined, weight=others / edges)
    return jnp.full(len(batch["pair"]), nodes**2 / (2 * others) * mean)


def link_logits(codes: Codes, pairs: Int[Array, "pairs 2"]) -> Float[Array, " pairs"]:
    """The inner product of both ends' codes."""
    return jnp.sum(codes[pairs[:, 0]] * codes[pairs[:, 1]], axis=1)


def cross_entropy(codes: Codes, pairs: Int[Array, "pairs 2"], linked: Int[Array, " pairs"]) -> Float[Array, " pairs"]:
    """Of each pair, in nats."""
    logits = link_logits(codes, pairs)
    return -jax.vmap(bernoulli_log_likelihood)(linked.astype(logits.dtype), logits)


def mean_codes(settings: LinkPredictionSettings, dataset: Dataset) -> Callable[[Params], Codes]:
    """Codes without anything drawn."""
    model, graph = network(settings, dataset), graph_of(dataset)
    return lambda params: model.apply(params, graph)[:, : settings.latent]


def monitor(settings: LinkPredictionSettings, dataset: Dataset) -> LossFn:
    """The cross-entropy of held-out pairs, of which half are edges."""
    encode = mean_codes(settings, dataset)
    return lambda params, batch, keys: (cross_entropy(encode(params), batch["pair"], batch["linked"]), {})


def evaluate_whole(settings: LinkPredictionSettings, dataset: Dataset) -> WholeSet:
    """How well scores tell the test split's edges from its other pairs."""
    encode = mean_codes(settings, dataset)
    pairs, linked = (dataset.whole("test")[name] for name in ("pair", "linked"))

    def measure(params, data, key):
        apart, joined = (link_logits(encode(params), pairs) for pairs in data)
        return {"auc": 100 * roc_auc(apart, joined), "average_precision": 100 * average_precision(apart, joined)}

    return WholeSet((pairs[linked == 0], pairs[linked == 1]), measure)


def figures(settings: LinkPredictionSettings, dataset: Dataset, params: Params) -> dict:
    """The scores of both kinds of pairs, and the curve between them."""
    whole = evaluate_whole(settings, dataset)
    apart, joined = whole.data
    codes = mean_codes(settings, dataset)(params)
    scores = tuple(np.asarray(link_logits(codes, jnp.asarray(pairs))) for pairs in (apart, joined))
    measured = whole.measure(params, jax.tree.map(jnp.asarray, whole.data), None)
    return {"scores": score_histogram(*scores), "roc": roc_curve(*scores, **jax.tree.map(float, measured))}


EXPERIMENT = Experiment(
    card=CARD,
    settings=LinkPredictionSettings,
    data=lambda settings: settings.graph.load_links(),
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"auc": "%", "average_precision": "%", "loss": "nats"},
    network=network,
)
