"""The convolutional nets of LeCun et al. 1989 and 1998 with what was particular to them.

Maps see some of the maps before them only, biases belong to places, subsampling is learnt, and classes are points in
the space of the last features. As it is usually rebuilt, LeNet-5 is ``models.convnets.published.LENET5``.
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jaxtyping import Array, Float

from models.feature_maps import show
from models.layers.activation import scaled_tanh
from models.layers.conv import convolve, flax_convolution
from models.layers.pool import average_pool
from models.layers.random_arrays import uniform

Maps = Sequence[Sequence[int]]

LENET5_MAPS: Maps = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip
"""Which maps of S2 each of the 16 maps of C3 sees: 60 connections. LeCun et al. 1998, table I."""

MAPS_1989: Maps = 4 * (tuple(range(8)),) + 4 * (tuple(range(4, 12)),) + 4 * ((*range(4), *range(8, 12)),)
"""Eight of twelve for each map. The paper does not print its choice; this one is Karpathy's 2022."""

CODES = np.random.Generator(np.random.Philox(1998)).choice((-1.0, 1.0), size=(10, 84)).astype(np.float32)
"""A point of the 84 features for each digit: ±1 at random. The paper's are drawings of the characters, and it allows
these (section II.B)."""


def connected_kernel(
    weights: Float[Array, "*window connections"], maps: Maps, *, channels: int
) -> Float[Array, "*window {channels} features"]:
    """The kernel of a convolution in which feature o sees the channels ``maps[o]`` alone, and zeros elsewhere.

        w[k, c, o] = weights[k, i],   i the number of the connection (o, c);   0 where c ∉ maps[o]

    Connections are numbered feature by feature. Another number of them than the maps have raises ``ValueError``. LeCun
    et al. 1998, section II.B.
    """
    pairs = [(channel, feature) for feature, seen in enumerate(maps) for channel in seen]
    if weights.shape[-1] != len(pairs):
        raise ValueError(f"the maps have {len(pairs)} connections, the weights {weights.shape}")
    place = np.zeros((len(pairs), channels, len(maps)))
    place[np.arange(len(pairs)), *np.transpose(pairs)] = 1  # a product is faster in loops than a scatter
    return jnp.einsum("...i,ico->...co", weights, jnp.asarray(place, weights.dtype))


def squared_distances(
    features: Float[Array, "*batch features"], codes: Float[Array, "classes features"]
) -> Float[Array, "*batch classes"]:
    """How far features are from each class's point: Euclidean radial basis functions, the smaller the better.

        y_i = Σ_j (x_j − w_ij)²

    LeCun et al. 1998, equation 7.
    """
    return jnp.sum((features[..., None, :] - codes) ** 2, axis=-1)


class LeNet5(nn.Module):
    """28×28 image → C1 6@28² → S2 6@14² → C3 16@10² → S4 16@5² → C5 120 → F6 84 → minus the distances to 10 codes.

    Subsampling S is a coefficient and a bias for each map of means (the paper's sums, its coefficient four times this
    one), and all layers are squashed. Intensities 0 … 1 become −0.1 … 1.175, as in the paper, and a margin of two
    pixels is background. Exactly 60,000 parameters. Uniform weights within 2.4 over the root of the number of
    inputs (the paper prints no root, with which sums would vanish). LeCun et al. 1998, figure 2 and section II.B.
    """

    @nn.compact
    def __call__(self, images: Float[Array, "batch 28 28 1"], *, training: bool = False) -> Float[Array, "batch 10"]:
        hidden = jnp.pad(1.275 * images - 0.1, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=-0.1)
        hidden = show(self, self._convolution("c1", hidden, 6), "C1")
        hidden = show(self, self._subsampling("s2", hidden), "S2")
        hidden = show(self, self._connected("c3", hidden, LENET5_MAPS), "C3")
        hidden = show(self, self._subsampling("s4", hidden), "S4")
        hidden = show(self, self._convolution("c5", hidden, 120), "C5")
        flat = hidden.reshape(hidden.shape[0], 120)
        hidden = show(self, scaled_tanh(nn.Dense(84, kernel_init=_uniform(2.4 / 120**0.5), name="f6")(flat)), "F6")
        return -squared_distances(hidden, jnp.asarray(CODES, hidden.dtype))

    def _convolution(self, name: str, inputs: Array, features: int) -> Array:
        init = _uniform(2.4 / (25 * inputs.shape[-1]) ** 0.5)
        layer = nn.Conv(
            features, (5, 5), padding="VALID", kernel_init=init, conv_general_dilated=flax_convolution, name=name
        )
        return scaled_tanh(layer(inputs))

    def _connected(self, name: str, inputs: Array, maps: Maps) -> Array:
        inputs_of_map = np.array([25 * len(seen) for seen in maps for _ in seen])
        weights = self.param(f"{name}_weights", _uniform(2.4 / inputs_of_map**0.5), (5, 5, len(inputs_of_map)))
        bias = self.param(f"{name}_bias", nn.initializers.zeros, (len(maps),))
        kernel = connected_kernel(weights, maps, channels=inputs.shape[-1])
        return scaled_tanh(convolve(inputs, kernel.astype(inputs.dtype)) + bias)

    def _subsampling(self, name: str, inputs: Array) -> Array:
        coefficient = self.param(f"{name}_coefficient", nn.initializers.ones, inputs.shape[-1:])
        bias = self.param(f"{name}_bias", nn.initializers.zeros, inputs.shape[-1:])
        return scaled_tanh(coefficient * average_pool(inputs, window=2, count_padding=False) + bias)


class ConvNet1989(nn.Module):
    """16×16 image → H1 12@8² → H2 12@4² → H3 30 → 10, every layer a tanh, convolutions 5×5 of stride 2.

    Weights are shared, biases are not: each unit has its own. Around images and maps stands −1, the background of
    intensities that are taken from 0 … 1 to −1 … 1. 9,760 parameters. Uniform weights within 2.4 over the root of the
    number of inputs, output biases −1. LeCun et al. 1989, section 3; what it leaves open as in Karpathy 2022.
    """

    @nn.compact
    def __call__(self, images: Float[Array, "batch 16 16 1"], *, training: bool = False) -> Float[Array, "batch 10"]:
        weights = self.param("h1_weights", _uniform(2.4 / 25**0.5), (5, 5, 1, 12))
        hidden = show(self, self._convolution("h1", 2 * images - 1, weights), "H1")
        weights = self.param("h2_weights", _uniform(2.4 / 200**0.5), (5, 5, 96))
        hidden = show(self, self._convolution("h2", hidden, connected_kernel(weights, MAPS_1989, channels=12)), "H2")
        flat = hidden.reshape(hidden.shape[0], -1)
        hidden = show(self, jnp.tanh(nn.Dense(30, kernel_init=_uniform(2.4 / 192**0.5), name="h3")(flat)), "H3")
        minus_one = nn.initializers.constant(-1.0)
        output = nn.Dense(10, kernel_init=_uniform(2.4 / 30**0.5), bias_init=minus_one, name="output")
        return jnp.tanh(output(hidden))

    def _convolution(self, name: str, inputs: Array, kernel: Array) -> Array:
        padded = jnp.pad(inputs, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=-1)
        summed = convolve(padded, kernel.astype(inputs.dtype), stride=2)
        return jnp.tanh(summed + self.param(f"{name}_bias", nn.initializers.zeros, summed.shape[1:]))


def _uniform(bounds: float | np.ndarray) -> nn.initializers.Initializer:
    """Uniform within ± the bounds."""

    def draw(key: Array, shape: Sequence[int], dtype: Any = jnp.float32) -> Array:
        return jnp.asarray(bounds, dtype) * uniform(key, shape, dtype, -1, 1)

    return draw
