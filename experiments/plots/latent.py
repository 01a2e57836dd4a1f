"""Pictures of a latent variable model: what it dreams, what it keeps, and how its latent is laid out."""

from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Array, Float, Key

from experiments.plots.images import image_grid, image_pairs, manifold
from losses.collapse import kl_per_dimension
from models.vae import Gaussian

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Encode = Callable[[Float[Array, "batch height width channels"]], Gaussian]
Decode = Callable[[Float[Array, "batch latent"]], Float[Array, "batch height width channels"]]


def latent_figures(
    encode: Encode, decode: Decode, images: Float[Array, "batch height width channels"], *, key: Key[Array, ""]
) -> dict[str, "Figure"]:
    """Samples from the prior, reconstructions of the first ``images``, and the manifold of the two most used latent
    dimensions.

    ``decode`` returns expected images.
    """
    encode, decode = jax.jit(encode), jax.jit(decode)
    posterior = encode(images)
    samples = decode(jax.random.normal(key, (100, posterior.mean.shape[-1])))
    shown = images[:16]
    first, second = most_used(posterior)
    return {
        "samples": image_grid(np.asarray(samples), columns=10, title="samples from the prior"),
        "reconstructions": image_pairs(
            shown, np.asarray(decode(encode(shown).mean)), columns=8, title="held-out images"
        ),
        "manifold": manifold(
            np.asarray(latent_plane(decode, posterior.mean.shape[-1], first, second)),
            title=f"latents {first} (down), {second} (across)",
        ),
    }


def most_used(posterior: Gaussian) -> tuple[int, int]:
    """The two dimensions with the greatest mean KL from the prior; a one-dimensional latent counts twice."""
    order = np.argsort(-np.asarray(kl_per_dimension(*posterior).mean(axis=0)))
    return int(order[0]), int(order[min(1, len(order) - 1)])


def latent_plane(
    decode: Decode, latent: int, first: int, second: int, *, side: int = 15
) -> Float[Array, "side side height width channels"]:
    """Images decoded on a grid of equal prior mass in two latent dimensions (Kingma & Welling 2014, figure 4)."""
    values = np.asarray([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)])
    grid = np.zeros((side, side, latent), np.float32)
    grid[..., first], grid[..., second] = values[:, None], values[None, :]
    images = decode(grid.reshape(side * side, latent))
    return images.reshape(side, side, *images.shape[1:])
