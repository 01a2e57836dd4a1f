"""What the downstream tasks look like: examples and curves of what ``downstream.py`` measures."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from experiments.evaluations.codec import Codec, Images, Rows
from experiments.evaluations.downstream import (
    DownstreamProtocol,
    compressed,
    denoised,
    imputed,
    mean_psnr,
    observed_mask,
    reconstruction_errors,
    squared_distances,
)
from models.layers.nearest import nearest

SHOWN = 12
LEVELS = (2, 3, 4, 6, 8, 12, 16, 32, 64)
"""Values of each number of a code, of the points of a curve of rate and distortion."""


class RateDistortion(NamedTuple):
    """PSNR over the rate of a quantised code."""

    bits: Float[Array, " points"]
    """of an image, after entropy coding"""
    psnr: Float[Array, " points"]
    """in decibels"""
    limit: Float[Array, ""]
    """the PSNR without quantisation"""


class DownstreamExamples(NamedTuple):
    """Rows of images by name; for anomaly detection the scores, by kind."""

    queries: Images
    found: Float[Array, "queries found height width channels"]
    imputation: Rows
    denoising: Rows
    errors: OrderedDict[str, Float[Array, " images"]]
    rate_distortion: OrderedDict[str, RateDistortion]


def rate_distortion(codec: Codec, images: Images, stored: Images, levels: Sequence[int]) -> RateDistortion:
    """A point for each number of levels."""
    seen = codec.encode(stored)
    curve = [compressed(codec, images, seen, levels=each) for each in levels]
    bits = jnp.stack([rate for rate, _ in curve])
    psnr = jnp.stack([mean_psnr(images, coarse) for _, coarse in curve])
    return RateDistortion(bits, psnr, mean_psnr(images, codec.reconstruct(images)))


def downstream_examples(
    codec: Codec,
    pca: Codec,
    images: Images,
    stored: Images,
    anomalies: dict[str, Images],
    key: Key[Array, ""],
    protocol: DownstreamProtocol,
) -> DownstreamExamples:
    """From held-out images, stored ones, and those that are out of distribution, by kind."""
    queries, shown, mean = images[:8], images[:SHOWN], stored.mean(axis=0)
    distances = squared_distances(codec.encode(queries), codec.encode(stored))
    observed = observed_mask(key, images, missing=protocol.missing)[:SHOWN]
    noisy, restored = denoised(codec, key, shown, level=protocol.noise)
    known = {"held-out images": images} | anomalies
    return DownstreamExamples(
        queries=queries,
        found=stored[nearest(distances, k=min(10, len(stored)))],
        imputation=Rows(
            {
                "original": shown,
                "observed": jnp.where(observed, shown, jnp.nan),
                "mean image": jnp.where(observed, shown, mean),
                "PCA": imputed(pca, shown, observed, mean),
                "autoencoder": imputed(codec, shown, observed, mean),
            }
        ),
        denoising=Rows({"original": shown, "noisy": noisy, "PCA": pca.reconstruct(noisy), "autoencoder": restored}),
        errors=OrderedDict({kind: reconstruction_errors(codec, each) for kind, each in known.items()}),
        rate_distortion=OrderedDict(
            {
                "autoencoder": rate_distortion(codec, images, stored, LEVELS),
                "PCA": rate_distortion(pca, images, stored, LEVELS),
            }
        ),
    )
