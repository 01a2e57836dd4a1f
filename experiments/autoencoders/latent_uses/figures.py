"""Pictures of what an autoencoder is used for, beside what PCA of equal size does."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from experiments.evaluations.codec import Coder, Images
from experiments.evaluations.downstream import (
    completed,
    compressed,
    decibels,
    denoised,
    reconstruction_errors,
    squared_distances,
)
from experiments.plots.canvas import PALETTE, light_grid
from experiments.plots.images import image_grid, image_rows
from models.representation import roc_auc

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 12
LEVELS = (2, 3, 4, 6, 8, 12, 16, 32, 64)


def latent_uses_figures(
    coder: Coder,
    pca: Coder,
    images: Images,
    stored: Images,
    observed: Bool[Array, "images *shape"],
    foreign: dict[str, Images],
    *,
    noise: float,
    key: Key[Array, ""],
) -> dict[str, "Figure"]:
    """All of them, from held-out images, those that are searched and seen, and those that are foreign."""
    return {
        "search": search(coder, images, stored),
        "imputation": imputation(coder, pca, images[:COLUMNS], observed[:COLUMNS], stored.mean(axis=0)),
        "denoising": denoising(coder, pca, images[:COLUMNS], noise, key),
        "anomalies": anomalies(coder, images, foreign),
        "rate_distortion": rate_distortion(coder, pca, images, stored),
    }


def search(coder: Coder, images: Images, stored: Images) -> "Figure":
    """Queries in the first column, and to their right the stored images of the nearest codes."""
    queries = images[:8]
    distances = squared_distances(coder.encode(queries), coder.encode(stored))
    _, nearest = jax.lax.top_k(-distances, min(10, len(stored)))
    rows = jnp.concatenate([queries[:, None], jnp.ones_like(queries[:, None]), stored[nearest]], axis=1)
    picture = np.asarray(rows.reshape(-1, *images.shape[1:]))
    return image_grid(picture, columns=rows.shape[1], title="query, and the nearest training images")


def imputation(
    coder: Coder, pca: Coder, images: Images, observed: Bool[Array, "images *shape"], mean: Array
) -> "Figure":
    """What is missing in magenta, and what fills it."""
    rows = {
        "original": images,
        "observed": jnp.where(observed, images, jnp.nan),
        "mean image": jnp.where(observed, images, mean),
        "PCA": completed(pca, images, observed, mean),
        "autoencoder": completed(coder, images, observed, mean),
    }
    return image_rows(rows, title="missing values")


def denoising(coder: Coder, pca: Coder, images: Images, noise: float, key: Key[Array, ""]) -> "Figure":
    """Noisy images and their reconstructions."""
    noisy, by_coder = denoised(coder, key, images, level=noise)
    _, by_pca = denoised(pca, key, images, level=noise)
    rows = {"original": images, "noisy": noisy, "PCA": by_pca, "autoencoder": by_coder}
    return image_rows(rows, title=f"Gaussian noise, deviation {noise:g}")


def anomalies(coder: Coder, images: Images, foreign: dict[str, Images]) -> "Figure":
    """Histograms of the reconstruction error."""
    from matplotlib.figure import Figure

    normal = np.asarray(reconstruction_errors(coder, images))
    scores = {kind: np.asarray(reconstruction_errors(coder, each)) for kind, each in foreign.items()}
    bins = np.geomspace(*_ends(np.concatenate([normal, *scores.values()])), 41)
    figure = Figure(figsize=(6.4, 3.6), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    axes.hist(normal, bins, color=PALETTE[0], alpha=0.75, label="held-out images", weights=_shares(normal))
    for colour, (kind, each) in zip(PALETTE[1:], scores.items(), strict=False):
        label = f"{kind.replace('_', ' ')}: AUC {float(roc_auc(jnp.asarray(normal), jnp.asarray(each))):.3f}"
        axes.hist(each, bins, color=colour, histtype="step", linewidth=1.8, label=label, weights=_shares(each))
    axes.set(xscale="log", xlabel="reconstruction error, mean square per pixel", ylabel="share of images")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure


def _ends(scores: Float[np.ndarray, " scores"]) -> tuple[float, float]:
    least = max(float(scores.min()), 1e-8)
    return least, max(float(scores.max()), 1.01 * least)


def _shares(scores: Float[np.ndarray, " scores"]) -> Float[np.ndarray, " scores"]:
    return np.full(len(scores), 1 / len(scores))


def rate_distortion(coder: Coder, pca: Coder, images: Images, stored: Images) -> "Figure":
    """PSNR over the bits of the quantised code, and its limit without quantisation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.8), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    for colour, (name, each) in zip(PALETTE, {"autoencoder": coder, "PCA": pca}.items(), strict=False):
        seen = each.encode(stored)
        curve = [compressed(each, images, seen, levels=levels) for levels in LEVELS]
        bits, psnr = [float(rate) for rate, _ in curve], [float(decibels(images, made)) for _, made in curve]
        axes.plot(bits, psnr, "o-", color=colour, label=f"{name}, {seen.shape[1]} numbers")
        axes.axhline(float(decibels(images, each.reconstruct(images))), color=colour, linestyle=":", linewidth=1)
    axes.set(xlabel="bits per image, each dimension coded to its entropy", ylabel="PSNR (dB)")
    light_grid(axes)
    axes.legend(frameon=False)
    return figure
