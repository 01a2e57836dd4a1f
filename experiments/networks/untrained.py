"""The parameters of a network before any training: what a learnt one is held against."""

from functools import partial

import jax
from flax import linen as nn
from jaxtyping import Array, Float

from train.task import Params


@partial(jax.jit, static_argnums=0)
def untrained_params(network: nn.Module, example: Float[Array, " batch *shape"]) -> Params:
    """Initial parameters, drawn from key 0: the same at every call, and compiled at the first."""
    return network.init(jax.random.key(0), example)
