"""Losses of a classifier: one example's scores and label in, one number out.

As in Lecture 001, with y the scores (logits) and t the label. Two classes, one score y and the sign s = 2t − 1:

    cross_entropy          −log σ(s y)
    hinge                  max(0, 1 − s y)
    squared_hinge          max(0, 1 − s y)²

K classes, one score each:

    cross_entropy          −log softmax(y)_t
    hinge                  Σ_{j≠t} max(0, 1 − (y_t − y_j))        Weston & Watkins 1999
    squared_hinge          Σ_{j≠t} max(0, 1 − (y_t − y_j))²
    crammer_singer_hinge   max(0, max_{j≠t} 1 − (y_t − y_j))      Crammer & Singer 2001

Both cross-entropies (in nats), the binary hinge and Crammer & Singer's are Optax's. With two classes, each K-class loss
of the scores (0, y) is the binary loss of y.
"""

from collections.abc import Callable

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int


def binary_hinge(logit: Float[Array, ""], label: Int[Array, ""]) -> Float[Array, ""]:
    """Zero once the score is on the label's side by a margin of 1, and linear before (no unit).

        max(0, 1 − s y),   s = 2t − 1

    ``label`` t is 0 or 1. Cortes & Vapnik 1995. Lecture 001.
    """
    return optax.hinge_loss(logit, (2 * label - 1).astype(logit.dtype))


def binary_squared_hinge(logit: Float[Array, ""], label: Int[Array, ""]) -> Float[Array, ""]:
    """The hinge loss squared, which is differentiable at the margin too (no unit).

        max(0, 1 − s y)²,   s = 2t − 1

    ``label`` t is 0 or 1. Tang 2013 (the L2-SVM). Lecture 001.
    """
    return binary_hinge(logit, label) ** 2


def multiclass_hinge(logits: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, ""]:
    """By how much each other class comes within a margin of 1 of the true one, summed (no unit).

        Σ_{j≠t} max(0, 1 − (y_t − y_j))

    ``label`` t counts from 0; shapes of more than one example raise ``ValueError``. Weston & Watkins 1999. Lecture 001.
    """
    return jnp.sum(_margin_violations(logits, label))


def multiclass_squared_hinge(logits: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, ""]:
    """The squares of what ``multiclass_hinge`` sums (no unit).

        Σ_{j≠t} max(0, 1 − (y_t − y_j))²

    ``label`` t counts from 0; shapes of more than one example raise ``ValueError``. Lecture 001, after Weston & Watkins
    1999.
    """
    return jnp.sum(_margin_violations(logits, label) ** 2)


def _margin_violations(logits: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, " classes"]:
    if logits.ndim != 1 or label.ndim:
        raise ValueError(
            f"expected the logits [classes] and label [] of one example, got {logits.shape}, {label.shape}"
        )
    violations = jnp.maximum(0.0, 1.0 - (logits[label] - logits))
    return jnp.where(jnp.arange(logits.size) == label, 0.0, violations)


def signed_squared_error(outputs: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, ""]:
    """Mean squared distance of the outputs from 1 for the true class and −1 for each other (no unit).

        1/K Σ_j (y_j − s_j)²,   s_j = 1 where j = t, else −1

    For outputs that end in a tanh, as before the softmax. ``label`` t counts from 0. LeCun et al. 1989, section 4.
    """
    targets = jnp.where(jnp.arange(outputs.size) == label, 1.0, -1.0).astype(outputs.dtype)
    return jnp.mean((outputs - targets) ** 2)


def zero_one_loss(logits: Float[Array, " classes"], label: Int[Array, ""]) -> Float[Array, ""]:
    """1 where the highest score is not the label's, otherwise 0; its mean over examples is the error rate.

        [argmax_j y_j ≠ t]

    ``label`` t counts from 0; of equal scores the first counts as the highest. Its gradient is zero everywhere, so it
    is measured, not minimised. Vapnik 1995.
    """
    return (jnp.argmax(logits, axis=-1) != label).astype(logits.dtype)


BINARY_LOSSES: dict[str, Callable[[Float[Array, ""], Int[Array, ""]], Float[Array, ""]]] = {
    "cross_entropy": optax.sigmoid_binary_cross_entropy,
    "hinge": binary_hinge,
    "squared_hinge": binary_squared_hinge,
}
"""By name, of (logit [], label []); labels are 0 and 1."""

CLASSIFICATION_LOSSES: dict[str, Callable[[Float[Array, " classes"], Int[Array, ""]], Float[Array, ""]]] = {
    "cross_entropy": optax.softmax_cross_entropy_with_integer_labels,
    "hinge": multiclass_hinge,
    "squared_hinge": multiclass_squared_hinge,
    "crammer_singer_hinge": optax.losses.multiclass_hinge_loss,
}
"""By name, of (logits [classes], label []); labels count from 0."""

LOSS_UNITS = {"cross_entropy": "nats", "hinge": "", "squared_hinge": "", "crammer_singer_hinge": ""}
"""By name; only the cross-entropy is an amount of information, the others are scores, or their squares."""
