"""Looking into a trained convolutional classifier: what it gets wrong, and what is inside of it."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import jax
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from experiments.datasets import Dataset
from experiments.numerals import counted
from experiments.plots.classifier import classifier_figures
from experiments.plots.convnets import feature_map_rows, influence_maps, kernel_grid, running_statistics
from models.batch_norm import COLLECTION
from models.feature_maps import feature_maps, feature_shapes, influence
from train.task import Params

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYERS = 10
"""Layers that are looked at, at most."""
ACTIVATED = ("relu", "tanh", "scaled_tanh", "sigmoid", "bn", "lrn", "dropout")
"""Layers of a pattern that see no further than the one before."""
IMAGES = 32
"""Images whose gradients are added up."""


def convnet_figures(
    model: nn.Module, params: Params, dataset: Dataset, *, fields: Mapping[str, int] | None = None
) -> "dict[str, Figure]":
    """Mistakes, first filters, the feature maps of the first test image, and receptive fields by the gradient beside
    the sides ``fields`` by formula.
    """
    examples = dataset.head("test", 10_000)
    logits = jax.jit(model.apply)(params, examples["image"])
    drawn = classifier_figures(
        examples["image"],
        examples["label"],
        np.argmax(np.asarray(logits), axis=-1),
        class_names=dataset.class_names,
    )
    shapes = feature_shapes(model, params, dataset.image_shape)
    made, seen = spread(shapes, without=("conv", "bn", "lrn", "dropout")), spread(shapes, without=ACTIVATED)
    image, few = examples["image"][:1], jax.device_put(examples["image"][:IMAGES])

    @jax.jit
    def look(params: Params, image: Array, few: Array):
        shown = feature_maps(model, params, image)
        maps = {name: shown[name][0] for name in made}
        return maps, {name: influence(model, params, few, name=name) for name in seen}

    maps, changed = look(params, jax.device_put(image), few)
    drawn["filters"] = kernel_grid(first_kernel(params["params"], dataset.image_shape[-1]))
    drawn["feature_maps"] = feature_map_rows(image[0], {name: maps[name] for name in made})
    drawn["receptive_fields"] = influence_maps({name: changed[name] for name in seen}, fields or {})
    if COLLECTION in params:
        drawn["statistics"] = running_statistics(params[COLLECTION])
    return drawn


def spread(shapes: Mapping[str, Sequence[int]], *, without: tuple[str, ...]) -> list[str]:
    """At most ``LAYERS`` layers that have height and width, spread over the depth, without those of these kinds."""
    spatial = [name for name, shape in shapes.items() if len(shape) == 3 and "/" not in name]
    kinds = [re.split(r"\d", name)[0] for name in spatial]
    chosen = [name for name, kind in zip(spatial, kinds, strict=True) if kind not in without] or spatial
    places = np.unique(np.linspace(0, len(chosen) - 1, min(LAYERS, len(chosen))).round().astype(int))
    return [chosen[place] for place in places]


def first_kernel(params: Params, channels: int) -> Float[Array, "rows columns channels features"]:
    """The weights of the first convolution, which sees all channels of the image."""
    kernels = [leaf for leaf in jax.tree.leaves(params) if leaf.ndim == 4 and leaf.shape[2] == channels]
    if not kernels:
        raise ValueError(f"no convolution sees images of {counted(channels, 'channel')}")
    return kernels[0]
