"""Convolutional classifiers of several depths at once, with normalisation and connections as options.

Lecture 003, sections 3.5 and 3.8.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from jax import lax
from jaxtyping import Array, Float, Int, Key

from models.batch_norm import COLLECTION
from models.layers.conv import convolve, flax_convolution
from models.layers.normalize import batch_moments, layer_normalize, normalize
from models.layers.residual import residual_sum
from models.layers.squeeze_excitation import channel_gates, scale_channels

Images = Float[Array, "batch height width channels"]
Own = dict[str, Array]
"""What a layer has of its own besides its kernel."""
Moments = Callable[[Images], tuple[Array, Array]]
GATES = ("reduction", "reduction_bias", "expansion", "expansion_bias")


class Layout(NamedTuple):
    """Where the layers of nets of several depths stand: one net after the other, each from its first layer on."""

    depths: tuple[int, ...]
    width: int
    """features of the image that the nets are given"""
    growth: int
    """by how many features every layer widens it"""
    features: int
    """what a convolution puts out"""

    @property
    def numbers(self) -> Int[np.ndarray, " layers"]:
        """Of the layers in their own net, from 0 on."""
        return np.concatenate([np.arange(depth) for depth in self.depths])

    @property
    def ends(self) -> Int[np.ndarray, " depths"]:
        """The place of every net's last layer."""
        return np.cumsum(self.depths) - 1

    @property
    def inputs(self) -> Int[np.ndarray, " layers"]:
        """The features that a layer is given."""
        return self.width + self.growth * self.numbers

    @property
    def widest(self) -> int:
        """The most features that any layer leaves."""
        return self.width + self.growth * max(self.depths)

    @property
    def sizes(self) -> Int[np.ndarray, " layers"]:
        """The weights of a layer's kernel of 3 × 3."""
        return 9 * self.inputs * self.features

    @property
    def starts(self) -> Int[np.ndarray, " layers"]:
        """Where a layer's kernel begins in the vector of all of them."""
        return np.cumsum(self.sizes) - self.sizes


def _he_normal(key: Key[Array, ""], *, layout: Layout, scale: float) -> Float[Array, " weights"]:
    deviations = scale * np.sqrt(2 / (9 * layout.inputs))
    return jax.random.normal(key, (sum(layout.sizes),), jnp.float32) * np.repeat(deviations, layout.sizes).astype(
        np.float32
    )


def _shifted(outputs: Images, own: Own, moments: Moments | None) -> tuple[Images, Own]:
    return outputs + own["bias"], {}


def _by_layer(outputs: Images, own: Own, moments: Moments | None) -> tuple[Images, Own]:
    return layer_normalize(outputs, own["scale"], own["bias"], axes=3), {}


def _by_batch(outputs: Images, own: Own, moments: Moments | None) -> tuple[Images, Own]:
    """By the batch's moments, which are returned, or by the running ones."""
    if moments is None:
        return normalize(outputs, own["mean"][None], own["variance"][None], own["scale"], own["bias"]), {}
    mean, variance = moments(outputs)
    seen = {"mean": mean.mean(axis=0), "variance": variance.mean(axis=0)}
    return normalize(outputs, mean, variance, own["scale"], own["bias"]), seen


NORMALIZATIONS = {"none": _shifted, "layer": _by_layer, "batch": _by_batch}
CONNECTIONS = {
    "none": lambda hidden, outputs, inputs: nn.relu(outputs),
    "sum": lambda hidden, outputs, inputs: nn.relu(residual_sum(hidden, outputs)),
    # into features that are still 0
    "concatenation": lambda hidden, outputs, inputs: lax.dynamic_update_slice_in_dim(
        hidden, nn.relu(outputs), inputs, axis=-1
    ),
}


class DeepConvNets(nn.Module):
    """Image → 3×3 convolution of stride 2, ReLU → d equal layers → linear classifier, for every d of ``depths``.

        F(x) = N(W ∗ x)           the kernel W of 3 × 3, the normalisation N with a learned scale and shift,
                                  and with ``squeeze_excitation`` every channel of N(W ∗ x) weighed
        h_l = relu(F(h_{l−1}))                     plain
        h_l = relu(h_{l−1} + F(h_{l−1}))           connection "sum" (He et al. 2016, equation 1)
        h_l = [h_{l−1}, relu(F(h_{l−1}))]          connection "concatenation" (Huang et al. 2017, equation 2)

    Weights begin as in He et al. 2015, but as zeros where a sum is not normalised: its layers begin as the identity
    (Zhang et al. 2019), for sums of many layers would grow as 2^(d/2). Ioffe & Szegedy 2015; Ba et al. 2016; Hu et al.
    2018. The layers of all nets are one ``lax.scan``, so that nets of any number and depth compile as one layer does.
    """

    classes: int
    """outputs"""
    depths: Sequence[int]
    """equal layers of each net"""
    width: int
    """features of the first convolution, and of the equal layers where nothing is concatenated"""
    growth: int
    """features that a layer adds by concatenation"""
    group: int
    """examples that batch normalisation takes together in training; 0: the whole batch"""
    normalization: Literal["none", "batch", "layer"] = "none"
    """by the moments of each channel in the batch, or of each image"""
    connection: Literal["none", "sum", "concatenation"] = "none"
    """how a layer's input goes on beside its output"""
    squeeze_excitation: bool = False
    """whether channels are weighed"""

    @property
    def layout(self) -> Layout:
        """Where the layers stand."""
        if self.connection == "concatenation":
            return Layout(tuple(self.depths), self.width, self.growth, self.growth)
        return Layout(tuple(self.depths), self.width, 0, self.width)

    @nn.compact
    def __call__(self, images: Images, *, training: bool = False) -> Float[Array, "depths batch classes"]:
        layout = self.layout
        largest = 9 * layout.widest * layout.features
        stem = nn.Conv(self.width, (3, 3), strides=(2, 2), conv_general_dilated=flax_convolution, name="stem")
        given = jnp.pad(nn.relu(stem(images)), [(0, 0)] * 3 + [(0, layout.widest - self.width)])
        as_identity = self.connection == "sum" and self.normalization == "none"
        kernels = self.param("kernels", partial(_he_normal, layout=layout, scale=0.0 if as_identity else 1.0))
        kernels = jnp.pad(kernels, (0, largest))
        own = self._parameters()
        statistics = self._statistics() if self.normalization == "batch" else {}
        running = {name: variable.value for name, variable in statistics.items()}
        moments = partial(batch_moments, group=self.group or images.shape[0]) if training else None

        def layer(hidden: Images, at: tuple[Any, ...]) -> tuple[Images, tuple[Images, dict[str, Array]]]:
            number, start, inputs, own = at
            hidden = jnp.where(number == 0, given, hidden)
            # behind the weights of fewer inputs stand those of the next layers: they meet features that are 0
            window = lax.dynamic_slice(kernels, (start,), (largest,)).reshape(layout.widest, 3, 3, layout.features)
            outputs = convolve(hidden, window.transpose(1, 2, 0, 3), padding="SAME")
            outputs, seen = NORMALIZATIONS[self.normalization](outputs, own, moments)
            if self.squeeze_excitation:
                outputs = scale_channels(outputs, channel_gates(outputs, *(own[name] for name in GATES)))
            hidden = CONNECTIONS[self.connection](hidden, outputs, inputs)
            return hidden, (hidden, seen)

        places = (layout.numbers, layout.starts, layout.inputs, own | running)
        _, (hidden, seen) = lax.scan(layer, given, jax.tree.map(jnp.asarray, places))
        for name, of_layers in seen.items():
            statistics[name].value = of_layers
        ends = zip(layout.ends, self.depths, strict=True)
        return jnp.stack([self._classified(hidden[end], depth) for end, depth in ends])

    def _parameters(self) -> dict[str, Array]:
        """All but the kernels, with a leading axis of layers."""
        features, layers = self.layout.features, sum(self.depths)
        shapes = {"bias": (features,)}
        if self.normalization != "none":
            shapes["scale"] = (features,)
        if self.squeeze_excitation:
            reduced = max(1, features // 4)
            shapes |= zip(GATES, ((features, reduced), (reduced,), (reduced, features), (features,)), strict=True)
        begin = {"scale": nn.initializers.ones} | dict.fromkeys(GATES[::2], nn.initializers.he_normal(batch_axis=0))
        return {
            name: self.param(name, begin.get(name, nn.initializers.zeros), (layers, *shape), jnp.float32)
            for name, shape in shapes.items()
        }

    def _statistics(self) -> dict[str, nn.Variable]:
        shape = (sum(self.depths), self.layout.features)
        begin = {"mean": jnp.zeros, "variance": jnp.ones}
        return {name: self.variable(COLLECTION, name, make, shape, jnp.float32) for name, make in begin.items()}

    def _classified(self, hidden: Images, depth: int) -> Float[Array, "batch classes"]:
        features = self.width + self.layout.growth * depth
        readout = nn.Dense(self.classes, name=f"readout_{depth}")
        return readout(hidden[..., :features].reshape(hidden.shape[0], -1))


class SideBySide(nn.Module):
    """Nets by name, which see the same images and share nothing; each begins as it would alone."""

    nets: Mapping[str, Mapping[str, Any]]
    """options of ``DeepConvNets`` for each"""
    common: Mapping[str, Any]
    """options of all"""

    @property
    def layouts(self) -> dict[str, Layout]:
        """Where the layers of each stand."""
        return {name: DeepConvNets(**self.common, **options, parent=None).layout for name, options in self.nets.items()}

    @nn.compact
    def __call__(self, images: Images, *, training: bool = False) -> dict[str, Float[Array, "depths batch classes"]]:
        return {
            name: DeepConvNets(**self.common, **options, name=name)(images, training=training)
            for name, options in self.nets.items()
        }
