"""Batch normalisation as a module: what it learns, and the running statistics that stand beside its parameters."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from models.layers.normalize import batch_moments, normalize, unbiased_variance

COLLECTION = "batch_stats"
"""The collection of running statistics: not descended on, they follow the moments of the batches."""


class BatchNorm(nn.Module):
    """Normalises by the moments of the batch in training, else by the running statistics.

    In training, the value that the collection ``batch_stats`` takes is the mean of the batch's moments over its groups:
    what is observed. How the running statistics follow it is the task's business: with the conventions ``PYTORCH`` and
    ``FLAX`` of ``models.layers.normalize``, by ``unbiased`` here and ``moving_average(COLLECTION, decay)`` there.
    Moments are float32 where features are bfloat16. Ioffe & Szegedy 2015.
    """

    group: int = 0
    """examples that are normalised together; 0: the whole batch"""
    epsilon: float = 1e-5
    """what is added to the variance"""
    unbiased: bool = False
    """whether the observed variance is the unbiased one; features are always normalised by the other"""

    @nn.compact
    def __call__(
        self, features: Float[Array, "batch *space channels"], *, training: bool
    ) -> Float[Array, "batch *space channels"]:
        channels = features.shape[-1:]
        scale = self.param("scale", nn.initializers.ones, channels)
        bias = self.param("bias", nn.initializers.zeros, channels)
        mean = self.variable(COLLECTION, "mean", jnp.zeros, channels)
        variance = self.variable(COLLECTION, "variance", jnp.ones, channels)
        wide = features.astype(mean.value.dtype)
        if training:
            group = self.group or features.shape[0]
            moments = batch_moments(wide, group=group)
            mean.value, variance.value = (moment.mean(axis=0) for moment in moments)
            if self.unbiased:
                count = group * prod(features.shape[1:-1])
                variance.value = unbiased_variance(variance.value, count=count)
        else:
            moments = mean.value[None], variance.value[None]
        normalized = normalize(wide, *moments, scale.astype(wide.dtype), bias.astype(wide.dtype), epsilon=self.epsilon)
        return normalized.astype(features.dtype)


@contextmanager
def fixed_statistics(fixed: Callable[[str], bool]) -> Iterator[None]:
    """Networks that are applied inside of it normalise by their running statistics, in training too, wherever ``fixed``
    says so of a ``BatchNorm`` by its path: ``"block/BatchNorm_0"``.
    """

    def call(method: Callable, arguments: tuple, options: dict, context: nn.module.InterceptorContext) -> Any:
        module = context.module
        if isinstance(module, BatchNorm) and context.method_name == "__call__" and fixed("/".join(module.path)):
            options = options | {"training": False}
        return method(*arguments, **options)

    with nn.intercept_methods(call):
        yield
