"""Word vectors: what words have to do with each other, learnt from the words beside them."""

from dataclasses import dataclass
from math import log
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Gt, Le
from jaxtyping import Array, Float

from experiments.datasets import DataError, Dataset
from experiments.datasets.planted_words import planted_words
from experiments.numerals import counted
from experiments.objectives.observation import drawing
from experiments.run.experiment import Experiment
from experiments.run.settings import Count, Flat, LoopSettings, Settings
from experiments.sequences.word_vectors.card import CARD
from experiments.sequences.word_vectors.figures import relation_maps
from losses.metrics.analogies import solve_analogies
from losses.negative_sampling import negative_sampling_loss
from models.layers.cooccurrence import cooccurrences, factorize, positive_pointwise_mutual_information
from models.word_vectors import WordVectors
from train.evaluation import WholeSet
from train.optimizers import Optimization, make_optimizer
from train.task import Draw, LossFn, Params, Task, supervised


@dataclass(frozen=True, kw_only=True)
class WordVectorSettings(Settings):
    """Vectors by skip-gram, and beside them by counting."""

    loop: Flat[LoopSettings] = LoopSettings(steps=2000, batch_size=512, evaluate_every=250)
    optimization: Flat[Optimization] = Optimization(learning_rate=1e-2, schedule="cosine")
    sentences: Annotated[int, Gt(19)] = 20_000
    """of the corpus"""
    size: Count = 32
    """numbers of a vector"""
    negatives: Count = 5
    """words that are drawn beside each true neighbour"""
    smoothing: Annotated[float, Ge(0), Le(1)] = 0.75
    """power of a word's frequency to which it is drawn; at 0 all are equally likely"""


def network(settings: WordVectorSettings, dataset: Dataset) -> WordVectors:
    """The model, for the vocabulary; ``DataError`` where that has fewer words than a vector would have numbers."""
    if settings.size > len(dataset.symbols):
        words = counted(len(dataset.symbols), "word")
        raise DataError(f"--size {settings.size}: counting finds at most one number for each of {words}")
    return WordVectors(len(dataset.symbols), settings.size)


def monitor(settings: WordVectorSettings, dataset: Dataset) -> LossFn:
    """The cross-entropy of a true neighbour and of drawn words; ``error``: how often one of these scores higher."""
    model = network(settings, dataset)
    frequencies = np.bincount(dataset.whole("train")["neighbour"], minlength=len(dataset.symbols))
    cumulative = np.cumsum(frequencies**settings.smoothing)
    limits = jnp.asarray(cumulative[:-1] / cumulative[-1], jnp.float32)

    def loss_fn(params, batch, keys):
        uniform = jax.vmap(lambda key: jax.random.uniform(key, (settings.negatives,)))(drawing(keys, Draw.SAMPLE))
        drawn = jnp.searchsorted(limits, uniform, side="right").astype(jnp.int32)
        scores = model.apply(params, batch["word"], jnp.concatenate([batch["neighbour"][:, None], drawn], axis=1))
        losses = jax.vmap(negative_sampling_loss)(scores[:, 0], scores[:, 1:])
        return losses, {"error": 100 * jnp.mean(scores[:, 1:] >= scores[:, :1], axis=1, dtype=scores.dtype)}

    return loss_fn


def task(settings: WordVectorSettings, dataset: Dataset) -> Task:
    """Descent on the loss, whose negatives are drawn anew at every step."""
    model, example = network(settings, dataset), jnp.zeros((1, 1), jnp.int32)
    optimizer = make_optimizer(settings.optimization, settings.loop.steps)
    return supervised(monitor(settings, dataset), lambda key: model.init(key, example[0], example), optimizer)


def counted_vectors(settings: WordVectorSettings, dataset: Dataset) -> Float[Array, "words size"]:
    """Without any descent: the counts' mutual information, factorised."""
    pairs = dataset.whole("train")
    words, neighbours = jnp.asarray(pairs["word"]), jnp.asarray(pairs["neighbour"])
    counts = cooccurrences(words, neighbours, vocabulary=len(dataset.symbols))
    information = positive_pointwise_mutual_information(counts, shift=log(settings.negatives))
    return factorize(information, size=settings.size)


def evaluate_whole(settings: WordVectorSettings, dataset: Dataset) -> WholeSet:
    """The share of planted analogies that are found, by vectors that were learnt and by counting."""

    def measure(params, data, key):
        questions, counted = data
        vectors = {"skip_gram": params["params"]["words"], "counting": counted}

        def found(vectors: Array) -> Array:
            right = solve_analogies(vectors, questions[:, :3]) == questions[:, 3]
            return 100 * jnp.mean(right, dtype=vectors.dtype)

        return {f"{name}/analogies": found(each) for name, each in vectors.items()}

    return WholeSet((dataset.context["questions"], counted_vectors(settings, dataset)), measure)


def figures(settings: WordVectorSettings, dataset: Dataset, params: Params) -> dict:
    """The related words of each relation on the plane in which they differ most."""
    vectors = {"skip-gram": params["params"]["words"], "counting": counted_vectors(settings, dataset)}
    return {"map": relation_maps(vectors, dataset.symbols)}


EXPERIMENT = Experiment(
    card=CARD,
    settings=WordVectorSettings,
    data=lambda settings: planted_words(settings.sentences),
    task=task,
    monitor=monitor,
    evaluate_whole=evaluate_whole,
    figures=figures,
    monitored="loss",
    units={"loss": "nats", "error": "%", "skip_gram/analogies": "%", "counting/analogies": "%"},
    network=network,
)
