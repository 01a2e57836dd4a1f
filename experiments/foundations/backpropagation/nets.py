"""Nets whose gradient is known twice: by the recursion of the deltas, and by autodiff of other code."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from experiments.objectives.classification import classification_loss, classification_losses
from models.backpropagation import Layer, backpropagate, forward
from models.layers.conv import convolve, output_size
from models.layers.sparse import convolution_matrix, tied_gradient
from models.mlp import ACTIVATIONS
from train.task import LossFn
from train.trainable import Params

Image = Float[Array, "height width channels"]


class Convolution(NamedTuple):
    """A first layer that is a convolution without padding."""

    window: int
    """pixels of a side of its window"""
    features: int
    """of an image"""
    stride: int = 1
    """pixels from one position to the next"""

    def positions(self, image_shape: tuple[int, int, int]) -> tuple[int, int]:
        """Positions down and across; 0 where the window does not fit."""
        return tuple(output_size(size, self.window, stride=self.stride) for size in image_shape[:2])


@dataclass(frozen=True)
class Net:
    """Image → perhaps a convolution → dense layers → one logit a class."""

    image_shape: tuple[int, int, int]
    """height, width and channels"""
    widths: tuple[int, ...]
    """units of the dense layers; those of the last are the classes"""
    activation: str
    """of all layers but the last"""
    convolution: Convolution | None = None
    """the layer before the dense ones"""

    @property
    def names(self) -> list[str]:
        """The layers from the first to the last."""
        return [f"layer_{number}" for number in range(1, len(self.widths) + (self.convolution is not None) + 1)]

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Of the convolution."""
        return (self.convolution.window,) * 2 + (self.image_shape[-1], self.convolution.features)

    def init(self, key: Key[Array, ""]) -> Params:
        """Glorot's weights and biases of zero."""
        shapes, inputs = [], prod(self.image_shape)
        if self.convolution:
            shapes.append(self.kernel_shape)
            inputs = prod(self.convolution.positions(self.image_shape)) * self.convolution.features
        shapes += zip((inputs, *self.widths), self.widths, strict=False)
        keys = jax.random.split(key, len(shapes))
        glorot = jax.nn.initializers.glorot_uniform()
        return {
            name: {"kernel": glorot(key, shape), "bias": jnp.zeros(shape[-1])}
            for name, key, shape in zip(self.names, keys, shapes, strict=True)
        }

    def logits(self, params: Params, images: Float[Array, "batch ..."]) -> Float[Array, "batch classes"]:
        """As networks are usually written, for autodiff."""
        hidden = images
        for name in self.names:
            kernel, bias = params[name]["kernel"], params[name]["bias"]
            if kernel.ndim > 2:
                outputs = convolve(hidden, kernel, stride=self.convolution.stride) + bias
            else:
                outputs = hidden.reshape(len(hidden), -1) @ kernel + bias
            hidden = ACTIVATIONS[self.activation](outputs)
        return outputs

    def as_dense(self, params: Params) -> list[Layer]:
        """All layers as fully connected ones: a convolution is its matrix, and its biases stand at every position."""
        layers = [Layer(**params[name]) for name in self.names]
        if self.convolution:
            kernel, bias = layers[0]
            matrix = convolution_matrix(kernel, self.image_shape[:2], stride=self.convolution.stride)
            layers[0] = Layer(matrix.T, jnp.tile(bias, prod(self.convolution.positions(self.image_shape))))
        return layers

    def tied(self, gradients: list[Layer]) -> Params:
        """The gradient of the parameters from that of ``as_dense``: a sum over the places where each of them stands."""
        if self.convolution:
            kernel, bias = gradients[0]
            stride, size = self.convolution.stride, self.image_shape[:2]
            tied = tied_gradient(kernel.T, self.kernel_shape, size, stride=stride)
            gradients = [Layer(tied, jnp.sum(bias.reshape(-1, self.convolution.features), axis=0)), *gradients[1:]]
        return {name: gradient._asdict() for name, gradient in zip(self.names, gradients, strict=True)}


def dense_gradients(net: Net, params: Params, image: Image, label: Int[Array, ""]) -> list[Layer]:
    """The cross-entropy's gradient in every entry of the layers' matrices, equal weights not yet tied."""
    return backpropagate(
        image.ravel(),
        jax.nn.one_hot(label, net.widths[-1], dtype=image.dtype),
        net.as_dense(params),
        hidden_activation=net.activation,
        output_activation="softmax",
        loss="cross_entropy",
    )


def gradient_by_hand(net: Net, params: Params, image: Image, label: Int[Array, ""]) -> Params:
    """The cross-entropy's gradient of one image, without autodiff."""
    return net.tied(dense_gradients(net, params, image, label))


def by_autodiff(net: Net) -> LossFn:
    """Cross-entropy and error."""
    return classification_loss(lambda keys, params, images: net.logits(params, images), "cross_entropy")


def by_hand(net: Net) -> LossFn:
    """The same, computed by the layers' matrices; ``jax.grad`` is told its gradient and derives none."""

    def logits(params: Params, image: Image) -> Float[Array, " classes"]:
        passed = forward(image.ravel(), net.as_dense(params), hidden_activation=net.activation)
        return passed.pre_activations[-1]

    @jax.custom_vjp
    def measure(params, images, labels):
        return classification_losses(jax.vmap(partial(logits, params))(images), labels, loss="cross_entropy")

    def go_forward(*given):
        return measure(*given), given

    def go_back(given, cotangents):
        params, images, labels = given
        gradients = jax.vmap(partial(gradient_by_hand, net, params))(images, labels)
        return jax.tree.map(lambda leaf: jnp.tensordot(cotangents[0], leaf, axes=1), gradients), None, None

    measure.defvjp(go_forward, go_back)
    return lambda params, batch, keys: measure(params, batch["image"], batch["label"])


WAYS: dict[str, Callable[[Net], LossFn]] = {"by_hand": by_hand, "by_autodiff": by_autodiff}
"""How a net's gradient is come by."""
