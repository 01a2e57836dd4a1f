"""A classifier as a fully convolutional net: the same parameters, images of any size, and a map of answers."""

from flax import linen as nn
from jaxtyping import Array, Float

from models.convnets.pattern import Dense, Layer, Pool, layer_names
from models.convnets.pattern_net import PatternNet, layer_paths
from models.convnets.volumes import Shape, volumes
from models.feature_maps import show
from models.layers.conv import convolve
from models.layers.initializers import HE_NORMAL
from models.standardized import Standardized


class DenseAsConvolution(nn.Module):
    """A dense layer of a volume, applied wherever such a volume fits: a convolution whose window is the volume.

        y[n, i, j, o] = Σ_{k, l, c} x[n, i + k, j + l, c] W[(k, l, c), o] + b_o

    The parameters are those of the dense layer. Long et al. 2015, section 3.1. Lecture 003, section 3.11.1,
    "Convolutionalization".
    """

    volume: Shape
    units: int
    use_bias: bool = True

    @nn.compact
    def __call__(self, images: Float[Array, "batch height width channels"]) -> Float[Array, "batch rows columns units"]:
        height, width, channels = self.volume
        kernel = self.param("kernel", HE_NORMAL, (height * width * channels, self.units))
        maps = convolve(images, kernel.astype(images.dtype).reshape(height, width, channels, self.units))
        if not self.use_bias:
            return maps
        bias = self.param("bias", nn.initializers.zeros, (self.units,))
        return maps + bias.astype(maps.dtype)


class FullyConvolutionalNet(PatternNet):
    """``PatternNet`` with every dense layer as a convolution: its parameters, for images of its size or larger.

    An image of ``image_shape`` gives a map of one place, with the logits of the classifier; of a larger one each place
    sees a part. Layers are not to see a whole image at once: a pool of everything (``POOL all``) raises ``ValueError``.
    Long et al. 2015, section 3.1.
    """

    image_shape: Shape = (0, 0, 0)
    """of the images that the classifier takes"""
    last: str = ""
    """the layer whose features are the answer, by the name that it is shown under; without one the last"""

    def _apply(self, layer: Layer, path: str, hidden: Array, training: bool) -> Array:
        if getattr(layer, "window", ...) is None:
            raise ValueError("a net that pools everything answers once, however large the image")
        if not isinstance(layer, Dense):
            return super()._apply(layer, path, hidden, training)
        before = volumes(self.layers, self.image_shape, classes=self.classes)[layer_paths(self.layers).index(path)]
        return DenseAsConvolution(before.shape, layer.units or self.classes, layer.bias, name=path)(hidden)

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"], *, training: bool = False
    ) -> Float[Array, "batch rows columns classes"]:
        hidden = images
        for path, name, layer in zip(layer_paths(self.layers), layer_names(self.layers), self.layers, strict=True):
            hidden = show(self, self._apply(layer, path, hidden, training), name)
            if name == self.last:
                break
        return hidden


def fully_convolutional(net: PatternNet, image_shape: Shape, *, last: str = "") -> FullyConvolutionalNet:
    """The net that takes the parameters of ``net``, a classifier of images of ``image_shape``, and larger images; up to
    its layer ``last`` also smaller ones.
    """
    return FullyConvolutionalNet(
        net.layers, net.classes, net.group, net.kernel_init, image_shape=image_shape, last=last
    )


def of_any_size(network: nn.Module, image_shape: Shape, *, last: str = "") -> nn.Module:
    """A net with the parameters of ``network`` that shows its features of images of other sizes too, to ``last``.

    Nets that pool everything before their dense layers are so as they are.
    """
    if isinstance(network, Standardized):
        return Standardized(of_any_size(network.network, image_shape, last=last), network.mean, network.deviation)
    if isinstance(network, PatternNet) and not any(isinstance(e, Pool) and e.window is None for e in network.layers):
        return fully_convolutional(network, image_shape, last=last)
    return network
