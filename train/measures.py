"""What is measured: one value per example, or a ratio of two; and the means of both.

The mean of a ratio is the ratio of the sums, so it is kept as a pair until everything has been summed.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Ratio(NamedTuple):
    """A metric that is weighted by what it counts, as bits per token are: its mean is  Σ total / Σ count.

    Both have one value per example. A mean of the examples' own ratios would give each of them one vote, and a mean of
    the batches' ratios would change with the size of the batch.
    """

    total: Array | np.ndarray
    count: Array | np.ndarray


Metrics = dict[str, Array | np.ndarray | Ratio]


def batch_means(metrics: Metrics, examples: int) -> Metrics:
    """The mean of each metric over a batch, of a ``Ratio`` the means of its parts.

    ``ValueError`` that names a metric which is not [examples].
    """
    for name, leaf in _by_name(metrics):
        if leaf.shape != (examples,):
            raise ValueError(
                f"{name} has shape {leaf.shape}: expected ({examples},), one value per example; "
                f"statistics of the batch are returned third, and followed"
            )
    return jax.tree.map(jnp.mean, metrics)


def check_one_per_example(metrics: Metrics, examples: int) -> Metrics:
    """``metrics``, whose values may have any shape; ``ValueError`` that names one which is not [examples, …]."""
    for name, leaf in _by_name(metrics):
        if leaf.shape[:1] != (examples,):
            raise ValueError(
                f"{name} has shape {leaf.shape}: expected ({examples}, …), one value per example; "
                f"what only a whole set has is measured by a WholeSet"
            )
    return metrics


def average(values: dict[str, np.ndarray | Ratio]) -> dict[str, Float[np.ndarray, " seeds"]]:
    """Means in double precision over examples or steps: {name: [seeds, examples]} → {name: [seeds]}.

    A ratio that counts nothing is not a number.
    """
    return {name: _mean(value) for name, value in values.items()}


def _mean(value: np.ndarray | Ratio) -> Float[np.ndarray, " seeds ..."]:
    if not isinstance(value, Ratio):
        return value.mean(axis=1, dtype=np.float64)
    total, count = (part.sum(axis=1, dtype=np.float64) for part in value)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / count


def _by_name(metrics: Metrics) -> list[tuple[str, Array]]:
    leaves = jax.tree_util.tree_leaves_with_path(metrics)
    return [(f"metric {jax.tree_util.keystr(path, simple=True, separator='.')}", leaf) for path, leaf in leaves]
