"""Losses of a classifier of pixels, in which some pixels do not count and others count more."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Integer

from models.layers.distance import squared_distances

IGNORED = (-1, 255)
"""Labels of pixels that nobody has classified, or whose class is not clear."""


def counted_pixels(labels: Integer[Array, "*shape"], *, ignored: tuple[int, ...] = IGNORED) -> Bool[Array, "*shape"]:
    """Which pixels have a label that counts: none of those ``ignored``. Everingham et al. 2010, section 3.2."""
    range_of_type = jnp.iinfo(labels.dtype)
    possible = [label for label in ignored if range_of_type.min <= label <= range_of_type.max]
    return ~jnp.isin(labels, jnp.asarray(possible, labels.dtype))


def pixel_cross_entropy(
    logits: Float[Array, "height width classes"],
    labels: Integer[Array, "height width"],
    weights: Float[Array, "height width"],
    *,
    ignored: tuple[int, ...] = IGNORED,
) -> Float[Array, ""]:
    """The weighted cross-entropy of the pixels that count, in nats, over the number of pixels that do.

        −1/n Σ_x w(x) log softmax(y(x))_{t(x)},   n = #{x : t(x) counts}

    Pixels to ignore neither count nor have a gradient, whatever their logits and weights; an image of nothing else has
    the loss 0. Long et al. 2015, section 4.3; Ronneberger et al. 2015, equation 1.
    """
    counts = counted_pixels(labels, ignored=ignored)
    possible = jnp.where(counts, labels, 0)  # optax takes −1 for the last class, and makes NaN of 255
    seen = jnp.where(counts[..., None], logits, 0.0)
    losses = optax.losses.softmax_cross_entropy_with_integer_labels(seen, possible)
    number = jnp.maximum(jnp.sum(counts.astype(losses.dtype)), 1)
    return jnp.sum(jnp.where(counts, weights * losses, 0.0)) / number


def border_weights(
    objects: Bool[Array, "objects height width"], *, weight: float = 10.0, width: float = 5.0
) -> Float[Array, "height width"]:
    """By how much more each pixel counts because it lies between two objects: what is added to its class's weight.

        w₀ exp(−(d₁ + d₂)² / (2 σ²))

    d₁ is the distance, in pixels, to the nearest object and d₂ to the second nearest: 0 within an object (the paper
    has that to its border), ∞ where there is no second. An object without pixels is none; fewer than two masks raise
    ``ValueError``. Ronneberger et al. 2015, equation 2.
    """
    if len(objects) < 2:
        raise ValueError(f"a pixel lies between two objects, got masks of {len(objects)}")
    nearest = -jax.lax.top_k(-jnp.moveaxis(jnp.sqrt(jax.vmap(squared_distances)(objects)), 0, -1), 2)[0]
    return weight * jnp.exp(-(nearest.sum(axis=-1) ** 2) / (2 * width**2))
