"""Pictures of a latent variable model: what it dreams, what it keeps, and how its latent is laid out."""

from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from experiments.plots.canvas import PALETTE, canvas
from experiments.plots.images import image_grid, image_pairs, manifold
from losses.collapse import kl_per_dimension
from models.vae import Gaussian, sample_gaussian
from train.compilation import jit_of_few_calls
from train.trainable import Params

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRIOR_SAMPLES = 100
SHOWN = 16
"""Images beside their reconstructions."""
SIDE = 15
"""Images along each side of the manifold."""
Images = Float[Array, "batch height width channels"]


def latent_figures(
    encode: Callable[[Params, Images], Gaussian],
    decode: Callable[[Params, Float[Array, "batch latent"]], Images],
    params: Params,
    images: Images,
    *,
    key: Key[Array, ""],
) -> dict[str, "Figure"]:
    """Samples from the prior, reconstructions of the first ``images``, the manifold of the two most used latent
    dimensions, and draws of all images' posteriors there.

    ``decode`` returns expected images.
    """

    @jit_of_few_calls
    def computed(params: Params, images: Array, key: Array) -> dict[str, Array]:
        posterior = encode(params, images)
        latent, plane = posterior.mean.shape[-1], most_used(posterior)
        drawn, kept = jax.random.normal(key, (PRIOR_SAMPLES, latent)), posterior.mean[:SHOWN]
        decoded = decode(params, jnp.concatenate([drawn, kept, latent_plane(latent, *plane).reshape(-1, latent)]))
        samples, reconstructions, grid = jnp.split(decoded, [len(drawn), len(drawn) + len(kept)])
        return {
            "samples": samples,
            "reconstructions": reconstructions,
            "plane": plane,
            "manifold": grid.reshape(SIDE, SIDE, *grid.shape[1:]),
            "aggregate": _draws(posterior, jax.random.fold_in(key, 1))[:, plane],
        }

    found = jax.device_get(computed(params, images, key))
    first, second = found["plane"]
    return {
        "samples": image_grid(found["samples"], columns=10, title="samples from the prior"),
        "reconstructions": image_pairs(images[:SHOWN], found["reconstructions"], columns=8, title="held-out images"),
        "manifold": manifold(found["manifold"], title=f"latents {first} (down), {second} (across)"),
        "aggregate": aggregate_posterior(found["aggregate"], (int(first), int(second))),
    }


def _draws(posterior: Gaussian, key: Key[Array, ""]) -> Float[Array, "batch latent"]:
    """One of each posterior."""
    return jax.vmap(sample_gaussian)(jax.random.split(key, len(posterior.mean)), posterior)


def aggregate_posterior(draws: Float[np.ndarray, "draws 2"], dimensions: tuple[int, int]) -> "Figure":
    """Draws of all posteriors in two dimensions of the latent, and the circles that hold half and 99 % of the prior."""
    figure, axes = canvas("draws of all posteriors, and the prior")
    axes.plot(*draws.T, ".", color=PALETTE[0], markersize=3, alpha=0.6, label="posteriors")
    angle = np.linspace(0, 2 * np.pi, 200)
    for share, style in ((0.5, "-"), (0.99, "--")):
        radius = np.sqrt(-2 * np.log(1 - share))
        ring = radius * np.cos(angle), radius * np.sin(angle)
        axes.plot(*ring, style, color=PALETTE[1], linewidth=1.2, label=f"{100 * share:g} % of the prior")
    axes.set(xlabel=f"latent {dimensions[0]}", ylabel=f"latent {dimensions[1]}", aspect="equal")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def most_used(posterior: Gaussian) -> Int[Array, "2"]:
    """The two dimensions with the greatest mean KL from the prior; a one-dimensional latent counts twice."""
    order = jnp.argsort(-kl_per_dimension(*posterior).mean(axis=0))
    return order[jnp.asarray([0, min(1, len(order) - 1)])]


def latent_plane(
    latent: int, first: Int[Array, ""], second: Int[Array, ""], *, side: int = SIDE
) -> Float[Array, "side side latent"]:
    """A grid of equal prior mass in two latent dimensions, the others 0 (Kingma & Welling 2014, figure 4)."""
    values = jnp.asarray([NormalDist().inv_cdf((i + 0.5) / side) for i in range(side)], jnp.float32)
    return jnp.zeros((side, side, latent)).at[..., first].set(values[:, None]).at[..., second].set(values[None, :])
