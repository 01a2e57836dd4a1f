"""Losses of a regression: one example's prediction and target in, one number out. Lecture 001.

With y the prediction and t the target, summed over the entries where these have several:

    l2             (y − t)²
    l1             |y − t|
    pseudo_huber   δ² (√(1 + ((y − t)/δ)²) − 1)
"""

from collections.abc import Callable

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float


def squared_error(prediction: Float[Array, "*shape"], target: Float[Array, "*shape"]) -> Float[Array, ""]:
    """The L2 loss, in the target's unit squared: minimal in expectation at the mean of the target.

        Σ_i (y_i − t_i)²

    (``optax.l2_loss`` is half of it.) Different shapes raise ``ValueError``. Gauss 1809. Lecture 001.
    """
    return jnp.sum(optax.squared_error(_residual(prediction, target)))


def absolute_error(prediction: Float[Array, "*shape"], target: Float[Array, "*shape"]) -> Float[Array, ""]:
    """The L1 loss, in the target's unit: minimal in expectation at the median of the target.

        Σ_i |r_i| = Σ_i r_i sign(r_i),   r = y − t

    The second form is computed: its derivative is 0 where the target is met, while that of ``jnp.abs`` is 1 there.
    Different shapes raise ``ValueError``. Laplace 1774. Lecture 001.
    """
    residual = _residual(prediction, target)
    return jnp.sum(residual * jnp.sign(residual))


def pseudo_huber(
    prediction: Float[Array, "*shape"], target: Float[Array, "*shape"], *, delta: float = 1.0
) -> Float[Array, ""]:
    """Half the squared error near the target, δ times the absolute error far from it, and smooth between (unit²).

        Σ_i δ² (√(1 + (r_i/δ)²) − 1) = Σ_i r_i² / (1 + √(1 + (r_i/δ)²)),   r = y − t

    The second form is computed: it keeps the digits of small residuals. ``delta`` δ, above 0, has the target's unit.
    Different shapes raise ``ValueError``. Hartley & Zisserman 2004, appendix 6. Lecture 001.
    """
    residual = _residual(prediction, target)
    return jnp.sum(residual**2 / (1.0 + jnp.sqrt(1.0 + (residual / delta) ** 2)))


def _residual(prediction: Float[Array, "*shape"], target: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    if prediction.shape != target.shape:  # [n] and [n, 1] would broadcast to [n, n]
        raise ValueError(f"prediction {prediction.shape} and target {target.shape} must have the same shape")
    return prediction - target


REGRESSION_LOSSES: dict[str, Callable[[Float[Array, "*shape"], Float[Array, "*shape"]], Float[Array, ""]]] = {
    "l2": squared_error,
    "l1": absolute_error,
    "pseudo_huber": pseudo_huber,
}
"""By name, of (prediction, target) of one shape."""
