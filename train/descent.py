"""One descent: the gradient of a batch's mean loss and the batch's statistics, and what an update makes of them."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key, PyTree

from train.measures import Metrics, batch_means
from train.statistics import Follow, Statistics, check_same_form, check_statistics
from train.trainable import Params, Trainable, collection_of_params, trainable_part, with_trainable_part

Batch = PyTree[Array | np.ndarray]
Losses = Float[Array, " batch"]
LossFn = Callable[[Params, Batch, Key[Array, " batch"]], tuple[Losses, Metrics] | tuple[Losses, Metrics, Statistics]]


class Descent(NamedTuple):
    """The gradient of a batch and its statistics: means over examples, so those of its parts average to both."""

    gradient: Params  # of the parameters that descend
    statistics: Statistics


def mean_loss(loss_fn: LossFn) -> Callable[[Params, Batch, Key[Array, " batch"]], tuple[Float[Array, ""], Metrics]]:
    """``loss_fn`` averaged over the batch; the loss itself joins the metrics as ``"loss"``.

    ``ValueError`` where it is not one value per example, and where statistics come with it.
    """

    def mean(params: Params, batch: Batch, keys: Key[Array, " batch"]) -> tuple[Float[Array, ""], Metrics]:
        loss, (metrics, _) = _mean_loss_and_statistics(loss_fn, False, params, batch, keys)
        return loss, metrics

    return mean


def _mean_loss_and_statistics(
    loss_fn: LossFn, followed: bool, params: Params, batch: Batch, keys: Key[Array, " batch"]
) -> tuple[Float[Array, ""], tuple[Metrics, Statistics]]:
    losses, metrics, *statistics = loss_fn(params, batch, keys)
    if len(statistics) != followed:
        found, missing = ("no statistics", "a follow") if followed else ("statistics", "no follow")
        raise ValueError(f"the loss returns {found}, and there is {missing}: it takes both or neither")
    if isinstance(losses, tuple):
        raise ValueError("a loss is one value per example, not a Ratio: divide its sums by a constant mean length")
    if reserved := {"loss", "gradient_norm"} & metrics.keys():
        raise ValueError(f"a metric cannot be named {' or '.join(sorted(reserved))}: every step measures that itself")
    check_statistics(statistics)
    metrics = batch_means({"loss": losses, **metrics}, len(keys))
    return metrics["loss"], (metrics, statistics[0] if followed else ())


def gradient_and_statistics(
    loss_fn: LossFn,
    params: Params,
    batch: Batch,
    keys: Key[Array, " batch"],
    *,
    trainable: Trainable = collection_of_params,
    followed: bool = False,
) -> tuple[Descent, Metrics]:
    """The gradient of the mean loss in the trainable parameters, the batch's statistics where they are ``followed``,
    and the metrics.
    """

    def mean(part: Params) -> tuple[Float[Array, ""], tuple[Metrics, Statistics]]:
        return _mean_loss_and_statistics(loss_fn, followed, with_trainable_part(params, part), batch, keys)

    gradient, (metrics, statistics) = jax.grad(mean, has_aux=True)(trainable_part(params, trainable))
    return Descent(gradient, statistics), metrics


def descend(
    params: Params,
    opt_state: PyTree,
    descent: Descent,
    *,
    optimizer: optax.GradientTransformation,
    follow: Follow | None = None,
    trainable: Trainable = collection_of_params,
) -> tuple[Params, PyTree]:
    """Parameters and the optimiser's state after one update, and after ``follow``, which may not change the tree."""
    part = trainable_part(params, trainable)
    updates, opt_state = optimizer.update(descent.gradient, opt_state, part)
    moved = with_trainable_part(params, optax.apply_updates(part, updates))
    if follow is not None:
        moved = follow(moved, descent.statistics)
        check_same_form(moved, params, "parameters after follow")
    return moved, opt_state


def gradient_norm(descent: Descent | PyTree[Array]) -> Metrics:
    """The global norm √(Σ g²) of the batch's gradient, before the optimiser clips it.

    Products of leaves with themselves: XLA on CPU adds up a product in vectors, and a plain sum one by one.
    """
    leaves = jax.tree.leaves(descent.gradient if isinstance(descent, Descent) else descent)
    squares = [jnp.tensordot(leaf, leaf, axes=leaf.ndim, precision="highest") for leaf in leaves]
    return {"gradient_norm": jnp.sqrt(sum(squares))}
