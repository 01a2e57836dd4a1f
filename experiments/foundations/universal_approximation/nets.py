"""Networks from [0, 1] to the line: how their units are spread over the interval, and one that is built by hand."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float, Key

from models.mlp import MLP
from train.trainable import Params


@dataclass(frozen=True)
class Net:
    """A multi-layer perceptron with one input and one output, and how steep its first units are at the start."""

    widths: tuple[int, ...]
    activation: str
    steepness: float

    @property
    def model(self) -> nn.Sequential:
        """Hidden layers, and a weighted sum of the last one's units."""
        return nn.Sequential([MLP(self.widths, self.activation), nn.Dense(1)])

    def init(self, key: Key[Array, ""]) -> Params:
        """Glorot's weights and biases of zero, but for the first layer:

            w_i = ±steepness,   b_i = −w_i u_i,   u_i uniform in the i-th of equal parts of [0, 1]

        Unit i turns where its sum is 0, at u_i. With biases of zero all would turn at the same point, the origin.
        """
        params = self.model.init(key, jnp.zeros((1, 1)))
        signs, places = jax.random.split(jax.random.fold_in(key, 1))
        units = self.widths[0]
        weights = self.steepness * jax.random.rademacher(signs, (units,), float)
        turns = (jnp.arange(units, dtype=float) + jax.random.uniform(places, (units,))) / units
        params["params"]["layers_0"]["Dense_0"] = {"kernel": weights[None], "bias": -weights * turns}
        return params

    def __call__(self, params: Params, points: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        """The value at every point."""
        return self.model.apply(params, points[..., None])[..., 0]


def sawtooth_by_hand(depth: int) -> tuple[Net, Params]:
    """The sawtooth of 2^depth pieces between 0 and 1, exactly, by ``depth`` layers of two rectified linear units.

        t(x) = 2 relu(x) − 4 relu(x − ½)

    is the tent, and every layer computes the two terms of the tent of the last one's: 6·depth + 1 parameters.
    Telgarsky 2016.
    """
    tent = jnp.array([[2.0], [-4.0]])
    layers = {f"Dense_{i}": {"kernel": tent @ jnp.ones((1, 2)), "bias": jnp.array([0.0, -0.5])} for i in range(depth)}
    layers["Dense_0"] = layers["Dense_0"] | {"kernel": jnp.ones((1, 2))}
    params = {"params": {"layers_0": layers, "layers_1": {"kernel": tent, "bias": jnp.zeros(1)}}}
    return Net((2,) * depth, "relu", 1.0), params


def shallow_as(depth: int, width: int) -> int:
    """The units of one hidden layer that has as many parameters as ``depth`` hidden layers of ``width`` units.

    One input and one output: 3m + 1 = 3·width + 1 + (depth − 1)(width² + width), to the nearest integer m.
    """
    return width + round((depth - 1) * width * (width + 1) / 3)
