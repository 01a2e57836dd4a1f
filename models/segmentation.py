"""Networks that give every pixel a class: fully convolutional nets with skips, and the U-Net."""

from collections.abc import Sequence
from itertools import count
from typing import Any, Literal

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from models.denoisers import GroupNorm
from models.layers.bilinear import bilinear_kernel
from models.layers.conv import flax_convolution
from models.layers.initializers import HE_NORMAL
from models.layers.pool import max_pool
from models.layers.transposed_conv import convolve_transposed, transposed_he_normal

Padding = Literal["SAME", "VALID"]


def conv(features: int, *, size: int = 3, padding: Padding = "SAME", **options: Any) -> nn.Conv:
    """A square convolution of stride 1, its weights normal as in He et al. 2015."""
    init = options.pop("kernel_init", HE_NORMAL)
    window = (size, size)
    return nn.Conv(
        features, window, padding=padding, kernel_init=init, conv_general_dilated=flax_convolution, **options
    )


class UpConvolution(nn.Module):
    """A transposed convolution that makes maps ``factor`` times as large, as many pixels as there are exactly.

    Its window is ``factor`` (the U-Net's, without overlap) or, for bilinear kernels, twice that; ``ValueError`` for
    another.
    """

    features: int
    factor: int
    window: int
    kernel_init: nn.initializers.Initializer | None = None
    """by default He's"""
    use_bias: bool = True

    @nn.compact
    def __call__(
        self, maps: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch taller wider features"]:
        margin, odd = divmod(self.window - self.factor, 2)
        if odd or margin < 0:
            raise ValueError(f"a window of {self.window} does not make maps {self.factor} times as large")
        shape = (self.window, self.window, self.features, maps.shape[-1])
        kernel = self.param("kernel", self.kernel_init or transposed_he_normal(self.factor), shape).astype(maps.dtype)
        larger = convolve_transposed(maps, kernel, stride=self.factor, padding=((margin, margin),) * 2)
        if not self.use_bias:
            return larger
        return larger + self.param("bias", nn.initializers.zeros, (self.features,)).astype(maps.dtype)


class FCN(nn.Module):
    """A classifier's convolutions, a 1×1 convolution to classes, and upsampling that begins bilinear.

    Each stage is ``depth`` 3×3 convolutions and a max pool of 2. Scores of the last stage, 1/2^s of the image's size,
    are doubled and joined with those of the stage before, ``skips`` times; the result is enlarged to the image at once.
    With five stages and 0, 1 or 2 skips it is the paper's 32s, 16s or 8s; with s stages the strides are 2^s … . A skip
    by ``sum`` adds the scores of a 1×1 convolution that begins at 0 (Long et al. 2015, section 4.2); by
    ``concatenation`` the maps stand beside each other, and a 1×1 convolution makes scores of both (Lecture 003).
    The last upsampling stays bilinear, those before learn. Sides of images are multiples of 2^s; ``ValueError``.
    """

    channels: Sequence[int]
    """of each stage"""
    classes: int
    skips: int = 2
    join: Literal["sum", "concatenation"] = "sum"
    depth: int = 1
    normalized: bool = False
    """whether groups of channels are normalised after each convolution (Wu & He 2018), in which the papers have none"""

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch height width classes"]:
        stages = len(self.channels)
        if not 0 <= self.skips < stages:
            raise ValueError(f"{stages} stages have at most {stages - 1} skips, got {self.skips}")
        if any(size % 2**stages for size in images.shape[1:3]):
            raise ValueError(f"{stages} stages take sides that are multiples of {2**stages}, got {images.shape[1:3]}")
        hidden, pooled = images, []
        for channels in self.channels:
            for _ in range(self.depth):
                hidden = conv(channels)(hidden)
                hidden = nn.relu(GroupNorm()(hidden) if self.normalized else hidden)
            hidden = max_pool(hidden, window=2)
            pooled.append(hidden)
        scores = conv(self.classes, size=1, name="score")(hidden)
        for number, skipped in enumerate(reversed(pooled[stages - 1 - self.skips : stages - 1])):
            scores = self._joined(number, self._enlarged(f"double_{number}", scores, 2), skipped)
        factor = 2 ** (stages - self.skips)
        kernel = bilinear_kernel(None, (2 * factor, 2 * factor, self.classes, self.classes), scores.dtype)
        return convolve_transposed(scores, kernel, stride=factor, padding=((factor // 2, factor // 2),) * 2)

    def _enlarged(self, name: str, scores: Array, factor: int) -> Array:
        return UpConvolution(self.classes, factor, 2 * factor, bilinear_kernel, use_bias=False, name=name)(scores)

    def _joined(self, number: int, scores: Array, skipped: Array) -> Array:
        if self.join == "sum":
            at_zero = nn.initializers.zeros
            return scores + conv(self.classes, size=1, kernel_init=at_zero, name=f"skip_{number}")(skipped)
        beside = jnp.concatenate([scores, skipped], axis=-1)
        return conv(self.classes, size=1, name=f"skip_{number}")(beside)


class UNet(nn.Module):
    """Down by max pools, up by transposed convolutions, what was seen on the way down beside what comes up.

    A level is two 3×3 convolutions, each with a rectifier; the maps are doubled, with half as many features, by a 2×2
    transposed convolution; a 1×1 convolution gives scores. With ``VALID`` every convolution loses a pixel on each side,
    what is skipped is cut to its middle, and 572² pixels become 388² (``unet_size``); with ``SAME`` sizes stay.
    Ronneberger et al. 2015, section 2 and figure 1.
    """

    channels: Sequence[int]
    """of each level, from the full resolution down; the paper's are 64, 128, 256, 512, 1024"""
    classes: int
    padding: Padding = "SAME"

    @nn.compact
    def __call__(
        self, images: Float[Array, "batch height width channels"]
    ) -> Float[Array, "batch rows columns classes"]:
        for size in images.shape[1:3]:
            unet_size(size, levels=len(self.channels), padding=self.padding)
        hidden, kept = images, []
        for level, channels in enumerate(self.channels):
            if level:
                kept.append(hidden)
                hidden = max_pool(hidden, window=2)
            hidden = self._level(channels, hidden)
        for channels in reversed(self.channels[:-1]):
            hidden = UpConvolution(channels, 2, 2)(hidden)
            skipped = cropped(kept.pop(), size=hidden.shape[1:3])
            hidden = self._level(channels, jnp.concatenate([skipped, hidden], axis=-1))
        return conv(self.classes, size=1)(hidden)

    def _level(self, channels: int, hidden: Array) -> Array:
        for _ in range(2):
            hidden = nn.relu(conv(channels, padding=self.padding)(hidden))
        return hidden


def cropped(
    maps: Float[Array, "batch height width channels"], *, size: Sequence[int]
) -> Float[Array, "batch rows columns channels"]:
    """The middle of maps, of this height and width; of an odd number of rows too many the last is one more.

    ``ValueError`` where maps are smaller. Ronneberger et al. 2015, section 2.
    """
    height, width = size
    above, left = (maps.shape[1] - height) // 2, (maps.shape[2] - width) // 2
    if above < 0 or left < 0:
        raise ValueError(f"maps of {maps.shape[1:3]} have no middle of {height} × {width}")
    return maps[:, above : above + height, left : left + width]


def unet_size(size: int, *, levels: int, padding: Padding) -> int:
    """Pixels of a side that a U-Net says something of, given an image with ``size`` of a side.

        SAME    size, a multiple of 2^(levels − 1)
        VALID   down: s ← (s − 4) / 2 at each level but the last, s ← s − 4 there; up: s ← 2s − 4;   572 → 388

    ``ValueError`` where a level would have an odd number of pixels to halve, or none, with the nearest larger size that
    fits. Ronneberger et al. 2015, section 2.
    """
    found = _unet_size(size, levels, padding)
    if found is None:
        larger = next(each for each in count(size + 1) if _unet_size(each, levels, padding))
        raise ValueError(f"a U-Net of {levels} levels takes no {size} pixels a side: the next that fit are {larger}")
    return found


def _unet_size(size: int, levels: int, padding: Padding) -> int | None:
    if padding == "SAME":
        return size if size and size % 2 ** (levels - 1) == 0 else None
    for _ in range(levels - 1):
        size, odd = divmod(size - 4, 2)
        if odd or size < 1:
            return None
    for _ in range(levels):
        size = size - 4 if size > 4 else 0
        if not size:
            return None
        size *= 2
    return size // 2
