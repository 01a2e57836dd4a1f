"""Pictures of a latent variable model: what it dreams, what it keeps, and how its latent is laid out."""

from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from experiments.plots.images import image_grid, image_pairs, manifold
from losses.collapse import kl_per_dimension
from models.vae import Gaussian

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 16
"""Images beside their reconstructions."""
Encode = Callable[[Float[Array, "batch height width channels"]], Gaussian]
Decode = Callable[[Float[Array, "batch latent"]], Float[Array, "batch height width channels"]]


def latent_figures(
    encode: Encode, decode: Decode, images: Float[Array, "batch height width channels"], *, key: Key[Array, ""]
) -> dict[str, "Figure"]:
    """Samples from the prior, reconstructions of the first ``images``, and the manifold of the two most used latent
    dimensions.

    ``decode`` returns expected images.
    """

    @jax.jit
    def computed(images: Array, key: Array) -> dict[str, Array]:
        posterior = encode(images)
        latent, plane = posterior.mean.shape[-1], most_used(posterior)
        return {
            "samples": decode(jax.random.normal(key, (100, latent))),
            "reconstructions": decode(posterior.mean[:SHOWN]),
            "plane": plane,
            "manifold": latent_plane(decode, latent, *plane),
        }

    drawn = jax.device_get(computed(images, key))
    first, second = drawn["plane"]
    return {
        "samples": image_grid(drawn["samples"], columns=10, title="samples from the prior"),
        "reconstructions": image_pairs(images[:SHOWN], drawn["reconstructions"], columns=8, title="held-out images"),
        "manifold": manifold(drawn["manifold"], title=f"latents {first} (down), {second} (across)"),
    }


def most_used(posterior: Gaussian) -> Int[Array, "2"]:
    """The two dimensions with the greatest mean KL from the prior; a one-dimensional latent counts twice."""
    order = jnp.argsort(-kl_per_dimension(*posterior).mean(axis=0))
    return order[jnp.asarray([0, min(1, len(order) - 1)])]


def latent_plane(
    decode: Decode, latent: int, first: Int[Array, ""], second: Int[Array, ""], *, side: int = 15
) -> Float[Array, "side side height width channels"]:
    """Images decoded on a grid of equal prior mass in two latent dimensions (Kingma & Welling 2014, figure 4)."""
    values = jnp.asarray([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)], jnp.float32)
    grid = jnp.zeros((side, side, latent)).at[..., first].set(values[:, None]).at[..., second].set(values[None, :])
    images = decode(grid.reshape(side * side, latent))
    return images.reshape(side, side, *images.shape[1:])
