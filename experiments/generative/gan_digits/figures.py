"""Pictures of a generator of images: samples, the training images they are nearest to, and ways between latents."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Float

from experiments.numerals import counted
from experiments.plots.images import image_grid, image_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Images = Float[Array, "images height width channels"]


def image_figures(samples: Images, nearest: Images, ways: Images) -> dict[str, "Figure"]:
    """All of them; a way takes ten images."""
    beside = {"generated": np.asarray(samples[: len(nearest)]), "nearest training image": np.asarray(nearest)}
    return {
        "samples": image_grid(np.asarray(samples), columns=10, title="generated images"),
        "nearest": image_rows(beside, title="beside the nearest trained"),
        "interpolations": image_grid(np.asarray(ways), columns=10, title="from one latent to another, row by row"),
    }


def mapped_rows(shown: Mapping[str, Images], support: int) -> "Figure":
    """Generated images, and how an autoencoder has them: from their codes, from mapped latents, from the mean code."""
    names = {"generated": "generated", "autoencoder": "autoencoder", "map": "mapped latents", "mean": "mean code"}
    rows = {label: np.asarray(shown[name]) for name, label in names.items()}
    return image_rows(rows, title=f"a map by {counted(support, 'image')}")
