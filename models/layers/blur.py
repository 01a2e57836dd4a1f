"""Images blurred by a Gaussian."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def gaussian_window(deviation: float, *, truncate: float = 4.0) -> Float[np.ndarray, " size"]:
    """The weights of a blur along one axis: a Gaussian at whole numbers, of sum 1.

        w_i ∝ exp(−i² / 2σ²),   |i| ≤ ⌊t σ + ½⌋

    With σ = 0 it is 1 alone. ``ValueError`` where σ is negative.
    """
    if deviation < 0:
        raise ValueError(f"a blur has a deviation of at least 0, got {deviation:g}")
    radius = int(truncate * deviation + 0.5)
    places = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (places / deviation) ** 2) if radius else np.ones(1)
    return weights / weights.sum()


def blur_matrix(size: int, deviation: float) -> Float[np.ndarray, "size size"]:
    """The blur of a column of so many pixels as a matrix: beyond each end the column is continued by its reflection.

        (c b a | a b c d | d c b)

    Rows sum to 1, so an even column stays as it is.
    """
    window = gaussian_window(deviation)
    radius = len(window) // 2
    continued = np.pad(np.eye(size), ((radius, radius), (0, 0)), mode="symmetric")
    return sum(weight * continued[place : place + size] for place, weight in enumerate(window))


def gaussian_blur(
    images: Float[Array, "*batch height width channels"], *, deviation: float
) -> Float[Array, "*batch height width channels"]:
    """Every channel under a Gaussian of ``deviation`` σ pixels, along one axis after the other.

        y = B_height x B_widthᵀ

    As ``scipy.ndimage.gaussian_filter`` with its usual mode. As a prior of images it forbids the high frequencies that
    gradients in the input are full of: Yosinski et al. 2015, section 3.
    """
    rows, columns = (jnp.asarray(blur_matrix(size, deviation), images.dtype) for size in images.shape[-3:-1])
    return jnp.einsum("ih,...hwc,jw->...ijc", rows, images, columns)
