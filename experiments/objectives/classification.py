"""Classification over a batch: the loss, and the share of wrong answers."""

from collections.abc import Callable

import jax

from losses.classification import CLASSIFICATION_LOSSES, zero_one_loss
from train.task import LossFn


def classification_loss(apply: Callable, loss: str) -> LossFn:
    """The loss ``(params, batch, keys) → (losses, {error})`` of ``apply(keys, params, images)``; the error is in %."""

    def loss_fn(params, batch, keys):
        logits = apply(keys, params, batch["image"])
        losses = jax.vmap(CLASSIFICATION_LOSSES[loss])(logits, batch["label"])
        return losses, {"error": 100 * jax.vmap(zero_one_loss)(logits, batch["label"])}

    return loss_fn
