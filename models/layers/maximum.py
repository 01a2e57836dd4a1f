"""The maximum, with one convention for what its gradient is where several entries are largest."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float


def maximum(values: Float[Array, "*shape"], *, axis: int) -> Float[Array, "..."]:
    """The largest entry along an axis, whose gradient goes to the first of those that are largest.

        y = max_i x_i,   ∂y/∂x_i = 1 where i = min argmax x, else 0

    So (1, 3, 3) has the gradient (0, 1, 0); ``jnp.max`` would share it, (0, ½, ½). ``models.layers.pool`` keeps to the
    same convention, which is PyTorch's for max pooling. NaN is larger than all else. Boureau et al. 2010, section 2.
    """
    return _maximum(values, axis)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def _maximum(values: Array, axis: int) -> Array:
    return jnp.max(values, axis=axis)


def _forward(values: Array, axis: int) -> tuple[Array, Array]:
    place = lax.broadcasted_iota(jnp.int32, values.shape, axis % values.ndim)
    first = lax.argmax(values, axis % values.ndim, jnp.int32)
    return _maximum(values, axis), place == jnp.expand_dims(first, axis)


def _backward(axis: int, first: Array, cotangent: Array) -> tuple[Array]:
    return (jnp.where(first, jnp.expand_dims(cotangent, axis), 0),)


_maximum.defvjp(_forward, _backward)
