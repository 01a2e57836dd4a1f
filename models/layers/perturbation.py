"""Small changes of an image: how far they may go, and which of them a gradient asks for."""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from models.layers.random_arrays import normal, uniform

Norm = Literal["linf", "l2"]


def within_linf(
    value: Float[Array, "*shape"], center: Float[Array, "*shape"], *, radius: float | Float[Array, ""]
) -> Float[Array, "*shape"]:
    """The point of the cube around ``center`` that is nearest to ``value``.

        argmin_{max_i |y_i − c_i| ≤ ε} ‖y − x‖₂,   y_i = c_i + min(max(x_i − c_i, −ε), ε)

    Madry et al. 2018, section 2.1.
    """
    return center + jnp.clip(value - center, -radius, radius)


def within_l2(
    value: Float[Array, "*shape"], center: Float[Array, "*shape"], *, radius: float | Float[Array, ""]
) -> Float[Array, "*shape"]:
    """The point of the ball around ``center`` that is nearest to ``value``.

        argmin_{‖y − c‖₂ ≤ ε} ‖y − x‖₂,   y = c + (x − c) min(1, ε / ‖x − c‖₂)

    Madry et al. 2018, section 2.1.
    """
    change = value - center
    largest = jnp.max(jnp.abs(change))
    scaled = change / jnp.where(largest > 0, largest, 1.0)  # squares of small or large entries would be lost
    most = radius / jnp.sqrt(jnp.maximum(jnp.sum(scaled**2), 1.0))
    return center + jnp.where(largest <= most, change, scaled * most)


def steepest_linf(gradient: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The change whose entries are at most 1 with which a linear function rises most: the signs of its gradient.

        argmax_{max_i |d_i| ≤ 1} gᵀd = sign(g),   gᵀd = ‖g‖₁

    0 where the gradient is. Goodfellow et al. 2015, section 3.
    """
    return jnp.sign(gradient)


def steepest_l2(gradient: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The change of length at most 1 with which a linear function rises most: its gradient, normalised.

        argmax_{‖d‖₂ ≤ 1} gᵀd = g / ‖g‖₂,   gᵀd = ‖g‖₂

    0 where the gradient is. Madry et al. 2018, section 2.1 (Cauchy–Schwarz).
    """
    largest = jnp.max(jnp.abs(gradient))
    scaled = gradient / jnp.where(largest > 0, largest, 1.0)  # squares of small entries would vanish
    squared = jnp.sum(scaled**2)
    return scaled / jnp.sqrt(jnp.where(squared > 0, squared, 1.0))


def unit_mean(gradient: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """The gradient, multiplied so that its entries are 1 in size on average.

        g / (1/n Σ_i |g_i|)

    0 where the gradient is. A step of it moves pixels as far on average at whatever layer it was begun. Mordvintsev et
    al. 2015.
    """
    mean = jnp.mean(jnp.abs(gradient))
    return gradient / jnp.where(mean > 0, mean, 1.0)


def random_within_linf(
    key: Key[Array, ""], center: Float[Array, "*shape"], *, radius: float | Float[Array, ""]
) -> Float[Array, "*shape"]:
    """A point of the cube around ``center``, all of them equally likely. Madry et al. 2018, section 3.1."""
    return center + uniform(key, center.shape, center.dtype, -radius, radius)


def random_within_l2(
    key: Key[Array, ""], center: Float[Array, "*shape"], *, radius: float | Float[Array, ""]
) -> Float[Array, "*shape"]:
    """A point of the ball around ``center``, all of them equally likely.

        y = c + ε u^{1/n} z / ‖z‖₂,   z ~ N(0, I),  u ~ U(0, 1),  n the number of entries

    Madry et al. 2018, section 3.1; Muller 1959 for the direction.
    """
    direction_key, length_key = jax.random.split(key)
    direction = steepest_l2(normal(direction_key, center.shape, center.dtype))
    length = jax.random.uniform(length_key, (), center.dtype) ** (1 / max(1, center.size))
    return center + radius * length * direction


WITHIN = {"linf": within_linf, "l2": within_l2}
"""By norm, of (value, center) with a ``radius``."""
STEEPEST = {"linf": steepest_linf, "l2": steepest_l2}
"""By norm, of a gradient."""
RANDOM_WITHIN = {"linf": random_within_linf, "l2": random_within_l2}
"""By norm, of (key, center) with a ``radius``."""
