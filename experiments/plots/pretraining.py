"""Pictures of what pre-training changes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Array, Bool, Float, Int

from experiments.plots.classifier import errors_by_class
from experiments.plots.filters import filter_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pretraining_figures(
    labels: Int[np.ndarray, " images"],
    wrong: Mapping[str, Bool[np.ndarray, " images"]],
    kernels: Mapping[str, Float[Array, "pixels units"]],
    shape: tuple[int, ...],
) -> "dict[str, Figure]":
    """Errors of two nets side by side, and their first layers; ``shape`` is that of an image."""
    return {
        "errors": errors_by_class(labels, wrong),
        "filters": filter_pairs(kernels, shape, title="first hidden layers after fine-tuning"),
    }
