"""Prediction of the next symbol of a sequence over a batch of windows."""

from collections.abc import Callable

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from train.task import LossFn


def next_token_losses(
    logits: Float[Array, "batch predicted symbols"], sequence: Int[Array, "batch places"]
) -> tuple[Float[Array, " batch"], dict[str, Float[Array, " batch"]]]:
    """The mean cross-entropy of a window's predicted symbols, its last ones, in nats; and the share of wrong ones in %.

    Every window predicts as many symbols, so the mean over windows is that over symbols.
    """
    targets = sequence[:, sequence.shape[1] - logits.shape[1] :].astype(jnp.int32)
    losses = optax.losses.softmax_cross_entropy_with_integer_labels(logits, targets).mean(axis=1)
    wrong = (logits.argmax(axis=-1) != targets).astype(logits.dtype).mean(axis=1)
    return losses, {"error": 100 * wrong}


def next_token_loss(apply: Callable) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {error})`` of ``apply(keys, params, sequence)``, which is not shown
    the last symbol.
    """

    def loss_fn(params, batch, keys):
        sequence = batch["symbols"]
        return next_token_losses(apply(keys, params, sequence[:, :-1].astype(jnp.int32)), sequence)

    return loss_fn
