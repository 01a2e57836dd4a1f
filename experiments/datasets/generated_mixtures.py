"""Points on a line from mixtures of Gaussians, whose density is known."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.datasets.dataset import Dataset
from experiments.datasets.generated import generated
from experiments.numerals import counted

HELD_OUT = 1000
"""Points for validation, and as many for the test."""


class Mixture(NamedTuple):
    """Weights, means and deviations of Gaussians."""

    weights: Float[np.ndarray, " components"]
    means: Float[np.ndarray, " components"]
    deviations: Float[np.ndarray, " components"]


MIXTURES = {
    "gaussian": Mixture(*np.array([[1.0], [0.5], [0.8]], np.float32)),
    "three": Mixture(*np.array([[0.3, 0.5, 0.2], [-1.4, 0.2, 1.5], [0.15, 0.25, 0.1]], np.float32)),
}
"""By name: one Gaussian, and three of which none is another's neighbour in weight, place and width."""


def mixture_points(name: str, *, examples: int) -> Dataset:
    """Points of ``MIXTURES[name]``, "point" [1]."""
    mixture, splits = MIXTURES[name], {}
    limits = np.cumsum(mixture.weights, dtype=np.float64)[:-1]
    for seed, (split, count) in enumerate({"train": examples, "valid": HELD_OUT, "test": HELD_OUT}.items()):
        generator = np.random.Generator(np.random.Philox(seed))
        component = np.searchsorted(limits, generator.random(count), side="right")
        noise = generator.standard_normal(count, np.float32)
        splits[split] = {"point": (mixture.means[component] + mixture.deviations[component] * noise)[:, None]}
    which = counted(len(mixture.weights), "Gaussian")
    return generated(f"mixture {name}", f"{counted(examples, 'point')} on a line from {which}", splits)


def quantiles(name: str, count: int) -> Float[np.ndarray, " count"]:
    """The points below which the shares ½/n, 1½/n, … of the mixture lie."""
    from scipy.special import ndtr

    weights, means, deviations = map(np.float64, MIXTURES[name])
    grid = np.linspace((means - 8 * deviations).min(), (means + 8 * deviations).max(), 100_001)
    below = ndtr((grid[:, None] - means) / deviations) @ weights
    return np.interp((np.arange(count) + 0.5) / count, below, grid).astype(np.float32)
