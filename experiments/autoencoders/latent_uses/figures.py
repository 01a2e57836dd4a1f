"""Pictures of what an autoencoder is used for, beside what PCA of equal size does."""

from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from experiments.evaluations.codec import Images
from experiments.evaluations.downstream_examples import DownstreamExamples, RateDistortion
from experiments.numerals import counted, measured
from experiments.plots.canvas import PALETTE, light_grid, log_ticks
from experiments.plots.images import image_grid, image_rows
from losses.metrics.ranking import roc_auc

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def latent_uses_figures(examples: DownstreamExamples, *, latent: int, noise: float) -> dict[str, "Figure"]:
    """All of them; ``latent`` numbers are in a code, ``noise`` is the deviation of what was removed."""
    return {
        "search": search(examples.queries, examples.found),
        "imputation": image_rows(examples.imputation, title="missing values"),
        "denoising": image_rows(examples.denoising, title=f"Gaussian noise, deviation {noise:g}"),
        "anomalies": anomalies({name: np.asarray(errors) for name, errors in examples.errors.items()}),
        "rate_distortion": rate_distortion(examples.rate_distortion, latent),
    }


def search(queries: Images, found: Float[np.ndarray, "queries found *shape"]) -> "Figure":
    """Queries in the first column, and to their right the stored images of the nearest codes."""
    queries, found = np.asarray(queries)[:, None], np.asarray(found)
    rows = np.concatenate([queries, np.ones_like(queries), found], axis=1)
    picture = rows.reshape(-1, *rows.shape[2:])
    return image_grid(picture, columns=rows.shape[1], title="query, and the nearest training images")


def anomalies(errors: dict[str, Float[np.ndarray, " images"]]) -> "Figure":
    """Histograms of the reconstruction error: of held-out images, which come first, and of each kind of anomaly."""
    from matplotlib.figure import Figure

    (name, normal), *kinds = errors.items()
    bins = np.geomspace(*_ends(np.concatenate(list(errors.values()))), 41)
    figure = Figure(figsize=(6.4, 3.6), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    axes.hist(normal, bins, color=PALETTE[0], alpha=0.75, label=name, weights=_shares(normal))
    for colour, (kind, each) in zip(PALETTE[1:], kinds, strict=False):
        area = measured(float(roc_auc(jnp.asarray(normal), jnp.asarray(each))))
        label = f"{kind.replace('_', ' ')}: AUC {area}"
        axes.hist(each, bins, color=colour, histtype="step", linewidth=1.8, label=label, weights=_shares(each))
    axes.set(xscale="log", xlabel="reconstruction error, mean square per pixel", ylabel="share of images")
    log_ticks(axes.xaxis)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure


def _ends(scores: Float[np.ndarray, " scores"]) -> tuple[float, float]:
    least = max(float(scores.min()), 1e-8)
    return least, max(float(scores.max()), 1.01 * least)


def _shares(scores: Float[np.ndarray, " scores"]) -> Float[np.ndarray, " scores"]:
    return np.full(len(scores), 1 / len(scores))


def rate_distortion(curves: dict[str, RateDistortion], latent: int) -> "Figure":
    """PSNR over the bits of the quantised code, and its limit without quantisation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.8), dpi=144, layout="constrained")
    axes = figure.add_subplot()
    for colour, (name, curve) in zip(PALETTE, curves.items(), strict=False):
        axes.plot(curve.bits, curve.psnr, "o-", color=colour, label=f"{name}, {counted(latent, 'number')}")
        axes.axhline(float(curve.limit), color=colour, linestyle=":", linewidth=1)
    axes.set(xlabel="bits per image, each dimension coded to its entropy", ylabel="PSNR (dB)")
    light_grid(axes)
    axes.legend(frameon=False)
    return figure
