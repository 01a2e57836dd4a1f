"""What is minimised to find an image by what a net makes of it."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def relative_squared_error(features: Float[Array, "*shape"], target: Float[Array, "*shape"]) -> Float[Array, ""]:
    """How far features are from those of another image, as a share of these.

        ‖φ(x) − φ₀‖² / ‖φ₀‖²

    0 where they are the same, 1 for features of 0; a target of 0 counts as one of length 1. Mahendran & Vedaldi 2015,
    equations 1 and 4.
    """
    squared = jnp.sum(target**2)
    return jnp.sum((features - target) ** 2) / jnp.where(squared == 0, 1.0, squared)


def power_norm(image: Float[Array, "*shape"], *, power: float = 6.0) -> Float[Array, ""]:
    """The power of the norm that keeps values in a range: with α = 6 small ones cost nothing, and large ones much.

        ‖x‖_α^α = Σ_i |x_i|^α

    Of an image whose mean is about 0. With α = 2 it is the squared norm. ``ValueError`` for α below 1. Mahendran &
    Vedaldi 2015, section 3.
    """
    if power < 1:
        raise ValueError(f"the power of a norm is at least 1, not {power:g}")
    return jnp.sum((image * jnp.sign(image)) ** power)
