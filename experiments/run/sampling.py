"""New examples from a trained run: a random key each, so that the first of many is the one of one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge
from jaxtyping import Array, Float, Int, Key, PyTree

from experiments.datasets import DataError, Dataset
from experiments.run.settings import Options, Settings
from models.latent import spherical_interpolation
from train.compilation import jit_of_few_calls
from train.task import Params, Stream, stream_key

Example = dict[str, Array]
"""Arrays by name, as the data set's examples have them."""
BLOCK = 16
"""Examples that one call of the compiled program draws, whatever their number: so an example always has its bits."""


@dataclass(frozen=True, kw_only=True)
class SampleOptions(Options):
    """How samples are drawn; a sampler adds fields of its own."""


@dataclass(frozen=True, kw_only=True)
class LabelOptions(SampleOptions):
    """Of which class samples are."""

    label: Annotated[int, Ge(0)] | None = None
    """class of all samples; without one each has its own, at random"""

    def labels(self, dataset: Dataset) -> Callable[[Key[Array, ""]], Int[Array, ""]]:
        """The label of a sample by its key; ``DataError`` where the data set has no such class."""
        classes = dataset.required_classes()
        if self.label is None:
            return lambda key: jax.random.randint(key, (), 0, classes)
        if self.label >= classes:
            raise DataError(f"--label {self.label}: {dataset.name} has the classes 0 to {classes - 1}")
        return lambda key: jnp.int32(self.label)


@dataclass(frozen=True, kw_only=True)
class WayOptions(SampleOptions):
    """What is shown beside each sample."""

    interpolation: Annotated[int, Ge(0)] = 0
    """images from each sample to another one, both among them, along a great circle of what they are drawn from"""

    def between(self, ends: Float[Array, " 2 *latent"]) -> Float[Array, " ways *latent"]:
        """Latents from the first of two to the second, as many as are asked for."""
        one, other = ends.reshape(2, -1)
        fractions = jnp.linspace(0.0, 1.0, self.interpolation)
        way = jax.vmap(lambda fraction: spherical_interpolation(one, other, fraction))(fractions)
        return way.reshape(self.interpolation, *ends.shape[1:])


class DrawOf(Protocol):
    """The function ``key → example``: arrays with names, shapes and types of the data set's examples, and what is known
    of each beside, such as its log-density.
    """

    def __call__(
        self, settings: Settings, dataset: Dataset, options: SampleOptions, prepared: PyTree, /
    ) -> Callable[[Key[Array, ""]], Example]: ...


class PreparedOf(Protocol):
    """What samples need of the parameters of one seed, such as a prior that is fitted to training codes."""

    def __call__(self, settings: Settings, dataset: Dataset, params: Params, /) -> PyTree: ...


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """How an experiment draws new examples."""

    draw: DrawOf
    """one example from one key"""
    options: type[SampleOptions] = SampleOptions
    """what can be told"""
    prepare: PreparedOf = field(default=lambda settings, dataset, params: params)
    """done once for all samples; by default the parameters as they are"""


def draw_samples(
    draw_of: Callable[[PyTree], Callable[[Key[Array, ""]], Example]], prepared: PyTree, *, seed: int, count: int
) -> dict[str, np.ndarray]:
    """``count`` examples of ``draw_of(prepared)``; number i draws from key i of the samples' stream of ``seed``."""

    @jit_of_few_calls
    def block(prepared: PyTree, numbers: Array) -> Example:
        stream = stream_key(seed, Stream.SAMPLES)
        return jax.vmap(lambda number: draw_of(prepared)(jax.random.fold_in(stream, number)))(numbers)

    starts = range(0, count, BLOCK)
    blocks = [jax.device_get(block(prepared, np.arange(start, start + BLOCK, dtype=np.int32))) for start in starts]
    return {name: np.concatenate([each[name] for each in blocks])[:count] for name in blocks[0]}
