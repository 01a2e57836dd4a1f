"""Pictures that units ask for, and images that were found again from their features."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from experiments.plots.canvas import PALETTE, canvas
from experiments.plots.images import image_rows
from experiments.vision.activation_maximization.pictures import INVERSIONS, Workshop
from train.task import Params

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 12
WORDS = {
    "none": "none",
    "norm": "squared norm",
    "variation": "total variation",
    "jitter": "jitter",
    "blur": "blur",
    "together": "all together",
    "plain": "without a regulariser",
    "regularized": "with total variation",
}
Image = Float[np.ndarray, "height width channels"]
Images = Float[np.ndarray, "images height width channels"]


def drawings(shop: Workshop, pictures: Params, images: Images, mean: Image) -> "dict[str, Figure]":
    """A row for each layer of what its units ask for under the last way; the last layer's units under every way; images
    found again from every layer; and their errors.
    """
    inverted, places = pictures["inverted"], shop.units.places()
    maximized = {way: pictures["maximized"][way] for way in shop.ways}
    last_way, last_layer = shop.ways[-1], list(places)[-1]
    wall = {layer: maximized[last_way][place] for layer, place in places.items()}
    classes = {WORDS[way]: each[places[last_layer]][:SHOWN] for way, each in maximized.items()}
    found = {"image": images[:SHOWN]}
    found |= {layer: each[:SHOWN] for layer, each in zip(shop.layers, inverted["regularized"], strict=True)}
    return {
        "wall": image_rows(wall, title="what the units of each layer ask for"),
        "regularizers": image_rows(classes, title=f"{last_layer}: what its units ask for"),
        "inverted": image_rows(found, title="images from their features"),
        "inversion_errors": inversion_errors(shop.layers, inverted, images, mean),
    }


def inversion_errors(
    layers: Sequence[str],
    inverted: Mapping[str, Float[np.ndarray, "layers images height width channels"]],
    images: Images,
    mean: Image,
) -> "Figure":
    """Root mean squared error of a pixel by the layer, the mean over images; dotted that of the mean training image."""
    figure, axes = canvas("images found again from the features of each layer")
    for kind, colour in zip(INVERSIONS, PALETTE, strict=False):
        errors = np.sqrt(((inverted[kind] - images) ** 2).mean(axis=(2, 3, 4))).mean(axis=1)
        axes.plot(range(len(layers)), errors, "o-", color=colour, label=WORDS[kind])
    blind = float(np.sqrt(((mean - images) ** 2).mean(axis=(1, 2, 3))).mean())
    axes.axhline(blind, color=PALETTE[6], linestyle=":", label="mean training image")
    axes.set_xticks(range(len(layers)), layers, rotation=60, fontsize=8)
    axes.set(xlabel="layer", ylabel="RMSE of a pixel")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    return figure
