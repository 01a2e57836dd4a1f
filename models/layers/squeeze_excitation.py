"""Squeeze-and-excitation: every channel is weighed by what all channels are on the whole image.

Hu et al. 2018. Lecture 003, "Squeeze and excitation".
"""

import jax
from jaxtyping import Array, Float

from models.layers.pool import global_average_pool


def channel_gates(
    images: Float[Array, "batch *space channels"],
    reduction: Float[Array, "channels reduced"],
    reduction_bias: Float[Array, " reduced"],
    expansion: Float[Array, "reduced channels"],
    expansion_bias: Float[Array, " channels"],
) -> Float[Array, "batch channels"]:
    """A weight in (0, 1) for every channel of an image.

        z_c = mean_i x[i, c],   s = σ(W₂ᵀ relu(W₁ᵀ z + b₁) + b₂)

    Hu et al. 2018, equations 2 (squeeze) and 3 (excitation), which have no biases; their published networks do.
    """
    squeezed = global_average_pool(images)
    return jax.nn.sigmoid(jax.nn.relu(squeezed @ reduction + reduction_bias) @ expansion + expansion_bias)


def scale_channels(
    images: Float[Array, "batch *space channels"], gates: Float[Array, "batch channels"]
) -> Float[Array, "batch *space channels"]:
    """Every channel of an image times its weight.

        y[n, i, c] = s[n, c] x[n, i, c]

    Hu et al. 2018, equation 4.
    """
    return images * gates.reshape(len(gates), *[1] * (images.ndim - 2), -1)
