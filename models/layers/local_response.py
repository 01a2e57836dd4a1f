"""Normalisation of a channel by its neighbours' responses."""

import jax.numpy as jnp
from jaxtyping import Array, Float


def local_response_normalization(
    features: Float[Array, "*batch channels"],
    *,
    size: int = 5,
    alpha: float = 1e-4,
    beta: float = 0.75,
    offset: float = 2.0,
) -> Float[Array, "*batch channels"]:
    """Each response divided by a power of the squares around it, over ``size`` channels centred at its own.

        b_c = a_c / (k + α Σ_j a_j²)^β,   j = max(0, c − ⌊n/2⌋) … min(N − 1, c + ⌊n/2⌋)

    n is the ``size``, k the ``offset``, N the number of channels. Caffe and PyTorch divide α by n; with theirs α = 5e-4
    for n = 5 is this one's 1e-4. An even size raises ``ValueError``. Krizhevsky et al. 2012, section 3.3.
    """
    if size % 2 == 0 or size < 1:
        raise ValueError(f"the channels are centred at one: size must be odd, got {size}")
    channels, reach = features.shape[-1], size // 2
    squares = jnp.pad(features**2, [(0, 0)] * (features.ndim - 1) + [(reach, reach)])
    around = sum(squares[..., first : first + channels] for first in range(size))
    return features / (offset + alpha * around) ** beta
