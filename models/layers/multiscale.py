"""Several scales of a flow: places exchanged for channels, and half of the channels let out early.

Both only move numbers about, so no volume changes: the log-determinant is 0. Dinh et al. 2017, sections 3.6 and 4.1.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float


def squeeze(image: Float[Array, "height width channels"]) -> Float[Array, "half_height half_width four_channels"]:
    """Blocks of 2 × 2 places become one place of four times the channels.

        y[i, j, (2a + b) C + c] = x[2i + a, 2j + b, c],   a, b ∈ {0, 1}

    ``ValueError`` where height or width is odd. Dinh et al. 2017, section 3.6.
    """
    height, width, channels = image.shape
    if height % 2 or width % 2:
        raise ValueError(f"blocks of 2 × 2 places do not tile an image of shape {image.shape}")
    blocks = image.reshape(height // 2, 2, width // 2, 2, channels)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(height // 2, width // 2, 4 * channels)


def unsqueeze(
    image: Float[Array, "half_height half_width four_channels"],
) -> Float[Array, "height width channels"]:
    """The inverse of ``squeeze``.

        x[2i + a, 2j + b, c] = y[i, j, (2a + b) C + c]

    ``ValueError`` where the channels are no multiple of four. Dinh et al. 2017, section 3.6.
    """
    height, width, channels = image.shape
    if channels % 4:
        raise ValueError(f"the channels of {image.shape} do not come in fours")
    blocks = image.reshape(height, width, 2, 2, channels // 4)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(2 * height, 2 * width, channels // 4)


def split_channels(
    value: Float[Array, "*space channels"],
) -> tuple[Float[Array, "*space half"], Float[Array, "*space half"]]:
    """The half of the channels that goes on, and the half that is let out as a part of the latent.

        (x[…, : C/2], x[…, C/2 :])

    ``ValueError`` where their number is odd. Dinh et al. 2017, section 3.6.
    """
    if value.shape[-1] % 2:
        raise ValueError(f"the channels of {value.shape} have no half")
    first, second = jnp.split(value, 2, axis=-1)
    return first, second


def join_channels(
    first: Float[Array, "*space half"], second: Float[Array, "*space half"]
) -> Float[Array, "*space channels"]:
    """The inverse of ``split_channels``.

        [a, b]

    Dinh et al. 2017, section 3.6.
    """
    return jnp.concatenate([first, second], axis=-1)
