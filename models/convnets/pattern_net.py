"""The net that a pattern says, made of its layers in turn."""

from collections.abc import Callable, Sequence

import jax
from flax import linen as nn
from jaxtyping import Array, Float

from models.batch_norm import BatchNorm
from models.convnets.pattern import (
    Activation,
    BatchNormalization,
    Convolution,
    Dense,
    DropoutPlace,
    Layer,
    Pool,
    ResponseNormalization,
    layer_names,
    parse_pattern,
)
from models.dropout import Dropout
from models.feature_maps import show
from models.layers.activation import scaled_tanh
from models.layers.conv import flax_convolution
from models.layers.initializers import HE_NORMAL
from models.layers.local_response import local_response_normalization
from models.layers.pool import average_pool, global_average_pool, global_max_pool, max_pool

Initializer = Callable[..., Array]

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "tanh": jax.numpy.tanh,
    "scaled_tanh": scaled_tanh,
    "sigmoid": jax.nn.sigmoid,
}


class PatternNet(nn.Module):
    """Image → the layers of a pattern → one logit for each class.

        PatternNet(parse_pattern("[[CONV 16 → RELU]*2 → POOL]*2 → [FC 64 → RELU]*1 → FC"), classes=10)

    Layer i is called features_i up to the last image and classifier_i from the first dense layer, or the dropout before
    it, on; both count from 0 and count layers without weights too. It shows the output of every layer. Biases start
    at 0. Lecture 000, "Layer patterns".
    """

    layers: Sequence[Layer]
    """as ``parse_pattern`` gives them"""
    classes: int
    """outputs"""
    group: int = 0
    """examples that BN normalises together in training; 0: the whole batch"""
    kernel_init: Initializer = HE_NORMAL
    """how the weights start, by default as in He et al. 2015"""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"], *, training: bool = False
    ) -> Float[Array, "batch classes"]:
        hidden = images
        for path, name, layer in zip(layer_paths(self.layers), layer_names(self.layers), self.layers, strict=True):
            hidden = show(self, self._apply(layer, path, hidden, training), name)
        return hidden

    def _apply(self, layer: Layer, path: str, hidden: Array, training: bool) -> Array:
        match layer:
            case Convolution():
                return convolution(layer, path, self.kernel_init)(hidden)
            case Pool():
                return pool(layer, hidden)
            case Dense():
                flat = hidden.reshape(hidden.shape[0], -1)
                return nn.Dense(layer.units or self.classes, layer.bias, kernel_init=self.kernel_init, name=path)(flat)
            case Activation():
                return ACTIVATIONS[layer.name](hidden)
            case BatchNormalization():
                return BatchNorm(self.group, name=path)(hidden, training=training)
            case ResponseNormalization():
                return local_response_normalization(hidden)
            case DropoutPlace():
                return Dropout(layer.rate, name=path)(hidden)


def pattern_net(pattern: str, classes: int, **options) -> PatternNet:
    """The net of a pattern's text; ``ValueError`` in one line where it is none."""
    return PatternNet(parse_pattern(pattern), classes, **options)


def convolution(layer: Convolution, name: str, kernel_init: Initializer) -> nn.Conv:
    """The module of a convolution."""
    window, stride, margin = layer.window, layer.stride, layer.margin
    return nn.Conv(
        layer.features,
        (window, window),
        strides=(stride, stride),
        padding=((margin, margin), (margin, margin)),
        feature_group_count=layer.groups,
        use_bias=layer.bias,
        kernel_init=kernel_init,
        conv_general_dilated=flax_convolution,
        name=name,
    )


def pool(
    layer: Pool, images: Float[Array, "batch height width channels"]
) -> Float[Array, "batch rows columns channels"]:
    """The images pooled as the layer says. Lecture 000, "Pooling layer"."""
    if layer.window is None:
        whole = global_average_pool if layer.average else global_max_pool
        return whole(images)[:, None, None]
    options = dict(
        window=layer.window,
        stride=layer.stride,
        padding=((layer.padding, layer.padding), (layer.padding, layer.padding)),
        ceil_mode=layer.ceil,
    )
    return average_pool(images, count_padding=False, **options) if layer.average else max_pool(images, **options)


def layer_paths(layers: Sequence[Layer]) -> list[str]:
    """What the module of each layer is called: features_i, and classifier_i from the first dense layer on, or the
    dropout just before it.
    """
    first = next(number for number, layer in enumerate(layers) if isinstance(layer, Dense))
    first -= first > 0 and isinstance(layers[first - 1], DropoutPlace)
    return [f"features_{i}" if i < first else f"classifier_{i - first}" for i in range(len(layers))]
