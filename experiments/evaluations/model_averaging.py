"""What is gained by averaging the outputs of several networks that differ in their seed alone."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

Measure = Callable[[Float[np.ndarray, "examples classes"]], float]


def of_averages(
    outputs: Float[np.ndarray, "networks examples classes"], measure: Measure
) -> Float[np.ndarray, "networks networks"]:
    """Row k − 1: ``measure`` of the mean output of each set of k networks, as many sets as there are networks.

    A set is k neighbours in their order, in which the first follows the last: row 0 has every network by itself, the
    last row all of them, again and again. Whether probabilities or scores are averaged is the caller's to say.
    Hansen & Salamon 1990.
    """
    networks = range(len(outputs))
    around = np.concatenate([outputs, outputs]).astype(np.float64)
    return np.array(
        [[measure(around[start : start + size + 1].mean(axis=0)) for start in networks] for size in networks]
    )


def error(labels: Int[np.ndarray, " examples"]) -> Measure:
    """The share, in %, of which another class has the largest output."""
    return lambda outputs: float(100 * (outputs.argmax(axis=-1) != labels).mean())


def cross_entropy(labels: Int[np.ndarray, " examples"]) -> Measure:
    """The mean of −log p of the right class, in nats, where outputs are probabilities; p at least the least float."""
    least = np.finfo(np.float64).tiny

    def measure(outputs: Float[np.ndarray, "examples classes"]) -> float:
        right = np.take_along_axis(outputs, labels[:, None], axis=-1)
        return float(-np.log(np.maximum(right, least)).mean())

    return measure
