"""Translation over a batch of pairs: the loss where the decoder is told what came before, and what it writes by itself.

Symbol 0 stands for nothing: before a target's first symbol, and after its last.
"""

from collections.abc import Callable

import jax.numpy as jnp
import optax
from flax import linen as nn
from jaxtyping import Array, Float, Int

from experiments.datasets import Dataset
from models.greedy import decode_greedily
from train.evaluation import MetricFn
from train.measures import Ratio
from train.task import LossFn, Params

Translate = Callable[[Params, Int[Array, "batch source_places"], int], Int[Array, "batch places"]]
"""``(params, sources, places) → targets``"""
Weigh = Callable[[Int[Array, "batch places"]], Float[Array, "batch places"]]
"""``targets → weights``: 1 at the places that count, 0 at others"""


def symbol_before(targets: Int[Array, "batch places"]) -> Int[Array, "batch places"]:
    """At each place the symbol before it, 0 before the first."""
    return jnp.pad(targets[:, :-1], ((0, 0), (1, 0)))


def to_the_end(targets: Int[Array, "batch places"]) -> Float[Array, "batch places"]:
    """1 at a target's symbols and at the first place after them, which says that it ends; 0 behind."""
    return (symbol_before(targets).at[:, 0].set(1) != 0).astype(jnp.float32)


def everywhere(targets: Int[Array, "batch places"]) -> Float[Array, "batch places"]:
    """1 at all places, those behind a target's end too, where 0 is right."""
    return jnp.ones(targets.shape, jnp.float32)


def translation_loss(apply: Callable, weigh: Weigh = to_the_end) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {error})`` of ``apply(keys, params, source, before) → logits``.

    The loss of a pair is the cross-entropy of the target's symbols and of its end, summed and divided by the places
    that all targets have, in nats; ``error`` is the share of symbols that are wrong, in %, given the right ones before.
    ``weigh`` says which places count. Williams & Zipser 1989 ("teacher forcing").
    """

    def loss_fn(params, batch, keys):
        source, target = batch["source"].astype(jnp.int32), batch["target"].astype(jnp.int32)
        logits = apply(keys, params, source, symbol_before(target))
        weights = weigh(target)
        losses = optax.losses.softmax_cross_entropy_with_integer_labels(logits, target)
        wrong = jnp.where(logits.argmax(axis=-1) == target, 0.0, weights)
        return (losses * weights).mean(axis=1), {"error": Ratio(100 * wrong.sum(axis=1), weights.sum(axis=1))}

    return loss_fn


def exact_matches(translate: Translate, loss_fn: LossFn) -> MetricFn:
    """The loss, its metrics, and ``exact_match``: the share of pairs, in %, of which ``translate`` writes everything
    right, to the end.
    """

    def metric_fn(params, batch, keys):
        losses, metrics = loss_fn(params, batch, keys)
        source, target = batch["source"].astype(jnp.int32), batch["target"].astype(jnp.int32)
        right = (translate(params, source, target.shape[1]) == target) | (to_the_end(target) == 0)
        return {"loss": losses, **metrics, "exact_match": jnp.where(right.all(axis=1), 100.0, 0.0)}

    return metric_fn


def translator(model: nn.Module) -> Translate:
    """What a network writes by itself, the likeliest symbol at each place; it has methods ``begin`` and ``step``."""

    def translate(params, source, places):
        def step(state, before):
            return model.apply(params, state, before, method="step")

        state = model.apply(params, source, places, method="begin")
        return decode_greedily(step, state, jnp.zeros(len(source), jnp.int32), places=places)

    return translate


def example_pair(dataset: Dataset) -> list[Int[Array, "1 places"]]:
    """A source and a target of zeros, as networks are initialised with."""
    example = dataset.example()
    return [jnp.asarray(example[name], jnp.int32) for name in ("source", "target")]
