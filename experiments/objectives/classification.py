"""Classification over a batch: the loss, and the share of wrong answers."""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float, Int

from losses.classification import CLASSIFICATION_LOSSES, LOSS_UNITS, signed_squared_error, zero_one_loss
from train.task import LossFn

LOSSES = CLASSIFICATION_LOSSES | {"squared_error": signed_squared_error}
"""By name, of (outputs [classes], label []); the last is for outputs between −1 and 1."""
UNITS = LOSS_UNITS | {"squared_error": ""}
"""Of each loss."""


def classification_losses(
    logits: Float[Array, "batch classes"], labels: Int[Array, " batch"], *, loss: str
) -> tuple[Float[Array, " batch"], dict[str, Float[Array, " batch"]]]:
    """The losses by name, and the error in %."""
    losses = jax.vmap(LOSSES[loss])(logits, labels)
    return losses, {"error": 100 * jax.vmap(zero_one_loss)(logits, labels)}


def classification_loss(apply: Callable, loss: str) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {error})`` of ``apply(keys, params, images)``."""

    def loss_fn(params, batch, keys):
        return classification_losses(apply(keys, params, batch["image"]), batch["label"], loss=loss)

    return loss_fn
