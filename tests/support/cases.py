"""What the contract of pure functions needs to know of a function beyond its types, written in the function's tests."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """How the contract tests call a pure function, in a table ``CASES = {function: Case(…)}`` of its test file.

    ``arguments`` gives the positional ones from a random generator, where shapes in types do not tell them: NumPy
    arrays become JAX arrays, floats in the precision under test, and everything else is handed over as it is.
    ``options`` are hyperparameters without a default. The gradient of a function that is ``constant_almost_everywhere``
    is 0, of every other one not.
    """

    arguments: Callable[[np.random.Generator], tuple[Any, ...]] | None = None
    options: Mapping[str, Any] = {}
    constant_almost_everywhere: bool = False


def distribution(rng: np.random.Generator, outcomes: int = 5) -> np.ndarray:
    """A discrete distribution without zeros."""
    return rng.dirichlet(np.full(outcomes, 3.0))


def multivariate_gaussian(rng: np.random.Generator, size: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A mean, and a covariance whose eigenvalues are at least 1."""
    factor = rng.normal(size=(size, size))
    return rng.normal(size=size), factor @ factor.T + np.eye(size)
