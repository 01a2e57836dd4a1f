"""Coupling: a part of the numbers is kept, and tells how the rest is moved, so that any network can be inverted.

The network that gives scale and shift sees what is kept, which the inverse knows too. Dinh et al. 2015 (NICE); Dinh et
al. 2017 (RealNVP). Lecture 003, section 4.3.
"""

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float


def checkerboard_mask(shape: Sequence[int], *, parity: int) -> Bool[Array, "*shape"]:
    """The fields of one colour, the same in all channels.

        m_ijc = [i + j ≡ parity mod 2]

    ``shape`` ends in the channels. Dinh et al. 2017, section 3.4.
    """
    places = sum(jnp.indices(shape[:-1]))
    return jnp.broadcast_to((places % 2 == parity)[..., None], shape)


def channel_mask(shape: Sequence[int], *, parity: int) -> Bool[Array, "*shape"]:
    """The first half of the channels (parity 0) or the others, the same at all places.

        m_c = [c < ⌈C / 2⌉]   or   [c ≥ ⌈C / 2⌉]

    ``shape`` ends in the channels; a vector is all channels. ``ValueError`` for a single channel, of which no half can
    be kept. Dinh et al. 2017, section 3.4.
    """
    channels = shape[-1]
    if channels < 2:
        raise ValueError(f"a mask of channels keeps half of them, and the shape {tuple(shape)} has {channels}")
    first = jnp.arange(channels) < (channels + 1) // 2
    return jnp.broadcast_to(first if parity == 0 else ~first, shape)


def bounded_log_scale(
    raw: Float[Array, "*space channels"], log_bound: Float[Array, " channels"]
) -> Float[Array, "*space channels"]:
    """Log-scales between −b_c and b_c, nearly as they are where they are small.

        b tanh(r / b),   b = exp(log_bound)

    Dinh et al. 2017, section 4.1, has a tanh with a learned factor; here the bound leaves the slope at 0 as it is.
    """
    bound = jnp.exp(log_bound)
    return bound * jnp.tanh(raw / bound)


def affine_coupling(
    value: Float[Array, "*shape"],
    log_scale: Float[Array, "*shape"],
    shift: Float[Array, "*shape"],
    kept: Bool[Array, "*shape"],
) -> tuple[Float[Array, "*shape"], Float[Array, ""]]:
    """What is not kept, scaled and shifted, and the logarithm of the Jacobian's determinant.

        y_i = x_i  where m_i,   else  x_i exp(s_i) + t_i;      log |det ∂y/∂x| = Σ_i (1 − m_i) s_i

    Holds where s = ``log_scale`` and t = ``shift`` depend on what is kept alone: the Jacobian is then triangular. Dinh
    et al. 2017, equations 4 to 6.
    """
    stretch = jnp.where(kept, 0.0, log_scale)
    return jnp.where(kept, value, value * jnp.exp(stretch) + shift), jnp.sum(stretch)


def invert_affine_coupling(
    value: Float[Array, "*shape"],
    log_scale: Float[Array, "*shape"],
    shift: Float[Array, "*shape"],
    kept: Bool[Array, "*shape"],
) -> tuple[Float[Array, "*shape"], Float[Array, ""]]:
    """The inverse of ``affine_coupling`` by the same scale and shift, and its own log-determinant.

        x_i = y_i  where m_i,   else  (y_i − t_i) exp(−s_i);      log |det ∂x/∂y| = −Σ_i (1 − m_i) s_i

    Dinh et al. 2017, equations 7 and 8.
    """
    stretch = jnp.where(kept, 0.0, log_scale)
    return jnp.where(kept, value, (value - shift) * jnp.exp(-stretch)), -jnp.sum(stretch)


def additive_coupling(
    value: Float[Array, "*shape"], shift: Float[Array, "*shape"], kept: Bool[Array, "*shape"]
) -> tuple[Float[Array, "*shape"], Float[Array, ""]]:
    """What is not kept, shifted; no volume changes.

        y_i = x_i + (1 − m_i) t_i;      log |det ∂y/∂x| = 0

    Dinh et al. 2015, section 3.2.
    """
    return jnp.where(kept, value, value + shift), jnp.zeros((), value.dtype)


def invert_additive_coupling(
    value: Float[Array, "*shape"], shift: Float[Array, "*shape"], kept: Bool[Array, "*shape"]
) -> tuple[Float[Array, "*shape"], Float[Array, ""]]:
    """The inverse of ``additive_coupling`` by the same shift.

        x_i = y_i − (1 − m_i) t_i;      log |det ∂x/∂y| = 0

    Dinh et al. 2015, section 3.2.
    """
    return jnp.where(kept, value, value - shift), jnp.zeros((), value.dtype)
